"""A data set of one's own images is found, or made from them one by one; made anew if one of its files has changed."""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from evolve.base.errors import MachineError, UserError
from evolve.base.files import check_space, refusals, replacing, turn, write_whole
from evolve.base.progress import Report
from evolve.datasets import held_out
from evolve.datasets.dataset import LABELS, Dataset, finished, write_done
from evolve.datasets.lmdb_write import space
from evolve.datasets.lookup import Found
from evolve.datasets.own import mean_image, splitting
from evolve.datasets.own.pictures import Listing
from evolve.datasets.own.source import OwnSource
from evolve.datasets.own.wish import Wish
from evolve.datasets.own.write import Part, stored_bytes, write

CHANGED, BROKEN = "its files have changed since", "is not as its DONE.json says"
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Survey:
    """What is known before an image is read: the shape as stored, (channels, height, width), and the classes."""

    shape: tuple[int, int, int]
    class_names: tuple[str, ...]


def survey(found: Found[OwnSource], wish: Wish, image_size: int, data: Path, report: Report) -> Survey:
    """What is known of the data set in ``data``, if it is there, else of what is listed. UserError."""
    wish = sized(found, wish, image_size)
    with called(found.name):
        folders = sorted(data.glob(f"{_stem(found, wish)}-seed*"))
        there = [done for folder in folders if (done := finished(folder, found.name))]
        state = found.source.state(wish) if there else ""
        for done in there:
            if done.origin == state:
                return Survey(done.shape, done.class_names)
        listing = found.source.listed(wish, report)
        return Survey(_shape(listing, wish), listing.class_names)


def prepared(
    found: Found[OwnSource], wish: Wish, image_size: int, validation: int, data: Path, report: Report
) -> Dataset:
    """The data set in ``data``, made if it is not there yet: one for runs of all seeds. Raises UserError."""
    wish = sized(found, wish, image_size)
    folder = _folder(found, wish, validation, data)
    with called(found.name):
        if done := made(found, wish, validation, data):
            return done
        with turn(folder, report):
            if done := made(found, wish, validation, data):  # by the process that this one waited for
                return done
            listing = found.source.listed(wish, report)
            return _write(found.name, folder, listing, parts(listing, wish, validation), wish, report)


def made(found: Found[OwnSource], wish: Wish, validation: int, data: Path) -> Dataset | None:
    """The data set in ``data`` where it is there, of files that have not changed since."""
    done = finished(_folder(found, wish, validation, data), found.name)
    return done if done and done.origin == found.source.state(wish) else None


def _folder(found: Found[OwnSource], wish: Wish, validation: int, data: Path) -> Path:
    part = f"-validation{validation}" if validation else ""
    return Path(os.path.abspath(data)) / f"{_stem(found, wish)}-seed{wish.split_seed}{part}"


def sized(found: Found[OwnSource], wish: Wish, image_size: int) -> Wish:
    """The wish with a size, where images come in any; a data set that has one keeps it."""
    if not found.source.any_size:
        if bool(wish.width) != bool(wish.height):
            raise UserError(f"data set '{found.name}': expected both width and height, or neither, got one; give both")
        return wish
    return replace(wish, width=wish.width or image_size, height=wish.height or image_size)


@contextmanager
def called(name: str) -> Iterator[None]:
    """A UserError begins with the data set's name."""
    try:
        yield
    except MachineError:
        raise
    except UserError as error:
        raise UserError(f"data set '{name}': {error}") from None


def _stem(found: Found[OwnSource], wish: Wish) -> str:
    """Different for every different wish, but for the seed."""
    wishes = {field: value for field, value in wish.words().items() if field != "split_seed"}
    told = hashlib.sha256(json.dumps(wishes, sort_keys=True).encode()).hexdigest()[:8]
    name = "".join(each if each.isalnum() else "_" for each in Path(wish.folder or wish.train).name)[:40]
    size = f"-{wish.width}x{wish.height}" if wish.width else ""
    return f"{found.stem}-{name}{size}-{told}"


