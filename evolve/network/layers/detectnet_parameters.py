"""The parameters of DetectNet's transformation, as NVIDIA Caffe names them, read from a Python layer's param_str.

    python_param {
      module: "evolve.detectnet.layers" layer: "DetectNetTransformation"
      param_str: "detectnet_groundtruth_param { stride: 16 image_size_x: 1248 image_size_y: 384 "
                 "  object_class { src: 1 dst: 0 } } transform_param { mean_value: 127 } seed: 1"
    }

Names and meanings are those of NVIDIA Caffe 0.17.3 (DetectNetGroundTruthParameter, DetectNetAugmentationParameter).
What is not written has the value of the DIGITS example's training; the geometry and the classes have no default.
"""

from dataclasses import dataclass, field
from typing import Any

from evolve.base import prototxt_text
from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.network.axes import Shape
from evolve.proto import detectnet_pb2

PARAM_STR = "param_str"  # what a message calls the text, which has no file
BEFORE_COVERAGE = 8  # channels of the ground truth before the coverage, a map a class
LABEL_LENGTH = 16  # numbers a row of a label


@dataclass(frozen=True)
class GroundTruth:
    """How boxes become ground truth on the grid; lengths in pixels."""

    stride: int
    image_size_x: int
    image_size_y: int
    object_class: dict[int, int]  # class in the data set's list: map in the coverage
    scale_cvg: float = 0.4
    gridbox_type: str = "GRIDBOX_MIN"
    min_cvg_len: float = 20.0
    max_cvg_len: float | None = None
    obj_norm: bool = True
    crop_bboxes: bool | None = None  # None: in phase TRAIN only, as in the DIGITS example

    @property
    def grid(self) -> tuple[int, int]:
        """(rows, columns) of cells."""
        return self.image_size_y // self.stride, self.image_size_x // self.stride

    @property
    def classes(self) -> int:
        """Maps of the coverage."""
        return max(self.object_class.values()) + 1


@dataclass(frozen=True)
class Augmentation:
    """What TRAIN may draw: probabilities 0 to 1, angles in degrees, shifts in pixels."""

    crop_prob: float = 1.0
    shift_x: int = 32
    shift_y: int = 32
    scale_prob: float = 0.4
    scale_min: float = 0.8
    scale_max: float = 1.2
    flip_prob: float = 0.5
    rotation_prob: float = 0.0
    max_rotate_degree: float = 5.0
    hue_rotation_prob: float = 0.8
    hue_rotation: float = 30.0
    desaturation_prob: float = 0.8
    desaturation_max: float = 0.8


@dataclass(frozen=True)
class Data:
    """Where layer DetectNetData reads, and how far ahead of the solver it is."""

    source: str
    label_source: str
    batch_size: int
    prefetch: int = 2
    processes: int = 1
    start: int = 0


@dataclass(frozen=True)
class Parameters:
    """Everything in one param_str; `mean` is (3,) or (1,) or (), `data` is None for a layer with bottoms."""

    ground_truth: GroundTruth
    augmentation: Augmentation = field(default_factory=Augmentation)
    mean: tuple[float, ...] = ()
    data: Data | None = None
    seed: int = 0

    def shapes(self, batch: int, max_boxes: int) -> tuple[Shape, Shape, Shape]:
        """Of a batch's images, ground truth and labels, which have room for `max_boxes`."""
        wanted = self.ground_truth
        return (
            (batch, 3, wanted.image_size_y, wanted.image_size_x),
            (batch, BEFORE_COVERAGE + wanted.classes, *wanted.grid),
            (batch, 1, max_boxes + 1, LABEL_LENGTH),
        )


def parse(param_str: str, where: str = PARAM_STR) -> Parameters:
    """Reads a param_str. UserError, beginning with `where`, for what is unknown, missing or impossible."""
    message: Any = prototxt_text.parse(param_str, detectnet_pb2.DetectNetParameter(), where)
    result = Parameters(
        ground_truth=_ground_truth(message.detectnet_groundtruth_param, where),
        augmentation=Augmentation(**_fields(message.detectnet_augmentation_param)),
        mean=tuple(message.transform_param.mean_value),
        data=_data(message.data_param, where) if message.HasField("data_param") else None,
        seed=message.seed,
    )
    _check(result, where)
    return result


