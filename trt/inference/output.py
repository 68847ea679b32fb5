"""What looking at images leaves where OUT= says: a JSON file, or a folder with one and with pictures.

All of it says which command it is of. In a folder that command alone writes over it: what another one found there, and
what is somebody's own, stays.
"""

import hashlib
import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from evolve.base import files
from evolve.base.errors import UserError
from evolve.runs import out_place

_COMMAND = "command"  # what a JSON file's key and a picture's text are called


@dataclass(frozen=True)
class Folder:
    """Where the pictures of a `command` go."""

    path: Path
    command: str
    _written: set[Path] = field(default_factory=set)

    def save(self, image: Image.Image, name: str) -> Path:
        """Writes a PNG under an image's own `name`, .png behind that of another format; returns its path.

        UserError where a file of that name is not of this command.
        """
        path = self.path / (name if name.endswith(".png") else f"{name}.png")
        while path in self._written:  # 1.jpg and 1.jpg.png are two images
            path = path.with_name(f"{path.name}.png")
        if path.exists() and _mark_in(path) != _mark(self.command):
            raise _taken(self.path, path)
        path.parent.mkdir(parents=True, exist_ok=True)
        text, png = PngInfo(), io.BytesIO()
        text.add_text(_COMMAND, _mark(self.command))
        image.save(png, "PNG", pnginfo=text)
        files.write_whole(path, png.getvalue())  # a part of one would be nobody's, and stop the same command
        self._written.add(path)
        return path


def command(verb: str, asked: Path, run: Path, number: int, engine: str, fit: str = "", images: int = 0) -> str:
    """The words of a command, by which its files are known."""
    words = {
        "IMAGE": asked.resolve(), "RUN": run.resolve(), "GEN": number, "ENGINE": engine, "FIT": fit, "IMAGES": images
    }  # fmt: skip
    return " ".join([verb, *(f"{name}={value}" for name, value in words.items() if value)])


@contextmanager
def into(out: Path | None, asked: Path, command: str, name: str) -> Iterator[Folder | None]:
    """For the block, the folder `out` for pictures, made if need be; None where it is a .json file, or nothing.

    UserError where it is no place to write, the one of the images `asked` for, or has the JSON file `name` of another
    command; and where the block's writing is refused.
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
    if not _is_file(out) and (out / name).exists() and _command_in(out / name) != command:
        raise _taken(out, out / name)
    with files.named_by_out(out):
        (out.parent if _is_file(out) else out).mkdir(parents=True, exist_ok=True)
        yield None if _is_file(out) else Folder(out, command)


def _is_among(place: Path, images: Path) -> bool:
    """Whether what is written to `place` comes among `images`, a folder of them, or a file beside others."""
    if place == (images if images.is_dir() else images.parent):
        return True
    if _is_file(place):
        return False
    # Pictures lie as their images do: those of photos/photos, written beside photos, would lie in it.
    again = images / images.relative_to(place) if place in images.parents else None
    return images in place.parents or again is not None and again.exists()


def _taken(out: Path, path: Path) -> UserError:
    return UserError(
        f"OUT={out}: expected a folder without {path.relative_to(out)}, or one that the same command filled, got "
        "another; name another OUT="
    )


def _mark(command: str) -> str:
    # Pictures are passed on: they need not tell where what lay.
    return hashlib.sha256(command.encode(errors="surrogateescape")).hexdigest()[:16]


def _mark_in(path: Path) -> object:
    try:
        with Image.open(path) as image:
            return image.info.get(_COMMAND)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _command_in(path: Path) -> object:
    try:
        said = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return said.get(_COMMAND) if isinstance(said, dict) else None


def write(out: Path | None, record: dict[str, Any], name: str, command: str) -> None:
    """Writes the JSON file `out`, or `name` in the folder that it is, and prints its path."""
    if out is None:
        return
    record = {_COMMAND: command} | record
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
