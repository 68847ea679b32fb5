"""A sweep on this machine, on real Caffe: its runs are what each would be by itself, whatever happens on the way."""

import os
import re
import signal
from pathlib import Path

import pytest

from evolve.sweep import local, summary
from evolve.sweep.child import Ended
from evolve.sweep.plan import PlannedRun
from evolve.sweep.watch import Watch
from tests.sweep.conftest import SECONDS, Place, caffemodels, make_place, processes, wait_for

SET = "environment.synapse_budget=0.5,0.7"
LONG = "offspring_training=50000it"  # far more than a test waits for


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The four runs, each by itself, one after the other."""
    place = make_place(tmp_path_factory.mktemp("reference"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CAVEFISH_OFFLINE", "1")
        for seed in (1, 2):
            for budget in (0.5, 0.7):
                place.evolve(seed, f"environment.synapse_budget={budget}", 2)
    return place


def test_each_run_is_what_it_would_be_by_itself(place: Place, reference: Place) -> None:
    done = place.sweep("SEEDS=1..2", f"SET={SET}", "GEN=2")
    assert done.returncode == 0, done.stderr
    assert caffemodels(place.runs) == caffemodels(reference.runs)
    assert len(caffemodels(place.runs)) == 8
    kept = (place.runs / "synapse_budget=0.5-seed2" / "prototxt" / "evolution.prototxt").read_text()
    assert kept.startswith("# evolution.prototxt with SET='environment.synapse_budget=0.5'\n")
    assert "synapse_budget: 0.5" in kept
    lines = done.stdout.splitlines()
    assert any(re.match(r"4 runs, \d side by side", line) for line in lines)
    assert any(re.match(r"synapse_budget=0\.7-seed1: generation  2  accuracy 0\.\d+ ", line) for line in lines)
    rows = {line.split()[0]: line.split() for line in lines if line.startswith(" synapse_budget")}
    # Of a run: generation, synapses, A-E, accuracy. Of a setting: seeds, generation, mean and spread.
    assert rows["synapse_budget=0.5-seed1"][1] == "2" and len(rows["synapse_budget=0.5-seed1"]) == 5
    assert rows["synapse_budget=0.5"][1:3] == ["2", "2"] and rows["synapse_budget=0.5"][4] == "±"

    files = {path: path.stat().st_mtime_ns for path in place.runs.rglob("gen*/*")}
    again = place.sweep("SEEDS=1..2", f"SET={SET}", "GEN=2")
    assert again.returncode == 0, again.stderr
    assert files == {path: path.stat().st_mtime_ns for path in place.runs.rglob("gen*/*")}
    assert again.stdout.splitlines()[-8:] == lines[-8:]


def test_one_that_fails_stops_no_other(place: Place) -> None:
    failed = place.sweep("SEEDS=1", "SET=environment.synapse_budget=0.005,0.7", "GEN=2")
    assert failed.returncode == 2
    folder = place.runs / "synapse_budget=0.005-seed1"
    message = (
        "generation 2: a budget of 30 synapses, but the neurons' biases alone are 54; "
        "give the environment a milder pace"
    )
    first, second = failed.stderr.strip().splitlines()
    assert first == "cavefish: 1 of 2 runs failed"
    assert second.startswith(f"{folder}: {message}")
    assert sorted(path.name for path in place.runs.glob("*/gen002")) == ["gen002"]
    assert (place.runs / "synapse_budget=0.7-seed1" / "gen002" / "DONE.json").is_file()
    # Its rehearsal showed it, so that it never began: it has no row.
    assert f"synapse_budget=0.005: {message}" in failed.stdout
    assert not re.search(r"^ synapse_budget=0\.005 ", failed.stdout, re.MULTILINE)
    assert re.search(r" synapse_budget=0\.7 +2 .* well", failed.stdout)


def test_one_that_cannot_begin_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    taken, place = tmp_path / "net" / "seed1", tmp_path / "gone"
    taken.parent.mkdir()
    taken.touch()
    one = PlannedRun(taken, 1, (), 2, ("evolve",), tmp_path, ())
    other = PlannedRun(tmp_path / "net" / "seed2", 2, (), 2, ("evolve",), place, ())
    ended = local.run_all([one, other], 1, Watch([one, other]))
    assert summary.failures(ended) == [ended[one].message, f"{other.folder}: {ended[other].message}"]
    assert ended == {
        one: Ended(
            2,
            f"{taken}: expected a folder for seed1, or nothing, got a file; move it away, or name another with RUN=, "
            "or CAVEFISH_RUNS= for all runs",
        ),
        other: Ended(
            2,
            f"{place}: its process did not start: no such file or directory; bring it back, and the same command "
            "resumes",
        ),
    }
    assert f"seed1: {taken}: expected a folder" in " ".join(capsys.readouterr().out.split())


def test_one_that_is_killed_is_ours_to_mend(place: Place) -> None:
    running = place.start("SEEDS=1,2", f"SET={LONG}", "GEN=2")
    name = "offspring_training=50000it-seed"
    holders = [place.runs / f"{name}{seed}" / ".holder" for seed in (1, 2)]
    wait_for(lambda: all((each.parent / ".gen002.unfinished").exists() for each in holders), running)
    os.kill(int(holders[0].read_text()), signal.SIGKILL)
    os.kill(int(holders[1].read_text()), signal.SIGTERM)
    _, errors = running.communicate(timeout=SECONDS)
    assert running.returncode == 1
    assert errors.splitlines() == [
        "cavefish: 2 of 2 runs failed",
        f"{place.runs / name}1: its process was ended by SIGKILL; most often because memory ran out",
        f"{place.runs / name}2: stopped; what is committed stays, and the same command resumes",
    ]


def test_one_that_is_stopped_keeps_nobody_waiting(place: Place) -> None:
    running = place.start("SEEDS=1", f"SET={LONG}", "GEN=2")
    run = place.runs / "offspring_training=50000it-seed1"
    wait_for(lambda: (run / ".gen002.unfinished").exists(), running)
    os.kill(int((run / ".holder").read_text()), signal.SIGSTOP)
    _, errors = running.communicate(timeout=SECONDS)
    assert running.returncode == 2
    assert errors.splitlines() == [
        "cavefish: 1 of 1 run failed",
        f"{run}: its process was stopped (SIGSTOP) and did not go on for 10 s; it was ended, and the same command "
        "resumes",
    ]
    wait_for(lambda: not processes(str(place.folder)))


# The first worker that trains an offspring signals the sweep, and none trains on: nothing is done before it comes.
SIGNALS = """
import json, os, sys, time

