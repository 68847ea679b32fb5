"""A verb is a file: found by its name, as the Makefile knows it, with arguments whose meanings are told."""

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from evolve.command import command, verbs
from evolve.command.words import WORDS
from tests.runs import made_up

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


@pytest.mark.parametrize("verb", ["report", "plot", "frontier"])
def test_a_place_that_cannot_be_written_is_the_users_to_mend(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = made_up.write(tmp_path / "net" / "seed1", [made_up.metrics(n, 0.9) for n in (1, 2)])
    (tmp_path / "taken").touch()
    assert command.main([verb, f"RUN={run}", f"OUT={tmp_path}/taken/in"]) == 2
    assert capsys.readouterr().err == (
        f"cavefish: {tmp_path}/taken/in: expected to write there, got Not a directory; name another OUT=\n"
    )


@pytest.mark.parametrize(("number", "status"), [(errno.ENOSPC, 2), (errno.EACCES, 2), (errno.ENOENT, 1)])
def test_what_a_disk_refuses_anywhere_is_no_fault_of_cavefish(
    number: int, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(arguments: object) -> int:
        raise OSError(number, os.strerror(number), "/some/file")

    monkeypatch.setattr(command.VERBS["count"], "run", refused)
    assert command.main(["count", "MODEL=x"]) == status
    assert ("fault of Cavefish" in capsys.readouterr().err) == (status == 1)


def test_a_folder_that_has_gone_meanwhile_is_no_fault_of_cavefish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    monkeypatch.delenv("CAVEFISH_RUNS", raising=False)
    assert command.main(["report"]) == 2
    assert capsys.readouterr().err == (
        "cavefish: expected a folder to work in, got one that is no longer there; go to another\n"
    )
