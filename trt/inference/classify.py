"""A classifier's generation tells the classes of one's own images, prepared as in training, on any engine."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evolve.base.errors import UserError
from evolve.base.machine import Machine
from evolve.datasets.fitting import resized
from evolve.runs import generation
from evolve.runs.metrics import Metrics
from trt.inference import names, network, pictures, preparation
from trt.inference.class_answers import Answer, Answers
from trt.inference.network import Blobs, Image
from trt.inference.pictures import Bytes, Picture
from trt.inference.preparation import Preparation
from trt.inference.shown import Shown

TOP = 5  # classes of an image that are told
SIDE = 148  # pixels of an image that is drawn, at most

Shares = NDArray[np.float64]  # (classes,)
Likely = list[tuple[int, float]]  # classes with their shares, the likeliest first


def classify(
    run: Path, number: int, asked: Path, engine: str, machine: Machine, fit: str = "", drawn: bool = False,
    images: int = 0,
) -> Answers:  # fmt: skip
    """What generation `number` of `run` says of the pictures that `asked` names, on one of trt.speed.engines.

    Those that are not as large as the data set's are made so by `fit`, or as it does. Some are kept to be `drawn`.
    Training `images` calibrate an engine in eight bits, as many as is usual where 0.
    UserError for what cannot be had, or a net that tells no classes.
    """
    folder = generation.whole(run, number)
    prepared, metrics, known = preparation.of_generation(folder), Metrics.read(folder), names.known(folder)
    prepared.stored.expect_pictures()
    judged = preparation.judged(folder)
    told: list[tuple[Picture, Likely | None]] = []
    shown, count = Shown(), 0
    with network.at_work(folder, engine, machine, images) as net:
        for part in pictures.parts(pictures.read(asked, prepared.stored.form)):
            made = [_made(prepared, each, fit) for each in part]
            seen = [image for _, image in made if image is not None]
            shares = iter(probabilities(net(seen), judged) if seen else ())
            for picture, image in made:
                own = None if image is None else next(shares)
                count = count if own is None else len(own)
                if drawn and picture.pixels is not None:
                    shown.add(len(told), _small(picture.pixels), _is_wrong(picture, own, known))
                told.append((replace(picture, pixels=None), None if own is None else _likeliest(own)))
        heading = f"{metrics.network}, {run.name}, generation {number}, {net.describes}"
    classes = names.of(folder, count)
    named = {each.folder for each, _ in told} <= set(classes)
    every = [_answer(*each, shown.pixels(k), classes, named) for k, each in enumerate(told)]
    return Answers(heading, metrics.dataset.notice, classes, every)


def probabilities(outputs: Blobs, judged: str = "") -> Shares:
    """(images, classes) of a classifier's outputs: shares as they are, else what a softmax makes of them.

    Of several outputs the one called `judged` is taken, else the one called prob. UserError where there is neither and
    not one output of a number for each class.
    """
    found = {name: values for name, values in outputs.items() if values.ndim > 1 and values[0].size == values.shape[1]}
    chosen = [name for name in (judged, "prob") if name in found][:1] or [*found]
    if len(chosen) != 1:
        listed = ", ".join(f"{name} {'x'.join(map(str, values.shape[1:]))}" for name, values in outputs.items())
        raise UserError(f"expected one output with a number for each class, or one named 'prob', got {listed}")
    values = found[chosen[0]]
    shares = np.asarray(values.reshape(len(values), -1), np.float64)
    if shares.min() >= 0 and np.allclose(shares.sum(axis=1), 1, atol=0.02):
        return shares
    shares = np.exp(shares - shares.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def _made(prepared: Preparation, picture: Picture, fit: str) -> tuple[Picture, Image | None]:
    """The picture and what the net sees of it; None, and why, where it cannot be made so."""
    try:
        return picture, None if picture.pixels is None else prepared(picture.pixels, fit, picture.name)
    except UserError as error:
        return replace(picture, pixels=None, why=str(error)), None


def _is_wrong(picture: Picture, shares: Shares | None, known: list[str]) -> bool:
    """Whether the folder is called like another class; without names, as numbers."""
    if shares is None:
        return False
    best = int(shares.argmax())
    called = known if len(known) == len(shares) else [str(number) for number in range(len(shares))]
    return picture.folder in called and picture.folder != called[best]


def _small(pixels: Bytes) -> Bytes:
    """The image no larger than it may be drawn."""
    height, width = pixels.shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    return resized(pixels, (max(1, round(width * scale)), max(1, round(height * scale))))


def _likeliest(shares: Shares) -> Likely:
    return [(k, float(shares[k])) for k in np.argsort(-shares, kind="stable")[:TOP].tolist()]


def _answer(picture: Picture, likely: Likely | None, small: Bytes | None, classes: list[str], judged: bool) -> Answer:
    if likely is None:
        return Answer(picture.name, why=picture.why)
    named = [(classes[k], share) for k, share in likely]
    return Answer(picture.name, named, truth=picture.folder if judged else "", small=small)
