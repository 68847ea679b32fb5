"""Frames per second of a run's generations: what was measured, kept in fps.json beside them, and what is predicted.

A generation's own folder never changes, and engines come and go: so all measurements of a run are in one file, written
whole. Each says which weights it was made with; those of weights that are no longer there do not count.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from evolve.base import files, prototxt_text, records
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.network import deployment, devices, phases, roofline
from evolve.network.axes import ImageShape
from evolve.runs import load, paths
from evolve.runs.metrics import Metrics

FILE = "fps.json"

# Whose figures stand in lineage.csv where several engines measured equally many generations: nearest to the device.
_PREFERRED = ("tensorrt", "openvino", "onnxruntime", "caffe")
# And of one engine's, in which precision: the papers' own before those that only some devices compute in.
_PREFERRED_PRECISIONS = ("f16", "f32")


@dataclass(frozen=True)
class Measurement:
    """One generation was timed on one engine. Figures are of `runs` runs of `batch` images each."""

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
    weights_sha256: str
    difference: float | None = None  # of its outputs from pycaffe's, relative to the largest value, if compared
    busy_cores: float = 0.0  # by others while it was timed; 0 where a device's table does not say
    model_bytes: int | None = None  # of the file that the engine reads
    scores: dict[str, float] = field(default_factory=dict)  # on all test images, through the engine, if asked for

    @property
    def fps_p95(self) -> float:
        """The frames per second that 95 of 100 runs reach."""
        return 1000 * self.batch / self.p95_ms

    @property
    def timed(self) -> tuple[str, str, int, int, str, str]:
        """What was timed: a newer measurement of the same takes an older one's place."""
        return (self.engine, self.precision, self.batch, self.threads, self.shape, self.device)

    @property
    def conditions(self) -> tuple[tuple[str, str, int, int, str, str], bool]:
        """What must be the same where generations are compared."""
        return (self.timed, self.loaded)

    @property
    def loaded(self) -> bool:
        """Whether others were at work on the machine meanwhile."""
        return self.busy_cores >= load.LOADED

    @property
    def title(self) -> str:
        """``openvino f32 1 thread``, and ``under load`` where it was."""
        threads = f" {self.threads} thread{'s' * (self.threads > 1)}" if self.threads else ""
        return f"{self.engine} {self.precision}{threads}{' under load' * self.loaded}"


@dataclass(frozen=True)
class Speed:
    """What lineage.csv says of a generation's speed, in its order; None and "" where nothing is known."""

    fps: float | None = None
    fps_p95: float | None = None
    fps_engine: str = ""
    predicted_tx1_fps: float | None = None


@dataclass(frozen=True)
class _Kept:
    """What fps.json has: the measurements, and how they were made."""

    protocol: str
    frames: list[Measurement] = field(default_factory=list)


def read(run: Path) -> list[Measurement]:
    """What was measured of the generations that `run` has. UserError if its fps.json is not one."""
    path = run / FILE
    if not path.exists():
        return []
    try:
        kept = records.read(_Kept, json.loads(path.read_bytes())).frames
    except ValueError as error:
        raise UserError(f"{path}: expected what `make bench` wrote, got {error}; delete it and measure again") from None
    return [each for each in kept if each.weights_sha256 == weights_sha256(run, each.generation)]


def keep(run: Path, measured: list[Measurement], protocol: str) -> None:
    """Puts `measured` in fps.json, in place of what was measured in the same way before."""
    new = {(each.generation, each.timed) for each in measured}

    def joined() -> str:
        old = [each for each in read(run) if (each.generation, each.timed) not in new]
        rows = sorted([*old, *measured], key=lambda each: (each.conditions, each.generation))
        return records.text(_Kept(protocol, rows))

    files.write_whole(run / FILE, joined)


