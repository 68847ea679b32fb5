"""DetectNet's training prototxt, NVIDIA's or DIGITS's, becomes Cavefish's: one geometry, and scores from the labels.

What computes the losses from the ground truth is TRAIN's alone; TEST has the net and what clusters its boxes, for a
generation is scored outside the net.
"""

from collections.abc import Iterator

from google.protobuf import text_format

from evolve import datasets
from evolve.adoption import settings_text
from evolve.adoption.given import Given
from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.lineage.data_layers import SOURCES_WITH_BOXES
from evolve.network import phases
from evolve.network.axes import Layer, Net
from evolve.network.layers import detectnet, kind
from evolve.network.layers import detectnet_parameters as parameters
from evolve.proto import detectnet_pb2, evolution_pb2
from evolve.settings import changes

_PREFETCH = 3
_SCORES = ("ClusterGroundtruth", "ScoreDetections", "mAP")  # NVIDIA's, of which metrics.json has the like
# Classes by their numbers, as DIGITS gives them where nobody names others.
_CLASSES = (
    "dontcare", "car", "van", "truck", "bus", "pickup", "vehicle-with-trailer", "special-vehicle", "person",
    "person-fa", "person?", "people", "cyclist", "tram", "person_sitting",
)  # fmt: skip


class Detector:
    """A DetectNet's parts, and what was done to it."""

    def __init__(self, brought: Given) -> None:
        self.net: Net = caffe_pb2.NetParameter(name=brought.net.name)
        self.notes: list[str] = []
        self._given = brought.net
        self.data = {phase: self._data(phase) for phase in SOURCES_WITH_BOXES}
        text = self.data["TRAIN"].python_param.param_str
        self.truth = parameters.parse(text, f"layer '{self.data['TRAIN'].name}': param_str").ground_truth

    def _data(self, phase: str) -> Layer:
        layers = phases.for_phase(self._given, phase).layer
        found = next((layer for layer in layers if detectnet.feeds(layer)), None)
        if found is None:
            raise UserError(
                f"net '{self._given.name}': expected images and labels transformed in phase {phase}, got none; give "
                "DetectNet's training prototxt, with both phases in it"
            )
        return found

    def build(self) -> None:
        """Fills `net`."""
        for phase, layer in self.data.items():
            self._add_data(phase, layer)
        of_truth = set(self.data["TRAIN"].top[1:]) | set(self.data["TEST"].top[1:])
        for layer in self._given.layer:
            if detectnet.feeds(layer):
                continue
            if of_truth & set(layer.bottom):
                of_truth |= set(layer.top)
            if kind(layer) in _SCORES:
                self.notes.append(f"layer '{layer.name}': {kind(layer)} left out, generations are scored by the labels")
            elif of_truth & set(layer.bottom):
                self._add_of_training(layer)
            else:
                self.net.layer.add().CopyFrom(layer)
                if kind(layer) == "ClusterDetections":
                    self._cluster(self.net.layer[-1])

    def _add_data(self, phase: str, layer: Layer) -> None:
        message = prototxt_text.parse(
            layer.python_param.param_str, detectnet_pb2.DetectNetParameter(), f"layer '{layer.name}'"
        )
        size = message.detectnet_groundtruth_param
        if (size.image_size_x, size.image_size_y) != (self.truth.image_size_x, self.truth.image_size_y):
            self.notes.append(
                f"layer '{layer.name}': {size.image_size_x}x{size.image_size_y} pixels, where TRAIN has "
                f"{self.truth.image_size_x}x{self.truth.image_size_y}: that is every image's size now"
            )
        batch, source = message.data_param.batch_size, SOURCES_WITH_BOXES[phase]
        added = self.net.layer.add(name="data", type="Python", top=layer.top)
        added.include.add(phase=getattr(caffe_pb2, phase))
        added.python_param.module, added.python_param.layer = detectnet.MODULE, "DetectNetData"
        added.python_param.param_str = " ".join(_words(message, source))
        self.notes.append(f"{phase}: layer '{layer.name}' reads {source}, {counted(batch, 'image')} at once")

    def _add_of_training(self, layer: Layer) -> None:
        if not phases.includes(layer, "TRAIN"):
            self.notes.append(f"layer '{layer.name}': of phase TEST, left out")
            return
        added = self.net.layer.add()
        added.CopyFrom(layer)
        added.ClearField("include")
        added.ClearField("exclude")
        added.include.add(phase=caffe_pb2.TRAIN)

    def _cluster(self, layer: Layer) -> None:
        """Geometry from the settings, thresholds as they were; in TEST alone."""
        words = [word.strip() for word in layer.python_param.param_str.split(",")]
        layer.python_param.param_str = ",".join(["$WIDTH", "$HEIGHT", "$STRIDE", *words[3:7], "$CLASSES"])
        layer.ClearField("include")
        layer.ClearField("exclude")
        layer.include.add(phase=caffe_pb2.TEST)
        self.notes.append(f"layer '{layer.name}': its width, height, stride and classes are evolution.prototxt's")


