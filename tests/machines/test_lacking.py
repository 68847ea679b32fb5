"""What the set-up looks at before pip begins: room, rights, whether programs run there, and the C library."""

import errno
import importlib
import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "third_party"))

lacking = importlib.import_module("lacking")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with nothing in it; a disk with 1.9 GB free that programs run from."""
    for name in ("XDG_CACHE_HOME", "CAFFE_ROOT", "CAFFE_WHEEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "checkout").mkdir()
    disk(monkeypatch, 1_900_000_000)
    return tmp_path


def disk(monkeypatch: pytest.MonkeyPatch, free: int, flags: int = 0) -> None:
    """Every disk is like this."""
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=free))
    monkeypatch.setattr(os, "statvfs", lambda place: SimpleNamespace(f_flag=flags))


def test_a_whole_machine_lacks_nothing(home: Path) -> None:
    assert lacking.lacking_places(home / "checkout/.venv") == []


def test_one_disk_needs_room_for_both(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    venv = home / "checkout/.venv"
    disk(monkeypatch, 1_700_000_000)
    assert lacking.lacking_places(venv) == [
        f"{home}: 1.7 GB free, 1.8 are needed: make room there, or XDG_CACHE_HOME=another folder"
    ]
    disk(monkeypatch, 500_000_000)
    (first, _) = lacking.lacking_places(venv)
    assert first == f"{home}/checkout: 0.5 GB free, 0.8 are needed: make room there, or VENV=another folder"
    venv.mkdir()
    (home / ".cache/cavefish/caffe/key").mkdir(parents=True)
    (home / ".cache/cavefish/caffe/key/caffe-1.0-cp311.whl").touch()
    assert lacking.lacking_places(venv) == []  # it is made anew in its own place, and Caffe is built


def test_a_given_caffe_needs_no_cache(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk(monkeypatch, 900_000_000)
    monkeypatch.setenv("CAFFE_WHEEL", "wheels")
    assert lacking.lacking_places(home / "checkout/.venv") == []


def test_a_disk_that_no_program_runs_from(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk(monkeypatch, 1_900_000_000, os.ST_NOEXEC)
    noexec = "is on a disk that no program runs from (noexec)"
    assert lacking.lacking_places(home / "checkout/.venv") == [
        f"{home}/checkout {noexec}: VENV=another folder",
        f"{home} {noexec}: XDG_CACHE_HOME=another folder",
    ]


def test_a_home_that_is_read_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda place, how: Path(place) != home)
    assert lacking.lacking_places(home / "checkout/.venv") == [
        f"{home} is not yours to write to: XDG_CACHE_HOME=another folder"
    ]


def test_a_folder_below_one_that_is_not_the_users_to_look_into(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed, stat = home / "closed", os.stat
    closed.mkdir()

    def refused(place: Path, **how: bool) -> os.stat_result:
        if closed in Path(place).parents:
            raise PermissionError(errno.EACCES, "Permission denied", str(place))
        return stat(place, **how)

    monkeypatch.setattr(os, "stat", refused)
    monkeypatch.setattr(os, "access", lambda place, how: Path(place) != closed)
    monkeypatch.setenv("XDG_CACHE_HOME", f"{closed}/my/cache")
    with pytest.raises(PermissionError):
        (closed / "my").exists()
    assert lacking.lacking_places(closed / "my/.venv") == [
        f"{closed} is not yours to write to: {variable}=another folder" for variable in ("VENV", "XDG_CACHE_HOME")
    ]


def test_no_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)  # a number that nobody has, as in a container
    remedy = "there is no home folder to keep Caffe's build in: XDG_CACHE_HOME=a folder"
    assert lacking.lacking_places(home / "checkout/.venv") == [remedy]
    from fastcaffe import library

    with pytest.raises(OSError, match="no cache folder: .* XDG_CACHE_HOME chooses one"):
        library.cache_folder()


@pytest.mark.parametrize("version", ["glibc 2.34", "glibc 2.36", "glibc 3.0"])
def test_a_c_library_that_serves(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "confstr", lambda name: version)
    assert lacking.lacking_glibc() == []


@pytest.mark.parametrize("version, got", [("glibc 2.31", "glibc 2.31"), (None, "another C library")])
def test_a_c_library_that_does_not(version: str | None, got: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAFFE_ROOT", raising=False)
    monkeypatch.setattr(os, "confstr", lambda name: version)
    (told,) = lacking.lacking_glibc()
    assert told.startswith("expected glibc 2.34 or newer (Debian 12, ") and told.endswith(f"got {got}; or CAFFE_ROOT=")
    monkeypatch.setenv("CAFFE_ROOT", "/my/caffe")
    assert lacking.lacking_glibc() == []


def test_the_users_words_to_pip_do_not_lead_it_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_TARGET", "/elsewhere")
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    clean = lacking.clean_environment()
    assert clean["PIP_USER"] == "0" and not {"PIP_TARGET", "PYTHONSAFEPATH"} & clean.keys()