def grouped(measured: Iterable[Measurement], own: str = "") -> list[list[Measurement]]:
    """What can be compared, in one list each, generation by generation; the one for lineage.csv first.

    That is one of images as large as `own`, which the deploy nets look at, before any other size; of these the one with
    most generations, among equals one of a quiet machine, and the engine nearest to a device's; one image at a time.
    """
    groups: dict[tuple[tuple[str, str, int, int, str, str], bool], list[Measurement]] = {}
    for each in measured:
        groups.setdefault(each.conditions, []).append(each)
    every = (sorted(group, key=lambda each: each.generation) for group in groups.values())
    return sorted(every, key=lambda group: (own != "" and group[0].shape not in (own, ""), _rank(group)))


def speeds(run: Path, generations: list[Metrics]) -> list[Speed]:
    """What lineage.csv says of the speed of each of these generations of `run`, as far as it is known."""
    own = own_shape(run, generations)
    groups = grouped((each for each in read(run) if each.batch == 1), own)
    timed = {each.generation: each for each in groups[0]} if groups else {}
    shape = next((each.shape for each in timed.values()), "")
    size = f" {shape}" if own and shape not in (own, "") else ""
    return [_speed(timed.get(each.generation), predicted_tx1_fps(run, each, shape), size) for each in generations]


def _speed(timed: Measurement | None, predicted: float | None, size: str) -> Speed:
    if timed is None:
        return Speed(predicted_tx1_fps=predicted)
    return Speed(timed.fps, round(timed.fps_p95, 3), timed.title + size, predicted)


def predicted_tx1_fps(run: Path, metrics: Metrics, shape: str = "") -> float | None:
    """What the TX1 is predicted to do with a generation of `run` on images of `shape`, by default the deploy net's own.

    None where it cannot be predicted, or launching kernels would take most of the time.
    """
    try:
        deploy = paths.generation(run, metrics.generation) / paths.DEPLOY
        net = deployment.sized(prototxt_text.read(deploy, caffe_pb2.NetParameter()), _lengths(shape))
        fps = roofline.predicted(net, devices.read()[devices.TX1], metrics.bits)
        return None if fps is None else round(fps, 3)
    except (UserError, KeyError, ZeroDivisionError):
        # A run goes on, and its table is written, whatever its net is or a user made of the devices.
        return None


def image_shape(net: phases.Net) -> str:
    """``3x384x1248``: channels, height and width of the first Input of a deploy net; "" if it has none."""
    shapes = [layer.input_param.shape for layer in net.layer if layer.type == "Input" and layer.input_param.shape]
    return "x".join(map(str, shapes[0][0].dim[1:])) if shapes else ""


def own_shape(run: Path, generations: Iterable[Metrics]) -> str:
    """What the deploy nets of these generations of `run` look at; "" where none says it."""
    for metrics in generations:
        try:
            deploy = paths.generation(run, metrics.generation) / paths.DEPLOY
            return image_shape(prototxt_text.read(deploy, caffe_pb2.NetParameter()))
        except UserError:
            continue
    return ""


def weights_sha256(run: Path, number: int) -> str:
    """Hash of a committed generation's caffemodel; "" where there is none."""
    try:
        listed = json.loads((paths.generation(run, number) / paths.DONE).read_text())
        return str(listed["sha256"][paths.WEIGHTS])
    except (OSError, ValueError, KeyError):
        return ""


def _rank(group: list[Measurement]) -> tuple[int, bool, int, bool, int, bool]:
    engine = group[0].engine
    place = next((k for k, name in enumerate(_PREFERRED) if engine.startswith(name)), len(_PREFERRED))
    usual = group[0].precision in _PREFERRED_PRECISIONS
    return (-len(group), group[0].loaded, place, not usual, group[0].threads, not group[0].shape)


def _lengths(shape: str) -> ImageShape | None:
    lengths = [int(length) for length in shape.split("x")] if shape else []
    return (lengths[0], lengths[1], lengths[2]) if len(lengths) == 3 else None
