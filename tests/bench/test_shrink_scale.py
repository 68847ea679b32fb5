"""What shrinking a large pruned network costs: the caffemodel on disk to the smaller one, written; without Caffe.

``python -m pytest -m bench -s tests/bench`` measures bvlc's AlexNet, 61 million weights; a second round has Caffe
compare both.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.bench.memory import status

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 5.0
TIMES_ITS_WEIGHTS = 3.0


@pytest.mark.bench
@pytest.mark.parametrize("dead", [0.4, 0.0])
def test_shrinking_61_million_weights(tmp_path: Path, dead: float) -> None:
    """At most 5 s and 3 times the weights' bytes, whether neurons go or none does."""
    size = _write_network(tmp_path, dead)
    command = [sys.executable, __file__, str(tmp_path)]
    child = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert child.returncode == 0, child.stderr
    *table, last = child.stdout.splitlines()
    made = json.loads(last)
    growth = made["bytes"] / size
    print("", *table, sep="\n")
    print(
        f"{size / 4:,.0f} weights, {dead:.0%} of the neurons dead: {min(made['seconds']):.2f} to "
        f"{max(made['seconds']):.2f} s, {min(made['cpu']):.2f} s of CPU, "
        f"memory +{made['bytes'] / 1e6:.0f} MB, x {growth:.2f} of the weights; "
        f"Caffe's comparison {made['verified']:.1f} s"
    )
    # One thread does it all: on a machine with nothing else to do, this is the time that it takes.
    assert min(made["cpu"]) <= SECONDS
    assert growth <= TIMES_ITS_WEIGHTS


def _write_network(folder: Path, dead: float) -> int:
    sys.path.insert(0, str(ROOT / "tests" / "network"))
    from famous_nets import alexnet

    from evolve.base import prototxt_text
    from evolve.network import shapes, weights

    net, random, size = alexnet(), np.random.default_rng(1), 0
    blobs: weights.Weights = {}
    for step in shapes.infer(net):
        for shape in step.blob_shapes:
            blob = random.standard_normal(shape, np.float32) / np.float32(np.sqrt(np.prod(shape[1:])))
            if len(shape) > 1 and step.layer.name != "fc8":
                blob[random.random(shape[0]) < dead] = 0
            blobs.setdefault(step.layer.name, []).append(blob)
            size += blob.nbytes
    prototxt_text.write(net, folder / "deploy.prototxt")
    weights.write(folder / "w.caffemodel", net, blobs)
    return size


def _measure(folder: Path) -> None:
    """In the child: three rounds without Caffe, whose peak of memory is measured, then one with it."""
    from trt import shrinking

    verify = shrinking._verify
    shrinking._verify = lambda *given: 0.0
    before = status("VmRSS")
    seconds, cpu = [], []
    for _ in range(3):
        started, worked = time.perf_counter(), time.process_time()
        shrinking.shrink(folder / "deploy.prototxt", folder / "w.caffemodel", folder / "out")
        seconds.append(time.perf_counter() - started)
        cpu.append(time.process_time() - worked)
    grown = status("VmHWM") - before
    shrinking._verify = verify
    started = time.perf_counter()
    table = shrinking.shrink(folder / "deploy.prototxt", folder / "w.caffemodel", folder / "out")
    print(table)
    verified = time.perf_counter() - started - min(seconds)
    print(json.dumps({"seconds": seconds, "cpu": cpu, "bytes": grown, "verified": verified}))


if __name__ == "__main__":
    _measure(Path(sys.argv[1]))
