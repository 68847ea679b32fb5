"""Networks are folders of prototxts: where those that ship lie, and which one NET= means."""

import os
from pathlib import Path
from shlex import quote

from evolve.base.errors import UserError
from evolve.base.spelling import did_you_mean

TRAIN_VAL, EVOLUTION = "train_val.prototxt", "evolution.prototxt"  # what one of them holds

_PACKAGE = Path(__file__).resolve().parents[1]


def root() -> Path:
    """The folder of networks: the checkout's, or the copy that an installed package carries."""
    checkout = _PACKAGE.parent / "prototxt"
    return checkout if checkout.is_dir() else _PACKAGE / "prototxt"


def defaults() -> Path:
    """The one commented file of all settings' defaults."""
    return root() / "evolution.defaults.prototxt"


def names() -> list[str]:
    """Those that ship."""
    return sorted(path.name for path in root().iterdir() if path.is_dir())


def find(name: str) -> Path:
    """The folder of a network: a path, or a name under prototxt/. UserError naming the nearest, or what makes one."""
    for folder in (Path(name), root() / name):
        # Unlike os.path, Path raises where a name is longer than names may be.
        if any(os.path.isfile(folder / file) for file in (TRAIN_VAL, EVOLUTION)):
            return _settled(name, folder)
    if os.path.isfile(name):
        folder = Path(name).parent
        instead = f"NET={folder} is its folder" if (folder / EVOLUTION).is_file() else _adopted(Path(name))
        raise UserError(f"NET={name}: expected a folder, got a file; {instead}")
    hint = did_you_mean(name, names(), f"known are: {', '.join(names())}")
    raise UserError(f"NET={name}: expected a folder with {TRAIN_VAL}, or a name under prototxt/; {hint}")


def settings_of(folder: Path, schedule: str) -> Path:
    """The settings' file of a network's folder, or the one of SCHEDULE=. UserError naming those that there are."""
    if not schedule:
        return folder / EVOLUTION
    file = folder / f"evolution.{schedule}.prototxt"
    if not os.path.isfile(file):
        there = [schedule_of(each) for each in folder.glob("evolution.*.prototxt")]
        known = f"{folder} has {', '.join(sorted(there)) or 'none'}"
        hint = did_you_mean(schedule, there, f"write {file.name}, or leave it out")
        raise UserError(f"SCHEDULE={schedule}: expected {file.name}, got no such file: {known}; {hint}")
    return file


def settings_files(folder: Path) -> list[Path]:
    """All settings that lie there: of a network's folder, or those that a run keeps, under whatever schedule's name."""
    return sorted(folder.glob("evolution*.prototxt"))


def schedule_of(file: Path) -> str:
    """The SCHEDULE= that a settings' file is of; "" for the one without."""
    return file.name.removeprefix("evolution.").removesuffix("prototxt").rstrip(".")


def _settled(name: str, folder: Path) -> Path:
    """`folder`, where any settings are in it; UserError for a network that nobody has adopted."""
    if not settings_files(folder):
        remedy = _adopted(folder / TRAIN_VAL)
        raise UserError(f"NET={name}: expected {EVOLUTION} beside {TRAIN_VAL}, got none; {remedy}")
    return folder.resolve()


def _adopted(model: Path) -> str:
    return f"make adopt MODEL={quote(str(model))} OUT=my_net makes a folder that evolves"
