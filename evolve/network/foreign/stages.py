"""Stages become phases: what a net includes for stage train is TRAIN's, for val or test TEST's.

A stage is a word that a solver sets (`train_state`, `test_state`; DIGITS does), and Caffe includes nothing for one that
nobody set. DIGITS's third one, deploy, is a net of its own: what only that has is left out.
"""

from collections.abc import Collection, Sequence

from evolve.base.caffe_messages import caffe_pb2
from evolve.network import phases
from evolve.network.axes import Layer, Net

TRAINING, TESTING = frozenset({"train"}), frozenset({"val", "test"})


def resolve(net: Net, training: Collection[str] = (), testing: Sequence[Collection[str]] = ()) -> list[str]:
    """Rewrites `net` without stages; says in words what is left out.

    `training` and, for each of its test nets, `testing` are the stages that a solver sets, beside those that are called
    so. Of several test nets one is TEST: the last one that does not read what is trained on.
    """
    if not any(rule.stage or rule.not_stage for layer in net.layer for rule in _rules(layer)):
        return []
    # A solver's own word holds: val is one phase's at a time.
    states = {"TRAIN": frozenset(training) or TRAINING}
    states["TEST"] = _tested(net, states["TRAIN"], [frozenset(each) for each in testing])
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
    others = [_words(each) for each in testing if len(testing) > 1 and frozenset(each) != states["TEST"]]
    instead = f", and not {', '.join(filter(None, others))}, which the solver tests too" if any(others) else ""
    names = {layer.name for layer in kept if others}  # that which a test net reads may be called as what TEST reads
    listed = ", ".join(f"'{name}'" for name in gone if name not in names)
    left = f"; left out, as neither stage has it: {listed}" if listed else ""
    return [f"stages {_words(states['TRAIN'])} are TRAIN, {_words(states['TEST'])} TEST{instead}{left}"]


def _tested(net: Net, training: frozenset[str], testing: list[frozenset[str]]) -> frozenset[str]:
    """The stages of the net to test by."""
    if len(testing) < 2:
        return next(iter(testing), None) or TESTING
    trained = _sources(net, "TRAIN", training)
    return ([each for each in testing if _sources(net, "TEST", each) != trained] or testing)[-1]


def _sources(net: Net, phase: str, stages: frozenset[str]) -> list[str]:
    """What its data layers read."""
    fed = [layer for layer in net.layer if not layer.bottom and phases.includes(layer, phase, stages)]
    parameters = [each for layer in fed for field, each in layer.ListFields() if field.name.endswith("_param")]
    return [each.source for each in parameters if "source" in each.DESCRIPTOR.fields_by_name]


def _words(stages: Collection[str]) -> str:
    return " and ".join(sorted(stages))


def _rules(layer: Layer) -> list[Layer]:
    return [*layer.include, *layer.exclude]
