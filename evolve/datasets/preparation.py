"""A data set is found or made by its name; where its raw files can be had nowhere, another stands in and says so."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from evolve.base.errors import UserError
from evolve.base.progress import Report
from evolve.datasets import box_set, dataset, handful, image_set, lookup, own_set
from evolve.datasets.dataset import Dataset
from evolve.datasets.detection import Detection, DetectionSource, checked
from evolve.datasets.handful import Handful
from evolve.datasets.lookup import Found, S
from evolve.datasets.own.source import OwnSource
from evolve.datasets.own.wish import Wish
from evolve.datasets.own_set import Survey
from evolve.datasets.source import Source, Unavailable

NO_WISH = Wish()

T = TypeVar("T", Dataset, Handful)


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
    square. ``seed`` shuffles the train split; the same seed gives the same content. A source that is ``shared`` has one
    copy for all seeds, in seed 1's order. ``validation`` images of it, by seed, become a split of their own, in a
    folder with -validation<n> behind its name. ``wish`` is for images of one's own, whose seed for all this it has. If
    the raw data can be had nowhere, the data set named ``or_else`` stands in, and the result's ``notice`` says so.
    Raises UserError.
    """
    # A mistyped name is heard of now, not when it is needed.
    known = [lookup.with_classes(each, beside) for each in filter(None, (name, or_else))]
    _check_seed(name, seed)

    def prepared(found: Found[Source | OwnSource]) -> Dataset:
        source = found.source
        if isinstance(source, OwnSource):
            return replace(own_set.prepared(found.of(source), wish, image_size, validation, data, report), shared=True)
        made = image_set.prepared(found.of(source), image_size, seed, validation, data, report)
        return replace(made, shared=source.shared and not validation)

    return first_to_be_had(known, prepared)


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

    Made if it is not there yet, and made anew if the annotations have changed since. ``seed`` shuffles the train split
    (and draws what is drawn); a source that is ``shared`` has one copy, in seed 1's order. The rest is as ``prepare``
    has it. Raises UserError.
    """
    known = _with_boxes(name, wanted, seed, or_else, beside)

    def prepared(found: Found[DetectionSource]) -> Dataset:
        return replace(box_set.prepared(found, wanted, seed, data, report), shared=found.source.shared)

    return first_to_be_had(known, prepared)


def few(
    name: str,
    into: Path,
    *,
    image_size: int,
    seed: int,
    validation: int = 0,
    wish: Wish = NO_WISH,
    or_else: str = "",
    beside: Path | None = None,
    data: Path,
    report: Report,
) -> Handful:
    """A handful of what ``prepare`` would give, into the folder ``into``. Raises UserError, and NotToBeHad."""
    known = [lookup.with_classes(each, beside) for each in filter(None, (name, or_else))]
    _check_seed(name, seed)

    def taken(found: Found[Source | OwnSource]) -> Handful:
        source = found.source
        if isinstance(source, OwnSource):
            return handful.of_ones_own(found.of(source), wish, image_size, validation, data, into, report)
        return handful.of_classes(found.of(source), image_size, seed, validation, data, into, report)

    return first_to_be_had(known, taken)


def few_with_boxes(
    name: str,
    wanted: Detection,
    into: Path,
    *,
    seed: int,
    or_else: str = "",
    beside: Path | None = None,
    data: Path,
    report: Report,
) -> Handful:
    """A handful of what ``prepare_detection`` would give, into ``into``. Raises UserError, and NotToBeHad."""
    known = _with_boxes(name, wanted, seed, or_else, beside)
    return first_to_be_had(known, lambda found: handful.of_boxes(found, wanted, seed, data, into, report))


def state(
    names: Sequence[str], image_size: int, validation: int, wish: Wish, beside: Path | None, seed: int, data: Path
) -> str:
    """What tells the data sets of these names from any others without reading them; "" where nothing does.

    Sets that are not made yet are told by their raw files' sizes and times, unless a file of the user's own loads them.
    """
    parts = []
    for found in (lookup.with_classes(each, beside) for each in names):
        source = found.source
        if isinstance(source, OwnSource):
            sized = own_set.sized(found.of(source), wish, image_size)
            return f"{found.stem} {sized} {validation} {source.state(sized)}"
        where = image_set.folder(found.of(source), image_size, seed, validation, data)
        made = dataset.finished(where, found.name)
        if made is None and found.is_own:
            return ""
        parts.append(made.sha256 if made else f"{found.stem} {_raw_files(data)}")
        if made:
            break
    return " ".join(parts)


def state_with_boxes(
    names: Sequence[str], wanted: Detection, beside: Path | None, seed: int, data: Path
) -> str:
    """What tells data sets of images with boxes from any others, as `state` does."""
    parts = []
    for found in (lookup.with_boxes(each, beside) for each in names):
        asked = box_set.suited(found, wanted)
        made = box_set.made(found, asked, seed, data)
        parts.append(made.sha256 if made else f"{found.stem} {box_set.state(found, asked, seed, data / 'raw')}")
        if made:
            break
    return " ".join(parts)


def _raw_files(data: Path) -> str:
    folders = [Path(each) for each in (os.environ.get("CAVEFISH_DATA"), data / "raw") if each]
    files = [file for folder in folders for pattern in ("*", "*/*") for file in sorted(folder.glob(pattern))]
    stats = [(file, file.stat()) for file in files if file.exists()]
    return " ".join(f"{file} {stat.st_size} {stat.st_mtime_ns}" for file, stat in stats)


def _with_boxes(
    name: str, wanted: Detection, seed: int, or_else: str, beside: Path | None
) -> list[Found[DetectionSource]]:
    known = [lookup.with_boxes(each, beside) for each in filter(None, (name, or_else))]
    _check_seed(name, seed)
    every = frozenset[str]().union(*(found.source.uses for found in known))
    checked(name, wanted, replace(known[0].source, uses=every))
    return known


def _check_seed(name: str, seed: int) -> None:
    if seed < 0:
        raise UserError(f"data set '{name}': expected a seed of 0 or more, got {seed}; choose another")


class NotToBeHad(UserError):
    """The raw data is nowhere, nor that of any data set that may stand in."""


def first_to_be_had(known: Sequence[Found[S]], prepared: Callable[[Found[S]], T]) -> T:
    """What ``prepared`` makes of the first data set, or the second in its place, which its ``notice`` says then.

    Raises UserError, and NotToBeHad.
    """
    wanted, *others = known
    try:
        return prepared(wanted)
    except Unavailable as missing:
        if not others:
            raise NotToBeHad(f"data set '{wanted.name}': {missing}") from None
        first, reason, instead = str(missing), missing.reason, others[0]
    try:
        made = prepared(instead)
    except (Unavailable, UserError) as second:
        kind = NotToBeHad if isinstance(second, Unavailable) else UserError
        raise kind(f"data set '{wanted.name}': {first}; nor could another stand in: {second}") from None
    notice = f"{wanted.source.title} could not be had ({reason}): {instead.source.title} instead"
    return replace(made, notice="; ".join(filter(None, (notice, made.notice))))
