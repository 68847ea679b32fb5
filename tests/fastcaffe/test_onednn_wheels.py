"""oneDNN's wheels: what is refused, and what is said where they cannot be had. No test reaches a package index."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from fastcaffe import onednn_wheels  # noqa: E402

NAMES = ("onednn_cpu_gomp-2023.2.0", "onednn_devel_cpu_gomp-2023.2.0")
NOWHERE = "http://127.0.0.1:9/simple"  # nobody listens there
QUIET = {"PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "0", "PIP_EXTRA_INDEX_URL": "", "PIP_FIND_LINKS": ""}


def wheel(folder: Path, name: str) -> Path:
    """A wheel of that name, without what it should hold."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-py2.py3-none-manylinux1_x86_64.whl"
    project, version = name.split("-")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n")
    return path


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (QUIET | {"PIP_INDEX_URL": NOWHERE, "DNNL_ROOT": ""}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(onednn_wheels.platform, "machine", lambda: "x86_64")


@pytest.mark.usefixtures("offline")
def test_without_an_index_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(onednn_wheels.CannotFetch) as caught:
        onednn_wheels.get_onednn(sys.executable, tmp_path)
    assert str(caught.value).startswith("oneDNN's wheels cannot be fetched:\n")
    assert str(caught.value).endswith("or set DNNL_ROOT to a oneDNN 3.x of your own.")


@pytest.mark.usefixtures("offline")
def test_wheels_of_other_contents_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = tmp_path / "index"
    for name in NAMES:
        page = index / name.split("-")[0].replace("_", "-") / "index.html"
        link = wheel(page.parent, name).name
        page.write_text(f'<a href="{link}">{link}</a>')
    monkeypatch.setenv("PIP_INDEX_URL", index.as_uri())
    with pytest.raises(onednn_wheels.CannotFetch, match="DO NOT MATCH THE HASHES"):
        onednn_wheels.get_onednn(sys.executable, tmp_path / "downloads")
    assert not list((tmp_path / "downloads").glob("*/lib"))


@pytest.mark.usefixtures("offline")
def test_wheels_whose_library_somebody_took_are_unpacked_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = wheel(tmp_path, NAMES[0])
    with zipfile.ZipFile(whole, "a") as archive:
        archive.writestr(f"{NAMES[0]}.data/data/lib/libdnnl.so.3", b"oneDNN")
        archive.writestr(f"{NAMES[0]}.data/data/include/dnnl.h", b"its header")
    monkeypatch.setattr(onednn_wheels, "_fetch", lambda python, folder: [whole])
    for _ in range(2):
        found = onednn_wheels.get_onednn(sys.executable, tmp_path / "downloads")
        assert found and found.library.read_bytes() == b"oneDNN" and (found.include / "dnnl.h").exists()
        found.library.unlink()


@pytest.mark.usefixtures("offline")
def test_a_wheel_that_was_damaged_in_the_cache_is_not_used(tmp_path: Path) -> None:
    for name in NAMES:
        wheel(onednn_wheels.wheels_folder(tmp_path), name)
    with pytest.raises(onednn_wheels.CannotFetch):
        onednn_wheels.get_onednn(sys.executable, tmp_path)


def test_a_root_without_onednn_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DNNL_ROOT", str(tmp_path))
    with pytest.raises(onednn_wheels.CannotFetch) as caught:
        onednn_wheels.get_onednn(sys.executable, tmp_path)
    assert str(caught.value) == f"DNNL_ROOT={tmp_path}: no lib/libdnnl.so.3 there; it must be oneDNN 3.x"


def test_processors_without_wheels_do_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DNNL_ROOT", raising=False)
    monkeypatch.setattr(onednn_wheels.platform, "machine", lambda: "aarch64")
    assert onednn_wheels.get_onednn(sys.executable, tmp_path) is None


def test_the_builder_ends_with_2_and_leaves_nothing(tmp_path: Path) -> None:
    env = {**os.environ, **QUIET, "PIP_INDEX_URL": NOWHERE, "DNNL_ROOT": "", "XDG_CACHE_HOME": str(tmp_path)}
    command = [sys.executable, str(ROOT / "fastcaffe/build.py"), "--python", sys.executable]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("fastcaffe: oneDNN's wheels cannot be fetched:\n") and "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.glob("cavefish/fastcaffe/*")) == ["build.log", "downloads", "lock"]
