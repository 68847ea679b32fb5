"""On a terminal of 80 columns evolve, table, sweep and frontier print lines that fit, and say what matters."""

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from evolve.base import progress
from evolve.command import command
from evolve.lineage import lineage
from evolve.runs import run_folder
from evolve.settings import changes
from evolve.sweep import plan, summary
from evolve.sweep.child import Ended
from evolve.sweep.watch import Watch
from tests.runs import made_up

BUDGETS = ("0.6", "0.67")

TABLE = """\
generation 13: 130 times fewer synapses, 13 times fewer MACs, −0.5 points of
accuracy
lenet on MNIST, seed 1, beside [Cluster16] Table 1 (MNIST)

                                paper               paper  caffemodel,
 generation  synapses     A-E     A-E  accuracy  accuracy           kB  flushed
 ──────────────────────────────────────────────────────────────────────────────
 1            143,978    1.00    1.00    0.9921    0.9947        576.4        2
 2             95,985    1.50            0.9917                  384.4        4
"""
SWEEP = """\
lenet on MNIST: the last generation of every run

 run                        generation  synapses     A-E  accuracy
 ─────────────────────────────────────────────────────────────────
 synapse_budget=0.6-seed1           13     1,110  129.71    0.9873
"""
FRONTIER = """\
MNIST: accuracy against compression, counted in synapses
"""


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> io.StringIO:
    """What a terminal of 80 columns shows; runs/lenet has two settings' runs of two seeds."""
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, width=80, highlight=False, soft_wrap=True, color_system=None)
    monkeypatch.setattr(progress, "console", console)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CAVEFISH_RUNS", raising=False)
    for seed in (1, 2):
        for budget in BUDGETS:
            folder = tmp_path / "runs" / "lenet" / f"synapse_budget={budget}-seed{seed}"
            run_folder.write_lineage(made_up.write(folder, [made_up.metrics(k, seed=seed) for k in range(1, 14)]))
    return shown


def lines(shown: io.StringIO) -> list[str]:
    """The lines that stay, without what moves the cursor; none wider than the terminal."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.getvalue())
    found = [line.rstrip() for line in re.split(r"[\r\n]", text)]
    assert not [line for line in found if len(line) > 80]
    return found


def test_table(terminal: io.StringIO) -> None:
    assert command.main(["table", "RUN=synapse_budget=0.6-seed1"]) == 0
    assert "\n".join(lines(terminal)).startswith(TABLE)


def test_several_seeds(terminal: io.StringIO) -> None:
    assert command.main(["table", "RUN=synapse_budget=0.6-seed1,synapse_budget=0.6-seed2"]) == 0
    said = "\n".join(lines(terminal))
    assert "lenet on MNIST, 2 seeds (1, 2)" in said and "129.71 ± 0.00" in said


def test_frontier(terminal: io.StringIO, tmp_path: Path) -> None:
    assert command.main(["frontier", f"OUT={tmp_path}/pictures"]) == 0
    said = "\n".join(lines(terminal))
    assert said.startswith(FRONTIER) and "[Cluster16] Table 1" in said and "129.71" in said


def test_a_generation_of_evolve_is_one_line(terminal: io.StringIO) -> None:
    blind = made_up.with_score(made_up.metrics(3), loss=0.125)
    for each in (made_up.metrics(1), made_up.metrics(13), made_up.detector(made_up.metrics(2)), blind):
        progress.say_parts(lineage.described(each))
    assert lines(terminal)[:4] == [
        "generation  1  accuracy 0.9921  synapses 143,978  A-E 1.00  10.72 MMAC",
        "generation 13  accuracy 0.9873  synapses 1,110  A-E 129.71  0.82 MMAC",
        "generation  2  precision 0.7800  recall 0.7200  ap 0.6000  synapses 95,985",
        "generation  3  test loss 0.1250  synapses 63,990  A-E 2.25  3.57 MMAC",
    ]


def test_sweep(terminal: io.StringIO, tmp_path: Path) -> None:
    runs = [
        plan.PlannedRun(
            tmp_path / "runs" / "lenet" / f"synapse_budget={budget}-seed{seed}", seed,
            changes.single(f"environment.synapse_budget={budget}"), 14, (), tmp_path, (),
        )
        for seed in (1, 2) for budget in BUDGETS
    ]  # fmt: skip
    with Watch(runs) as watch:
        watch.look(runs)
        watch.ended(runs[0], Ended(0))
    said = lines(terminal)
    assert any(re.search(r"synapse_budget=0.67-seed2 generation 14 .* accuracy 0.9873$", line) for line in said)
    ends = "synapse_budget=0.6-seed1: generation 13  accuracy 0.9873  synapses 1,110"
    assert any(line.endswith(ends) for line in said)
    terminal.truncate(terminal.seek(0))
    for sheet in summary.sheets({run: Ended(0) for run in runs}):
        sheet.show()
    said = lines(terminal)
    assert "\n".join(said).startswith(SWEEP)
    assert "lenet on MNIST, by setting" in said and any(line.startswith(" synapse_budget=0.67  ") for line in said)


def test_names_tell_what_is_other_than_in_other_runs(tmp_path: Path) -> None:
    one = plan.PlannedRun(tmp_path / "a-seed1", 1, changes.single("precision=FLOAT"), 2, (), tmp_path, ())
    other = replace(one, folder=tmp_path / "b-seed1", changed=changes.single("precision=BFLOAT16"))
    assert list(plan.labels([one, other]).values()) == ["precision=FLOAT", "precision=BFLOAT16"]
    assert list(plan.labels([one]).values()) == ["precision=FLOAT-seed1"]
    again = replace(one, folder=tmp_path / "a-seed2", seed=2)
    assert list(plan.labels([one, again]).values()) == ["seed1", "seed2"]
