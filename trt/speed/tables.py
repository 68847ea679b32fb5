"""What `make bench` prints: each engine's figures, a generation a row, and predictions for devices not at hand."""

from pathlib import Path

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.base.sheet import BLANK, Sheet, cell
from evolve.network import deployment, devices, phases, roofline
from evolve.network.axes import ImageShape
from evolve.network.devices import Device
from evolve.runs import measurements, paths, run_folder
from evolve.runs.measurements import Measurement
from evolve.runs.metrics import Metrics


def show(run: Path, shape: ImageShape | None = None) -> None:
    """Prints every measurement of the run, and the predictions for images of `shape`, its own by default."""
    generations = run_folder.read_lineage(run)
    name = f"{generations[0].network}, {run.name}"
    for group in measurements.grouped(measurements.read(run), measurements.own_shape(run, generations)):
        measured(name, generations, group).show()
    predicted(name, generations, run, shape).show()


def measured(name: str, generations: list[Metrics], group: list[Measurement]) -> Sheet:
    """What one engine measured of these generations."""
    first = group[0]
    synapses = {metrics.generation: f"{metrics.synapses:,}" for metrics in generations}
    rows = [
        {
            "generation": str(each.generation),
            "synapses": synapses.get(each.generation, BLANK),
            "median, ms": f"{each.median_ms:,.3f}",
            "p95, ms": f"{each.p95_ms:,.3f}",
            "fps": f"{each.fps:,.1f}",
            "fps, p95": f"{each.fps_p95:,.1f}",
            f"× generation {first.generation}": f"{each.fps / first.fps:.2f}",
            "MB": f"{each.model_bytes / 1e6:,.3f}" if each.model_bytes else BLANK,
        }
        | {name: f"{value:.4f}" for name, value in each.scores.items()}
        for each in group
    ]
    size = f", {first.shape}" if first.shape else ""
    return Sheet.of(f"{name}: {first.title}{size}, batch {first.batch}", rows, notice="", notes=_notes(group))


def predicted(name: str, generations: list[Metrics], run: Path, shape: ImageShape | None) -> Sheet:
    """What the devices of the table are predicted to do."""
    known = devices.read()
    size = "x".join(map(str, shape)) if shape else measurements.own_shape(run, generations)
    rows = []
    for metrics in generations:
        net = _net(paths.generation(run, metrics.generation), shape)
        cells = {device.name: _prediction(net, device, metrics) for device in known.values()}
        rows.append({"generation": str(metrics.generation)} | cells)
    return Sheet.of(
        f"{name}: predicted fps of devices that are not at hand{size and f', {size}'}",
        rows,
        notice="",
        notes=[
            *(f"{device.name}: peaks of {device.gflops_half:g} GFLOP/s in half precision and "
              f"{device.gbytes_per_second:g} GB/s, times {device.efficiency:g}, fitted on {device.fitted_on}."
              for device in known.values()),
            "A roofline a layer. Left out: networks so small that launching their kernels "
            f"({1e6 * roofline.LAUNCH:g} microseconds each, assumed) would take most of the time.",
        ],
    )  # fmt: skip


def _notes(group: list[Measurement]) -> list[str]:
    one, differences = group[0], [each.difference for each in group if each.difference is not None]
    if not differences:
        return [f"From the table {one.device}."]
    return [
        f"{one.version}, on {one.device}; outputs are pycaffe's to {max(differences):.1e} of their largest value.",
        f"fps: 1000 / median of {one.runs} samples or more; p95: 95 of 100 take no longer; all of it: "
        f"{measurements.FILE}.",
        *([f"Others kept {one.busy_cores:.1f} cores busy meanwhile: fps are not this machine's own."] * one.loaded),
    ]


def _net(folder: Path, shape: ImageShape | None) -> phases.Net:
    return deployment.sized(prototxt_text.read(folder / paths.DEPLOY, caffe_pb2.NetParameter()), shape)


def _prediction(net: phases.Net, device: Device, metrics: Metrics) -> str:
    try:
        return cell(roofline.predicted(net, device, metrics.bits, metrics.two_of_four), ",.1f")
    except UserError:
        return BLANK
