"""Which runs a sweep is, before any of them begins."""

from pathlib import Path

import pytest

from evolve.base.errors import UserError
from evolve.command import arguments
from evolve.command.verbs import sweep
from evolve.sweep import plan
from tests.sweep.conftest import Place


@pytest.fixture(autouse=True)
def _there(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place.folder)


def planned(**given: str) -> plan.Plan:
    """Of the words of `make sweep NET=tiny`."""
    return plan.make(sweep.wanted({"NET": "tiny"} | given))


def names(**given: str) -> list[str]:
    return [run.name for run in planned(**given).runs]


def refused(**given: str) -> str:
    with pytest.raises(UserError) as error:
        planned(**given)
    return str(error.value)


def test_the_product_first_seed_first() -> None:
    assert names(SEEDS="1..2", SET="environment.synapse_budget=0.6,.7;precision=HALF,FLOAT") == [
        f"precision={precision}-synapse_budget={budget}-seed{seed}"
        for seed in (1, 2)
        for budget in ("0.6", "0.7")
        for precision in ("HALF", "FLOAT")
    ]


def test_seeds_alone_and_settings_alone() -> None:
    assert names(SEEDS="3,1") == ["seed3", "seed1"]
    assert names(SET="generations=2,3") == ["generations=2-seed1", "generations=3-seed1"]
    assert names() == ["seed1"]


def test_what_a_run_is_told(place: Place) -> None:
    made = planned(SEEDS="4", GEN="2", SET="truncation=.25", SCHEDULER="tcp://there:1")
    (run,) = made.runs
    assert run.words == ("evolve", "NET=tiny", "GEN=2", "SEED=4", "THREADS=1", "SET=truncation=0.25")
    assert (run.folder, run.place, run.generations) == (place.runs / "truncation=0.25-seed4", place.folder, 2)
    (run,) = planned(THREADS="2").runs
    assert (run.words, run.generations) == (("evolve", "NET=tiny", "SEED=1", "THREADS=2"), 4)


def test_a_schedules_settings(place: Place) -> None:
    (place.folder / "tiny" / "evolution.long.prototxt").write_text('dataset { name: "digits" }\ngenerations: 9\n')
    (run,) = planned(SCHEDULE="long", SET="truncation=.25").runs
    assert (run.name, run.generations) == ("long-truncation=0.25-seed1", 9)


@pytest.mark.parametrize(
    ("seeds", "numbers"),
    [("1..3", [1, 2, 3]), ("5", [5]), ("1,2,5", [1, 2, 5]), ("0..1, 7", [0, 1, 7]), ("2..2", [2])],
)
def test_seeds(seeds: str, numbers: list[int]) -> None:
    assert arguments.seeds({"SEEDS": seeds}) == numbers


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        ("8..1", "SEEDS=8..1: expected whole numbers like 1..8 or 1,2,5, got '8..1'"),
        ("1,,2", "SEEDS=1,,2: expected whole numbers like 1..8 or 1,2,5, got ''"),
        ("1-8", "SEEDS=1-8: expected whole numbers like 1..8 or 1,2,5, got '1-8'"),
        ("-1", "SEEDS=-1: expected whole numbers like 1..8 or 1,2,5, got '-1'"),
        ("1..3,2", "SEEDS=1..3,2: expected every seed once, got 2 2 times"),
    ],
)
def test_bad_seeds(seeds: str, message: str) -> None:
    assert refused(SEEDS=seeds) == message


def test_what_a_setting_cannot_be_is_said_before_any_run_begins(place: Place) -> None:
    own = place.folder / "tiny" / "evolution.prototxt"
    assert refused(SET="environment.synapse_budget=0.7,0.9") == (
        f"{own} with SET='environment.synapse_budget=0.9': environment: synapse_budget: expected above 0 and up to "
        "largest_offspring, 0.8, got 0.9"
    )
    assert refused(SET="dataset.name=digits,digit").startswith(f"{own}: data set 'digit': expected one of ")
    assert not place.runs.exists()


def test_two_settings_of_one_name(place: Place) -> None:
    for name in ("a b.prototxt", "a_b.prototxt"):
        (place.folder / "tiny" / name).write_text((place.folder / "tiny" / "solver.prototxt").read_text())
    assert refused(SET="solver=a b.prototxt,a_b.prototxt") == (
        "SET=solver=\"a b.prototxt\": 2 runs would be solver=a_b.prototxt-seed1; take one away"
    )


def test_data_is_prepared_once(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    made = planned(SEEDS="1,2", SET="truncation=.1,.2")
    plan.prepare_data(made)
    assert capsys.readouterr().out.count("images to train") == 2
    assert sorted(path.name for path in (place.folder / "data").glob("digits*")) == [
        "digits-28-seed1", "digits-28-seed2",
    ]  # fmt: skip


def test_a_caffemodel_that_is_not_there(place: Place) -> None:
    assert refused(WEIGHTS="mine.caffemodel").startswith(f"{Path('mine.caffemodel')}: ")
