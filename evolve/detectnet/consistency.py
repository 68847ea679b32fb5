"""Image size, stride and classes are written once; wherever a net repeats them, it has to agree.

A prototxt writes $WIDTH, $HEIGHT, $STRIDE and $CLASSES, and `Geometry.values` says what they stand for. What a user
writes as a number instead is compared here: transformation against clustering, ground truth against what the net
predicts, phase against phase.

Where what a net predicts meets its ground truth: layers with bottoms that come from both.

Where in a prototxt a layer, or a word of it, stands: also of two layers of one name, one for each phase.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.base.prototxt_text import line_of
from evolve.detectnet.batches import Shapes
from evolve.network import shapes
from evolve.network.axes import Shape
from evolve.network.layers import detectnet_clustering, kind
from evolve.network.layers import detectnet_parameters as parameters
from evolve.network.layers.detectnet_parameters import Parameters
from evolve.network.phases import Layer, Net, for_phase

_PIXELS, _LABELS = "pixels", "labels"


@dataclass(frozen=True)
class Meeting:
    """A layer that compares or multiplies both, or groups what is predicted, and the shapes of its bottoms by name."""

    layer: Layer
    bottoms: dict[str, Shape]
    joint: bool


def meetings(net: Net, data: Layer, given: Parameters) -> Iterator[Meeting]:
    """Every layer of `net` (of one phase) whose bottoms' shapes are known, where `data` makes pixels and ground truth.

    Ground truth is known from param_str, what is predicted from the net's own layers. UserError, naming the layer, for
    what does not fit in either of them.
    """
    sides = _sides(net, data)
    known = _shapes(net, data, given, sides)
    for layer in net.layer:
        bottoms = {name: known[name] for name in layer.bottom if name in known}
        if bottoms and len(bottoms) == len(set(layer.bottom)):
            yield Meeting(layer, bottoms, _joint(layer, sides))


def _sides(net: Net, data: Layer) -> dict[str, set[str]]:
    """For each blob that comes from `data`, whether from its pixels, its ground truth or both."""
    sides = {top: {_LABELS} for top in data.top} | {data.top[0]: {_PIXELS}}
    for layer in net.layer:
        of = set().union(*(sides.get(name, set()) for name in layer.bottom))
        if of and layer != data:
            sides |= {top: of | (sides.get(top, set()) if top in layer.bottom else set()) for top in layer.top}
    return sides


def _joint(layer: Layer, sides: dict[str, set[str]]) -> bool:
    return {_PIXELS, _LABELS} <= set().union(*(sides.get(name, set()) for name in layer.bottom))


def _shapes(net: Net, data: Layer, given: Parameters, sides: dict[str, set[str]]) -> dict[str, Shape]:
    apart = caffe_pb2.NetParameter(name=net.name)
    source = apart.layer.add()
    source.CopyFrom(data)
    del source.bottom[:]
    apart.layer.extend(
        layer for layer in net.layer if any(name in sides for name in layer.bottom) and not _joint(layer, sides)
    )
    # Room for the boxes of a label plays no part in the net.
    made = Shapes.of(given, given.data.batch_size if given.data else 1, max_boxes=1)
    tops = dict(zip(data.top, (made.images, made.truth, made.labels), strict=False))
    steps = shapes.infer(apart, keep_unknown=True, given=tops)
    return {top: shape for step in steps for top, shape in zip(step.layer.top, step.tops, strict=True)}


class Lines:
    """The lines of `text`, from which `net` was read; `path` is what messages call it."""

    def __init__(self, net: Net, text: str, path: Path) -> None:
        self._path = path
        self._lines = text.splitlines()
        self._begins = self._names(net)

    def _names(self, net: Net) -> list[tuple[Layer, int]]:
        """Each layer in its order with the line of its name."""
        begins, after = [], 0
        for layer in net.layer:
            rest = self._lines[after:]
            number = after + line_of("\n".join(rest), layer.name)
            begins.append((layer, number))
            # Layers stand in the text as they do in the net; a name may come before or after its layer's other lines.
            after = number
        return begins

    def number(self, layer: Layer, *words: str) -> int:
        """The line (from 1) of the first of `words` that `layer` has; of the layer's name if it has none."""
        index = next((place for place, (each, _) in enumerate(self._begins) if each == layer), None)
        if index is None:
            return 1
        begin = self._begins[index][1]
        end = self._begins[index + 1][1] - 1 if index + 1 < len(self._begins) else len(self._lines)
        for word in words:
            for number in range(begin, end + 1):
                if re.search(rf"\b{re.escape(word)}\b", self._lines[number - 1]):
                    return number
        return begin

    def place(self, layer: Layer, *words: str) -> str:
        """``path:line: layer 'x'``, with the line that `number` gives."""
        return f"{self._path}:{self.number(layer, *words)}: layer '{layer.name}'"

    def located(self, error: UserError) -> str:
        """A message that begins with ``layer 'x'``, with path and line before it."""
        words = str(error)
        name = words.split("'")[1] if words.startswith("layer '") else ""
        number = next((number for layer, number in self._begins if layer.name == name), 0)
        return f"{self._path}:{number}: {words}" if number else f"{self._path}: {words}"


