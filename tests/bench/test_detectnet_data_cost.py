"""What DetectNet's data layer costs a solver at KITTI's size: waiting for a batch, and what its process takes away."""

import json
import os
import statistics
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "detectnet"))
from detectnet_examples import image_datum, label_datum, label_of, python, store, street  # noqa: E402

from evolve.detectnet import transformation
from evolve.network.layers import detectnet_parameters as parameters

WIDTH, HEIGHT, EXAMPLES = 1248, 384, 12
ROUNDS = int(os.environ.get("ROUNDS", "7"))
GROUND_TRUTH = (
    f"detectnet_groundtruth_param {{ stride: 16 image_size_x: {WIDTH} image_size_y: {HEIGHT} "
    "object_class { src: 1 dst: 0 } } transform_param { mean_value: 127 } "
)

# A trunk of 19 GMAC forward, as many as DetectNet's, and of few layers.
TRUNK = (
    """
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1" convolution_param { num_output: 64 kernel_size: 7
  pad: 3 stride: 2 weight_filler { type: "xavier" } } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1" pooling_param { kernel_size: 3 stride: 2 } }
layer { name: "conv2" type: "Convolution" bottom: "pool1" top: "conv2" convolution_param { num_output: 96 kernel_size: 3
  pad: 1 weight_filler { type: "xavier" } } }
layer { name: "relu2" type: "ReLU" bottom: "conv2" top: "conv2" }
layer { name: "pool2" type: "Pooling" bottom: "conv2" top: "pool2" pooling_param { kernel_size: 3 stride: 2 } }
"""
    + "".join(
        f"""
layer {{ name: "conv{number}" type: "Convolution" bottom: "{"pool2" if number == 3 else f"conv{number - 1}"}"
  top: "conv{number}" convolution_param {{ num_output: 192 kernel_size: 3 pad: 1 weight_filler {{ type: "msra" }} }} }}
layer {{ name: "relu{number}" type: "ReLU" bottom: "conv{number}" top: "conv{number}" }}
"""
        for number in range(3, 10)
    )
    + 'layer { name: "loss" type: "Reduction" bottom: "conv9" top: "loss" loss_weight: 1e-6 }'
)

SCRIPT = """
import caffe, json, sys, time
from pathlib import Path
from evolve.base.machine import of_this_process
from evolve.detectnet import prefetch
from evolve.training import versions
versions.enable(of_this_process())
workers = []
start = prefetch._start
prefetch._start = lambda *given: workers.append(start(*given)) or workers[-1]
ahead, alone = caffe.Net("ahead.prototxt", caffe.TRAIN), caffe.Net("alone.prototxt", caffe.TRAIN)

def cpu():
    # User and system time of the processes that make batches, in ticks of 10 ms.
    fields = [Path(f"/proc/{each.pid}/stat").read_text().rpartition(")")[2].split() for each in workers]
    return sum(int(each[11]) + int(each[12]) for each in fields) / 100

def with_data():
    began = time.monotonic(), time.process_time()
    ahead.forward(end="data")
    figures["waited"].append(time.monotonic() - began[0])
    ahead.forward(start="conv1")
    ahead.backward()
    figures["with"].append(time.monotonic() - began[0])
    figures["with_cpu"].append(time.process_time() - began[1])

def without():
    began = time.monotonic(), time.process_time()
    alone.forward()
    alone.backward()
    figures["without"].append(time.monotonic() - began[0])
    figures["without_cpu"].append(time.process_time() - began[1])

rounds = int(sys.argv[1])
for count in (2, rounds):
    # The first ones warm up.
    figures = {name: [] for name in ("waited", "with", "without", "with_cpu", "without_cpu")}
    alone.blobs["data"].data[...] = ahead.blobs["data"].data
    before = cpu()
    for number in range(count):
        for run in ((with_data, without), (without, with_data))[number % 2]:
            run()
figures["worker_cpu"] = (cpu() - before) / rounds
print(json.dumps(figures))
"""


@pytest.mark.bench
def test_data_costs_at_most_a_tenth_of_an_iteration(tmp_path: Path) -> None:
    examples = [street(number, WIDTH, HEIGHT) for number in range(EXAMPLES)]
    store(tmp_path / "images", {f"{n:08d}": image_datum(image) for n, (image, _) in enumerate(examples)})
    store(tmp_path / "labels", {f"{n:08d}": label_datum(label_of(each)) for n, (_, each) in enumerate(examples)})
    given = f'{GROUND_TRUTH} data_param {{ source: "images" label_source: "labels" batch_size: 1 }}'
    (tmp_path / "ahead.prototxt").write_text(
        'layer { name: "data" type: "Python" top: "data" top: "truth" python_param { '
        f'module: "evolve.detectnet.layers" layer: "DetectNetData" param_str: \'{given}\' }} }}' + TRUNK
    )
    (tmp_path / "alone.prototxt").write_text(
        'layer { name: "data" type: "Input" top: "data" input_param { '
        f"shape {{ dim: 1 dim: 3 dim: {HEIGHT} dim: {WIDTH} }} }} }}" + TRUNK
    )
    figures = json.loads(python(tmp_path, SCRIPT, (str(ROUNDS),)).stdout)
    names = ("waited", "with", "without", "with_cpu", "without_cpu")
    waited, with_data, without, with_cpu, without_cpu = (1e3 * statistics.median(figures[name]) for name in names)
    worker = 1e3 * figures["worker_cpu"]
    ratio = statistics.median(one / other for one, other in zip(figures["with"], figures["without"], strict=True))
    print(f"\n{WIDTH} x {HEIGHT}, {ROUNDS} iterations of each, batch 1, medians; transformation {made_in():.1f} ms:")
    print(f"waiting for a batch {waited:.1f} ms of {with_data:.0f} ms: {100 * waited / with_data:.2f} %")
    print(f"an iteration with data {with_data:.0f} ms, without {without:.0f} ms: x {ratio:.3f}")
    print(f"CPU: with data {with_cpu:.0f} + {worker:.0f} ms beside it, without {without_cpu:.0f} ms")
    # Times by the clock are those of a machine with a core to spare; CPU times hold on a busy one, too.
    assert waited <= 0.1 * without
    assert with_cpu + worker <= 1.1 * without_cpu


def made_in() -> float:
    """Milliseconds of CPU that the transformation of one example takes in TRAIN, the mean of 20."""
    given = parameters.parse(GROUND_TRUTH)
    image, objects = street(0, WIDTH, HEIGHT)
    rows = label_of(objects)[0, 1 : 1 + len(objects)]
    pixels, truth = np.empty((3, HEIGHT, WIDTH), np.float32), np.empty((9, 24, 78), np.float32)
    cv2.setNumThreads(1)
    began = time.process_time()
    for example in range(20):
        transformation.transform(image, rows, given, True, example, pixels, truth)
    return 1e3 * (time.process_time() - began) / 20
