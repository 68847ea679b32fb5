"""Memory does not grow with reshapes. FASTCAFFE_RESHAPES=10000 does many; 400 are enough to see a leak a pass."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

Told = Callable[..., Any]
RESHAPES = int(os.environ.get("FASTCAFFE_RESHAPES", "400"))


@pytest.mark.parametrize("code", ["lanes", "winograd", "onednn", "sparse-rows", "sparse-lanes", "sparse-lanes kept"])
def test_memory_settles(told: Told, code: str) -> None:
    kept = code.endswith("kept")
    lines = f"""
        import resource
        fastcaffe.enable(threads=2)
        fastcaffe.absent_stays_absent()
        fastcaffe.blobs_between_unread({kept})
        text = 'force_backward: true layer {{ name: "d" type: "Input" top: "d" '
        text += 'input_param {{ shape {{ dim: 2 dim: 3 dim: 9 dim: 9 }} }} }} '
        text += 'layer {{ name: "c" type: "Convolution" bottom: "d" top: "c" '
        text += 'convolution_param {{ num_output: 5 kernel_size: 3 pad: 1 weight_filler {{ type: "xavier" }} }} }} '
        text += 'layer {{ name: "r" type: "ReLU" bottom: "c" top: "c" }} '
        text += 'layer {{ name: "n" type: "LRN" bottom: "c" top: "n" }} '
        text += 'layer {{ name: "p" type: "Pooling" bottom: "n" top: "p" loss_weight: 1 '
        text += 'pooling_param {{ kernel_size: 3 stride: 2 }} }}'
        n, random, sizes = net(text), np.random.default_rng(0), []

        def resident():
            return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()

        for i in range({RESHAPES}):
            shape = (int(random.integers(1, 5)), 3, int(random.integers(3, 40)), int(random.integers(3, 40)))
            if {kept}:  # in whole groups, the largest first
                shape = (16, 3, *(int(size) for size in (random.integers(3, 40, 2) if i else (39, 39))))
            n.blobs["d"].reshape(*shape)
            n.forward()
            n.backward()
            sizes.append(resident())
        tell(sizes)
    """
    sizes = told(lines, FASTCAFFE_CONVOLUTION=code.split()[0])
    settled, end = max(sizes[: RESHAPES // 2]), max(sizes[RESHAPES // 2 :])
    # oneDNN keeps the code of the last 1024 primitives, 3 to 8 a shape.
    allowed = 30e6 if code == "onednn" else 4e6
    assert end - settled < allowed, f"{settled / 1e6:.0f} MB after half of the reshapes, {end / 1e6:.0f} MB at the end"
