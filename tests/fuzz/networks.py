"""Fuzzed: what a network's folder holds, prototxt, solver and settings, and caffemodels in their three forms."""

from pathlib import Path
from typing import Any

import numpy as np

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.figures import count_table
from evolve.lineage import data_wishes
from evolve.network import deployment, resize, topology, weights
from evolve.network.layers import detectnet_parameters as parameters
from evolve.settings import settings

ROOT = Path(__file__).resolve().parents[2] / "prototxt"
SHAPE = (3, 16, 16)
SMALL = """name: "small"
layer { name: "data" type: "Data" top: "data" top: "label" transform_param { crop_size: 16 }
  data_param { source: "$DATA/test" batch_size: 2 backend: LMDB } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" param { lr_mult: 1 } param { lr_mult: 2 }
  convolution_param { num_output: 4 kernel_size: 3 stride: 2 pad: 1 weight_filler { type: "xavier" } } }
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }
layer { name: "scale" type: "Scale" bottom: "conv" top: "conv" scale_param { bias_term: true } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "one" type: "Convolution" bottom: "conv" top: "one" convolution_param { num_output: 4 group: 2 } }
layer { name: "sum" type: "Eltwise" bottom: "conv" bottom: "one" top: "sum" eltwise_param { operation: SUM } }
layer { name: "both" type: "Concat" bottom: "sum" bottom: "one" top: "both" concat_param { axis: 1 } }
layer { name: "pool" type: "Pooling" bottom: "both" top: "pool" pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "ip" type: "InnerProduct" bottom: "pool" top: "ip" inner_product_param { num_output: 3 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" include { phase: TRAIN } }
"""
MODEL = SMALL.replace("kernel_size: 3 stride: 2 pad: 1", "kernel_size: 1").replace("group: 2", "kernel_size: 1")


def net_of(folder: Path) -> Any:
    """A prototxt through text, shapes, the graph of its channels and what `make count` makes of it."""
    good = (MODEL.encode(), (ROOT / "lenet" / "train_val.prototxt").read_bytes())
    file = folder / "train_val.prototxt"

    def _read(content: bytes) -> object:
        file.write_bytes(content)
        count_table.sheet(file, shape=SHAPE)
        net = prototxt_text.read(file, caffe_pb2.NetParameter(), {"DATA": "/data", "NET": "/net"})
        try:
            return topology.read([deployment.deploy(net, SHAPE)])
        except UserError as error:
            raise prototxt_text.located(error, file, prototxt_text.read_text(file)) from None

    return good, _read, None


def solver(folder: Path) -> Any:
    good = tuple((ROOT / name / "solver.prototxt").read_bytes() for name in ("lenet", "detectnet"))
    file = folder / "solver.prototxt"

    def _read(content: bytes) -> object:
        file.write_bytes(content)
        return prototxt_text.read(file, caffe_pb2.SolverParameter())

    return good, _read, None


def evolution(folder: Path) -> Any:
    names = ("evolution.defaults.prototxt", "lenet/evolution.prototxt", "detectnet/evolution.prototxt")
    file = folder / "evolution.prototxt"

    def _read(content: bytes) -> object:
        file.write_bytes(content)
        chosen = settings.read(file)
        lengths = [settings.training_length(chosen, generation, "mnist") for generation in (1, 2, 9)]
        return lengths, settings.environment(chosen, 2), data_wishes.grid_of(chosen)

    return tuple((ROOT / name).read_bytes() for name in names), _read, None


def param_str(folder: Path) -> Any:
    good = (
        b"detectnet_groundtruth_param { stride: 16 image_size_x: 1248 image_size_y: 384 scale_cvg: 0.4 gridbox_type: "
        b"GRIDBOX_MIN min_cvg_len: 20 object_class { src: 1 dst: 0 } } detectnet_augmentation_param { crop_prob: 1 "
        b'shift_x: 32 flip_prob: 0.5 } transform_param { mean_value: 127 } seed: 1 data_param { source: "a" '
        b'label_source: "b" batch_size: 2 prefetch: 3 processes: 1 }',
    )
    return good, lambda content: parameters.parse(content.decode(errors="replace")), None


def caffemodel(folder: Path) -> Any:
    """Today's form, the V1 form of 2013 and NVIDIA's 16-bit one, against the net that they are of."""
    file, small = folder / "weights.caffemodel", folder / "small.prototxt"
    small.write_text(MODEL)
    net = deployment.deploy(prototxt_text.read(small, caffe_pb2.NetParameter(), {"DATA": "/data"}), SHAPE)
    graph = topology.read([net])
    trained = _trained(graph)
    weights.write(file, net, trained)
    today = file.read_bytes()
    weights.write(file, net, trained, half_blobs=True)
    good = (today, file.read_bytes(), _of_2013(trained))

    def _read(content: bytes) -> object:
        file.write_bytes(content)
        found = weights.read(file)
        resize.check(graph, found, str(file))
        return found

    return good, _read, None


def _trained(graph: Any) -> weights.Weights:
    """Halves as weights, so that all three forms hold the same."""
    rng = np.random.default_rng(0)
    stages = {stage.name: stage for stage in graph.weighted}
    shapes = {name: [stage.kernel_shape] + [(stage.outputs,)] * stage.has_bias for name, stage in stages.items()}
    shapes |= {"bn": [(4,), (4,), (1,)], "scale": [(4,), (4,)]}
    return {name: [_halves(rng, shape) for shape in those] for name, those in shapes.items()}


def _halves(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return np.asarray(rng.standard_normal(shape)).astype(np.float16).astype(np.float32)


def _of_2013(trained: weights.Weights) -> bytes:
    old = caffe_pb2.NetParameter(name="small")
    for name, blobs in trained.items():
        layer = old.layers.add(name=name)
        for blob in blobs:
            num, channels, height, width = (1, 1, 1, 1)[blob.ndim :] + blob.shape
            layer.blobs.add(num=num, channels=channels, height=height, width=width, data=blob.ravel().tolist())
    return bytes(old.SerializeToString())


FORMATS = {
    "train_val prototxt": net_of,
    "solver prototxt": solver,
    "evolution settings": evolution,
    "DetectNet's param_str": param_str,
    "caffemodel": caffemodel,
}
