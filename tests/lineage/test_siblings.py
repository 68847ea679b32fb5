"""Several offspring a generation, on real Caffe: draws of their own, the fittest kept, nothing trained twice."""

import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import MachineError, UserError
from evolve.base.machine import Machine
from evolve.lineage import offspring, trained
from evolve.lineage.workspace import Workspace
from evolve.network import weights
from evolve.runs import generation
from evolve.runs.metrics import Metrics, Training
from evolve.training.caffe_process import CaffeProcess
from tests.forks import FORKS

ROOT = Path(__file__).resolve().parents[2]
TWO = "offspring_per_generation: 2"


def caffemodel(run: Path, number: int, name: str = "weights") -> bytes:
    return (run / f"gen{number:03d}" / f"{name}.caffemodel").read_bytes()


# Seeds


def test_the_seeds_of_a_draw_and_a_training() -> None:
    """Of the first sibling they are those of an only child, as they were before there were siblings."""
    seeds = [Workspace(None, None, 7, 3, Path("x"), sibling=sibling) for sibling in range(4)]  # type: ignore[arg-type]
    assert [each.draw_seed for each in seeds] == [(3, 7), (3, 7), (3, 7, 0, 2), (3, 7, 0, 3)]
    assert [each.solver_seed for each in seeds] == [3007, 3007, 1003007, 2003007]


@pytest.mark.parametrize("seed", [20240607, 10**17])
def test_a_large_seed_is_taken_as_caffe_takes_it(seed: int) -> None:
    """Modulo 2**32."""
    found = [Workspace(None, None, number, seed, Path("x")).solver_seed for number in (1, 2)]  # type: ignore[arg-type]
    assert found == [(1000 * seed + number) % 2**32 for number in (1, 2)]


def test_the_solver_has_its_seed(reference: Any, family: Any) -> None:
    def seed(path: Path) -> int:
        return int(prototxt_text.read(path, caffe_pb2.SolverParameter()).random_seed)

    assert seed(reference.run / "gen002" / "solver.prototxt") == 1002
    folder = family.run / "gen002"
    assert seed(folder / "solver.prototxt") == 1002 + 1_000_000 * (Metrics.read(folder).sibling - 1)


def test_the_first_of_two_is_the_only_child(begun: Callable[[int], Any], reference: Any) -> None:
    place = begun(1)
    place.set(TWO)
    siblings = {}
    original = offspring.make

    def spy(workspace: Workspace, parent: Path) -> Metrics:
        made = original(workspace, parent)
        siblings[workspace.sibling] = (workspace.folder / "weights.caffemodel").read_bytes()
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(offspring, "make", spy)
        place.evolve(2)
    assert siblings[1] == reference.caffemodel(2) and siblings[2] != siblings[1]


# The fittest


def test_the_fittest_becomes_the_generation_and_all_figures_stay(family: Any) -> None:
    for number in (2, 3):
        made = Metrics.read(family.run / f"gen{number:03d}")
        each = made.siblings
        assert [one.sibling for one in each] == [1, 2, 3]
        best = max(each, key=lambda one: (vars(one)["fitness"], -vars(one)["synapses"], -one.sibling))
        assert made.sibling == best.sibling and best.why == "the fittest" and best.parent == 1
        for name in ("accuracy", "synapses", "architectural_efficiency", "clusters", "macs", "iterations"):
            assert getattr(made.figures(), name) == getattr(best, name)
        assert all(one.fitness == one.accuracy for one in each)
        assert sorted(one.parent for one in each) == [0, 1, 2]
        # Three draws, three networks.
        assert len({(one.synapses, one.clusters) for one in each}) == 3
        others = [one.why for one in each if one is not best]
        assert all(f"fit than sibling {best.sibling}" in why or "as fit as sibling" in why for why in others)
        assert made.kin is None
    assert not Metrics.read(family.run / "gen001").siblings


def test_nothing_else_stays_of_them(family: Any, reference: Any) -> None:
    left = sorted(path.name for path in family.run.iterdir() if path.name not in (".lock", ".holder", ".asked"))
    assert left == ["gen001", "gen002", "gen003", "lineage.csv", "prototxt", "report.html"]
    usual = {path.name for path in (reference.run / "gen002").iterdir()}
    here = {path.name for path in (family.run / "gen002").iterdir()}
    assert here - usual == {
        "channels.json", "common.prototxt", "parent2.caffemodel", "parent2.channels.json", "parent2.prototxt"
    }  # fmt: skip
    assert usual <= here
    header, *_ = (family.run / "lineage.csv").read_text().splitlines()
    assert header == (reference.run / "lineage.csv").read_text().splitlines()[0]


