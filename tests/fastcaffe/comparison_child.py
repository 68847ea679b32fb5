"""Runs one layer in stock Caffe and in fast Caffe and tells the differences: one JSON case a line in, one answer out.

A process of its own, so that a failed CHECK or a crash ends this one and not pytest.

A case, as JSON:
    layer       prototxt text of one layer without bottoms and tops; or
    net         of several layers, from bottom0, bottom1, ... to top0, top1, ...
    bottoms     their shapes;  propagate  a flag for each;  reshapes  further shapes of all of them, one round each
    tops        how many (1);  in_place   top0 is bottom0;  losses  how many of the tops have a gradient (all)
    kind        "normal", "integers": many ties, or "special": signed zeros, infinities, NaN
    against     "stock", or "fast": the same layers one by one;  together  they are taken together
    positive    parameters are;  phase  TRAIN or TEST;  seed;  threads
    front       the layers between inputs and bottoms (Scale by 1); their type stays Caffe's own
    densities   of the weights, one a round, or one for each of them in turn: other weights are there in each; the rest
                of them are zero
    absent      stays absent: gradients of weights that are zero are not compared
    unread      are the blobs between the layers: fast ones may keep lanes
    whole       numbers: sums are exact, so that no maximum and no zero depends on their order
    linear      sums of products and nothing else: differences are also told in units of what rounding may do
The answer: differences  name -> [largest difference / largest value, same bits],  roundings  name -> multiple of the
bound on rounding,  reproducible,  passes.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["GLOG_minloglevel"] = "2"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import caffe  # noqa: E402
import numpy as np  # noqa: E402
import winograd_sums  # noqa: E402

import fastcaffe  # noqa: E402

Arrays = dict[str, np.ndarray]
Numbers = Callable[[np.ndarray], np.ndarray]  # what becomes of the case's numbers before they go in
FRONT = 'type: "Scale" scale_param { axis: 0 num_axes: 0 filler { value: 1 } }'


def net_of(case: dict[str, Any]) -> caffe.Net:
    """A net of the one layer, whose tops bear a loss weight, behind layers that learn: so Caffe runs it backward.

    in0 ... are the inputs; bottom0 ... the same numbers (times 1, or plus 0), where the layer's gradients arrive.
    """
    inputs, bottoms, front = "", "", case.get("front", FRONT)
    for i, shape in enumerate(case["bottoms"]):
        dims = " ".join(f"dim: {size}" for size in shape)
        inputs += f'layer {{ name: "in{i}" type: "Input" top: "in{i}" input_param {{ shape {{ {dims} }} }} }}\n'
        inputs += f'layer {{ name: "front{i}" bottom: "in{i}" top: "bottom{i}" {front} }}\n'
        bottoms += f'bottom: "bottom{i}" propagate_down: {str(case["propagate"][i]).lower()} '
    names = top_names(case)
    tops = " ".join(f'top: "{name}"' for name in names)
    weights = " ".join(f"loss_weight: {int(i < case.get('losses', len(names)))}" for i in range(len(names)))
    text = inputs + case.get("net", f'layer {{ name: "layer" {bottoms} {tops} {weights} {case.get("layer")} }}\n')
    with tempfile.NamedTemporaryFile("w", suffix=".prototxt") as file:
        file.write(text)
        file.flush()
        return caffe.Net(file.name, caffe.TEST if case.get("phase") == "TEST" else caffe.TRAIN)


def top_names(case: dict[str, Any]) -> list[str]:
    return ["bottom0"] if case.get("in_place") else [f"top{i}" for i in range(case.get("tops", 1))]


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


def whole(values: np.ndarray) -> np.ndarray:
    """The nearest whole number that is not 0."""
    return np.where(np.abs(values) < 1, np.copysign(1, values), np.rint(values))


def run(
    case: dict[str, Any], fast: bool, together: bool = False, become: Numbers = np.asarray
) -> tuple[Arrays, dict[str, dict[str, str]]]:
    """All that the layers write, on inputs that depend on the seed alone; and each fast layer's passes."""
    if fast:
        types = [name for name in fastcaffe.available() if f'"{name}"' not in case.get("front", FRONT)]
        fastcaffe.enable(case.get("types", types), threads=case.get("threads", 2), together=together)
        fastcaffe.absent_stays_absent(case.get("absent", False))
        fastcaffe.blobs_between_unread(case.get("unread", False))
    else:
        fastcaffe.disable()
    net, random = net_of(case), np.random.default_rng(case["seed"])
    learnt = [blob for name, blobs in net.params.items() for blob in blobs if not name.startswith("front")]
    for blob in learnt:
        blob.data[...] = become(random.standard_normal(blob.data.shape))
        if case.get("positive"):  # as variances are
            blob.data[...] = np.abs(blob.data)
    found: Arrays = {}
    for round_, shapes in enumerate([case["bottoms"], *case.get("reshapes", [])]):
        if "densities" in case:
            redraw(learnt, case["densities"][round_], random, become)
        for i, shape in enumerate(shapes):
            net.blobs[f"in{i}"].reshape(*shape)
        net.reshape()
        for blob in learnt:  # not zero: gradients must be added to what is there
            blob.diff[...] = become(random.standard_normal(blob.diff.shape))
        found.update(step(net, case, random, f"round {round_}: ", become))
    return found, {line.name: line.passes for line in fastcaffe.layers()}


