"""Arguments of a verb are the Makefile's NAME=value words: which a verb knows, and what their values mean."""

import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from evolve.base.errors import UserError
from evolve.base.machine import Machine
from evolve.base.spelling import did_you_mean
from evolve.command.words import WORDS
from evolve.network.axes import ImageShape
from evolve.runs import paths

Arguments = dict[str, str]

_REQUIRED = {
    "NET": "a folder under prototxt/ or one of yours; for instance NET=lenet",
    "MODEL": "a prototxt; for instance MODEL=deploy.prototxt",
    "DEVICE": "tx1, nano, xavier, orin or pi5; for instance DEVICE=orin",
    "IMAGE": "an image, a folder of them or a video; for instance IMAGE=photos",
}

BEST = "best"  # of GEN=

_DIGITS = 18  # of a number that 64 bits hold
_THREADS = 1024  # of one Caffe; BLAS fails without a word at some thousands
_LONGEST, _SHOWN = 100, 20  # letters of a word, and of a longer one in a message


def checked(verb: str, known: list[str], words: list[str]) -> Arguments:
    """The arguments by name. UserError for one that `verb` does not know, or needs and has not."""
    given: Arguments = {}
    for word in words:
        # A word that was copied out of a text of Windows may begin with a mark of its byte order.
        name, equals, value = word.replace("\ufeff", "").partition("=")
        if equals and name not in known and name in WORDS:
            raise UserError(f"{word}: {verb} has no use for it; {verb} knows {', '.join(known) or 'none'}")
        if not equals or name not in known:
            hint = did_you_mean(name, known, f"{verb} knows {', '.join(known) or 'none'}", quoted="{}=")
            expected = f"a word that {verb} knows" if equals else "NAME=value"
            raise UserError(f"{word}: expected {expected}; {hint}")
        if value and name in given:
            join = ", its settings separated by ;" if name == "SET" else ""
            raise UserError(f"{word}: expected {name}= once, got {name}={_shown(given[name])} too; leave one{join}")
        if value:
            # Few shells put the home folder in the place of ~ behind NAME=, and make does not.
            homes = (os.path.expanduser(each) if each.startswith("~/") else each for each in value.split(","))
            given[name] = ",".join(homes)
    if known and known[0] in _REQUIRED and known[0] not in given:
        raise UserError(f"{verb}: expected {known[0]}=, {_REQUIRED[known[0]]}")
    return given


def image_shape(arguments: Arguments) -> ImageShape | None:
    """SHAPE= as (channels, height, width); None where it is not given. UserError if malformed."""
    if "SHAPE" not in arguments:
        return None
    lengths = [int(length) if _is_whole(length) else 0 for length in arguments["SHAPE"].split("x")]
    if len(lengths) != 3 or not all(lengths):
        given = _shown(arguments["SHAPE"])
        raise UserError(f"SHAPE={given}: expected channels x height x width; for instance SHAPE=3x32x32")
    return lengths[0], lengths[1], lengths[2]


def given_seed(arguments: Arguments) -> int | None:
    """SEED=; None where it is not given. UserError if malformed."""
    return whole(arguments, "SEED") if "SEED" in arguments else None


