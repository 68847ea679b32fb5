"""What the words of a verb mean."""

import os
from pathlib import Path

import pytest

from evolve.base.errors import UserError
from evolve.command import arguments
from evolve.runs import paths, run_folder
from tests.runs import made_up


@pytest.mark.parametrize("value", ["5%", "-.1", "1.5", "nan", "inf", "half", "0.00500000000000000000001"])
def test_within_is_a_part_of_1(value: str) -> None:
    message = r"^WITHIN=\S+: expected a part of 1; for instance WITHIN=.005 for half a point$"
    with pytest.raises(UserError, match=message):
        arguments.within({"WITHIN": value})
    assert arguments.within({"WITHIN": ".02"}) == 0.02


def test_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    given = arguments.checked("table", ["OUT", "RUN", "NET"], ["OUT=~/folded", "RUN=~/a,~/b,~c", "NET=~"])
    assert given == {"OUT": "/home/somebody/folded", "RUN": "/home/somebody/a,/home/somebody/b,~c", "NET": "~"}


def test_which_generation_is_meant(tmp_path: Path) -> None:
    scores = enumerate((0.99, 0.988, 0.9), start=1)
    run = made_up.write(tmp_path / "run", [made_up.metrics(number, score) for number, score in scores])
    assert arguments.generation({}, run) == 3
    assert arguments.generation({"GEN": "1"}, run) == 1
    assert arguments.generation({"GEN": "best"}, run) == 2
    assert arguments.generation({"GEN": "best", "WITHIN": "0.5"}, run) == 3
    assert arguments.generation({"GEN": "best", "WITHIN": "0"}, run) == 1
    with pytest.raises(UserError, match="^GEN=bets: expected a whole number of 1 or more, or best$"):
        arguments.generation({"GEN": "bets"}, run)


def test_a_networks_runs_are_found_as_evolve_calls_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NET=. is the folder's name; a network without runs is told which ones have some."""
    run = made_up.write(tmp_path / "my_net" / "runs" / "my_net" / "seed1", [made_up.metrics(1, 0.9)])
    (run / paths.LINEAGE).touch()
    monkeypatch.chdir(tmp_path / "my_net")
    monkeypatch.delenv("CAVEFISH_RUNS", raising=False)
    for name in (".", "../my_net/", "my_net"):
        assert arguments.named_run({"NET": name}).resolve() == run.resolve()
    message = "^RUN=my_net: expected a run, got a network; give NET=my_net, or one of its runs: my_net/seed1$"
    with pytest.raises(UserError, match=message):
        arguments.named_run({"RUN": "my_net"})
    with pytest.raises(UserError) as error:
        arguments.named_runs({"NET": "lenet"})
    assert str(error.value) == f"NET=lenet: expected one that has runs in {tmp_path}/my_net/runs: my_net"
    (tmp_path / "my_net" / "loop").symlink_to("loop")
    with pytest.raises(UserError, match="^NET=loop: expected one that has runs in "):
        arguments.named_runs({"NET": "loop"})


def test_a_run_without_lineage_csv_is_as_old_as_its_first_generation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that was killed between the two, or whose file somebody has deleted."""
    monkeypatch.setenv("CAVEFISH_RUNS", str(tmp_path))
    killed, whole = (made_up.write(tmp_path / "net" / name, [made_up.metrics(1, 0.9)]) for name in ("killed", "whole"))
    (whole / paths.LINEAGE).touch()
    os.utime(whole / paths.LINEAGE, (1000, 1000))
    for seconds, latest in ((999, whole), (1001, killed)):
        os.utime(killed / "gen001" / paths.DONE, (seconds, seconds))
        assert arguments.named_run({}) == latest


def test_a_run_without_a_generation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAVEFISH_RUNS", str(tmp_path))
    run = tmp_path / "net" / "seed1"
    (run / "prototxt").mkdir(parents=True)
    for name in ("evolution.prototxt", paths.DONE):
        (run / "prototxt" / name).touch()
    begun = "expected a run with a generation, got one whose first"
    for name in ("seed1", "net/seed1", str(run)):
        with pytest.raises(UserError) as error:
            arguments.named_run({"RUN": name})
        assert str(error.value) == f"RUN={name}: {begun} was not finished; the same `make evolve` goes on"
    with run_folder.held(run), pytest.raises(UserError) as error:
        arguments.named_run({"RUN": "seed1"})
    assert str(error.value) == f"RUN=seed1: {begun} is being made: see {run}/report.html"
    with pytest.raises(UserError, match="^RUN=seed2: expected one run of that name; there are: none$"):
        arguments.named_run({"RUN": "seed2"})


def test_what_run_names_that_is_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = tmp_path / "runs"
    monkeypatch.setenv("CAVEFISH_RUNS", str(runs))
    run = made_up.write(runs / "net" / "seed1", [made_up.metrics(number, 0.9) for number in (1, 2)])
    # As a checkout has it.
    checkout = tmp_path / "checkout"
    (checkout / "prototxt").mkdir(parents=True)
    (checkout / "prototxt" / "evolution.defaults.prototxt").touch()
    (checkout / "loop").symlink_to("loop")
    monkeypatch.chdir(checkout)
    for name in ("seed1/", "net/seed1/", "../runs/net/seed1/"):
        assert arguments.named_run({"RUN": name}) == run
    folder, there = "expected a run's folder, got a folder without gen001", "; there are: net/seed1"
    said = {name: folder + there for name in (".", "..", "/", str(runs))}
    said |= {
        "prototxt/evolution.defaults.prototxt": "expected a run's folder, got a file" + there,
        "../runs/net": "expected a run, got a network; give NET=net, or one of its runs: net/seed1",
        f"{run}/gen002": f"expected a run, got a generation of one; give RUN={run} GEN=2",
        **{name: "expected one run of that name" + there for name in ("loop", "seed2", "")},
    }
    for name, words in said.items():
        with pytest.raises(UserError) as error:
            arguments.named_run({"RUN": name})
        assert str(error.value) == f"RUN={name}: {words}"
