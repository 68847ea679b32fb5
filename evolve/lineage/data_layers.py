"""What a net's data layers read has to be the data set, as it is stored: else figures would be those of another one.

A CHECK of Caffe's DataTransformer says so late, LevelDB for LMDB later still, and another source not at all.
"""

from collections.abc import Iterator
from pathlib import Path

from evolve.base.errors import UserError
from evolve.datasets.own import mean_image
from evolve.detectnet.lines import Lines
from evolve.lineage.experiment import Experiment
from evolve.network import phases
from evolve.network.axes import ImageShape, Layer, Net
from evolve.network.layers import detectnet, kind
from evolve.network.layers import detectnet_parameters as parameters

_Problems = Iterator[tuple[str, str]]  # the word on whose line it is, and what is wrong

# What a data layer is to read in each phase, of images with a class each and of images with boxes.
SOURCES = {"TRAIN": "$DATA/train", "TEST": "$DATA/test"}
SOURCES_WITH_BOXES = {"TRAIN": "$DATA/train", "TEST": "$DATA/val"}


def problems(experiment: Experiment, net: Net, data: Path) -> list[str]:
    """A line ``file:line: layer 'x': expected …, got …; do …`` for each thing that a data layer of `net` cannot do.

    `data` is what stands for $DATA in `net`, which has one data layer for each phase.
    """
    lines = Lines(net, experiment.template, experiment.train_val)
    found = []
    for phase in SOURCES:
        layer = phases.data_layer(net, phase)
        of_kind = _of_boxes(layer, phase, data) if experiment.geometry else _of_classes(experiment, layer, phase, data)
        found += [f"{lines.place(layer, word)}: {problem}" for word, problem in of_kind]
    # A layer of both phases is wrong once.
    return list(dict.fromkeys(found))


def _of_classes(experiment: Experiment, layer: Layer, phase: str, data: Path) -> _Problems:
    source = SOURCES[phase]
    if layer.type != "Data":
        yield (
            "type",
            f'expected type: "Data", which reads the data set, got {kind(layer)}; write type: "Data" and data_param '
            f'{{ source: "{source}" backend: LMDB batch_size: … }}',
        )
        return
    yield from _of_source(layer.data_param.source, source, phase, data)
    if layer.data_param.backend != layer.data_param.LMDB:
        got = "LEVELDB" if layer.data_param.HasField("backend") else "none, which means LEVELDB to Caffe"
        yield "backend" if layer.data_param.HasField("backend") else "data_param", (
            f"expected backend: LMDB, got {got}; write backend: LMDB"
        )
    if phase == "TEST" and layer.transform_param.mirror:
        yield "mirror", (
            "expected no mirror in phase TEST, where Caffe draws it as in TRAIN and no two scores would be alike, got "
            "true; take it out, or write a data layer for each phase"
        )
    yield from _of_transform(experiment, layer.transform_param, data)


def _of_boxes(layer: Layer, phase: str, data: Path) -> _Problems:
    given = parameters.parse(layer.python_param.param_str).data if detectnet.feeds(layer) else None
    if given:
        split = SOURCES_WITH_BOXES[phase]
        yield from _of_source(given.source, f"{split}/images", phase, data)
        yield from _of_source(given.label_source, f"{split}/labels", phase, data, "label_source")


def _of_source(got: str, wanted: str, phase: str, data: Path, field: str = "source") -> _Problems:
    if got != wanted.replace("$DATA", str(data)):
        got = got.replace(str(data), "$DATA")
        yield field, (
            f'expected {field}: "{wanted}" in phase {phase}, where the data set that evolution.prototxt names is put, '
            f'got "{got}"; write "{wanted}"'
        )


def _of_transform(experiment: Experiment, transform: Layer, data: Path) -> _Problems:
    channels, height, width = experiment.stored_shape()
    if transform.crop_size > min(height, width):
        yield "crop_size", (
            f"expected a crop_size of at most {min(height, width)}, as images are stored as {width}x{height}, got "
            f"{transform.crop_size}; write a smaller one, or a larger image_size in evolution.prototxt"
        )
    if len(transform.mean_value) not in (0, 1, channels):
        one = " or 1" if channels > 1 else ""
        yield "mean_value", (
            f"expected {channels}{one} mean_value for images of {channels} channel{'s' * (channels > 1)}, got "
            f"{len(transform.mean_value)}; write one for each channel"
        )
    if transform.mean_file and transform.mean_value:
        yield "mean_file", "expected mean_file or mean_value, got both; take one of them out"
    elif transform.mean_file and not transform.mean_file.startswith(str(data)):
        yield from _of_mean_file(Path(transform.mean_file), (channels, height, width))


def _of_mean_file(file: Path, stored: ImageShape) -> _Problems:
    if not file.is_absolute():
        yield "mean_file", (
            f"expected a mean_file whose path does not depend on where Caffe runs, got {file}; write $NET/{file} for "
            "one beside train_val.prototxt"
        )
        return
    try:
        mean_image.read(file, stored)
    except UserError as error:
        yield "mean_file", f"{error}; or write mean_value in its place"
