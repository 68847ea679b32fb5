"""LeNet-5 trained for sixty iterations by the installed Caffe; prints what computed, and the caffemodel's sha256.

    .venv/bin/python tests/machines/sixty_iterations.py

Made-up digits come from a Python layer, so that Boost.Python works too. The same line everywhere: same bits.
"""

import hashlib
import os
import platform
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when Caffe is loaded
os.environ.setdefault("GLOG_minloglevel", "2")

import caffe
import numpy

ITERATIONS, BATCH, CLASSES = 60, 64, 10
LEARNED = """
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 20 kernel_size: 5 weight_filler { type: "xavier" } } }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
  pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "conv2" type: "Convolution" bottom: "pool1" top: "conv2"
  convolution_param { num_output: 50 kernel_size: 5 weight_filler { type: "xavier" } } }
layer { name: "pool2" type: "Pooling" bottom: "conv2" top: "pool2"
  pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "ip1" type: "InnerProduct" bottom: "pool2" top: "ip1"
  inner_product_param { num_output: 500 weight_filler { type: "xavier" } } }
layer { name: "relu1" type: "ReLU" bottom: "ip1" top: "ip1" }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2"
  inner_product_param { num_output: 10 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" top: "loss" }
"""
DIGITS = """
layer { name: "digits" type: "Python" top: "data" top: "label"
  python_param { module: "sixty_iterations" layer: "Digits" } }
"""
SOLVER = """
net: "{net}" base_lr: 0.01 momentum: 0.9 weight_decay: 0.0005 lr_policy: "inv" gamma: 0.0001 power: 0.75
max_iter: 60 snapshot: 0 snapshot_prefix: "{folder}/lenet" random_seed: 1 solver_mode: CPU
"""


class Digits(caffe.Layer):
    """Noise with a bar where the class says: learnable, and the same on every machine."""

    def setup(self, bottom: list, top: list) -> None:
        """The generator whose numbers NumPy keeps for ever."""
        self.random = numpy.random.RandomState(1)

    def reshape(self, bottom: list, top: list) -> None:
        """One batch of 28 x 28 images, and their labels."""
        top[0].reshape(BATCH, 1, 28, 28)
        top[1].reshape(BATCH)

    def forward(self, bottom: list, top: list) -> None:
        """The next batch."""
        labels = self.random.randint(0, CLASSES, BATCH)
        images = self.random.randint(0, 128, (BATCH, 1, 28, 28)) / 256
        for image, label in zip(images, labels, strict=True):
            image[0, 2 * label + 4 : 2 * label + 7, 4:24] += 0.5
        top[0].data[...] = images
        top[1].data[...] = labels

    def backward(self, top: list, propagate_down: list, bottom: list) -> None:
        """Images learn nothing."""


def main() -> None:
    """Train, and print one line."""
    with tempfile.TemporaryDirectory() as folder:
        net, solver = Path(folder, "net.prototxt"), Path(folder, "solver.prototxt")
        net.write_text(DIGITS + LEARNED)
        solver.write_text(SOLVER.format(net=net, folder=folder))
        training = caffe.SGDSolver(str(solver))
        first = 0.0
        for iteration in range(ITERATIONS):
            training.step(1)
            first = first if iteration else float(training.net.blobs["loss"].data)
        training.net.save(f"{folder}/lenet.caffemodel")
        digest = hashlib.sha256(Path(folder, "lenet.caffemodel").read_bytes()).hexdigest()
    last = float(training.net.blobs["loss"].data)
    where = f"Python {platform.python_version()}, NumPy {numpy.__version__}, {' '.join(platform.libc_ver())}"
    print(f"{where}: loss {first:.4f} -> {last:.4f}, caffemodel {digest}")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
