"""Committed files cut and with bits flipped: found by hash, named, never loaded, and made anew to the same bytes."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from evolve.runs import generation
from tests.torture import faults
from tests.torture.commands import Commands
from tests.torture.conftest import finish
from tests.torture.place import GENERATIONS, Place
from tests.torture.tally import Tally

Pairs = list[tuple[Place, Commands]]
Damage = tuple[str, bool, int]  # file, whether it is cut (or a bit flipped), where


@pytest.mark.parametrize(
    ("cuts", "flips"), [(5, 100), pytest.param(50, 1000, marks=pytest.mark.torture)], ids=["some", "many"]
)
def test_all_damage_is_found_and_named(cuts: int, flips: int, pairs: Pairs, tmp_path: Path) -> None:
    tally = Tally()
    place = pairs[0][0]
    folders = [shutil.copytree(folder, tmp_path / folder.name) for folder in sorted(place.reference.glob("gen*"))]
    files = [path for folder in folders for path in sorted(folder.iterdir())]
    for path in files:
        for at in _places(path.stat().st_size, cuts):
            _find(path, path.read_bytes()[:at], "cut", tally)
    random_ = random.Random(1)
    for _ in range(flips):
        path = random_.choice(files)
        _find(path, _flipped(path.read_bytes(), random_.randrange(8 * path.stat().st_size)), "bit flip", tally)
    finish("damage-found" if cuts == 50 else "damage-found-short", tally, cuts * len(files) // 2 + flips)


def _find(path: Path, damaged: bytes, what: str, tally: Tally) -> None:
    """Damages `path`, looks, and mends it again."""
    whole = path.read_bytes()
    path.write_bytes(damaged)
    said = generation.damage(path.parent)
    path.write_bytes(whole)
    named = said.startswith(f"{path.name} is not as it was ") or path.name == "DONE.json" and bool(said)
    tally.add(f"{what}, found by hash and named", problem="" if named else f"{path}: {said}")
    assert not generation.damage(path.parent)


def test_some_damage_is_made_anew(tried: Callable[..., None], pairs: Pairs) -> None:
    tried("damage-short", _damages(pairs[0][0], 2), _made_anew)


@pytest.mark.torture
def test_much_damage_is_made_anew(tried: Callable[..., None], pairs: Pairs) -> None:
    tried("damage", _damages(pairs[0][0], 50), _made_anew)


def _damages(place: Place, count: int) -> list[Damage]:
    random_ = random.Random(2)
    files = sorted(path.relative_to(place.reference) for path in place.reference.glob("gen*/*"))
    files += [Path("prototxt") / path.name for path in sorted((place.reference / "prototxt").iterdir())]
    files += [Path("lineage.csv")]
    found = []
    for number in range(count):
        file = random_.choice(files)
        size = (place.reference / file).stat().st_size
        cut = number % 2 == 0
        found.append((str(file), cut, random_.randrange(size) if cut else random_.randrange(8 * size)))
    return found


def _made_anew(place: Place, commands: Commands, damage: Damage, tally: Tally) -> None:
    """The command finds one damaged file of a finished run, says so, and makes what it belongs to anew."""
    name, cut, at = damage
    place.begin(GENERATIONS)
    shutil.copy(place.reference / "lineage.csv", place.run)
    path = place.run / name
    whole = path.read_bytes()
    path.write_bytes(whole[:at] if cut else _flipped(whole, at))
    log = place.folder / "log"
    log.unlink(missing_ok=True)
    ended = place.evolve(commands, TORTURE_ROOT=str(place.run), TORTURE_READS="1", TORTURE_LOG=str(log))
    lacking = place.lacking()
    problem = f"{lacking}: {ended.last_line}" if ended.status or lacking else ""
    if path.parent.name.startswith("gen"):
        # Only to hash it: once it has another name, or was made anew, it is not this file.
        reads = faults.reads_before_rename(log, path)
        said = f"{path.parent}: {path.name} is not as it was "
        told = said in ended.said or (path.name == "DONE.json" and f"{path.parent}: " in ended.said)
        problem = problem or ("" if told else f"not named: {ended.said[:400]}")
        problem = problem or (f"read {reads} times" if reads > 1 else "")
    what = "cut, made anew" if cut else "bit flip, made anew"
    tally.add(what, 0, ended.status == 0, not lacking, problem and f"{damage}: {problem}")


def _places(size: int, count: int) -> list[int]:
    """Where a file of `size` bytes is cut: spread over it, its first and last byte among them."""
    return sorted({round(number * (size - 1) / (count - 1)) for number in range(count)})


def _flipped(content: bytes, bit: int) -> bytes:
    damaged = bytearray(content)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)
