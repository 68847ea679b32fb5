"""Whatever is imported is declared: what a plain install needs, what an extra brings, what tests take besides."""

import ast
import functools
import re
import runpy
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[1]
# Caffe is built here and on no index; the devices' programs take what is on the board.
OURS = {"evolve", "trt", "fastcaffe", "tests", "caffe", "google", "_typeshed"}
PACKAGES = ("evolve", "fastcaffe", "datasets")  # what a plain install has, engines aside
BOARDS = {ROOT / "trt" / "tx1", ROOT / "trt" / "devices"}


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """The distributions of setup.py, by extra; "" is what every install has."""
    given: dict[str, dict[str, list[str]]] = {}
    # An environment of Python 3.12 or newer has no setuptools: pip has it while it builds alone.
    stand_in = SimpleNamespace(setup=lambda **named: given.update(named), find_packages=lambda **named: [])
    monkeypatch.setitem(sys.modules, "setuptools", stand_in)
    runpy.run_path(str(ROOT / "setup.py"))
    listed = {"": given["install_requires"], **given["extras_require"]}
    return {extra: {_canonical(each) for each in those} for extra, those in listed.items()}


def test_a_plain_install_has_all_that_evolution_imports(declared: dict[str, set[str]]) -> None:
    files = [file for package in PACKAGES for file in _files(package) if file.name != "cluster.py"]
    assert _missing(files, declared[""]) == {}


def test_extras_bring_the_rest(declared: dict[str, set[str]]) -> None:
    extras = set().union(*(those for extra, those in declared.items() if extra not in ("test", "lint")))
    assert _missing([*_files("evolve"), *_files("trt")], extras) == {}
    assert _missing([*_files("trt/onnx"), *_files("trt/c")], declared[""] | declared["onnx"]) == {}
    assert _missing([ROOT / "trt/range_report.py"], declared[""] | declared["engine"]) == {}
    assert _missing(_files("trt/speed"), declared[""] | declared["bench"] | declared["tensorrt"]) == {}
    assert _missing([ROOT / "evolve/sweep/cluster.py"], declared[""] | declared["dask"]) == {}


def test_what_is_declared_is_imported(declared: dict[str, set[str]]) -> None:
    names = {name for package in PACKAGES for file in _files(package) for name in _imports(file)}
    taken = {_canonical(each) for name in names for each in _distributions(name)}
    # Protobuf's namespace package is shared with others; of scikit-learn the digits' file alone is read.
    assert declared[""] - taken == {"protobuf", "scikit-learn"}


def _files(package: str) -> list[Path]:
    return [file for file in sorted((ROOT / package).rglob("*.py")) if not BOARDS & {*file.parents}]


def _missing(files: Iterable[Path], known: set[str]) -> dict[str, str]:
    """Of what is imported and of no known distribution: which file of ours does so."""
    found = {}
    for file in files:
        for name in _imports(file):
            if not {_canonical(each) for each in _distributions(name)} & known:
                found[name] = str(file.relative_to(ROOT))
    return found


def _imports(file: Path) -> Iterator[str]:
    """Top-level names of others that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        for name in {each.partition(".")[0] for each in names}:
            if name not in sys.stdlib_module_names and name not in OURS:
                yield name


_every = functools.cache(packages_distributions)


def _distributions(name: str) -> list[str]:
    return list(_every().get(name, [name]))


def _canonical(requirement: str) -> str:
    """A requirement's distribution, as indexes compare names."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()  # type: ignore[index]
