"""A data set is found or made by its name; where its raw files can be had nowhere, another stands in and says so."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from evolve.base.errors import UserError
from evolve.base.progress import Report
from evolve.datasets import box_set, image_set, lookup, own_set
from evolve.datasets.dataset import Dataset
from evolve.datasets.detection import Detection, checked
from evolve.datasets.lookup import Found, S
from evolve.datasets.own.source import OwnSource
from evolve.datasets.own.wish import Wish
from evolve.datasets.own_set import Survey
from evolve.datasets.source import Source, Unavailable

NO_WISH = Wish()


def prepare(
    name: str,
    *,
    image_size: int,
    seed: int = 1,
    validation: int = 0,
    wish: Wish = NO_WISH,
    or_else: str = "",
    beside: Path | None = None,
    data: Path = Path("data"),
    report: Report = print,
) -> Dataset:
    """The data set of that name in ``data``/<name>-<image_size>-seed<seed>, made if it is not there yet.

    Its file is looked for in the network's folder ``beside``, then in datasets/. Images are ``image_size`` pixels
    square. ``seed`` shuffles the train split; the same seed gives the same content. A source that is ``shared``
    has one copy for all seeds, in seed 1's order. ``validation`` images of it, by seed, become a split of their own, in
    a folder with -validation<n> behind its name. ``wish`` is for images of one's own. If the raw data can be had
    nowhere, the data set named ``or_else`` stands in, and the result's ``notice`` says so. Raises UserError.
    """
    # A mistyped name is heard of now, not when it is needed.
    known = [lookup.with_classes(each, beside) for each in filter(None, (name, or_else))]
    _check_seed(name, seed)

    def prepared(found: Found[Source | OwnSource]) -> Dataset:
        source = found.source
        if isinstance(source, OwnSource):
            return own_set.prepared(found.of(source), wish, image_size, seed, validation, data, report)
        return image_set.prepared(found.of(source), image_size, seed, validation, data, report)

    return _first_to_be_had(known, prepared)


def survey(
    name: str,
    *,
    image_size: int,
    wish: Wish = NO_WISH,
    beside: Path | None = None,
    data: Path = Path("data"),
    report: Report = print,
) -> Survey | None:
    """What is known of a data set of images of one's own before they are read; None of any other. Raises UserError."""
    found = lookup.with_classes(name, beside)
    if not isinstance(found.source, OwnSource):
        return None
    return own_set.survey(found.of(found.source), wish, image_size, data, report)


def prepare_detection(
    name: str,
    wanted: Detection,
    *,
    seed: int = 1,
    or_else: str = "",
    beside: Path | None = None,
    data: Path = Path("data"),
    report: Report = print,
) -> Dataset:
    """The detection data set of that name in ``data``, with train/, val/ and perhaps test/, each images/ and labels/.

    Made if it is not there yet, and made anew if the annotations have changed since. ``seed`` shuffles the train
    split (and draws what is drawn). The rest is as ``prepare`` has it. Raises UserError.
    """
    known = [lookup.with_boxes(each, beside) for each in filter(None, (name, or_else))]
    _check_seed(name, seed)
    every = frozenset[str]().union(*(found.source.uses for found in known))
    checked(name, wanted, replace(known[0].source, uses=every))
    return _first_to_be_had(known, lambda found: box_set.prepared(found, wanted, seed, data, report))


def _check_seed(name: str, seed: int) -> None:
    if seed < 0:
        raise UserError(f"data set '{name}': expected a seed of 0 or more, got {seed}; choose another")


def _first_to_be_had(known: Sequence[Found[S]], prepared: Callable[[Found[S]], Dataset]) -> Dataset:
    """The first data set, or the second in its place; ``notice`` is for wherever results of this data are shown."""
    wanted, *others = known
    try:
        return prepared(wanted)
    except Unavailable as missing:
        if not others:
            raise UserError(f"data set '{wanted.name}': {missing}") from None
        first, reason, instead = str(missing), missing.reason, others[0]
    try:
        made = prepared(instead)
    except (Unavailable, UserError) as second:
        raise UserError(f"data set '{wanted.name}': {first}; nor could another stand in: {second}") from None
    notice = f"{wanted.source.title} could not be had ({reason}): {instead.source.title} instead"
    return replace(made, notice="; ".join(filter(None, (notice, made.notice))))