def find(brought: Given) -> Detector | None:
    """The detector that `brought` is; None for another network. UserError for a DetectNet without its training."""
    if any(map(detectnet.feeds, brought.net.layer)):
        return Detector(brought)
    if "ClusterDetections" in brought.text:
        raise UserError(
            f"net '{brought.net.name}': expected DetectNet's training prototxt, got its deploy form, which has no "
            "losses; give the one that it was trained with"
        )
    return None


def settings(found: Detector, brought: Given, changed: changes.Changes) -> settings_text.SettingsText:
    """Its evolution.prototxt; `changed` is SET=."""
    own = evolution_pb2.EvolutionParameter(lrn=evolution_pb2.EvolutionParameter.RETRAIN)
    words = " ".join([*_sources(brought), brought.net.name, brought.reading.path.name]).lower()
    own.dataset.name = "kitti" if "kitti" in words else "voc"
    asked = own.dataset.detection
    asked.width, asked.height, asked.stride = found.truth.image_size_x, found.truth.image_size_y, found.truth.stride
    order = sorted(found.truth.object_class.items(), key=lambda pair: pair[1])
    if not any(change.path == "dataset.name" and _names_classes(change.value) for change in changed):
        asked.class_name.extend(_CLASSES[number] if number < len(_CLASSES) else f"class{number}" for number, _ in order)
    numbers = ", ".join(str(number) for number, _ in order)
    choices = {
        "name": "your images and boxes: voc is any folder in Pascal VOC's layout, folder: \"/it\".",
        "detection.class_name": f"the classes' names: by DIGITS's numbers {numbers} they would be these.",
    }
    said = {change.path.removeprefix("dataset.") for change in changed}
    comments = {
        "dataset": [f"{settings_text.CHOOSE} {words}" for field, words in choices.items() if field not in said],
        "lrn": ["Channels under its LRN may go; EXACT keeps them."],
    }  # fmt: skip
    settings_text.lengths(own, comments, int(brought.solver.max_iter) if brought.solver else 0)
    return settings_text.changed_by(changed, own, comments)


def _names_classes(name: str) -> bool:
    """Whether the data set of that name has classes of its own."""
    return name in datasets.names() and bool(getattr(datasets.find(name).source, "classes", ()))


def _sources(brought: Given) -> Iterator[str]:
    for layer in brought.net.layer:
        if detectnet.feeds(layer):
            yield layer.python_param.param_str


def _words(message: detectnet_pb2.DetectNetParameter, folder: str) -> Iterator[str]:
    """The param_str of a DetectNetData, geometry and classes by their $NAMES."""
    truth = message.detectnet_groundtruth_param
    for field in ("stride", "image_size_x", "image_size_y", "object_class"):
        truth.ClearField(field)
    rest = text_format.MessageToString(truth, as_one_line=True).strip()
    yield (
        "detectnet_groundtruth_param { stride: $STRIDE image_size_x: $WIDTH image_size_y: $HEIGHT "
        f"{rest} $OBJECT_CLASSES }}"
    )
    batch = message.data_param.batch_size
    for field in ("detectnet_groundtruth_param", "data_param"):
        message.ClearField(field)
    message.seed = message.seed or 1
    yield text_format.MessageToString(message, as_one_line=True).strip()
    yield (
        f"data_param {{ source: '{folder}/images' label_source: '{folder}/labels' batch_size: {batch or 1} "
        f"prefetch: {_PREFETCH} }}"
    )
