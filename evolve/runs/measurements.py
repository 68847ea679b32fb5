"""Frames per second of a run's generations: what was measured, kept in fps.json beside them, and what is predicted.

A generation's own folder never changes, and engines come and go: so all measurements of a run are in one file, written
whole. Each says which weights it was made with; those of weights that are no longer there do not count.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.network import phases
from evolve.runs import generation, paths

FILE = "fps.json"

# Whose figures stand in lineage.csv where several engines measured equally many generations: nearest to the device.
_PREFERRED = ("tensorrt", "openvino", "onnxruntime", "caffe")


@dataclass(frozen=True)
class Frames:
    """One generation on one engine. Figures are of `runs` runs of `batch` images each."""

    generation: int
    engine: str
    precision: str
    batch: int
    runs: int
    median_ms: float
    p95_ms: float  # 95 of 100 runs took no longer
    fps: float  # from the median
    shape: str  # channels x height x width of an image; "" where a device's table does not say
    threads: int  # 0 where a device's table does not say
    device: str
    version: str
    difference: float | None  # of its outputs from pycaffe's, relative to the largest value; None if not compared
    weights_sha256: str

    @property
    def fps_p95(self) -> float:
        """The frames per second that 95 of 100 runs reach."""
        return 1000 * self.batch / self.p95_ms

    @property
    def measurement(self) -> tuple[str, str, int, int, str, str]:
        """What must be the same where generations are compared."""
        return (self.engine, self.precision, self.batch, self.threads, self.shape, self.device)

    @property
    def title(self) -> str:
        """``openvino f32 1 thread``."""
        threads = f" {self.threads} thread{'s' * (self.threads > 1)}" if self.threads else ""
        return f"{self.engine} {self.precision}{threads}"


def read(run: Path) -> list[Frames]:
    """What was measured of the generations that `run` has. UserError if its fps.json is not one."""
    path = run / FILE
    if not path.exists():
        return []
    try:
        kept = [Frames(**each) for each in json.loads(path.read_text(encoding="utf-8"))["frames"]]
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"{path}: expected what `make bench` wrote, got {error}; delete it and measure again") from None
    return [each for each in kept if each.weights_sha256 == weights_sha256(run, each.generation)]


def keep(run: Path, measured: list[Frames], protocol: str) -> None:
    """Puts `measured` in fps.json, in place of what was measured in the same way before."""
    new = {(each.generation, each.measurement) for each in measured}
    old = [each for each in read(run) if (each.generation, each.measurement) not in new]
    rows = sorted([*old, *measured], key=lambda each: (each.measurement, each.generation))
    content = {"protocol": protocol, "frames": [asdict(each) for each in rows]}
    generation.write_whole(run / FILE, json.dumps(content, indent=1) + "\n")


def grouped(frames: Iterable[Frames]) -> list[list[Frames]]:
    """What can be compared, in one list each, generation by generation; the one for lineage.csv first.

    That is the one with most generations, and among equals the engine nearest to a device's; one image at a time.
    """
    groups: dict[tuple[Any, ...], list[Frames]] = {}
    for each in frames:
        groups.setdefault(each.measurement, []).append(each)
    return sorted((sorted(group, key=lambda each: each.generation) for group in groups.values()), key=_rank)


def joined(run: Path, made: dict[str, Any], chosen: dict[int, Frames]) -> dict[str, Any]:
    """The columns fps, fps_p95, fps_engine and predicted_tx1_fps of a generation with metrics `made`, as far as known.

    `chosen` is what `columns_of` makes of the run's measurements.
    """
    found = chosen.get(made["generation"])
    shape = next((each.shape for each in chosen.values()), "")
    measured = {"fps": found.fps, "fps_p95": round(found.fps_p95, 3), "fps_engine": found.title} if found else {}
    predicted = predicted_tx1_fps(paths.generation(run, made["generation"]), shape, made.get("precision") != "FLOAT")
    return measured | ({"predicted_tx1_fps": predicted} if predicted else {})


def columns_of(run: Path) -> dict[int, Frames]:
    """The measurements that stand in lineage.csv, by generation: all of one engine."""
    groups = grouped(each for each in read(run) if each.batch == 1)
    return {each.generation: each for each in groups[0]} if groups else {}


def predicted_tx1_fps(folder: Path, shape: str = "", half: bool = True) -> float | None:
    """Of the generation in `folder` with images of `shape`, its own by default; None where it cannot be predicted."""
    from evolve.network import devices, roofline

    try:
        net = prototxt_text.read(folder / paths.DEPLOY, caffe_pb2.NetParameter())
        net = phases.sized(net, _lengths(shape))
        return round(roofline.frames_per_second(net, devices.read()[devices.TX1], half), 3)
    except (UserError, KeyError, ZeroDivisionError):
        # A run goes on, and its table is written, whatever its net is or a user made of the devices.
        return None


def image_shape(net: Any) -> str:
    """``3x384x1248``: channels, height and width of the first Input of a deploy net; "" if it has none."""
    shapes = [layer.input_param.shape for layer in net.layer if layer.type == "Input" and layer.input_param.shape]
    return "x".join(map(str, shapes[0][0].dim[1:])) if shapes else ""


def weights_sha256(run: Path, number: int) -> str:
    """Hash of a committed generation's caffemodel; "" where there is none."""
    try:
        done = json.loads((paths.generation(run, number) / paths.DONE).read_text())
        return str(done["sha256"][paths.WEIGHTS])
    except (OSError, ValueError, KeyError):
        return ""


def _rank(group: list[Frames]) -> tuple[int, int, int]:
    engine = group[0].engine
    place = next((k for k, name in enumerate(_PREFERRED) if engine.startswith(name)), len(_PREFERRED))
    return (-len(group), place, group[0].threads)


def _lengths(shape: str) -> tuple[int, int, int] | None:
    lengths = [int(length) for length in shape.split("x")] if shape else []
    return (lengths[0], lengths[1], lengths[2]) if len(lengths) == 3 else None
