"""Runs one layer in stock Caffe and in fast Caffe and tells the differences: one JSON case a line in, one answer out.

A process of its own, so that a failed CHECK or a crash ends this one and not pytest.

A case: layer (prototxt text without bottoms and tops), bottoms (shapes), tops (how many), in_place, propagate (a flag
a bottom), kind ("normal", "integers": many ties, "special": signed zeros, infinities, NaN), seed, reshapes (further
bottom shapes, of all bottoms), phase. The answer: name -> [largest difference / largest value, same bits].
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ["GLOG_minloglevel"] = "2"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import caffe  # noqa: E402
import numpy as np  # noqa: E402

import fastcaffe  # noqa: E402

Arrays = dict[str, np.ndarray]


def net_of(case: dict[str, Any]) -> caffe.Net:
    """A net of Input layers and the one layer; its tops bear a loss weight, so that Caffe runs backward."""
    inputs, bottoms = "", ""
    for i, shape in enumerate(case["bottoms"]):
        dims = " ".join(f"dim: {size}" for size in shape)
        inputs += f'layer {{ name: "in{i}" type: "Input" top: "in{i}" input_param {{ shape {{ {dims} }} }} }}\n'
        bottoms += f'bottom: "in{i}" propagate_down: {str(case["propagate"][i]).lower()} '
    names = top_names(case)
    tops = " ".join(f'top: "{name}"' for name in names)
    weights = " ".join(f"loss_weight: {int(i < case.get('losses', len(names)))}" for i in range(len(names)))
    text = f'{inputs}layer {{ name: "layer" {bottoms} {tops} {weights} {case["layer"]} }}\n'
    with tempfile.NamedTemporaryFile("w", suffix=".prototxt") as file:
        file.write(text)
        file.flush()
        return caffe.Net(file.name, caffe.TEST if case.get("phase") == "TEST" else caffe.TRAIN)


def top_names(case: dict[str, Any]) -> list[str]:
    return ["in0"] if case.get("in_place") else [f"top{i}" for i in range(case.get("tops", 1))]


def numbers(random: np.random.Generator, shape: tuple[int, ...], kind: str) -> np.ndarray:
    """Random float32 numbers of a kind."""
    if kind == "integers":
        return random.integers(-2, 3, shape).astype(np.float32)
    values = random.standard_normal(shape).astype(np.float32)
    if kind == "special":
        odd = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, -3.4028235e38, 3.4028235e38, 1e-40], np.float32)
        chosen = random.random(shape) < 0.3
        values[chosen] = random.choice(odd, int(chosen.sum()))
    return values


def run(case: dict[str, Any], fast: bool) -> Arrays:
    """All that the layer writes, on inputs that depend on the seed alone."""
    if fast:
        fastcaffe.enable(case.get("types"), threads=case.get("threads", 2))
    else:
        fastcaffe.disable()
    net, random = net_of(case), np.random.default_rng(case["seed"])
    learnt = net.params.get("layer", [])
    for blob in learnt:
        blob.data[...] = random.standard_normal(blob.data.shape) * case.get("spread", 1)
    found: Arrays = {}
    for round_, shapes in enumerate([case["bottoms"], *case.get("reshapes", [])]):
        for i, shape in enumerate(shapes):
            net.blobs[f"in{i}"].reshape(*shape)
        net.reshape()
        for blob in learnt:  # not zero: gradients must be added to what is there
            blob.diff[...] = random.standard_normal(blob.diff.shape)
        found.update(step(net, case, random, f"round {round_}: "))
    return found


def step(net: caffe.Net, case: dict[str, Any], random: np.random.Generator, label: str) -> Arrays:
    """Forward and backward once."""
    found: Arrays = {}
    bottoms = [f"in{i}" for i in range(len(case["bottoms"]))]
    for name in bottoms:
        net.blobs[name].data[...] = numbers(random, net.blobs[name].data.shape, case.get("kind", "normal"))
    names = top_names(case)
    net.forward()
    for name in names:
        found[f"{label}{name}"] = net.blobs[name].data.copy()
    for name in {*bottoms, *names}:  # what is not to be written must stay
        net.blobs[name].diff[...] = 7
    diffs = {name: random.standard_normal(net.blobs[name].data.shape).astype(np.float32) for name in names}
    for name, diff in diffs.items():
        net.blobs[name].diff[...] = diff
    net.backward()
    found |= {f"{label}{name} diff": net.blobs[name].diff.copy() for name in bottoms}
    for i, blob in enumerate(net.params.get("layer", [])):
        found |= {f"{label}param {i} diff": blob.diff.copy(), f"{label}param {i}": blob.data.copy()}
    return found


def difference(stock: np.ndarray, fast: np.ndarray) -> tuple[float, bool]:
    """Largest difference relative to the largest value; whether all bits agree (a NaN is a NaN)."""
    both_nan = np.isnan(stock) & np.isnan(fast)
    same = bool(np.all((stock.view(np.uint32) == fast.view(np.uint32)) | both_nan))
    if same or stock.size == 0:
        return 0.0, same
    with np.errstate(all="ignore"):
        gap = float(np.max(np.abs(stock.astype(np.float64) - fast)) / max(float(np.max(np.abs(stock))), 1e-30))
    return (gap if np.isfinite(gap) else float("inf")), same


def answer(case: dict[str, Any]) -> dict[str, Any]:
    """Differences of everything, and what the fast layer's passes ran on."""
    stock = run(case, fast=False)
    fast = run(case, fast=True)
    again = run(case, fast=True)
    return {
        "differences": {name: difference(stock[name], fast[name]) for name in stock},
        "reproducible": all(np.array_equal(fast[n].view(np.uint32), again[n].view(np.uint32)) for n in fast),
        "passes": PASSES.pop() if PASSES else {},
    }


PASSES: list[dict[str, str]] = []


def main() -> None:
    """Answers cases until there are no more."""
    caffe.set_mode_cpu()
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
