"""What a rehearsal found sound is known again by its content: prototxts, caffemodel, data, code and Caffe.

So that `make evolve` does not pay for what `make check` just did. Nothing is kept of what was not sound.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from evolve import datasets
from evolve.base import caffe_messages, files, modules, records
from evolve.base.machine import Machine
from evolve.lineage import experiment, rehearsal, resume
from evolve.lineage.experiment import Experiment
from evolve.runs import generation
from evolve.settings import networks
from fastcaffe.library import cache_folder

KEPT = 200  # verdicts

_CODE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Verdict:
    """That a run is sound, and of the data set that was read for it the name, each split's images and the classes."""

    dataset: str
    counts: dict[str, int]
    classes: int
    notice: str = ""


def of(wanted: Experiment, pretrained: Path | None, seed: int, machine: Machine) -> Verdict:
    """Rehearses the run, unless the very same was sound before. UserError, and datasets.NotToBeHad, as `rehearse`."""
    data = experiment.data_state(wanted, seed)
    folder = _folder() if data else None
    kept = folder / _key(wanted, pretrained, data, machine) if folder else None
    if kept and (known := _read(kept)):
        return known
    made = rehearsal.rehearse(wanted, pretrained, seed, machine)
    seen = Verdict(made.dataset.name, made.whole, made.dataset.classes, made.notice)
    if kept:
        _remember(kept, seen)
    return seen


def _remember(file: Path, seen: Verdict) -> None:
    """Writes what was seen, and forgets what was asked for longest ago: what is edited is another from then on."""
    # A cache that cannot be written costs seconds the next time; of two that forget, one finds nothing.
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        files.write_whole(file, records.text(seen))
        for old in sorted(file.parent.glob("[0-9a-f]*"), key=lambda each: -each.stat().st_mtime_ns)[KEPT:]:
            old.unlink()


def _folder() -> Path | None:
    """A folder of the cache; None for a user without a home, of whom nothing is kept."""
    with suppress(OSError):
        return cache_folder().with_name("checked")
    return None


def _read(file: Path) -> Verdict | None:
    try:
        known = records.read(Verdict, json.loads(file.read_bytes()))
    except (OSError, ValueError):
        return None
    with suppress(OSError):
        os.utime(file)  # asked for now: whatever nobody asks for is forgotten first
    return known


def _key(wanted: Experiment, pretrained: Path | None, data: str, machine: Machine) -> str:
    parts = [data, str(replace(machine, threads=0)), generation.sha256(pretrained) if pretrained else ""]
    parts += [f"{name}\n{text}" for name, text in resume.origin(wanted).items()]
    for file in (*_ours(), *_data_set(wanted), *_python_layers(wanted)):
        parts.append(f"{file.name}\n{generation.sha256(file)}")
    return hashlib.sha256("\0".join([*parts, *_caffe()]).encode()).hexdigest()


def _ours() -> Iterator[Path]:
    yield networks.defaults()
    for folder in (_CODE, _CODE.parent / "fastcaffe"):
        yield from sorted(each for kind in ("*.py", "*.cpp", "*.h") for each in folder.rglob(kind))


def _data_set(wanted: Experiment) -> Iterator[Path]:
    """The file that loads the data set, which may be the user's own."""
    own = datasets.find(wanted.settings.dataset.name, wanted.folder).file
    if own.is_file():
        yield own


def _python_layers(wanted: Experiment) -> Iterator[Path]:
    """The files of the modules that Python layers are of, found without loading them."""
    net = wanted.net(experiment.NO_DATA)
    for module in sorted({layer.python_param.module for layer in net.layer if layer.type == "Python"}):
        file = modules.find(module, [wanted.train_val.parent])
        if file and file.is_file():
            yield file


def _caffe() -> Iterator[str]:
    """Which Caffe: its library is large, and known by when it was made."""
    folder = caffe_messages.package()
    for file in sorted(folder.glob("_caffe*.so")) if folder else []:
        status = file.stat()
        yield f"{file} {status.st_size} {status.st_mtime_ns}"
