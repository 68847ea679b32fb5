"""A data set is whole or absent, whatever happens while it is made; and the same twice."""

import errno
import multiprocessing
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import lmdb
import pytest
from filelock import FileLock

from evolve.base.errors import UserError
from evolve.datasets import Source, image_set, images, lookup, names, prepare

Place = Callable[..., dict[str, bytes]]
# Four images share a page of 4096 bytes; 2 % and 256 KiB more for each split.
NEEDED = (30 * 1024 * 102 // 100 + (1 << 18)) + (10 * 1024 * 102 // 100 + (1 << 18))


@pytest.fixture
def data(tmp_path: Path, place: Place) -> Path:
    place(tmp_path / "raw" / "mnist")
    return tmp_path


def _visible(data: Path) -> list[str]:
    """All but the raw files and the locks, which may stay."""
    return sorted(path.name for path in data.iterdir() if path.name != "raw" and path.suffix != ".lock")


def test_the_second_time_is_instant_and_touches_no_raw_file(data: Path, lines: list[str]) -> None:
    first = prepare("mnist", image_size=28, data=data, report=lines.append)
    shutil.rmtree(data / "raw")
    said = len(lines)
    began = time.process_time()
    assert prepare("mnist", image_size=28, data=data, report=lines.append) == first
    assert time.process_time() - began < 0.1 and len(lines) == said == 1
    assert images(first, "test", 2).shape == (2, 1, 28, 28)


def test_the_folder_is_absolute(data: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str]) -> None:
    monkeypatch.chdir(data.parent)
    done = prepare("mnist", image_size=28, data=Path(data.name), report=lines.append)
    assert done.folder == data / "mnist-28-seed1"


def test_same_seed_same_content(data: Path, lines: list[str]) -> None:
    def _made(seed: int) -> str:
        shutil.rmtree(data / f"digits-28-seed{seed}", ignore_errors=True)
        return prepare("digits", image_size=28, seed=seed, data=data, report=lines.append).sha256

    assert _made(1) == _made(1) != _made(2)


@pytest.mark.parametrize("name", ["mnist", "cifar10", "stl10"])
def test_what_is_the_same_for_every_seed_is_shared(name: str) -> None:
    source = lookup.find(name).source
    assert isinstance(source, Source) and source.shared


def test_all_seeds_read_one_copy_in_seed_1s_order(data: Path, lines: list[str]) -> None:
    first, second = (prepare("mnist", image_size=28, seed=seed, data=data, report=lines.append) for seed in (1, 2))
    assert first == second and _visible(data) == ["mnist-28-seed1"] and len(lines) == 1
    # The images that choose are the seed's own.
    for seed in (1, 2):
        kept = prepare("mnist", image_size=28, seed=seed, validation=15, data=data, report=lines.append)
        assert kept.folder.name == f"mnist-28-seed{seed}-validation15"


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, RuntimeError])
def test_a_stop_in_the_middle_leaves_nothing(
    data: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str], stop: type[BaseException]
) -> None:
    def _stops(folder: Path, *rest: object) -> None:
        if folder.name == "test":
            raise stop
        (folder / "train").mkdir(parents=True)

    with monkeypatch.context() as patched, pytest.raises(stop):
        patched.setattr(image_set, "write", _stops)
        prepare("mnist", image_size=28, data=data, report=lines.append)
    assert _visible(data) == []
    assert prepare("mnist", image_size=28, data=data, report=lines.append).counts["test"] == 10


def test_what_a_dead_process_left_is_removed(data: Path, lines: list[str]) -> None:
    stale = data / ".mnist-28-seed1.unfinished-1"
    (stale / "train").mkdir(parents=True)
    prepare("mnist", image_size=28, data=data, report=lines.append)
    assert _visible(data) == ["mnist-28-seed1"]
    assert lines[0] == f"{stale}: left behind by a process that died; removed"


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "DONE.json").unlink(),
        lambda folder: (folder / "DONE.json").write_text("{"),
        lambda folder: (folder / "DONE.json").write_text("[]"),
        lambda folder: (folder / "test" / "data.mdb").write_bytes(b"cut"),
        lambda folder: shutil.rmtree(folder / "train"),
    ],
)
def test_a_damaged_data_set_is_made_anew(
    data: Path, lines: list[str], damage: Callable[[Path], object]
) -> None:
    first = prepare("mnist", image_size=28, data=data, report=lines.append)
    damage(first.folder)
    assert prepare("mnist", image_size=28, data=data, report=lines.append) == first
    assert f"{first.folder}: is not as its DONE.json says; made anew" in lines
    assert _visible(data) == ["mnist-28-seed1"]


