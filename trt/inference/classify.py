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
from trt.inference.pictures import Picture
from trt.inference.preparation import Preparation

TOP = 5  # classes of an image that are told
SIDE = 148  # pixels of an image that is drawn, at most
KEPT = 1000  # images from which those to be drawn are chosen

Shares = NDArray[np.float64]  # (classes,)


def classify(
    run: Path, number: int, asked: Path, engine: str, machine: Machine, fit: str = "", drawn: bool = False
) -> Answers:
    """What generation `number` of `run` says of the pictures that `asked` names, on one of trt.speed.engines.

    Those that are not as large as the data set's are made so by `fit`, or as it does. Some are kept to be `drawn`.
    UserError for what cannot be had, or a net that tells no classes.
    """
    folder = generation.whole(run, number)
    prepared, metrics = preparation.of_generation(folder), Metrics.read(folder)
    seen: list[tuple[Picture, Shares | None]] = []
    with network.at_work(folder, engine, machine) as net:
        for part in pictures.parts(pictures.read(asked, prepared.stored.form)):
            made = [_made(prepared, each, fit) for each in part]
            images = [image for _, image in made if image is not None]
            shares = iter(probabilities(net(images)) if images else ())
            told = [(each, None if image is None else next(shares)) for each, image in made]
            seen += [(_small(each) if drawn else replace(each, pixels=None), shares) for each, shares in told]
            seen = _thinned(seen, names.known(folder))
        heading = f"{metrics.network}, {run.name}, generation {number}, {net.describes}"
    classes = names.of(folder, next((len(shares) for _, shares in seen if shares is not None), 0))
    judged = {each.folder for each, _ in seen} <= set(classes)
    every = [_answer(each, shares, classes, judged) for each, shares in seen]
    return Answers(heading, metrics.dataset.notice, classes, every)


def probabilities(outputs: Blobs) -> Shares:
    """(images, classes) of a classifier's outputs: shares as they are, else what a softmax makes of them.

    UserError where there is not one output of a number for each class, or one of them called prob.
    """
    found = {name: values for name, values in outputs.items() if values.ndim > 1 and values[0].size == values.shape[1]}
    if len(found) != 1 and "prob" not in found:
        listed = ", ".join(f"{name} {'x'.join(map(str, values.shape[1:]))}" for name, values in outputs.items())
        raise UserError(f"expected one output with a number for each class, or one named 'prob', got {listed}")
    values = found["prob"] if "prob" in found else next(iter(found.values()))
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


def _thinned(seen: list[tuple[Picture, Shares | None]], known: list[str]) -> list[tuple[Picture, Shares | None]]:
    """Thousands of images do not fit into memory: of too many every so manieth is kept, and some that are wrong."""
    stride, wrong = 1, 0
    while len(seen) > KEPT * stride:
        stride *= 2
    thinned = []
    for k, (picture, shares) in enumerate(seen):
        if picture.pixels is not None and k % stride:
            wrong += (is_wrong := _is_wrong(picture, shares, known))
            picture = picture if is_wrong and wrong <= KEPT // 2 else replace(picture, pixels=None)
        thinned.append((picture, shares))
    return thinned


def _is_wrong(picture: Picture, shares: Shares | None, known: list[str]) -> bool:
    """Whether the folder is called like another class; without names, as numbers."""
    if shares is None:
        return False
    best = int(shares.argmax())
    called = known if len(known) == len(shares) else [str(number) for number in range(len(shares))]
    return picture.folder in called and picture.folder != called[best]


def _small(picture: Picture) -> Picture:
    """The picture no larger than it may be drawn."""
    if picture.pixels is None:
        return picture
    height, width = picture.pixels.shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return replace(picture, pixels=resized(picture.pixels, size))


def _answer(picture: Picture, shares: Shares | None, classes: list[str], judged: bool) -> Answer:
    if shares is None:
        return Answer(picture.name, why=picture.why)
    likely = [(classes[k], float(shares[k])) for k in np.argsort(-shares, kind="stable")[:TOP].tolist()]
    return Answer(picture.name, likely, truth=picture.folder if judged else "", small=picture.pixels)
