"""A verb is a file: found by its name, as the Makefile knows it, with arguments whose meanings are told."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from evolve.command import verbs
from evolve.command.words import WORDS

ROOT = Path(__file__).resolve().parents[2]
FOUND = verbs.found()


def test_the_files_are_the_verbs() -> None:
    files = [*ROOT.glob("evolve/command/verbs/*.py"), *ROOT.glob("trt/verbs/*.py")]
    assert list(FOUND) == sorted(file.stem for file in files if file.name != "__init__.py")


def test_the_makefile_has_the_same() -> None:
    said = subprocess.run(["make", "-pn", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    (line,) = re.findall(r"^VERBS := (.+)$", said, flags=re.MULTILINE)
    assert sorted(line.split()) == list(FOUND)


@pytest.mark.parametrize(
    ("written", "hint"), [("evolv", "did you mean evolve?"), ("hlep", "did you mean help?"), ("xyz", "`make help` ")]
)
def test_make_answers_a_mistyped_verb_as_the_command_does(written: str, hint: str) -> None:
    said = subprocess.run(["make", written, "NET=lenet"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.returncode == 2 and f"make: {written}: expected a verb; {hint}" in said.stderr


@pytest.mark.parametrize("name", FOUND)
def test_make_help_tells_of_it(name: str) -> None:
    told = re.findall(r'^\t@echo "make (\w+)((?: \| \w+)*)', (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert name in {verb for first, more in told for verb in (first, *more.split(" | "))}


@pytest.mark.parametrize("name", FOUND)
def test_what_its_arguments_mean_is_told(name: str) -> None:
    known = FOUND[name].ARGUMENTS.split()
    assert set(known) <= set(WORDS) and len(set(known)) == len(known)
    assert FOUND[name].WHAT and FOUND[name].run.__module__.endswith(f".verbs.{name}")


def test_without_tensorrts_package_the_others_are_there() -> None:
    script = (
        "import sys; sys.modules['trt'] = None\n"
        "from evolve.command import command\n"
        "print(*command.VERBS); raise SystemExit(command.main(['evolve']))\n"
    )
    said = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.stdout.split() == [name for name, verb in FOUND.items() if not verb.run.__module__.startswith("trt")]
    assert said.returncode == 2 and said.stderr.startswith("cavefish: evolve: expected NET=")


def test_a_verb_brings_neither_caffe_nor_figures_before_it_runs() -> None:
    script = "import sys; from evolve.command import command; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"caffe", "matplotlib", "onnx", "onnxruntime"} & set(said.stdout.split())