class Usage(NamedTuple):
    free: int


def test_too_little_space_is_said_before_writing(
    data: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str]
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(free=1000))
    with pytest.raises(UserError) as error:
        prepare("mnist", image_size=28, data=data, report=lines.append)
    assert str(error.value) == (
        f"{data}/mnist-28-seed1: expected {NEEDED} bytes free, got 1000; "
        "make room there, or choose another folder"
    )
    assert _visible(data) == []


@pytest.mark.parametrize(
    "failure",
    [
        lmdb.MapFullError("mdb_put: MDB_MAP_FULL"),
        lmdb.DiskError("mdb_txn_commit: No space left on device"),
        lmdb.Error("mdb_txn_commit: Input/output error"),  # what LMDB really says on a full tmpfs
        OSError(errno.ENOSPC, "No space left on device"),
    ],
)
def test_a_disk_that_fills_up_leaves_nothing(
    data: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str], failure: Exception
) -> None:
    def _fills(folder: Path, *rest: object) -> None:
        folder.mkdir()
        (folder / "data.mdb").write_bytes(b"some")
        monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(free=4096))
        raise failure

    monkeypatch.setattr(image_set, "write", _fills)
    with pytest.raises(UserError) as error:
        prepare("mnist", image_size=28, data=data, report=lines.append)
    assert str(error.value) == (
        f"{data}/mnist-28-seed1: expected {NEEDED} bytes free, got 4096; "
        "make room there, or choose another folder"
    )
    assert _visible(data) == []


def test_another_error_of_lmdb_is_not_called_a_full_disk(
    data: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str]
) -> None:
    def _fails(*rest: object) -> None:
        raise lmdb.Error("mdb_txn_commit: Input/output error")

    monkeypatch.setattr(image_set, "write", _fails)
    with pytest.raises(lmdb.Error, match="Input/output error"):
        prepare("mnist", image_size=28, data=data, report=lines.append)
    assert _visible(data) == []


def test_a_file_where_the_data_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(UserError) as error:
        prepare("mnist", image_size=28, data=tmp_path / "data")
    assert str(error.value) == (
        f"{tmp_path}/data: expected a place to write mnist-28-seed1, got File exists; "
        "choose another folder, or give the right to write there"
    )


def test_two_processes_make_it_once(data: Path) -> None:
    def _one(said: "multiprocessing.Queue[object]") -> None:
        lines: list[str] = []
        said.put((prepare("mnist", image_size=28, data=data, report=lines.append).sha256, lines))

    fork = multiprocessing.get_context("fork")  # so that the made-up md5 hold in the children
    said = fork.Queue()
    both = [fork.Process(target=_one, args=(said,)) for _ in range(2)]
    for process in both:
        process.start()
    results = [said.get(timeout=300) for _ in both]
    for process in both:
        process.join()
    assert results[0][0] == results[1][0]
    assert sum("images to train" in line for _, lines in results for line in lines) == 1


def test_who_waits_says_so(data: Path) -> None:
    other = FileLock(data / ".mnist-28-seed1.lock")
    lines: list[str] = []

    def _report(line: str) -> None:
        lines.append(line)
        other.release(force=True)

    with other:
        prepare("mnist", image_size=28, data=data, report=_report)
    assert lines[0] == (
        f"{data}/mnist-28-seed1: another process is preparing it; waiting for it "
        f"(its lock is {data}/.mnist-28-seed1.lock)"
    )


@pytest.mark.parametrize(
    ("name", "advice"),
    [("mnits", "write 'mnist'"), ("MNIST", "write 'mnist'"), ("zzz", "choose one of these")],
)
def test_an_unknown_name(tmp_path: Path, name: str, advice: str) -> None:
    for wanted, or_else in ((name, ""), ("mnist", name)):
        with pytest.raises(UserError) as error:
            prepare(wanted, image_size=28, or_else=or_else, data=tmp_path)
        assert str(error.value) == f"data set '{name}': expected one of {', '.join(names())}; {advice}"


def test_a_negative_seed(tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        prepare("mnist", image_size=28, seed=-1, data=tmp_path)
    assert str(error.value) == "data set 'mnist': expected a seed of 0 or more, got -1; choose another"
