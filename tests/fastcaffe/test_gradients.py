"""Numerical gradients: each layer's backward pass is the derivative of its own forward pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Told = Callable[..., Any]
CONVOLUTION = 'type: "Convolution" convolution_param '

# Far from kinks (ReLU, MAX) the derivative is smooth: inputs are distinct multiples of a step, in random order.
CHECK = """
fastcaffe.enable(threads=2)
fastcaffe.absent_stays_absent()
text = 'force_backward: true '
for i in range(COUNT):
    text += 'layer { name: "d%d" type: "Input" top: "d%d" input_param { shape { SHAPE } } } ' % (i, i)
bottoms = ' '.join('bottom: "d%d"' % i for i in range(COUNT))
text += 'layer { name: "layer" ' + bottoms + ' top: "t" loss_weight: 1 LAYER }'
n = net(text)
random = np.random.default_rng(3)
blobs = [n.blobs["d%d" % i] for i in range(COUNT)]
for blob in blobs:
    size = blob.data.size
    blob.data[...] = ((random.permutation(size) + 0.5) / size * 4 - 2).reshape(blob.data.shape)
params = [] if "BatchNorm" in 'LAYER' else list(n.params.get("layer", []))
for blob in params:
    blob.data[...] = random.standard_normal(blob.data.shape)
weights = random.standard_normal(n.blobs["t"].data.shape)

def loss():
    n.forward()
    return float((n.blobs["t"].data.astype(np.float64) * weights).sum())

loss()
n.clear_param_diffs()
n.blobs["t"].diff[...] = weights
n.backward()
gradients = [blob.diff.copy() for blob in blobs + params]
worst, step = 0.0, STEP
for blob, gradient in zip(blobs + params, gradients):
    flat = blob.data.reshape(-1)
    scale = max(1.0, float(np.abs(gradient).max()))
    for place in random.choice(flat.size, min(flat.size, 40), replace=False):
        kept = flat[place]
        flat[place] = kept + step
        high, up = loss(), float(flat[place])
        flat[place] = kept - step
        low, down = loss(), float(flat[place])
        flat[place] = kept
        worst = max(worst, abs((high - low) / (up - down) - gradient.reshape(-1)[place]) / scale)
tell([float(worst), [line.passes for line in fastcaffe.layers()]])
"""


@pytest.mark.parametrize(
    ("layer", "shape", "count", "step"),
    [
        (CONVOLUTION + "{ num_output: 5 kernel_size: 3 pad: 1 }", (16, 3, 6, 5), 1, 1e-2),
        (CONVOLUTION + "{ num_output: 4 kernel_size: 3 stride: 2 group: 2 }", (2, 4, 9, 8), 1, 1e-2),
        (CONVOLUTION + "{ num_output: 3 kernel_size: 2 dilation: 2 }", (20, 2, 7, 6), 1, 1e-2),
        ('type: "Pooling" pooling_param { pool: MAX kernel_size: 3 stride: 2 pad: 1 }', (2, 2, 9, 11), 1, 1e-3),
        ('type: "Pooling" pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }', (2, 2, 9, 11), 1, 1e-2),
        ('type: "ReLU" relu_param { negative_slope: 0.2 }', (2, 3, 7, 5), 1, 1e-3),
        ('type: "LRN" lrn_param { local_size: 5 alpha: 0.5 beta: 0.75 }', (2, 7, 4, 5), 1, 1e-2),
        ('type: "BatchNorm" batch_norm_param { eps: 0.01 }', (4, 3, 4, 5), 1, 1e-2),
        ('type: "Scale" scale_param { bias_term: true }', (4, 3, 4, 5), 1, 1e-2),
        ('type: "Eltwise" eltwise_param { coeff: 1 coeff: -0.5 coeff: 2 }', (2, 3, 4, 5), 3, 1e-2),
    ],
)
def test_gradients_are_those_of_the_output(
    told: Told, layer: str, shape: tuple[int, ...], count: int, step: float
) -> None:
    worst, passes = checked(told, layer, shape, count, step)
    assert worst < 5e-3
    assert not any(on.startswith("stock") for on in passes.values())


@pytest.mark.parametrize("code", ["sparse-rows", "sparse-lanes"])
@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (CONVOLUTION + "{ num_output: 5 kernel_size: 3 pad: 1 }", (16, 3, 6, 5)),
        (CONVOLUTION + "{ num_output: 4 kernel_size: 3 group: 2 dilation: 2 pad: 2 }", (3, 4, 7, 8)),
        ('type: "InnerProduct" inner_product_param { num_output: 5 }', (20, 3, 4)),
    ],
)
def test_gradients_of_sparse_code_are_those_of_the_output(
    told: Told, layer: str, shape: tuple[int, ...], code: str
) -> None:
    worst, passes = checked(told, layer, shape, 1, 1e-2, FASTCAFFE_CONVOLUTION=code)
    assert worst < 5e-3
    assert all(on.startswith("sparse") for on in passes.values())


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (CONVOLUTION + "{ num_output: 5 kernel_size: 3 pad: 1 }", (16, 3, 6, 5)),
        (CONVOLUTION + "{ num_output: 4 kernel_size: 3 }", (3, 7, 9, 16)),
        (CONVOLUTION + "{ num_output: 3 kernel_size: 3 pad: 2 }", (2, 4, 16, 14)),
    ],
)
def test_gradients_by_winograd_are_those_of_the_output(told: Told, layer: str, shape: tuple[int, ...]) -> None:
    worst, passes = checked(told, layer, shape, 1, 1e-2, FASTCAFFE_CONVOLUTION="winograd")
    assert worst < 5e-3
    assert set(passes.values()) == {"winograd"}


def checked(
    told: Told, layer: str, shape: tuple[int, ...], count: int, step: float, **variables: str
) -> tuple[float, dict[str, str]]:
    """The worst difference, and what the layer's passes ran on."""
    lines = CHECK.replace("COUNT", str(count)).replace("LAYER", layer).replace("STEP", str(step))
    worst, (passes,) = told(lines.replace("SHAPE", " ".join(f"dim: {size}" for size in shape)), **variables)
    return worst, passes
