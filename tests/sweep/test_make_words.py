"""`make sweep` hands SET= on as it is: the shell in between takes no quote, no blank and no ; for its own."""

import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def commands(*words: str) -> list[str]:
    """What `make` would run, a line each."""
    made = subprocess.run(["make", "-n", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    return made.stdout.splitlines()


@pytest.mark.parametrize(
    "setting",
    [
        "environment.synapse_budget=0.6,0.67",
        "truncation=.1; generations=3",
        "offspring_training=[\"8it\",'9it'],7it",
        'dataset.detection.class_name="a cat"',
    ],
)
def test_set(setting: str) -> None:
    _, command, verb, *words = shlex.split(commands("sweep", "NET=tiny", f"SET={setting}", "SEEDS=1..2")[-1])
    assert (Path(command).name, verb) == ("cavefish", "sweep")
    assert sorted(words) == ["NET=tiny", "SEEDS=1..2", f"SET={setting}"]


def test_dask_is_installed_for_a_scheduler_alone() -> None:
    asked = "--extras dask"
    assert not any(asked in line for line in commands("-B", "sweep", "NET=tiny"))
    assert any(asked in line for line in commands("-B", "sweep", "NET=tiny", "SCHEDULER=tcp://there:1"))
