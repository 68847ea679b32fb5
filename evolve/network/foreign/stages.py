"""Stages become phases: what a net includes for stage train is TRAIN's, for val or test TEST's.

A stage is a word that a solver sets (`train_state`, `test_state`; DIGITS does), and Caffe includes nothing for one that
nobody set. DIGITS's third one, deploy, is a net of its own: what only that has is left out.
"""

from collections.abc import Collection

from evolve.base.caffe_messages import caffe_pb2
from evolve.network import phases
from evolve.network.axes import Layer, Net

TRAINING, TESTING = frozenset({"train"}), frozenset({"val", "test"})


def resolve(net: Net, training: Collection[str] = (), testing: Collection[str] = ()) -> list[str]:
    """Rewrites `net` without stages; says in words what is left out.

    `training` and `testing` are the stages that a solver sets, beside those that are called so.
    """
    if not any(rule.stage or rule.not_stage for layer in net.layer for rule in _rules(layer)):
        return []
    # A solver's own word holds: val is one phase's at a time.
    states = {"TRAIN": frozenset(training) or TRAINING, "TEST": frozenset(testing) or TESTING}
    kept, gone = [], []
    for layer in net.layer:
        having = [phase for phase, stages in states.items() if phases.includes(layer, phase, stages)]
        if not having:
            gone.append(layer.name)
            continue
        layer.ClearField("include")
        layer.ClearField("exclude")
        if len(having) == 1:
            layer.include.add(phase=getattr(caffe_pb2, having[0]))
        kept.append(layer)
    del net.layer[:]
    net.layer.extend(kept)
    net.ClearField("state")
    listed = ", ".join(f"'{name}'" for name in gone)
    left = f"; left out, as neither stage has it: {listed}" if gone else ""
    return [f"stages {_words(states['TRAIN'])} are TRAIN, {_words(states['TEST'])} TEST{left}"]


def _words(stages: Collection[str]) -> str:
    return " and ".join(sorted(stages))


def _rules(layer: Layer) -> list[Layer]:
    return [*layer.include, *layer.exclude]