def seeds(arguments: Arguments) -> list[int]:
    """SEEDS= as 1..8, 1,2,5 or both mixed; empty where it is not given. UserError if malformed."""
    found: list[int] = []
    for part in arguments["SEEDS"].split(",") if "SEEDS" in arguments else []:
        match = re.fullmatch(r"\s*(\d+)(?:\.\.(\d+))?\s*", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last:
            raise UserError(f"SEEDS={arguments['SEEDS']}: expected whole numbers like 1..8 or 1,2,5, got '{part}'")
        found += range(first, last + 1)
    for seed, times in Counter(found).items():
        if times > 1:
            raise UserError(f"SEEDS={arguments['SEEDS']}: expected every seed once, got {seed} {times} times")
    return found


def whole(arguments: Arguments, name: str, least: int = 0) -> int:
    """A whole number; 0 where it is not given. UserError unless it is `least` or more."""
    value = arguments.get(name)
    if value is None:
        return 0
    if not _is_whole(value) or int(value) < least:
        digits = f" and at most {_DIGITS} digits" if value.isdecimal() and int(value[:_DIGITS]) else ""
        raise UserError(f"{name}={_shown(value)}: expected a whole number of {least} or more{digits}")
    return int(value)


def within(arguments: Arguments) -> float:
    """WITHIN= as a part of 1; the usual where it is not given. UserError if malformed."""
    # Here and below: what reads runs loads NumPy, which `cavefish help` and a mistyped word can do without.
    from evolve.runs import choice

    value = arguments.get("WITHIN", str(choice.WITHIN))
    try:
        part = float(value) if len(value) <= _DIGITS else -1.0
    except ValueError:
        part = -1.0
    if not 0 <= part <= 1:
        raise UserError(f"WITHIN={_shown(value)}: expected a part of 1; for instance WITHIN=.005 for half a point")
    return part


def generation(arguments: Arguments, run: Path) -> int:
    """GEN=, a number, or `best` for what `make choose` calls the smallest; the last of `run` where it is not given.

    UserError.
    """
    from evolve.runs import choice, run_folder

    if arguments.get("GEN") == BEST:
        return choice.of_run(run, within(arguments)).smallest.number
    try:
        return whole(arguments, "GEN", least=1) or run_folder.committed(run)[-1]
    except UserError as error:
        raise UserError(f"{error}, or {BEST}") from None


def one_of(arguments: Arguments, name: str, known: Sequence[str], usual: str) -> str:
    """One of the `known` words; the `usual` one, which may be none of them, where it is not given. UserError."""
    value = arguments.get(name)
    if value is None:
        return usual
    if value not in known:
        hint = did_you_mean(value, known, "choose one of them")
        raise UserError(f"{name}={_shown(value)}: expected one of {', '.join(known)}; {hint}")
    return value


def given_path(arguments: Arguments, name: str) -> Path | None:
    """A file or folder as it was written; None where it is not given."""
    return Path(arguments[name]) if name in arguments else None


def machine(arguments: Arguments, threads: int = 0) -> Machine:
    """THREADS= (else `threads`), FAST=, GPU= and TENSORRT=: what children compute with. UserError if malformed."""
    fast = "FAST" not in arguments or whole(arguments, "FAST") > 0
    gpu = whole(arguments, "GPU") if "GPU" in arguments else None
    own = whole(arguments, "THREADS", least=1) or threads
    if own > _THREADS:
        raise UserError(f"THREADS={own}: expected a whole number from 1 to {_THREADS}; more than cores gain nothing")
    return Machine(own, fast, gpu=gpu, tensorrt=arguments.get("TENSORRT", ""))


def gpus(arguments: Arguments) -> tuple[str, ...]:
    """GPU= of a sweep: the numbers of its devices; none where it is not given. UserError if malformed."""
    found = tuple(arguments["GPU"].split(",")) if "GPU" in arguments else ()
    if not all(map(_is_whole, found)) or len(set(found)) != len(found):
        raise UserError(f"GPU={_shown(arguments['GPU'])}: expected numbers of devices, each once, like 0 or 0,1")
    return found


def _is_whole(value: str) -> bool:
    return value.isdecimal() and len(value) <= _DIGITS


def _shown(value: str) -> str:
    return value if len(value) <= _LONGEST else f"{value[:_SHOWN]}… ({len(value)} letters)"


def named_runs(arguments: Arguments) -> list[Path]:
    """The runs that RUN= and NET= mean: names or paths; without RUN the latest."""
    known = _known(arguments)
    if "RUN" not in arguments:
        return [max(_some(known, arguments), key=_written)]
    from evolve.command import run_names

    return [run_names.find(name, known) for name in arguments["RUN"].split(",")]


def every_run(arguments: Arguments) -> list[Path]:
    """The runs that RUN= and NET= mean, each a folder or a lineage.csv kept elsewhere; without RUN all folders."""
    known = _known(arguments)
    if "RUN" not in arguments:
        return _some(known, arguments)
    from evolve.command import run_names

    names = arguments["RUN"].split(",")
    return [Path(name) if name.endswith(".csv") else run_names.find(name, known) for name in names]


def named_run(arguments: Arguments) -> Path:
    """The one run that RUN= and NET= mean. UserError where RUN= names several."""
    run, *others = named_runs(arguments)
    if others:
        raise UserError(f"RUN={arguments['RUN']}: expected one run, got {1 + len(others)}")
    return run


def _known(arguments: Arguments) -> list[Path]:
    from evolve.runs import run_folder

    # As `evolve` calls them: NET=. is the folder's name.
    if "NET" in arguments:
        networks = [paths.runs() / os.path.basename(os.path.realpath(arguments["NET"]))]
    else:
        networks = _networks()
    return [run for network in networks for run in sorted(network.glob("*")) if run_folder.committed(run)]


def _written(run: Path) -> float:
    """When lineage.csv was, in seconds; a run that ended as it was about to write its first has none."""
    lineage = run / paths.LINEAGE
    return (lineage if lineage.exists() else paths.generation(run, 1) / paths.DONE).stat().st_mtime


def _networks() -> list[Path]:
    """The folders of runs, a network each."""
    return sorted(paths.runs().glob("*"))


def _some(known: list[Path], arguments: Arguments) -> list[Path]:
    if known:
        return known
    others = sorted({run.parent.name for run in _known({})}) if "NET" in arguments else []
    if others:
        raise UserError(f"NET={arguments['NET']}: expected one that has runs in {paths.runs()}: {', '.join(others)}")
    raise UserError(f"{paths.runs()}: expected runs with generations in them, found none; `make evolve` makes one")