def test_synapses_may_cost(begun: Callable[[int], Any]) -> None:
    place = begun(1)
    place.set(TWO + " synapse_cost: 1000")
    place.evolve(2)
    made = Metrics.read(place.run / "gen002")
    assert made.synapses == min(vars(one)["synapses"] for one in made.siblings)
    parent = Metrics.read(place.run / "gen001").synapses
    for one in made.siblings:
        assert one.accuracy and one.synapses
        assert one.fitness == pytest.approx(one.accuracy - 1000 * one.synapses / parent)


def test_side_by_side_or_one_at_a_time_the_bytes_are_the_same(
    family: Any, place: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place.set("offspring_per_generation: 3 parents: 2 environment { synapse_budget: 0.4 }")
    place.evolve(3, machine=Machine(threads=3))
    for number in (1, 2, 3):
        assert caffemodel(place.run, number) == caffemodel(family.run, number)
    assert caffemodel(place.run, 3, "parent2") == caffemodel(family.run, 3, "parent2")
    said = capsys.readouterr().out
    for number in (1, 2, 3):
        assert f"generation 3, sibling {number} of 3: accuracy 0." in said
    assert "  the fittest of 3  " in said
    versions = Metrics.read(place.run / "gen003").versions
    # Stock layers have no threads to share out.
    assert versions.layers != "fast" or versions.threads == "1"


# Killed

CHILD = """
import os, signal
from evolve.base.machine import Machine
from evolve.lineage import lineage, trained
train = trained.train
def watched(workspace, *arguments, **named):
    if (workspace.number, workspace.sibling) == (3, 2):
        os.kill(os.getpid(), signal.SIGKILL)
    return train(workspace, *arguments, **named)
trained.train = watched
lineage.evolve("tiny", 3, machine=Machine(threads=1))
"""


def test_killed_between_siblings_none_is_trained_twice(
    family: Any, place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.set("offspring_per_generation: 3 parents: 2 environment { synapse_budget: 0.4 }")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    assert FORKS.begun(CHILD, folder=place.folder, environment=environment).wait() == -signal.SIGKILL
    siblings = place.run / ".gen003.siblings"
    assert generation.exists(siblings / "1") and not (siblings / "2").exists()
    at_work = []
    train = trained.train

    def spy(workspace: Workspace, *arguments: Any, **named: Any) -> Training:
        at_work.append((workspace.number, workspace.sibling))
        return train(workspace, *arguments, **named)

    monkeypatch.setattr(trained, "train", spy)
    place.evolve(3)
    assert sorted(at_work) == [(3, 2), (3, 3)]
    assert caffemodel(place.run, 3) == caffemodel(family.run, 3)
    assert caffemodel(place.run, 3, "parent2") == caffemodel(family.run, 3, "parent2")
    assert not siblings.exists()


@pytest.mark.parametrize("what", ["a changed byte", "of other parents"])
def test_a_finished_sibling_that_is_not_as_it_should_be_is_made_anew(
    what: str, begun: Callable[[int], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = begun(1)
    place.set(TWO)
    original = offspring.make
    monkeypatch.setattr(offspring, "make", _out_of_memory(2, original))
    with pytest.raises(MachineError, match="^no memory$"):
        place.evolve(2)
    first = place.run / ".gen002.siblings" / "1"
    model = (first / "weights.caffemodel").read_bytes()
    if what == "a changed byte":
        (first / "weights.caffemodel").write_bytes(model[:-1] + bytes([model[-1] ^ 1]))
    else:
        made = Metrics.read(first)
        assert made.kin
        replace(made, kin=replace(made.kin, parents=["0" * 64])).write(first)
        listed = {path.name: generation.sha256(path) for path in first.iterdir() if path.name != "DONE.json"}
        (first / "DONE.json").write_text(json.dumps({"sha256": listed}, indent=1) + "\n")
        assert generation.exists(first)
    born: list[int] = []
    monkeypatch.setattr(offspring, "make", _noted(born, original))
    place.evolve(2)
    assert sorted(born) == [1, 2]


# Unfit


def diverging(*unfit: int) -> Callable[..., Any]:
    """Workspace.solver_of, with a rate at which those siblings diverge."""
    original = Workspace.solver_of

    def solver_of(workspace: Workspace, *arguments: Any) -> Any:
        solver = original(workspace, *arguments)
        if workspace.sibling in unfit:
            solver.base_lr = 1e30
        return solver

    return solver_of


def remedy(place: Any) -> str:
    return f"lower {place.folder}/tiny/solver.prototxt:1: base_lr: 0.05; then begin another run with RUN="


def test_one_that_diverges_is_unfit_and_the_others_live(
    begun: Callable[[int], Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], reference: Any
) -> None:
    place = begun(1)
    place.set(TWO)
    monkeypatch.setattr(Workspace, "solver_of", diverging(2))
    place.evolve(2)
    made = Metrics.read(place.run / "gen002")
    unfit = made.siblings[1]
    assert unfit.fitness is None and unfit.parent == 0
    assert unfit.why.startswith("unfit: the loss is ")
    assert unfit.why.endswith(f": training diverged; {remedy(place)}")
    assert "generation 2, sibling 2 of 2: unfit: the loss is " in capsys.readouterr().out
    assert made.sibling == 1 and caffemodel(place.run, 2) == reference.caffemodel(2)


def test_one_that_diverged_is_not_trained_again(begun: Callable[[int], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    place = begun(1)
    place.set(TWO)
    original = offspring.make
    monkeypatch.setattr(Workspace, "solver_of", diverging(1))
    monkeypatch.setattr(offspring, "make", _out_of_memory(2, original))
    with pytest.raises(MachineError):
        place.evolve(2)
    born: list[int] = []
    monkeypatch.setattr(offspring, "make", _noted(born, original))
    place.evolve(2)
    assert born == [2]
    made = Metrics.read(place.run / "gen002")
    assert made.sibling == 2 and made.siblings[0].why.startswith("unfit: the loss is ")


def test_if_all_diverge_the_first_ones_error_is_the_generations(
    begun: Callable[[int], Any], monkeypatch: pytest.MonkeyPatch, reference: Any
) -> None:
    place = begun(1)
    place.set(TWO)
    with monkeypatch.context() as patch:
        patch.setattr(Workspace, "solver_of", diverging(1, 2))
        with pytest.raises(UserError) as refused:
            place.evolve(2)
    log = place.run / ".gen002.siblings" / "1.failed.log"
    assert str(refused.value).endswith(f": training diverged; {remedy(place)} (log: {log})")
    assert log.is_file() and not (place.run / "gen002").exists()
    # The same again tries again.
    place.evolve(2)
    assert vars(Metrics.read(place.run / "gen002").siblings[0])["fitness"] > 0


@pytest.mark.parametrize(
    ("number", "said"),
    [(signal.SIGKILL, "^Caffe's process was killed"), (signal.SIGTERM, "^Caffe's process ended with status -15")],
)
def test_one_whose_caffe_was_killed_is_not_unfit_but_made_when_the_run_goes_on(
    number: int, said: str, begun: Callable[[int], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = begun(1)
    place.set(TWO)
    train = trained.train

    def killed(workspace: Workspace, caffe: CaffeProcess, *arguments: Any, **named: Any) -> Training:
        if workspace.sibling == 1:
            os.kill(caffe.pid, number)
        return train(workspace, caffe, *arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(trained, "train", killed)
        with pytest.raises(UserError, match=said):
            place.evolve(2)
    siblings = place.run / ".gen002.siblings"
    assert generation.exists(siblings / "2") and not list(siblings.glob("*.unfit.json"))
    place.evolve(2)
    assert [one.fitness is None for one in Metrics.read(place.run / "gen002").siblings] == [False, False]


def _noted(born: list[int], original: Callable[..., Metrics]) -> Callable[..., Metrics]:
    def make(workspace: Workspace, parent: Path) -> Metrics:
        born.append(workspace.sibling)
        return original(workspace, parent)

    return make


def _out_of_memory(sibling: int, original: Callable[..., Metrics]) -> Callable[..., Metrics]:
    def make(workspace: Workspace, parent: Path) -> Metrics:
        if workspace.sibling == sibling:
            raise MachineError("no memory")
        return original(workspace, parent)

    return make


def test_only_the_fittest_weights_stay(begun: Callable[[int], Any]) -> None:
    place = begun(1)
    place.set(TWO)
    place.evolve(2)
    assert [path.name for path in (place.run / "gen002").glob("*.caffemodel")] == ["weights.caffemodel"]
    assert weights.read(place.run / "gen002" / "weights.caffemodel")
