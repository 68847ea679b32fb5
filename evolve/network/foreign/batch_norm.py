"""NVIDIA's BatchNorm scales and shifts as well: it becomes BVLC's BatchNorm and a Scale behind it.

Its blobs, in Caffe 0.16 and later, are mean, variance, a factor that is not used, scale and bias; in 0.15 scale, bias,
mean and variance (NVIDIA/caffe, batch_norm_layer.cpp and issue 276). Without scale and bias there are three, of which
the third is 1, or 0 in files for other Caffes (issue 436): BVLC's divides by it.
"""

import numpy as np

from evolve.base import prototxt_text
from evolve.base.errors import UserError
from evolve.base.prototxt_fields import Field
from evolve.network.axes import Net
from evolve.network.foreign import namesakes
from evolve.network.foreign.other_caffes import FILLERS, SCALE_BIAS
from evolve.network.weights import Weights

_SMALLEST_EPS = 1e-5  # NVIDIA's takes no smaller one
_INTO = {"scale_filler": "filler", "bias_filler": "bias_filler"}


def asked(fields: list[Field]) -> bool:
    """Whether a BatchNorm layer's own words ask for scale and bias: so, or by a filler for one of them."""
    return any(
        each.name in FILLERS or each.name == SCALE_BIAS and each.value.lower() in ("true", "t", "1") for each in fields
    )


def split(net: Net, names: set[str], fillers: dict[str, list[Field]] | None = None) -> dict[str, str]:
    """Puts a Scale behind each BatchNorm of `names`; returns the Scale's name by the BatchNorm's."""
    scales: dict[str, str] = {}
    rest, taken = list(net.layer), namesakes.taken(net)
    del net.layer[:]
    for layer in rest:
        net.layer.add().CopyFrom(layer)
        if layer.name not in names or layer.type != "BatchNorm":
            continue
        own = net.layer[-1]
        own.batch_norm_param.eps = max(own.batch_norm_param.eps, _SMALLEST_EPS)
        own.ClearField("param")
        name = scales.setdefault(layer.name, namesakes.free(f"{layer.name}/scale", taken))
        scale = net.layer.add(name=name, type="Scale", bottom=layer.top, top=layer.top)
        scale.include.extend(layer.include)
        scale.exclude.extend(layer.exclude)
        scale.scale_param.bias_term = True
        for each in (fillers or {}).get(layer.name, []):
            if each.name in FILLERS:
                filler = getattr(scale.scale_param, _INTO[each.name])
                prototxt_text.parse(each.inside(), filler, f"layer '{layer.name}'")
    return scales


def fused(net: Net, learned: Weights) -> set[str]:
    """The BatchNorm layers of `net` of which the caffemodel has NVIDIA's blobs, four or five."""
    names = {layer.name for layer in net.layer if layer.type == "BatchNorm"}
    return {name for name in names if len(learned.get(name, ())) in (4, 5)}


def apart(learned: Weights, scales: dict[str, str], source: str) -> tuple[Weights, list[str]]:
    """The weights with the blobs of `scales` (BatchNorm -> Scale) apart, and what is to be said of them."""
    result, notes = Weights(), list[str]()
    for name, blobs in learned.items():
        if name not in scales or len(blobs) not in (4, 5):
            result[name] = blobs
            continue
        mean, variance, scale, bias = _in_order(name, [blob.reshape(-1) for blob in blobs], source, notes)
        result[name] = [mean, variance, np.ones(1, np.float32)]
        result[scales[name]] = [scale, bias]
    return result, notes


def with_factors(net: Net, learned: Weights) -> list[str]:
    """Sets a BatchNorm's factor to 1 where it is 0 beside a mean and a variance that are not; says of how many.

    BVLC's would count both as 0; its own training leaves no such blobs.
    """
    mended = []
    for layer in net.layer:
        blobs = learned.get(layer.name, [])
        if layer.type == "BatchNorm" and len(blobs) == 3 and not blobs[2].any() and blobs[1].any():
            blobs[2] = np.ones_like(blobs[2])
            mended.append(layer.name)
    if not mended:
        return []
    return [f"{len(mended)} BatchNorm layers have NVIDIA's third blob, 0: mean and variance are taken as they are"]


def require_variances(net: Net, learned: Weights, source: str) -> None:
    """UserError, naming `source` and the layer, where a variance is so far below 0 that it has no root to divide by."""
    for layer in net.layer:
        blobs = learned.get(layer.name, [])
        if layer.type != "BatchNorm" or len(blobs) != 3 or not blobs[2].any():
            continue
        variances = blobs[1].astype(np.float64) / float(blobs[2].reshape(-1)[0])
        if below := int(np.count_nonzero(variances + layer.batch_norm_param.eps <= 0)):
            raise UserError(
                f"{source}: layer '{layer.name}': expected variances of 0 or more in its blob 1, got {below:,} of "
                f"{variances.size:,} below; its training diverged, or the file is damaged: take an earlier snapshot"
            )


def _in_order(name: str, blobs: list[np.ndarray], source: str, notes: list[str]) -> tuple[np.ndarray, ...]:
    """Mean, variance, scale and bias."""
    if len(blobs) == 5:
        mean, variance, _, scale, bias = blobs
        return mean, variance, scale, bias
    # A variance is nowhere below 0; of 0.15's order the last blob is one, of 0.16's without the factor the second.
    first, second, third, last = blobs
    if not (last < 0).any():
        note = f"{source}: BatchNorm layers with four blobs are read as scale, bias, mean, variance, as 0.15 wrote them"
        if note not in notes:
            notes.append(note)
        return third, last, first, second
    if not (second < 0).any():
        return first, second, third, last
    raise UserError(
        f"{source}: layer '{name}': expected a variance of 0 and more in the second or the last of its four blobs, got "
        "numbers below 0 in both; save it with NVIDIA's Caffe 0.16 or later"
    )
