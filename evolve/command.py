"""The `cavefish` command: the Makefile's verbs, with the Makefile's NAME=value words."""

import argparse
import difflib
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from evolve import paths, run_folder
from evolve.errors import UserError

Words = dict[str, str]


class Interrupted(BaseException):
    """A signal asks this process to end; what it was making is cleared away on the way out."""

    def __init__(self, number: int) -> None:
        self.number = number


def main(arguments: list[str] | None = None) -> int:
    """Runs one verb and returns the exit status: 0, 2 the user's to mend, 1 ours, 130 and 143 signals."""
    verb, words = _parse(sys.argv[1:] if arguments is None else arguments)
    _handle_signals()
    try:
        _, _, action = _VERBS[verb]
        return action(_checked(verb, words))
    except UserError as error:
        print(f"cavefish: {error}", file=sys.stderr)
        return 2
    except Interrupted as end:
        print("cavefish: stopped; what is committed stays, and the same command resumes", file=sys.stderr)
        return 128 + end.number
    except BrokenPipeError:
        return 1
    except Exception:
        traceback.print_exc()
        print("cavefish: this is a fault of Cavefish, not yours; the same command resumes", file=sys.stderr)
        return 1


def _evolve(words: Words) -> int:
    # The process that Caffe runs in reads these.
    os.environ |= {name: str(_whole(words, name)) for name in ("FAST", "THREADS") if name in words}
    from evolve import lineage
    from evolve.figures import table

    run = lineage.evolve(
        words["NET"],
        generations=_whole(words, "GEN", least=1),
        seed=_whole(words, "SEED") if "SEED" in words else None,
        run=words.get("RUN", ""),
        pretrained=Path(words["WEIGHTS"]).resolve() if "WEIGHTS" in words else None,
        half_blobs=_whole(words, "HALF_BLOBS") > 0,
        schedule=words.get("SCHEDULE", ""),
    )
    table.show(run)
    return 0


def _data(words: Words) -> int:
    import datasets
    from evolve import experiment, progress

    chosen = experiment.load(words["NET"], words.get("SCHEDULE", "")).settings
    made = datasets.prepare(
        chosen.dataset.name,
        image_size=chosen.dataset.image_size,
        seed=_whole(words, "SEED") if "SEED" in words else chosen.seed,
        or_else=chosen.dataset.or_else.name,
        data=paths.data(),
        report=progress.say,
    )
    progress.say(f"{made.name}: {made.counts['train']} + {made.counts['test']} images {made.shape} in {made.folder}")
    if made.notice:
        progress.say(f"NOTE: {made.notice}")
    return 0


def _check(words: Words) -> int:
    from evolve import check

    pretrained = Path(words["WEIGHTS"]).resolve() if "WEIGHTS" in words else None
    print(check.check(words["NET"], pretrained, words.get("SCHEDULE", "")))
    return 0


def _shrink(words: Words) -> int:
    from evolve import shrinking

    for name, what in (("MODEL", "a prototxt"), ("WEIGHTS", "its caffemodel"), ("OUT", "a folder to write to")):
        if name not in words:
            raise UserError(f"shrink: expected {name}=, {what}; see `cavefish --help`")
    print(
        shrinking.shrink(
            Path(words["MODEL"]),
            Path(words["WEIGHTS"]),
            Path(words["OUT"]),
            shape=_shape(words),
            keep_unknown=_whole(words, "KEEP_UNKNOWN") > 0,
        )
    )
    return 0


def _table(words: Words) -> int:
    from evolve.figures import table

    runs = _runs(words)
    if len(runs) > 1:
        print(table.summary(runs))
        return 0
    table.show(runs[0])
    return 0


def _plot(words: Words) -> int:
    from evolve.figures import curves

    runs = _runs(words)
    for path in curves.draw(runs, Path(words["OUT"]) if "OUT" in words else runs[0]):
        print(path)
    return 0


def _count(words: Words) -> int:
    from evolve.figures import counts

    weights = Path(words["WEIGHTS"]) if "WEIGHTS" in words else None
    counts.show(Path(words["MODEL"]), weights, _shape(words))
    return 0


def _doctor(words: Words) -> int:
    from evolve import doctor

    lines, sound = doctor.report()
    print("\n".join(lines))
    return 0 if sound else 2


# Verb -> what it does, the words that it knows (the first one required when _REQUIRED tells it), and its function.
_VERBS: dict[str, tuple[str, str, Callable[[Words], int]]] = {
    "evolve": (
        "evolve a network, or go on with it",
        "NET GEN SEED SCHEDULE RUN WEIGHTS HALF_BLOBS FAST THREADS",
        _evolve,
    ),
    "data": ("prepare a network's data set", "NET SCHEDULE SEED", _data),
    "check": ("check prototxts and settings before anything runs", "NET SCHEDULE WEIGHTS", _check),
    "shrink": (
        "remove what a pruned network of anyone's does not need; it computes the same",
        "MODEL WEIGHTS OUT SHAPE KEEP_UNKNOWN",
        _shrink,
    ),
    "table": ("the papers' tables beside a run's, or several runs' mean and spread", "RUN NET", _table),
    "plot": ("curves of a run, or of several, as PNG and SVG", "RUN NET OUT", _plot),
    "count": (
        "parameters, synapses, clusters, MACs and bytes of any network, layer by layer",
        "MODEL WEIGHTS SHAPE",
        _count,
    ),
    "doctor": ("versions and paths of everything used, what is missing and the remedy", "", _doctor),
}

