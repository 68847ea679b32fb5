"""What is installed has no top-level `datasets`: Hugging Face's may lie beside it, and neither harms the other."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from evolve.datasets import names

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = [
    *("cifar10", "coco", "digits", "images", "kitti", "kitti_text", "lmdb", "mnist", "parse27k", "stl10", "streets"),
    *("voc", "yolo"),
]
LOOK = """
import sys
from pathlib import Path
import evolve.datasets
from evolve.datasets import lookup
made = evolve.datasets.prepare("digits", image_size=28, data=Path("data"), report=lambda line: None)
assert "datasets" not in sys.modules
import datasets
print(made.sha256, lookup.folder(), datasets.__file__, *evolve.datasets.names())
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages as pip would fill it from a wheel, with a `datasets` of somebody else's among them."""
    pytest.importorskip("setuptools", reason="no setuptools: `make test` brings it into a new environment")
    folder = tmp_path_factory.mktemp("site-packages")
    command = [sys.executable, "-W", "ignore", "setup.py", "-q", "build_py", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert sorted(path.name for path in folder.iterdir()) == ["evolve", "fastcaffe", "trt"]
    (folder / "datasets").mkdir()
    (folder / "datasets" / "__init__.py").write_text("def load_dataset(): ...\n")
    (folder / "datasets" / "digits.py").write_text("SOURCE = 'theirs'\n")
    return folder


def test_every_file_of_the_folder_is_installed_within_evolve(packages: Path) -> None:
    shipped = {path.name: path.read_bytes() for path in (ROOT / "datasets").glob("*.py")}
    assert {path.name: path.read_bytes() for path in (packages / "evolve/datasets/sets").iterdir()} == shipped
    assert sorted(name.removesuffix(".py") for name in shipped) == names() == SHIPPED
    assert not (ROOT / "datasets" / "__init__.py").exists() and not (ROOT / "evolve/datasets/sets").exists()


@pytest.mark.parametrize("folder", ["evolve", "trt", "fastcaffe", "prototxt"])
def test_whatever_is_no_page_is_installed(packages: Path, folder: str) -> None:
    """Code, prototxts, tables, styles and kernels, and that all of it has types."""
    into = packages / "evolve" / folder if folder == "prototxt" else packages / folder
    files = [path.relative_to(ROOT / folder) for path in (ROOT / folder).rglob("*") if path.is_file()]
    wanted = [path for path in files if path.suffix not in (".md", ".pyc", ".so") and path.name[0] != "."]
    assert wanted and [path for path in wanted if not (into / path).is_file()] == []
    assert folder == "prototxt" or (into / "py.typed").is_file()


@pytest.mark.parametrize("from_checkout", [False, True], ids=["installed", "checkout"])
def test_theirs_beside_ours(tmp_path: Path, packages: Path, from_checkout: bool) -> None:
    found = {"PYTHONPATH": os.pathsep.join([*([str(ROOT)] if from_checkout else []), str(packages)])}
    looked = subprocess.run(
        [sys.executable, "-c", LOOK], cwd=tmp_path, env={**os.environ, **found, "CAVEFISH_OFFLINE": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert looked.returncode == 0, looked.stderr
    sha256, folder, theirs, *known = looked.stdout.split()
    assert sha256 == "e62415bb2c00cee8880d9d7ba5c1c7c0c5fd2205b4ee00d975dd75891463907f"
    assert folder == str(ROOT / "datasets" if from_checkout else packages / "evolve/datasets/sets")
    assert theirs == str(packages / "datasets" / "__init__.py") and known == SHIPPED
