"""What looking at images leaves where OUT= says: a JSON file, or a folder with one and with pictures."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from evolve.base import files
from evolve.base.errors import UserError
from evolve.runs import out_place


@contextmanager
def into(out: Path | None, asked: Path) -> Iterator[Path | None]:
    """For the block, the folder `out` for pictures, made if need be; None where it is a .json file, or nothing.

    UserError where it is no place to write, the one of the images `asked` for, or the block's writing is refused.
    """
    if out is None:
        yield None
        return
    if _is_file(out):
        out_place.outside_generations(out, out.parent)
    else:
        out_place.as_folder(out, "a folder, or a .json file")
    # Pictures that lie among the images would be images of the next call.
    if _is_among(out.resolve(), asked.resolve()):
        raise UserError(f"OUT={out}: expected another folder than IMAGE={asked}, which stays as it is")
    with files.named_by_out(out):
        (out.parent if _is_file(out) else out).mkdir(parents=True, exist_ok=True)
        yield None if _is_file(out) else out


def _is_among(place: Path, images: Path) -> bool:
    """Whether what is written to `place` comes among `images`, a folder of them, or a file beside others."""
    if place == (images if images.is_dir() else images.parent):
        return True
    if _is_file(place):
        return False
    # Pictures lie as their images do: those of photos/photos, written beside photos, would lie in it.
    again = images / images.relative_to(place) if place in images.parents else None
    return images in place.parents or again is not None and again.exists()


def write(out: Path | None, record: dict[str, Any], name: str) -> None:
    """Writes the JSON file `out`, or `name` in the folder that it is, and prints its path."""
    if out is None:
        return
    path = out if _is_file(out) else out / name
    # A file's name may be no UTF-8, which JSON is.
    files.write_whole(path, (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode(errors="replace"))
    print(path)


def status(unread: list[str]) -> int:
    """Exit status 0; 2, and why on standard error, where images are `unread`."""
    for why in unread:
        print(f"cavefish: {why}", file=sys.stderr)
    return 2 if unread else 0


def _is_file(out: Path) -> bool:
    return out.suffix.lower() == ".json"