_REQUIRED = {
    "NET": "a folder under prototxt/ or one of yours; for instance NET=lenet",
    "MODEL": "a prototxt; for instance MODEL=deploy.prototxt",
}

_MEANINGS = """words:
  NET=name|folder   a folder under prototxt/, or one of yours     GEN=13          how many generations
  SEED=1            decides everything                            RUN=name|path   which run (seed<SEED>; the latest)
  WEIGHTS=file      a trained caffemodel to be generation 1       HALF_BLOBS=1    also write 16-bit caffemodels
  MODEL=file        a deploy or train_val prototxt                SHAPE=3x32x32   of an image, where MODEL does not say
  KEEP_UNKNOWN=1    leave what touches unknown layers whole
  SCHEDULE=long     evolution.long.prototxt instead               OUT=folder      where files go
  FAST=0            stock Caffe's layers                          THREADS=1       threads (its share of the cores)

RUN=a,b,c gives `table` and `plot` several runs at once."""


def _parse(arguments: list[str]) -> tuple[str, list[str]]:
    verbs = "\n".join(f"  {verb:8} {what}" for verb, (what, _, _) in _VERBS.items())
    parser = argparse.ArgumentParser(
        "cavefish",
        usage="cavefish VERB [NAME=value ...]",
        description=f"Evolves trained Caffe networks into far smaller, faster ones.\n\nverbs:\n{verbs}\n\n{_MEANINGS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("verb", choices=_VERBS, metavar="VERB", help="one of the verbs above")
    parser.add_argument("words", nargs="*", metavar="NAME=value", help="what the verb needs to know")
    parsed = parser.parse_args(arguments)
    return parsed.verb, parsed.words


def _checked(verb: str, words: list[str]) -> Words:
    known = _VERBS[verb][1].split()
    given: Words = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or name not in known:
            nearest = difflib.get_close_matches(name.upper(), known, n=1)
            hint = f"did you mean {nearest[0]}=?" if nearest else f"{verb} knows {', '.join(known) or 'none'}"
            raise UserError(f"{word}: expected NAME=value; {hint}")
        if value:
            given[name] = value
    if known and known[0] in _REQUIRED and known[0] not in given:
        raise UserError(f"{verb}: expected {known[0]}=, {_REQUIRED[known[0]]}")
    return given


def _shape(words: Words) -> tuple[int, int, int] | None:
    if "SHAPE" not in words:
        return None
    lengths = [int(length) if length.isdecimal() else 0 for length in words["SHAPE"].split("x")]
    if len(lengths) != 3 or not all(lengths):
        raise UserError(f"SHAPE={words['SHAPE']}: expected channels x height x width; for instance SHAPE=3x32x32")
    return lengths[0], lengths[1], lengths[2]


def _whole(words: Words, name: str, least: int = 0) -> int:
    value = words.get(name)
    if value is None:
        return 0
    if not value.isdecimal() or int(value) < least:
        raise UserError(f"{name}={value}: expected a whole number of {least} or more")
    return int(value)


def _runs(words: Words) -> list[Path]:
    """The runs that RUN= and NET= mean: names or paths; without RUN the latest."""
    networks = [paths.runs() / Path(words["NET"]).name] if "NET" in words else sorted(paths.runs().glob("*"))
    known = [run for network in networks for run in sorted(network.glob("*")) if run_folder.committed(run)]
    if "RUN" not in words:
        if not known:
            where = paths.runs()
            raise UserError(f"{where}: expected runs with generations in them, found none; `make evolve` makes one")
        return [max(known, key=lambda run: (run / paths.LINEAGE).stat().st_mtime)]
    return [_run(name, known) for name in words["RUN"].split(",")]


def _run(name: str, known: list[Path]) -> Path:
    if run_folder.committed(Path(name)):
        return Path(name).resolve()
    named = [run for run in known if run.name == name or f"{run.parent.name}/{run.name}" == name]
    if len(named) == 1:
        return named[0]
    listed = ", ".join(f"{run.parent.name}/{run.name}" for run in (named or known)) or "none"
    raise UserError(f"RUN={name}: expected one run of that name; there are: {listed}")


def _handle_signals() -> None:
    """The first SIGINT or SIGTERM unwinds, the second one ends at once."""

    def end(number: int, frame: FrameType | None) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, lambda again, _: os._exit(128 + again))
        raise Interrupted(number)

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, end)


if __name__ == "__main__":
    sys.exit(main())
