"""Commands that pages show are commands that there are: verbs, words and settings; those of two pages are run here."""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from recipes import ROOT

from evolve.command import verbs
from evolve.command.arguments import checked
from evolve.settings import changes
from tests.forks import FORKS

# extending.md's commands are about what its recipes make, and its own test follows those.
DOCS = sorted(page for page in (ROOT / "docs").glob("*.md") if page.stem != "extending")
PAGES = [ROOT / "README.md", *DOCS, ROOT / "datasets/README.md", ROOT / "trt/README.md"]
PAGES += [ROOT / "evolve/sweep/README.md", ROOT / "fastcaffe/README.md"]
VERBS = verbs.found()
TARGETS = set(re.findall(r"^([a-z][\w-]*)(?: [a-z][\w -]*)?:", (ROOT / "Makefile").read_text(), re.MULTILINE))
OWN = {"PYTHON", "VENV", "CAFFE_ROOT", "CAFFE_SRC", "CAFFE_WHEEL", "TENSORRT", "ARGS", "PYTEST", "TORTURE_RESULTS"}

_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`((?:make|cavefish) [a-z][^`]*)`")


def shown(page: Path) -> Iterator[list[str]]:
    """The words of every command that a page shows, without the program's name; what is left open is left out."""
    text = page.read_text(encoding="utf-8")
    lines = "\n".join(_BLOCK.findall(text)).replace("\\\n", " ").splitlines() + _INLINE.findall(text.replace("\n", " "))
    for line in lines:
        words = shlex.split(line, comments=True)
        if words and words[0].rpartition("/")[2] in ("make", "cavefish") and len(words) > 1:
            yield [word for word in words[1:] if "…" not in word and "..." not in word]


COMMANDS = [(page.relative_to(ROOT).as_posix(), words) for page in PAGES for words in shown(page)]


@pytest.mark.parametrize(("page", "words"), COMMANDS, ids=[f"{page}: {' '.join(words)}" for page, words in COMMANDS])
def test_it_is_a_command(page: str, words: list[str]) -> None:
    name, *others = words
    assert name in VERBS or name in TARGETS or name.startswith("-")
    given = [word for word in others if word.partition("=")[0] not in OWN and "=" in word]
    if name in VERBS:
        known = VERBS[name].ARGUMENTS.split()
        # What a sentence leaves out is no fault of the command's.
        required = [f"{known[0]}=x"] if known and not any(word.startswith(f"{known[0]}=") for word in given) else []
        found = checked(name, known, [*required, *given])
        # UserError for a setting that there is not.
        assert bool(changes.parse(found.get("SET", ""))) == ("SET" in found)


def test_there_are_many() -> None:
    assert len(COMMANDS) > 60 and {"evolve", "check", "sweep", "onnx"} <= {words[0] for _, words in COMMANDS}


SMALL = "dataset.name=digits; ancestor_training=8it; offspring_training=4it"
# What the pages have, and what is there to be run on.
ELSE = {"GEN=13": "GEN=2", "RUN=seed1,seed2,seed3": "RUN=seed1"}
RUN_HERE = [(page, words) for page, words in COMMANDS if page in ("docs/figures.md", "docs/shrink_and_fold.md")]


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("CAVEFISH_")}
    env |= {"PYTHONPATH": str(ROOT), "CAVEFISH_OFFLINE": "1"}
    return FORKS.command(*words, folder=folder, environment=env)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a small run of two generations lies, and copies of its files by the names that the pages use."""
    folder = tmp_path_factory.mktemp("place")
    made = command(folder, "evolve", "NET=lenet", "GEN=2", "RUN=seed1", f"SET={SMALL}", "THREADS=1")
    assert made.returncode == 0, made.stderr
    (generation,) = folder.glob("runs/lenet/seed1/gen002")
    shutil.copy(generation / "deploy.prototxt", folder)
    for name in ("w.caffemodel", "pruned.caffemodel"):
        shutil.copy(generation / "weights.caffemodel", folder / name)
    return folder


@pytest.mark.parametrize(
    "words", [words for _, words in RUN_HERE if words[0] in VERBS and words[0] != "serve" and len(words) > 1],
    ids=lambda words: " ".join(words),
)  # fmt: skip
def test_it_runs(place: Path, words: list[str]) -> None:
    if any(word.startswith("RUN=mnist:") for word in words):
        shutil.copytree(ROOT / "results/lenet", place / "results/lenet")
    done = command(place, *(ELSE.get(word, word) for word in words))
    assert done.returncode == 0 and not done.stderr, done.stderr
