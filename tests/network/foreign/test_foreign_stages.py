"""Stages become phases, as a solver that sets them has Caffe include layers."""

from pathlib import Path

import pytest

from evolve.network import phases
from evolve.network.foreign import reading

_LAYERS = {
    "train-data": 'include { stage: "train" }', "val-data": 'include { stage: "val" }',
    "deploy-data": 'include { stage: "deploy" }', "both": 'include { stage: "train" } include { stage: "val" }',
    "loss": 'exclude { stage: "deploy" }', "tested": 'include { phase: TEST stage: "val" }',
    "not-val": 'include { phase: TEST not_stage: "val" }', "all": "", "trained": "include { phase: TRAIN }",
}  # fmt: skip


def names(training: list[str] | None = None, testing: list[list[str]] | None = None) -> tuple[list[str], ...]:
    """Layers of TRAIN and of TEST, and what was said."""
    text = "\n".join(f'layer {{ name: "{name}" type: "Silence" {rule} }}' for name, rule in _LAYERS.items())
    found = reading.parse(text, Path("net.prototxt"), training=training, testing=testing)
    assert not any(rule.stage or rule.not_stage for layer in found.net.layer for rule in layer.include)
    train, test = ([layer.name for layer in phases.for_phase(found.net, p).layer] for p in ("TRAIN", "TEST"))
    return train, test, found.notes


def test_digitss_three_stages() -> None:
    train, test, notes = names()
    assert train == ["train-data", "both", "loss", "all", "trained"]
    assert test == ["val-data", "both", "loss", "tested", "all"]
    assert notes == [
        "net.prototxt: stages train are TRAIN, test and val TEST; left out, as neither stage has it: 'deploy-data', "
        "'not-val'"
    ]


def test_those_that_a_solver_sets() -> None:
    train, test, _ = names(["train"], [["deploy"]])
    assert train == ["train-data", "both", "loss", "all", "trained"]
    assert test == ["deploy-data", "not-val", "all"]


@pytest.mark.parametrize(
    ("testing", "tested", "said"),
    [
        ([["on-train"], ["on-test"]], "test_lmdb", "on-test TEST, and not on-train, which the solver tests too"),
        ([["on-test"], ["on-train"]], "test_lmdb", "on-test TEST, and not on-train, which the solver tests too"),
        ([["on-test"], ["on-more"]], "more_lmdb", "on-more TEST, and not on-test, which the solver tests too"),
        ([["on-train"], ["on-train", "again"]], "train_lmdb",
         "again and on-train TEST, and not on-train, which the solver tests too"),
        ([["on-train"]], "train_lmdb", "on-train TEST; left out, as neither stage has it: 'data', 'data'"),
    ],
)  # fmt: skip
def test_of_several_test_nets_one_that_does_not_read_what_is_trained_on(
    testing: list[list[str]], tested: str, said: str
) -> None:
    """As BVLC's mnist_autoencoder has them."""
    rules = [("train", "phase: TRAIN")]
    rules += [(each, f'phase: TEST stage: "on-{each}"') for each in ("train", "test", "more")]
    text = "\n".join(
        f'layer {{ name: "data" type: "Data" top: "data" include {{ {rule} }} data_param {{ source: "{name}_lmdb" }} }}'
        for name, rule in rules
    )
    found = reading.parse(text, Path("net.prototxt"), testing=testing)
    (test,) = phases.for_phase(found.net, "TEST").layer
    assert test.data_param.source == tested
    assert found.notes == [f"net.prototxt: stages train are TRAIN, {said}"]


@pytest.mark.parametrize("rule", ["include { phase: TRAIN }", "include { min_level: 1 }", ""])
def test_a_net_without_stages_stays_as_it_is(rule: str) -> None:
    found = reading.parse(f'layer {{ name: "x" type: "Silence" {rule} }}', Path("x"))
    assert not found.notes and len(found.net.layer[0].include) == bool(rule)
