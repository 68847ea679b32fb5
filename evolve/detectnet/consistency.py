"""Image size, stride and classes are written once; wherever a net repeats them, it has to agree.

A prototxt writes $WIDTH, $HEIGHT, $STRIDE and $CLASSES, and `Geometry.values` says what they stand for. What a user
writes as a number instead is compared here: transformation against clustering, ground truth against what the net
predicts, phase against phase.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evolve.base.errors import UserError
from evolve.detectnet.comparisons import Comparison, comparisons
from evolve.detectnet.lines import Lines
from evolve.network.axes import written
from evolve.network.layers import detectnet_clustering, kind
from evolve.network.layers import detectnet_parameters as parameters
from evolve.network.phases import Layer, Net, for_phase

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


def numbered_otherwise(net: Net, path: Path, text: str) -> list[str]:
    """A line for each layer whose coverage maps are not those of the data set's classes, in their order.

    It would learn the objects of another class, or that there are none.
    """
    lines, found = Lines(net, text, path), list[str]()
    for layer in net.layer:
        if kind(layer) in _DATA:
            given = parameters.parse(layer.python_param.param_str).ground_truth.object_class
            if given != {number + 1: number for number in range(len(given))}:
                classes = " ".join(f"object_class {{ src: {src} dst: {dst} }}" for src, dst in given.items())
                found.append(
                    f"{lines.place(layer, 'object_class')}: expected the classes of evolution.prototxt in their order, "
                    f"got {classes}; write $OBJECT_CLASSES"
                )
    return found


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
        for comparison in comparisons(net, data, parameters.parse(data.python_param.param_str)):
            yield from _of_two_shapes(comparison, lines)
            yield from _not_of_the_grid(comparison, lines)
    except UserError as error:
        yield lines.located(error)


def _of_two_shapes(comparison: Comparison, lines: Lines) -> Iterator[str]:
    if comparison.compares and kind(comparison.layer) in _COMPARE and len(set(comparison.bottoms.values())) > 1:
        listed = ", ".join(f"'{name}' {written(shape)}" for name, shape in comparison.bottoms.items())
        yield f"{lines.place(comparison.layer)}: expected bottoms of one shape, got {listed}; {_REMEDY}"


def _not_of_the_grid(comparison: Comparison, lines: Lines) -> Iterator[str]:
    geometry = of(comparison.layer) if kind(comparison.layer) in _CLUSTERS else None
    if geometry is None:
        return
    for name, channels in zip(comparison.layer.bottom, (geometry.classes, 4), strict=False):
        wanted, got = (channels, *geometry.grid), comparison.bottoms[name][1:]
        if wanted != got:
            place = lines.place(comparison.layer, "param_str")
            yield f"{place}: expected '{name}' to be {written(wanted)} an image, got {written(got)}; {_REMEDY}"