def dumps(message, said=json.dumps):
    if message.get("progress", {{}}).get("of") == {of}:
        signal_the_sweep()
        time.sleep({seconds})
    return said(message)

def signal_the_sweep():
    try:
        os.close(os.open({once!r}, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    with open(f"/proc/{{os.getppid()}}/stat") as file:
        os.kill(int(file.read().rpartition(")")[2].split()[1]), {number})

if "evolve.training.worker" in sys.orig_argv:
    json.dumps = dumps
"""
OFFSPRING = 40  # iterations, as tiny's settings say


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_all_of_it_and_the_same_command_resumes(
    number: signal.Signals, place: Place, tmp_path: Path, reference: Place
) -> None:
    words = ("SEEDS=2", f"SET={SET}", "GEN=2")
    (tmp_path / "signals").mkdir()
    said = SIGNALS.format(of=OFFSPRING, seconds=SECONDS, once=str(tmp_path / "once"), number=int(number))
    (tmp_path / "signals" / "sitecustomize.py").write_text(said)
    running = place.start(*words, modules=tmp_path / "signals")
    _, errors = running.communicate(timeout=SECONDS)
    assert {Path(name).parts[1] for name in caffemodels(place.runs)} == {"gen001"}
    if number == signal.SIGKILL:
        assert running.returncode == -number
    else:
        assert running.returncode == 128 + number
        assert errors.strip() == "cavefish: stopped; what is committed stays, and the same command resumes"
        assert not list(place.runs.rglob("*.unfinished")) and not list(place.runs.rglob(".holder"))
    wait_for(lambda: not processes(str(place.folder)))
    resumed = place.sweep(*words)
    assert resumed.returncode == 0, resumed.stderr
    theirs = {name: model for name, model in caffemodels(reference.runs).items() if "seed2" in name}
    assert caffemodels(place.runs) == theirs and len(theirs) == 4
    assert not list(place.runs.rglob("*damaged*"))


def test_other_settings_are_refused_on_a_run_that_has_its_own(place: Place) -> None:
    from evolve.base.errors import UserError

    run = place.evolve(1, "environment.synapse_budget=0.7", 1)
    wanted = place.runs / "synapse_budget=0.6-seed1"
    run.rename(wanted)
    with pytest.raises(UserError) as refused:
        place.evolve(1, "environment.synapse_budget=0.6", 1)
    kept = Path(wanted) / "prototxt" / "evolution.prototxt"
    assert str(refused.value) == (
        f"{kept}:1: this run was begun with other text than evolution.prototxt has now; take the change back, or begin "
        "another run with RUN="
    )
