"""A detector's generation finds boxes on one's own images, prepared as in training, on any engine."""

from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import numpy as np

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.base.machine import Machine
from evolve.datasets import Detection, Photo
from evolve.datasets.fitting import Fitting, fitting
from evolve.datasets.image_form import Form
from evolve.detectnet import clustering, transformation
from evolve.detectnet.augment import resize_only
from evolve.network import phases
from evolve.network.layers import detectnet, detectnet_clustering, kind
from evolve.network.layers import detectnet_parameters as parameters
from evolve.network.layers.detectnet_clustering import Clustering
from evolve.network.layers.detectnet_parameters import Parameters
from evolve.runs import generation, paths, state
from evolve.runs.metrics import Metrics
from trt.inference import boxed_picture, names, network, pictures
from trt.inference.box_answers import Answer, Answers, Found
from trt.inference.network import Blobs, Image
from trt.inference.output import Folder
from trt.inference.pictures import Bytes, Picture


@dataclass(frozen=True)
class Detector:
    """What is around a generation's deploy net: how images are stored and read, and how its blobs become boxes."""

    wanted: Detection
    given: Parameters
    clustering: Clustering
    coverage: str  # blobs of the deploy net
    boxes: str
    form: Form  # what an image file is read as

    def prepared(self, pixels: Bytes, name: str) -> tuple[Image, Fitting]:
        """(3, height, width) for the net, of an image (H, W, 3), blue first; and how it was made as large as stored.

        UserError, beginning with `name`, where it is too large to be padded.
        """
        fit = fitting(self.wanted, (pixels.shape[1], pixels.shape[0]), Photo(Path(name), [], ""))
        sizes = self.given.ground_truth
        image = np.empty((3, sizes.image_size_y, sizes.image_size_x), np.float32)
        transformation.look(fit.image(pixels).transpose(2, 0, 1), self.given, resize_only(sizes), image)
        return image, fit

    def found(self, blobs: Blobs, place: int, fit: Fitting, class_names: list[str]) -> list[Found]:
        """The boxes on the image at `place` of a batch, in its own pixels; they may reach over its edges."""
        sizes = self.given.ground_truth
        # From the net's pixels to those of the image.
        across = fit.stored[0] / sizes.image_size_x * fit.own[0] / fit.scaled[0]
        down = fit.stored[1] / sizes.image_size_y * fit.own[1] / fit.scaled[1]
        found = []
        for number, name in enumerate(class_names):
            listed = clustering.cluster(blobs[self.coverage][place, number], blobs[self.boxes][place], self.clustering)
            for x1, y1, x2, y2, confidence in listed.tolist():
                w, h = (x2 - x1) * across, (y2 - y1) * down
                found.append(Found(name, x1 * across, y1 * down, w, h, confidence))
        return sorted(found, key=lambda one: -one.confidence)


def detector(run: Path, folder: Path) -> Detector:
    """That of the generation in `folder` of `run`. UserError for a network that finds no boxes."""
    net = phases.for_phase(prototxt_text.read(folder / paths.TRAIN_VAL, caffe_pb2.NetParameter()), "TEST")
    data = next((layer for layer in net.layer if detectnet.feeds(layer)), None)
    cluster = next((layer for layer in net.layer if kind(layer) == "ClusterDetections"), None)
    kept = state.wanted_settings(run)
    if data is None or cluster is None or kept is None:
        raise UserError(f"{folder}: expected a network that finds boxes; `make classify` is for one that tells classes")
    asked = kept.dataset.detection
    fit, levels = asked.Fit.Name(asked.fit).lower(), (asked.darkest, asked.brightest)
    return Detector(
        wanted=Detection(width=asked.width, height=asked.height, fit=fit),
        given=parameters.parse(data.python_param.param_str),
        clustering=detectnet_clustering.parse(cluster.python_param.param_str),
        coverage=cluster.bottom[0],
        boxes=cluster.bottom[1],
        # Nobody annotated these: they are turned unless the training images were left as they are stored.
        form=Form(turned=asked.orientation != asked.LEAVE, levels=levels if levels != (0, 0) else None),
    )


def detect(
    run: Path, number: int, asked: Path, engine: str, machine: Machine, drawn: Folder | None = None, images: int = 0
) -> Answers:
    """What generation `number` of `run` finds on the pictures that `asked` names, on one of trt.speed.engines.

    Each that could be read is drawn into the folder `drawn`. Training `images` calibrate an engine in eight bits, as
    many as is usual where 0. UserError for what cannot be had.
    """
    folder = generation.whole(run, number)
    known, metrics = detector(run, folder), Metrics.read(folder)
    class_names = names.of(folder, known.clustering.classes)
    every: list[Answer] = []
    with network.at_work(folder, engine, machine, images) as net:
        for part in pictures.parts(pictures.read(asked, known.form)):
            prepared = [_prepared(known, each) for each in part]
            seen = [made[0] for _, made in prepared if made]
            blobs, places = net(seen) if seen else {}, count()
            for picture, made in prepared:
                if made is None:
                    every.append(Answer(picture.name, why=picture.why))
                    continue
                every.append(Answer(picture.name, made[1].own, known.found(blobs, next(places), made[1], class_names)))
                if drawn:
                    boxed_picture.write(drawn, picture, every[-1], class_names)
        heading = f"{metrics.network}, {run.name}, generation {number}, {net.describes}"
    return Answers(heading, metrics.dataset.notice, class_names, every)


def _prepared(known: Detector, picture: Picture) -> tuple[Picture, tuple[Image, Fitting] | None]:
    """The picture and what the net sees of it; None, and why, where it cannot be made so."""
    try:
        return picture, None if picture.pixels is None else known.prepared(picture.pixels, picture.name)
    except UserError as error:
        # The run's images have a size and a fit, which nobody chooses here.
        why = f"{str(error).partition(';')[0]}; make it smaller"
        return replace(picture, pixels=None, why=why), None
