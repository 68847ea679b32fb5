"""`python -m tests.bench.agreement`: how far each engine is from stock pycaffe, network by network, as a table.

Full-sized networks with random weights (deviations with which numbers keep their size), one random image, one thread;
the largest difference of any output, relative to the output's largest value. Scores before a last Softmax are an
output too: it hides differences.
"""

import argparse
import csv
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.machine import Machine
from evolve.network import deployment, weights
from evolve.runs import paths
from tests.network import famous_nets
from tests.trt.both import filled
from trt.speed import comparison, prepared
from trt.speed.process import EngineProcess

_ROOT = Path(__file__).resolve().parents[2]


def ours(folder: str, shape: tuple[int, int, int]) -> Any:
    """A network of this project, as a deploy net."""
    path = _ROOT / "prototxt" / folder / "train_val.prototxt"
    return deployment.deploy(prototxt_text.read(path, caffe_pb2.NetParameter(), {"DATA": "nowhere"}), shape)


NETS: dict[str, Callable[[], Any]] = {
    "LeNet-5 of the papers, 1x32x32": lambda: ours("lenet", (1, 32, 32)),
    "BVLC LeNet, 1x28x28": lambda: ours("lenet_bvlc", (1, 28, 28)),
    "AlexNet, 3x227x227": famous_nets.alexnet,
    "AlexNet for CIFAR-10, 3x32x32": lambda: ours("alexnet_cifar10", (3, 32, 32)),
    "ResNet-56, 3x32x32": lambda: ours("resnet56_cifar10", (3, 32, 32)),
    "DetectNet, 3x384x1248": famous_nets.detectnet,
}


def measure(net: Any, folder: Path) -> dict[str, float]:
    """The difference of each engine from stock Caffe on `net`, by title."""
    net = _with_scores(net)
    learned = filled(net, np.random.default_rng(1))
    for name in learned:
        # A residual branch that is weaker than what it is added to, as trained ones are: 27 of them in a row.
        if name.endswith("/b/scale"):
            learned[name][0] /= 4
    prototxt_text.write(net, folder / paths.DEPLOY)
    weights.write(folder / paths.WEIGHTS, net, learned)
    prepared.prepare(folder / paths.DEPLOY, folder / paths.WEIGHTS, folder / "net", onnx=True)
    expected = _outputs("caffe", folder, fast=False)
    found = {"caffe, fast layers": comparison.difference(_outputs("caffe", folder, fast=True), expected)}
    for engine in ("openvino", "onnxruntime"):
        found[engine] = comparison.difference(_outputs(engine, folder, fast=True), expected)
    return found


def _with_scores(net: Any) -> Any:
    last = net.layer[-1]
    if last.type == "Softmax":
        split = caffe_pb2.LayerParameter(name="scores", type="Split", bottom=last.bottom, top=["for_prob", "scores"])
        last.bottom[0] = "for_prob"
        net.layer.insert(len(net.layer) - 1, split)
    return net


def _outputs(engine: str, folder: Path, fast: bool) -> Path:
    path = folder / f"{engine}{'' if fast else '-stock'}.npz"
    with EngineProcess(engine, Machine(threads=1, fast=fast), folder / f"{engine}.log") as process:
        print(" ", process.call("load", number=1, folder=str(folder / "net"), outputs=str(path))["version"])
    return path


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.agreement", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the CSV file to write")
    out = parser.parse_args().out
    rows = []
    for title, make in NETS.items():
        print(title, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            found = measure(make(), Path(folder))
        rows.append({"network": title} | {engine: f"{value:.1e}" for engine, value in found.items()})
    out.parent.mkdir(parents=True, exist_ok=True)
    with open(out, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(out.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
