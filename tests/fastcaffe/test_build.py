"""The builder takes what is in the cache only while it is whole; no test builds the fast layers here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from fastcaffe import build  # noqa: E402
from fastcaffe.library import NAME, library_path  # noqa: E402


def made(folder: Path) -> Path:
    """A library with oneDNN's beside it, which it needs as built ones do."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nothing.c").touch()
    beside = folder / build.SONAME
    options = ["-Wl,--no-as-needed", "-Wl,-rpath,$ORIGIN", str(beside)]
    for target, more in ((beside, [f"-Wl,-soname,{build.SONAME}"]), (folder / NAME, options)):
        command = ["g++", "-shared", "-x", "c", str(folder / "nothing.c"), "-x", "none", *more, "-o", str(target)]
        subprocess.run(command, check=True)
    return folder / NAME


def test_a_library_that_lost_onednns_is_built_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where somebody tidied up the cache: it could not be loaded, and the builder, called by itself, let it be."""
    (libcaffe := tmp_path / "libcaffe.so.1.0.0").write_bytes(b"Caffe")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(build, "ask_python", lambda python: build.Caffe(tmp_path, {"caffe": libcaffe}))
    built: list[Path] = []

    def anew(python: str, caffe: build.Caffe, library: Path) -> None:
        built.append(made(library.parent))

    monkeypatch.setattr(build, "build", anew)
    library = library_path(libcaffe)
    for gone, builds in ((None, 1), (None, 1), (build.SONAME, 2), (None, 2), (NAME, 3)):
        if gone:
            (library.parent / gone).unlink()
        assert build.main([]) == 0 and built == [library] * builds
        assert capsys.readouterr().out == f"{library}\n"


def test_without_ldd_a_library_that_is_there_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / NAME).touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert build.is_whole(tmp_path / NAME) and not build.is_whole(tmp_path / "another.so")


def test_what_needs_no_onednn_is_whole(tmp_path: Path) -> None:
    (tmp_path / "nothing.c").touch()
    command = ["g++", "-shared", "-x", "c", str(tmp_path / "nothing.c"), "-o", str(tmp_path / NAME)]
    subprocess.run(command, check=True)
    assert build.is_whole(tmp_path / NAME)