_DATA = ("DetectNetTransformation", "DetectNetData")
_CLUSTERS = ("ClusterDetections", "ClusterGroundtruth")
_COMPARE = ("Eltwise", "EuclideanLoss", "L1Loss", "SigmoidCrossEntropyLoss")
# The fields in which ground truth has it; a list of numbers has no such words.
_FIELDS = {"width": "image_size_x", "height": "image_size_y", "stride": "stride", "classes": "object_class"}
_REMEDY = "make the strides and the outputs of the net those of the ground truth, or the other way round"


@dataclass(frozen=True)
class Geometry:
    """The net's input in pixels, the pixels a cell of its grid has on each side, and the classes it tells apart."""

    width: int
    height: int
    stride: int
    classes: int

    @property
    def grid(self) -> tuple[int, int]:
        """(rows, columns) of cells."""
        return self.height // self.stride, self.width // self.stride

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in vars(self).items())

    def values(self) -> dict[str, str]:
        """What stands for a prototxt's $NAMES.

        $OBJECT_CLASSES are ground truth's `object_class` fields, $DETECTION_TOPS the tops of ClusterDetections.
        """
        classes = [f"object_class {{ src: {number + 1} dst: {number} }}" for number in range(self.classes)]
        numbers = {name.upper(): str(value) for name, value in vars(self).items()}
        tops = [f'top: "detections-{number + 1}"' for number in range(self.classes)]
        return {**numbers, "OBJECT_CLASSES": " ".join(classes), "DETECTION_TOPS": " ".join(tops)}


def problems(net: Net, path: Path, text: str) -> list[str]:
    """A line ``path:line: layer 'x': expected …, got …; do …`` for each place where `net` contradicts itself.

    `text` is what `net` was read from, line by line. The first layer that makes ground truth is taken to be right.
    """
    lines, found = Lines(net, text, path), list[str]()
    written = [_written(for_phase(net, phase), lines, found) for phase in ("TRAIN", "TEST")]
    places = [each for phase in written for each in phase]
    for layer, geometry in places[1:]:
        found += _differing(layer, geometry, *places[0], lines)
    if not found:
        for phase in ("TRAIN", "TEST"):
            found += _predicted_otherwise(for_phase(net, phase), lines)
    # A layer of both phases is wrong once.
    return list(dict.fromkeys(found))


def of(layer: Layer, where: str = parameters.PARAM_STR) -> Geometry | None:
    """What a layer's param_str says of the geometry; None if it says nothing. UserError at `where` if malformed."""
    what, given = kind(layer), layer.python_param.param_str
    if what in _DATA:
        truth = parameters.parse(given, where).ground_truth
        return Geometry(truth.image_size_x, truth.image_size_y, truth.stride, truth.classes)
    if what in _CLUSTERS:
        parse = detectnet_clustering.parse if what == "ClusterDetections" else detectnet_clustering.parse_ground_truth
        wanted = parse(given, where)
        return Geometry(wanted.image_size_x, wanted.image_size_y, wanted.stride, wanted.classes)
    return None


def _written(net: Net, lines: Lines, found: list[str]) -> list[tuple[Layer, Geometry]]:
    places = []
    for layer in net.layer:
        try:
            geometry = of(layer, "")
        except UserError as error:
            words = str(error).removeprefix(": ")
            found.append(f"{lines.place(layer, words.split(':')[0], 'param_str')}: {words}")
            continue
        if geometry:
            places.append((layer, geometry))
    return places


def _differing(layer: Layer, got: Geometry, first: Layer, right: Geometry, lines: Lines) -> Iterator[str]:
    for name, value in vars(got).items():
        wanted, words = vars(right)[name], (_FIELDS[name], "param_str")
        if value != wanted:
            yield (
                f"{lines.place(layer, *words)}: expected {name} {wanted} as in layer '{first.name}' "
                f"(line {lines.number(first, *words)}), got {value}; write the same in both"
            )


def _predicted_otherwise(net: Net, lines: Lines) -> Iterator[str]:
    data = next((layer for layer in net.layer if kind(layer) in _DATA), None)
    if data is None:
        return
    try:
        for meeting in meetings(net, data, parameters.parse(data.python_param.param_str)):
            yield from _of_two_shapes(meeting, lines)
            yield from _not_of_the_grid(meeting, lines)
    except UserError as error:
        yield lines.located(error)


def _of_two_shapes(meeting: Meeting, lines: Lines) -> Iterator[str]:
    if meeting.joint and kind(meeting.layer) in _COMPARE and len(set(meeting.bottoms.values())) > 1:
        listed = ", ".join(f"'{name}' {_by(shape)}" for name, shape in meeting.bottoms.items())
        yield f"{lines.place(meeting.layer)}: expected bottoms of one shape, got {listed}; {_REMEDY}"


def _not_of_the_grid(meeting: Meeting, lines: Lines) -> Iterator[str]:
    geometry = of(meeting.layer) if kind(meeting.layer) in _CLUSTERS else None
    if geometry is None:
        return
    for name, channels in zip(meeting.layer.bottom, (geometry.classes, 4), strict=False):
        wanted, got = (channels, *geometry.grid), meeting.bottoms[name][1:]
        if wanted != got:
            place = lines.place(meeting.layer, "param_str")
            yield f"{place}: expected '{name}' to be {_by(wanted)} an image, got {_by(got)}; {_REMEDY}"


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
