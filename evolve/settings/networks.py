"""Networks are folders of prototxts: where those that ship lie, and which one NET= means."""

from pathlib import Path

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
    """The folder of a network: a path, or a name under prototxt/. UserError naming the nearest one."""
    for folder in (Path(name), root() / name):
        if (folder / TRAIN_VAL).is_file() or (folder / EVOLUTION).is_file():
            return folder.resolve()
    hint = did_you_mean(name, names(), f"known are: {', '.join(names())}")
    raise UserError(f"NET={name}: expected a folder with {TRAIN_VAL}, or a name under prototxt/; {hint}")
