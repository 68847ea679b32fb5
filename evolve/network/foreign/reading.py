"""A network as anybody has it, read: whatever form it is in, what comes back is in the form of today's BVLC Caffe."""

from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.base.prototxt_fields import Field
from evolve.network import weights
from evolve.network.axes import Net
from evolve.network.foreign import batch_norm, detectnet, namesakes, other_caffes, python_layers, stages, upgrade
from evolve.network.weights import Weights

# Where the data lie is of no matter to who reads a net alone.
ANYWHERE = {"DATA": "$DATA", "NET": "$NET"}


@dataclass(frozen=True)
class Reading:
    """A net and what was made of it on reading, `notes`, a line each."""

    net: Net
    path: Path
    notes: list[str]
    scales: dict[str, str] = field(default_factory=dict)  # NVIDIA's BatchNorm -> the Scale that stands behind it
    outputs: list[str] = field(default_factory=list)  # blobs that are outputs although other layers may read them
    rewritten: bool = False  # whether its weights are not as the caffemodel has them

    def with_weights(self, caffemodel: Path) -> tuple["Reading", Weights]:
        """The reading that a caffemodel belongs to, and its weights.

        Where the caffemodel alone tells of NVIDIA's BatchNorm, the net has its Scales only then. UserError as
        `weights.read`, `weights.require_finite` and `batch_norm.require_variances`.
        """
        learned = weights.read(caffemodel)
        weights.require_finite(learned, str(caffemodel))
        net = deepcopy(self.net)
        fused = batch_norm.fused(net, learned) - set(self.scales)
        scales = self.scales | batch_norm.split(net, fused)
        learned, notes = batch_norm.apart(learned, scales, str(caffemodel))
        if fused:
            notes.append(_split(self.path, len(fused)))
        factors = batch_norm.with_factors(net, learned)
        notes += [f"{caffemodel}: {note}" for note in factors]
        batch_norm.require_variances(net, learned, str(caffemodel))
        rewritten = bool(factors) or any(scale in learned for scale in scales.values())
        return replace(self, net=net, notes=[*self.notes, *notes], scales=scales, rewritten=rewritten), learned

    def for_caffe(self, caffemodel: Path, folder: Path) -> Path:
        """A caffemodel that BVLC's Caffe reads into the net: the file itself where it does, else a copy in `folder`."""
        if not self.rewritten:
            return weights.for_caffe(caffemodel, self.net, folder)
        copy = folder / "rewritten.caffemodel"
        weights.write(copy, self.net, self.with_weights(caffemodel)[1])
        return copy


def read(path: Path, values: dict[str, str] | None = None, without_python: bool = False) -> Reading:
    """Reads a prototxt of any Caffe, `values` in place of its $NAMES. UserError naming file, line and layer.

    `without_python` leaves out unknown Python layers that no other layer reads.
    """
    values = ANYWHERE if values is None else values
    return parse(prototxt_text.substitute(prototxt_text.read_text(path), values, path), path, without_python)


def parse(
    text: str, path: Path, without_python: bool = False, training: list[str] | None = None,
    testing: list[list[str]] | None = None,
) -> Reading:  # fmt: skip
    """Reads a prototxt's text as `read` does; a solver sets the stages `training`, and `testing` for each test net."""
    extra = other_caffes.take(text, path)
    try:
        net = prototxt_text.parse(extra.text, caffe_pb2.NetParameter(), path)
    except UserError:
        _refuse_a_solver(text, path)
        raise
    try:
        return _of_today(net, extra, text, path, without_python, training or [], testing or [])
    except UserError as error:
        raise error if str(error).startswith(str(path)) else prototxt_text.located(error, path, text) from None


def _of_today(
    net: Net, extra: other_caffes.Extra, text: str, path: Path, without_python: bool, training: list[str],
    testing: list[list[str]],
) -> Reading:  # fmt: skip
    order = [layer.name for layer in net.layer]
    fillers = _batch_norms(net, extra.taken, order)
    notes = upgrade.upgrade(net)
    notes += stages.resolve(net, training, testing)
    notes += detectnet.translate(net, extra.taken, order)
    namesakes.refuse(net, path, text)
    scales = batch_norm.split(net, set(fillers), fillers)
    outputs, left_out = python_layers.leave_out(net) if without_python else ([], [])
    said = [f"{path}: {note}" for note in [*notes, *left_out]]
    if scales:
        said.append(_split(path, len(scales)))
    return Reading(net, path, [*extra.notes, *said], scales, outputs)


def _batch_norms(net: Net, taken: dict[int, list[Field]], order: list[str]) -> dict[str, list[Field]]:
    """The BatchNorm layers that ask for scale and bias, by name, with what they say of them."""
    return {
        order[number]: fields for number, fields in taken.items()
        if net.layer[number].type == "BatchNorm" and batch_norm.asked(fields)
    }  # fmt: skip


def _split(path: Path, count: int) -> str:
    return f"{path}: {count} of NVIDIA's BatchNorm layers are read as BatchNorm and Scale"


def _refuse_a_solver(text: str, path: Path) -> None:
    """UserError where what was given is a solver: it names its net, or has it within."""
    try:
        solver = prototxt_text.parse(text, caffe_pb2.SolverParameter(), path)
    except UserError:
        return
    names = [name for name in (solver.net, solver.train_net, *solver.test_net) if name]
    net = f"the net that it trains, {names[0]}" if names else "the prototxt of its net"
    raise UserError(f"{path}: expected a network, got a solver; give {net}")
