"""How fast pictures become a data set, beside the decoder alone, and how much memory that takes.

``python -m tests.bench.own_images [COUNT] [SIDE]`` draws so many JPEGs (5000 of 256x256), stores them as they are, and
prints CPU milliseconds a picture of both, and the peak of resident memory. A line each for a tenth of them and for all:
memory that grew with their number would show.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from evolve.datasets import Wish, image_file, prepare

CLASSES = 10


def drawn(folder: Path, count: int, side: int) -> None:
    """Blurred noise, one part shifted against the next, so that every file is another and of a photograph's size."""
    random = np.random.default_rng(1)
    coarse = random.integers(0, 256, (side // 8, side // 8, 3), dtype=np.uint8)
    ground = np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)).astype(np.int16)
    ground = (ground + random.normal(0, 6, ground.shape)).clip(0, 255).astype(np.uint8)
    for number in range(count):
        place = folder / f"class{number % CLASSES}"
        place.mkdir(parents=True, exist_ok=True)
        shifted = np.roll(ground, (number % side, number // side), (0, 1))
        Image.fromarray(shifted).save(place / f"{number:06d}.jpg", quality=90)


def decoded(folder: Path) -> None:
    for file in sorted(folder.rglob("*.jpg")):
        image_file.read(file, "here")


def stored(folder: Path, side: int, data: Path) -> None:
    wish = Wish(folder=str(folder), width=side, height=side)
    prepare("images", image_size=side, wish=wish, data=data, report=print)


def measured(what: str, folder: str, side: int, data: str) -> None:
    """In this process: CPU and wall seconds of one of the two, and its peak of memory before and after."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cpu, wall = time.process_time(), time.monotonic()
    if what == "decoded":
        decoded(Path(folder))
    else:
        stored(Path(folder), side, Path(data))
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what}: {cpu:.2f} s of CPU, {wall:.2f} s, peak {after:.0f} MiB, {before:.0f} before")


def main(count: int = 5000, side: int = 256) -> None:
    with tempfile.TemporaryDirectory() as name:
        for part in (count // 10, count):
            folder = Path(name) / f"pictures{part}"
            drawn(folder, part, side)
            size = sum(file.stat().st_size for file in folder.rglob("*.jpg")) / part
            print(f"{part} pictures of {side}x{side}, {size / 1000:.1f} kB each", flush=True)
            for what in ("decoded", "stored"):
                command = [sys.executable, "-m", "tests.bench.own_images", what, str(folder), str(side), f"{name}/data"]
                subprocess.run(command, check=True)


if __name__ == "__main__":
    if len(sys.argv) > 3:
        measured(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
    else:
        main(*map(int, sys.argv[1:]))
