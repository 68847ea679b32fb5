"""`make count`: how much there is of each layer of a network, as a table."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from evolve.base import prototxt_text
from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.base.sheet import BLANK, Sheet
from evolve.network import deployment, layers, phases, shapes, two_of_four
from evolve.network.axes import ImageShape, written
from evolve.network.count import Count, of_net, total
from evolve.network.foreign import reading
from evolve.network.two_of_four import Groups
from evolve.network.weights import Weights
from evolve.runs import paths

_FIGURES = ("weights", "bias_terms", "others", "synapses", "clusters", "macs", "bytes")


def show(model: Path, caffemodel: Path | None = None, shape: ImageShape | None = None) -> None:
    """Prints the table of `sheet`. UserError as there."""
    sheet(model, caffemodel, shape).show()


def sheet(model: Path, caffemodel: Path | None = None, shape: ImageShape | None = None) -> Sheet:
    """The table of `model`, a deploy or train_val prototxt, with `caffemodel`'s synapses, or as if none were zero.

    `shape` is (channels, height, width) of an image: what a data layer does not tell; or another size for an Input.
    UserError naming `model` for a net that does not fit together, or `caffemodel` if it is not the net's.
    """
    layers.load_beside(model.parent, paths.prototxts(model.parent))
    found, learned = reading.read(model), None
    if caffemodel:
        found, learned = found.with_weights(caffemodel)
    net = found.net
    try:
        net = deployment.sized(net, shape)
        steps = shapes.infer(net, keep_unknown=True)
        counts = of_net(steps, learned, str(caffemodel))
        fours = two_of_four.of_steps(steps, learned, str(caffemodel)) if learned is not None else None
    except UserError as error:
        if str(error).startswith(f"{caffemodel}: "):
            raise
        raise prototxt_text.located(error, model) from None
    listed = [each for each, step in zip(counts, steps, strict=True) if each.bytes or not step.works_in_place]
    fed = phases.feeding(step.layer for step in steps)
    images = [step.tops[0] for step in steps if step.tops and step.layer in fed]
    title = f"{net.name or model.name} on {written(images[0][1:]) if images else 'nothing'}"
    notes = [*_notes(counts, len(counts) - len(listed)), *_not_zero(counts, learned), *_of_fours(fours)]
    return Sheet.of(
        f"{title}{'' if caffemodel else ', no weight taken for zero'}",
        [_row(each, fours) for each in listed] + [_totals(counts, fours)],
        notice="",
        notes=[*found.notes, *notes],
    )


def _not_zero(counts: list[Count], learned: Weights | None) -> list[str]:
    """What others publish of a pruned network, where it is another number than its synapses."""
    if learned is None:
        return []
    connected = {each.name for each in counts if each.weights}
    found = sum(int(np.count_nonzero(blob)) for name in connected & set(learned) for blob in learned[name])
    if found == total(counts, "synapses"):
        return []
    return [
        f"{counted(found, 'weight or bias', 'weights and biases')} of layers with synapses "
        f"{'is' if found == 1 else 'are'} not zero, which others count: here a bias of zero "
        "is a synapse of its neuron, and one of a neuron without weights is none."
    ]


def _row(each: Count, fours: Mapping[str, Groups] | None) -> dict[str, str]:
    figures = {name: f"{getattr(each, name):,}" if getattr(each, name) else BLANK for name in _FIGURES}
    there = [fours[each.name]] if fours and each.name in fours else []
    return _titled(each.name, each.type, written(each.top[1:]) if each.top[1:] else BLANK, figures, fours, there)


def _totals(counts: list[Count], fours: Mapping[str, Groups] | None) -> dict[str, str]:
    figures = {name: f"{total(counts, name):,}" for name in _FIGURES}
    return _titled("total", BLANK, BLANK, figures, fours, list((fours or {}).values()))


def _titled(
    name: str, kind: str, top: str, figures: dict[str, str], fours: Mapping[str, Groups] | None, there: list[Groups]
) -> dict[str, str]:
    renamed = {"macs": "MACs", "bias_terms": "biases"}
    row = {"layer": name, "type": kind, "output": top} | {renamed.get(key, key): figures[key] for key in _FIGURES}
    return row if fours is None else row | {"2:4": _part(there)}


def _part(there: list[Groups]) -> str:
    groups, kept = (sum(getattr(each, what) for each in there) for what in ("groups", "kept"))
    # Nearly all is not all.
    return f"{np.floor(1000 * kept / groups) / 10:.1f}%" if groups else BLANK


def _of_fours(fours: Mapping[str, Groups] | None) -> list[str]:
    if fours is None:
        return []
    holding = ", ".join(name for name, groups in fours.items() if groups.holds)
    return [
        "2:4: groups of four neighbouring inputs in which two synapses are at most; where all are, and inputs come in "
        f"fours, sparse tensor cores skip the rest: {holding or 'in no layer'}."
    ]


def _notes(counts: list[Count], left_out: int) -> list[str]:
    statistics = total(counts, "statistics")
    unknown = sorted({each.type for each in counts} - set(layers.known()))
    notes = [
        f"{counted(total(counts, 'parameters'), 'parameter')}: weights, biases and others (of Scale, PReLU and the "
        "like).",
        "synapses: weights that are not zero, and the biases of neurons with one; clusters: kernels with a synapse.",
        "MACs: for one image, zeros multiplied too; bytes: in 32 bits.",
    ]
    if statistics:
        notes.append(f"{statistics:,} running statistics of BatchNorm are no parameters, but are among the bytes.")
    if left_out:
        which = "that learns nothing and works in place is", "that learn nothing and work in place are"
        notes.append(f"{counted(left_out, f'layer {which[0]}', f'layers {which[1]}')} not listed.")
    if unknown:
        notes.append(f"Not known here, and taken to leave shapes as they are: {', '.join(unknown)}.")
    return notes