def _ground_truth(message: Any, where: str) -> GroundTruth:
    values = _fields(message)
    _require(values, ("stride", "image_size_x", "image_size_y", "object_class"), "detectnet_groundtruth_param", where)
    values["object_class"] = {each.src: each.dst for each in message.object_class}
    if "gridbox_type" in values:
        values["gridbox_type"] = type(message).GridboxType.Name(message.gridbox_type)
    values.pop("coverage_type", None)
    return GroundTruth(**values)


def _data(message: Any, where: str) -> Data:
    values = _fields(message)
    _require(values, ("source", "label_source", "batch_size"), "data_param", where)
    return Data(**values)


def _fields(message: Any) -> dict[str, Any]:
    return {each.name: value for each, value in message.ListFields()}


def _require(values: dict[str, Any], names: tuple[str, ...], message: str, where: str) -> None:
    missing = [name for name in names if name not in values]
    if missing:
        raise UserError(f"{where}: {message}: expected {missing[0]}, got none; write it, there is no default")


def _check(given: Parameters, where: str) -> None:
    for problem in [*_in_ground_truth(given.ground_truth), *_in_augmentation(given.augmentation), *_elsewhere(given)]:
        raise UserError(f"{where}: {problem}")


def _in_ground_truth(given: GroundTruth) -> list[str]:
    found = []
    if given.stride < 1:
        found.append("stride: expected 1 or more, got 0; write the stride of the net (DetectNet's is 16)")
        return found
    for name in ("image_size_x", "image_size_y"):
        size = getattr(given, name)
        if size < given.stride or size % given.stride:
            nearest = max(1, round(size / given.stride)) * given.stride
            found.append(f"{name}: expected a multiple of stride {given.stride}, got {size}; do {nearest}")
    if not 0 < given.scale_cvg <= 1:
        found.append(f"scale_cvg: expected more than 0 and at most 1, got {given.scale_cvg:g}; do 0.4")
    if given.gridbox_type == "GRIDBOX_MAX" and not given.max_cvg_len:
        found.append("gridbox_type GRIDBOX_MAX: expected max_cvg_len, got none; write the longest side in pixels")
    maps = set(given.object_class.values())
    if maps != set(range(len(maps))):
        found.append(f"object_class: expected dst to count 0, 1, …, got {sorted(maps)}; leave no coverage map empty")
    return found


def _in_augmentation(given: Augmentation) -> list[str]:
    found = []
    for name in ("crop_prob", "scale_prob", "flip_prob", "rotation_prob", "hue_rotation_prob", "desaturation_prob"):
        if not 0 <= getattr(given, name) <= 1:
            found.append(f"{name}: expected a probability 0 to 1, got {getattr(given, name):g}")
    if not 0 < given.scale_min <= given.scale_max:
        found.append(f"scale_min: expected 0 < scale_min <= scale_max, got {given.scale_min:g}, {given.scale_max:g}")
    if not 0 <= given.desaturation_max <= 1:
        found.append(f"desaturation_max: expected 0 to 1, got {given.desaturation_max:g}")
    return found


def _elsewhere(given: Parameters) -> list[str]:
    found = []
    if len(given.mean) not in (0, 1, 3):
        found.append(f"mean_value: expected one, or three (blue, green, red), got {len(given.mean)}")
    if given.data and given.data.batch_size < 1:
        found.append("batch_size: expected 1 or more, got 0")
    if given.data and given.data.processes and given.data.prefetch < given.data.processes:
        each = counted(given.data.processes, "process", "processes")
        found.append(
            f"prefetch: expected at least one batch for each of {each}, got {given.data.prefetch}; do prefetch: "
            f"{given.data.processes}"
        )
    return found
