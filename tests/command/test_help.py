"""What the command says of itself, and completes."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from evolve import __version__
from evolve.command import command, completion, verbs, words
from evolve.settings import networks
from trt import device_folder
from trt.inference import preparation
from trt.onnx import target
from trt.speed.engines import ENGINES

FOUND = verbs.found()


def told(capsys: pytest.CaptureFixture[str], *given: str) -> str:
    assert command.main(list(given)) == 0
    return capsys.readouterr().out


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "--version") == f"cavefish {__version__}\n"


def test_help_lists_verbs_and_words_within_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    said = told(capsys, "help")
    assert all(f"\n  {name} " in said for name in FOUND) and all(f"\n  {word}=" in said for word in words.WORDS)
    assert max(map(len, said.splitlines())) <= 80
    assert told(capsys, "--help") == told(capsys, "-h") == said
    # Without a verb nothing was done.
    assert command.main([]) == 2 and capsys.readouterr().out == said


@pytest.mark.parametrize("name", FOUND)
def test_help_of_a_verb_has_its_words_alone(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = told(capsys, name, "--help")
    assert said.startswith(f"usage: cavefish {name} [NAME=value ...]") and max(map(len, said.splitlines())) <= 80
    for word in words.WORDS:
        assert (f"\n  {word}=" in said) == (word in FOUND[name].ARGUMENTS.split())
    assert told(capsys, "help", name) == said


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("evolv", "did you mean evolve?"), ("clasify", "did you mean classify?"), ("tabel", "did you mean table?"),
        ("xyz", "`cavefish help` lists them"), ("NET=lenet", "`cavefish help` lists them"),
    ],
)  # fmt: skip
def test_a_mistyped_verb(written: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([written, "NET=lenet"]) == 2
    assert capsys.readouterr().err == f"cavefish: {written}: expected a verb; {hint}\n"


def completed(shell: str, script: Path, line: str, place: Path) -> list[str]:
    """What bash offers for a line that is typed so far; zsh's own completion cannot be asked without a terminal."""
    asks = f"source {script}; COMP_LINE='{line}'; COMP_POINT={len(line)}; _cavefish; echo \"${{COMPREPLY[@]}}\""
    command = [shell, "-c", asks]
    said = subprocess.run(command, cwd=place, capture_output=True, text=True, check=True, env={"PATH": "/bin"})
    return sorted(said.stdout.split())


def test_bash_completes_verbs_words_and_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "completion"
    script.write_text(told(capsys, "completion"))
    for run in ("seed1", "seed2"):
        (tmp_path / "runs" / "lenet" / run).mkdir(parents=True)
        (tmp_path / "runs" / "lenet" / run / "lineage.csv").touch()
    (tmp_path / "w.caffemodel").touch()

    def offered(line: str) -> list[str]:
        return completed("bash", script, line, tmp_path)

    assert offered("cavefish ch") == ["check", "choose"]
    assert offered("cavefish ") == sorted([*FOUND, "help"])
    assert offered("cavefish choose ") == ["NET=", "RUN=", "WITHIN="]
    assert offered("cavefish evolve NET=lenet S") == ["SCHEDULE=", "SEED=", "SET="]
    # Bash breaks words at =: the value alone is wanted.
    assert offered("cavefish evolve NET=") == networks.names()
    assert offered("cavefish report NET=lenet RUN=s") == ["seed1", "seed2"]
    assert offered("cavefish onnx GEN=b") == ["best"]
    assert offered("cavefish bench ENGINE=") == sorted(ENGINES)
    assert offered("cavefish classify FIT=") == sorted(preparation.FITS)
    assert offered("cavefish device DEVICE=") == sorted(device_folder.DEVICES)
    assert offered("cavefish onnx FOR=") == sorted(target.TARGETS)
    assert offered("cavefish evolve WEIGHTS=w") == ["w.caffemodel"]
    assert offered("cavefish evolve SEED=") == []


@pytest.mark.skipif(not shutil.which("zsh"), reason="no zsh here")
def test_zsh_reads_the_function(tmp_path: Path) -> None:
    script = completion.script("zsh", {"evolve": ["NET"]}, ["lenet"])
    (tmp_path / "completion").write_text(script)
    asks = (
        "autoload -U compinit && compinit -u; source ./completion; emulate -L sh; COMP_LINE='cavefish evolve NET='; "
        "COMP_POINT=20; _cavefish; echo ${COMPREPLY[@]}"
    )
    said = subprocess.run(["zsh", "-fc", asks], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["NET=lenet"]


def test_another_shell_is_none_of_these(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["completion", "SHELL=fish"]) == 2
    assert "SHELL=fish: expected one of bash, zsh; " in capsys.readouterr().err


def test_as_a_process_the_status_is_the_commands() -> None:
    said = subprocess.run([sys.executable, "-m", "evolve.command.command", "evolv"], capture_output=True, check=False)
    assert said.returncode == 2