def redraw(learnt: list[Any], densities: Any, random: np.random.Generator, become: Numbers) -> None:
    """Other weights, of which such a part exists; biases stay."""
    weights = [blob for blob in learnt if blob.data.ndim > 1]
    each = densities if isinstance(densities, list) else [densities] * len(weights)
    for blob, density in zip(weights, each, strict=True):
        exists = random.random(blob.data.shape) < density
        blob.data[...] = np.where(exists, become(random.standard_normal(blob.data.shape)), 0)


def step(net: caffe.Net, case: dict[str, Any], random: np.random.Generator, label: str, become: Numbers) -> Arrays:
    """Forward and backward once."""
    found: Arrays = {}
    inputs = [f"in{i}" for i in range(len(case["bottoms"]))]
    bottoms = [f"bottom{i}" for i in range(len(case["bottoms"]))]
    for name in inputs:
        net.blobs[name].data[...] = become(numbers(random, net.blobs[name].data.shape, case.get("kind", "normal")))
    names = top_names(case)
    net.forward()
    for name in names:
        found[f"{label}{name}"] = net.blobs[name].data.copy()
    for name in {*bottoms, *names}:  # what is not to be written must stay
        net.blobs[name].diff[...] = 7
    diffs = {name: random.standard_normal(net.blobs[name].data.shape).astype(np.float32) for name in names}
    for name, diff in diffs.items():
        net.blobs[name].diff[...] = become(diff)
    found |= {f"{label}{name} given": net.blobs[name].data.copy() for name in inputs}
    found |= {f"{label}{name} diff given": net.blobs[name].diff.copy() for name in names}
    for layer, blobs in (item for item in net.params.items() if not item[0].startswith("front")):
        found |= {f"{label}{layer} param {i} diff given": blob.diff.copy() for i, blob in enumerate(blobs)}
    net.backward()
    found |= {f"{label}{name} diff": net.blobs[name].diff.copy() for name in bottoms}
    for layer, blobs in (item for item in net.params.items() if not item[0].startswith("front")):
        for i, blob in enumerate(blobs):
            diff = np.where(blob.data == 0, 0, blob.diff) if case.get("absent") else blob.diff.copy()
            found |= {f"{label}{layer} param {i} diff": diff, f"{label}{layer} param {i}": blob.data.copy()}
    return found


def difference(stock: np.ndarray, fast: np.ndarray) -> tuple[float, bool]:
    """Largest difference relative to the largest value, or to 1, the size of what goes in, if all values are smaller
    (a sum may cancel out); and whether all bits agree (a NaN is a NaN)."""
    both_nan = np.isnan(stock) & np.isnan(fast)
    same = bool(np.all((stock.view(np.uint32) == fast.view(np.uint32)) | both_nan))
    if same or stock.size == 0:
        return 0.0, same
    with np.errstate(all="ignore"):
        gap = float(np.max(np.abs(stock.astype(np.float64) - fast)) / max(float(np.max(np.abs(stock))), 1.0))
    return (gap if np.isfinite(gap) else float("inf")), same


def roundings(case: dict[str, Any], stock: Arrays, fast: Arrays, passes: dict[str, str]) -> dict[str, float]:
    """The differences as multiples of what rounding may do to two sums of n products that are formed in any two orders.

    A sum is within k u sum|x| of the exact one, u = 2^-24: k = n + 1 at most, and 3 sqrt(n) in all likelihood, because
    roundings fall to either side (Higham and Mary, A new approach to probabilistic rounding error analysis, 2019).
    Stock Caffe itself says what n and sum|x| are: of ones, and of absolute values, the same sums are just these. Sums
    by Winograd's filtering have others (winograd_sums.py).
    """
    (counts, _), (sizes, _) = run(case, fast=False, become=np.ones_like), run(case, fast=False, become=np.abs)
    other = winograd_sums.of(sizes, passes)
    worst = {}
    for name, numbers_ in counts.items():
        bound = _rounding(numbers_) * np.abs(sizes[name])
        bound = bound + (_rounding(other[name].roundings) * other[name].sizes if name in other else bound)
        gap = np.abs(stock[name].astype(np.float64) - fast[name])
        worst[name] = float(np.max(np.where(gap > 0, gap / np.maximum(bound, 1e-300), 0), initial=0))
    return worst


def _rounding(summands: Any) -> Any:
    """What so many roundings make of a number, as a part of it."""
    return np.minimum(np.abs(summands) + 1, 3 * np.sqrt(np.abs(summands))) * 2.0**-24


def answer(case: dict[str, Any]) -> dict[str, Any]:
    """Differences of everything, and what the fast layer's passes ran on."""
    together, become = case.get("together", False), whole if case.get("whole") else np.asarray
    stock, _ = run({**case, "unread": False}, case.get("against") == "fast", False, become)
    (fast, passes), (again, _) = (run(case, True, together, become) for _ in range(2))
    return {
        "differences": {name: difference(stock[name], fast[name]) for name in stock},
        "roundings": roundings(case, stock, fast, passes.get("layer", {})) if case.get("linear") else {},
        "reproducible": all(np.array_equal(fast[n].view(np.uint32), again[n].view(np.uint32)) for n in fast),
        "passes": passes,
    }


def main() -> None:
    """Answers cases until there are no more."""
    caffe.set_mode_cpu()
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