def _shape(listing: Listing, wish: Wish) -> tuple[int, int, int]:
    channels, height, width = listing.shape
    shape = wish.channels or channels, wish.height or height, wish.width or width
    if not shape[1]:
        raise UserError("expected images of one size, got several; give dataset a width and a height to store them in")
    return shape


def parts(listing: Listing, wish: Wish, validation: int) -> dict[str, Part]:
    """The rows of each split, in the order in which they are stored."""
    splits, names, seed = listing.splits, listing.class_names, wish.split_seed
    train = splits["train"]
    rows = np.arange(len(train.labels))
    tested = {"test": Part(splits["test"], np.arange(len(splits["test"].labels)))} if "test" in splits else {}
    if not tested:
        rows, apart = splitting.split(train, wish.test_part, seed, names)
        tested["test"] = Part(train, apart)
    if validation and "validation" in splits:
        wanted = "0 for images that have a split of their own for that"
        raise UserError(f"validation: expected {wanted}, got {validation}; take it out")
    order, kept = held_out.split(train.labels[rows], np.random.default_rng(seed).permutation(len(rows)), validation)
    every = {"train": Part(train, rows[order])} | tested
    if validation:
        every["validation"] = Part(train, rows[kept])
    elif "validation" in splits:
        every["validation"] = Part(splits["validation"], np.arange(len(splits["validation"].labels)))
    return {split: every[split] for split in SPLITS if split in every}


def _write(
    name: str, folder: Path, listing: Listing, parts: dict[str, Part], wish: Wish, report: Report
) -> Dataset:
    shape = _shape(listing, wish)
    linked = _linked(listing, parts, shape)
    of_links = sum(space(1, len(part.rows)) for part in parts.values())
    needed = of_links if linked else stored_bytes(listing, parts, shape)
    began = time.monotonic()
    why = CHANGED if finished(folder, name) else BROKEN
    with refusals(folder, needed), replacing(folder, report, why) as unfinished:
        check_space(folder, needed)
        dataset = replace(stored(name, unfinished, listing, parts, wish, linked, report), folder=folder)
        write_done(unfinished, dataset)
    if listing.advice:
        report(f"warning: {listing.advice}")
    sizes = " + ".join(f"{count} {split}" for split, count in dataset.counts.items())
    rate = sum(dataset.counts.values()) / max(1e-9, seconds := time.monotonic() - began)
    report(
        f"{name}: {sizes} images, {shape[2]}x{shape[1]}, {len(listing.class_names)} classes, in {seconds:.1f} s "
        f"({rate:.0f} a second) {'as they lie, counted' if linked else 'into'} {folder}"
    )
    return dataset


def stored(
    name: str, folder: Path, listing: Listing, parts: dict[str, Part], wish: Wish, linked: bool, report: Report
) -> Dataset:
    """What is stored of these parts in ``folder``, mean image and class names included. UserError."""
    shape = _shape(listing, wish)
    if wish.mean_file:
        mean_image.read(Path(wish.mean_file), shape)
    written = write(folder, parts, shape, wish, listing, linked, report)
    if wish.mean_file:
        shutil.copyfile(wish.mean_file, folder / mean_image.FILE)
    write_whole(folder / LABELS, "".join(f"{each}\n" for each in listing.class_names))
    return Dataset(
        name, folder, shape, written.counts, len(listing.class_names), written.sha256, listing.class_names,
        origin=listing.state, title=Path(wish.folder or wish.train).stem, margin=0, colours=wish.channel_order,
    )  # fmt: skip


def _linked(listing: Listing, parts: dict[str, Part], shape: tuple[int, int, int]) -> bool:
    """Whether Caffe can read the databases where they lie: nothing is to be changed, split or shuffled."""
    return bool(listing.databases) and set(parts) == set(listing.databases) and shape == listing.shape
