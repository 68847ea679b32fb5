"""Batches ahead of the solver: the same bits, a bounded queue, errors with text, and no process left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from detectnet_examples import label_datum, label_of, python, store

from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.detectnet import batches
from evolve.detectnet.batches import Batch, Shapes
from evolve.detectnet.prefetch import Prefetch
from evolve.network.layers import detectnet_parameters as parameters

Pair = Callable[[int], tuple[Path, Path]]


def param_str(images: Path, boxes: Path, processes: int, prefetch: int = 4, batch: int = 2, start: int = 0) -> str:
    return (
        "detectnet_groundtruth_param { stride: 16 image_size_x: 160 image_size_y: 96 object_class { src: 1 dst: 0 } } "
        f'data_param {{ source: "{images}" label_source: "{boxes}" batch_size: {batch} processes: {processes} '
        f"prefetch: {prefetch} start: {start} }} seed: 4"
    )


def begin(text: str) -> tuple[Prefetch, Shapes]:
    given = parameters.parse(text)
    assert given.data
    shapes = Shapes.of(given, given.data.batch_size, 8)
    return Prefetch(text, given, shapes, train=True), shapes


def empty(shapes: Shapes) -> Batch:
    return shapes.views(np.full(shapes.count, 777, np.float32))


def taken(text: str, count: int) -> list[Batch]:
    ahead, shapes = begin(text)
    made = [empty(shapes) for _ in range(count)]
    for batch in made:
        ahead.get(batch)
    ahead.close()
    return made


def same(one: list[Batch], other: list[Batch]) -> bool:
    return all(np.array_equal(a, b) for x, y in zip(one, other, strict=True) for a, b in zip(x, y, strict=True))


def directly(text: str, count: int) -> list[Batch]:
    given = parameters.parse(text)
    assert given.data
    examples = batches.open_examples(given.data)
    shapes = Shapes.of(given, given.data.batch_size, 8)
    made = [empty(shapes) for _ in range(count)]
    for number, batch in enumerate(made):
        batches.make(number, examples, given, True, batch)
    return made


def test_batches_are_the_same_bits_whatever_the_processes(pair: Pair) -> None:
    folders = pair(5)
    expected = directly(param_str(*folders, 1), 9)
    assert not same(expected[:1], expected[5:6])
    for processes, prefetch in ((1, 1), (2, 2), (2, 5), (3, 4)):
        assert same(taken(param_str(*folders, processes, prefetch), 9), expected)


def test_a_resumed_training_goes_on_with_the_same_batches(pair: Pair) -> None:
    folders = pair(5)
    whole = directly(param_str(*folders, 1), 6)
    assert same(taken(param_str(*folders, 1, start=2 * 4), 2), whole[4:])


def test_no_more_is_made_than_there_are_slots(pair: Pair) -> None:
    folders = pair(5)
    ahead, shapes = begin(param_str(*folders, 1, prefetch=3))
    ahead.get(empty(shapes))
    expected = directly(param_str(*folders, 1), 4)[1:]

    def waiting() -> list[Batch]:
        # Batches 1, 2 and 3 in their slots, where batch 4 may not take the place of 1 before that is taken.
        return [shapes.views(ahead._slots[slot].copy()) for slot in (1, 2, 0)]

    end = time.monotonic() + 300
    while not same(waiting(), expected) and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.3)
    assert same(waiting(), expected)
    ahead.close()


def test_an_error_in_the_process_reaches_the_solver_with_its_text(tmp_path: Path, pair: Pair) -> None:
    images, boxes = pair(3)
    store(images, {"00000002": caffe_pb2.Datum(channels=3, height=9, width=9, data=b"short").SerializeToString()})
    ahead, shapes = begin(param_str(images, boxes, 1))
    ahead.get(empty(shapes))
    with pytest.raises(UserError) as error:
        ahead.get(empty(shapes))
    assert str(error.value) == (
        f"{images}: record '00000002': expected 3 x 9 x 9 = 243 values, got 5; make the data again"
    )
    assert all(worker.status() is not None for worker in ahead._workers)


def test_a_process_that_is_killed_is_an_error_not_a_hang(pair: Pair) -> None:
    ahead, shapes = begin(param_str(*pair(3), 1, prefetch=1))
    ahead.get(empty(shapes))
    ahead._workers[0].kill()
    with pytest.raises(UserError, match="the process that makes batches was killed; most often because memory ran out"):
        for _ in range(3):
            ahead.get(empty(shapes))


HOLD = """
import signal, sys, time, numpy
# A shell that starts something in the background has it ignore Ctrl-C, and its children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
from evolve.detectnet import batches
from evolve.network.layers import detectnet_parameters as parameters
from evolve.detectnet.prefetch import Prefetch
given = parameters.parse(sys.argv[1])
shapes = batches.Shapes.of(given, 2, 8)
ahead = Prefetch(sys.argv[1], given, shapes, True)
ahead.get(shapes.views(numpy.empty(shapes.count, numpy.float32)))
print(*[worker.pid for worker in ahead._workers], flush=True)
time.sleep(float(sys.argv[2]))
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie waits for whoever adopted it; it runs no more.
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pids: list[int], seconds: float = 300) -> bool:
    end = time.monotonic() + seconds
    while any(map(alive, pids)) and time.monotonic() < end:
        time.sleep(0.05)
    return not any(map(alive, pids))


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_processes_die_with_their_parent(pair: Pair, blow: signal.Signals) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", HOLD, param_str(*pair(3), 2), "3600"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert parent.stdout
    pids = [int(word) for word in parent.stdout.readline().split()]
    assert len(pids) == 2 and all(map(alive, pids))
    parent.send_signal(blow)
    assert gone(pids)
    parent.wait()
    parent.stdout.close()


def test_a_parent_that_ends_without_a_word_leaves_none(tmp_path: Path, pair: Pair) -> None:
    pids = python(tmp_path, HOLD, (param_str(*pair(3), 2), "0")).stdout.split()
    assert len(pids) == 2 and gone([int(pid) for pid in pids])


def test_labels_with_more_boxes_than_the_first_one_has_room_for(tmp_path: Path, pair: Pair) -> None:
    images, boxes = pair(3)
    store(boxes, {"00000001": label_datum(label_of([(1, 1, 9, 9, 1)] * 9, max_boxes=9))})
    with pytest.raises(UserError, match="example 1: expected at most 8 boxes, got 9; make the data again"):
        taken(param_str(images, boxes, 1), 1)
