"""A real evolution where paths hold what shells and lists stumble over, beside a foreign `datasets`, without a HOME."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from evolve.base.caffe_messages import package
from fastcaffe.library import cache_folder, library_path
from tests.sweep.conftest import make_place

ROOT = Path(__file__).resolve().parents[2]
ODD = "o dd $HOME #y&z é (鱼) 'q\" \\n"


@pytest.fixture
def caffe(tmp_path: Path) -> Path:
    """The folder of a package caffe, this environment's, at an odd place."""
    installed = package()
    assert installed
    folder = tmp_path / f"packages of {ODD}"
    for each in installed.parent.glob("caffe*"):
        if each.is_dir():
            shutil.copytree(each, folder / each.name, copy_function=_link)
    return folder


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def test_a_run_from_end_to_end(tmp_path: Path, caffe: Path) -> None:
    place = make_place(tmp_path / ODD)
    settings = place.folder / "tiny" / "evolution.prototxt"
    settings.write_text(settings.read_text().replace('"100it"', '"20it"').replace('"40it"', '"10it"'))
    # Hugging Face's package has this name too.
    (tmp_path / "foreign/datasets").mkdir(parents=True)
    (tmp_path / "foreign/datasets/__init__.py").write_text("raise ImportError('the foreign one')\n")
    paths = os.pathsep.join(map(str, (caffe, tmp_path / "foreign", ROOT)))
    kept = {"PATH": os.environ["PATH"], "XDG_CACHE_HOME": str(cache_folder().parents[1])}
    env = kept | {"PYTHONPATH": paths, "CAVEFISH_OFFLINE": "1", "LC_ALL": "C"}

    def cavefish(*words: str) -> str:
        command = [sys.executable, "-m", "evolve.command.command", *words]
        done = subprocess.run(command, cwd=place.folder, env=env, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout

    assert "sound" in cavefish("check", f"NET={place.folder / 'tiny'}")
    cavefish("evolve", "NET=tiny", "GEN=2", "THREADS=1")
    versions = json.loads((place.runs / "seed1/gen002/metrics.json").read_text())["versions"]
    assert versions["caffe_path"] == str(caffe / "caffe")
    (libcaffe,) = (caffe / "caffe").glob("libcaffe.so*")
    assert versions["layers"] == ("fast" if library_path(libcaffe).exists() else "stock")
    assert "tiny" in cavefish("table")
    assert [Path(line).suffix for line in cavefish("plot").splitlines()] == [".png", ".svg"]
