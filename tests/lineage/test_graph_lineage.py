"""A residual network with BatchNorm, branches and an auxiliary classifier evolves on real Caffe."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.network import shapes, weights
from evolve.runs.metrics import Metrics
from evolve.settings import changes

CONV = 'layer {{ name: "{0}" type: "Convolution" bottom: "{1}" top: "{0}" convolution_param {{ num_output: {2} kernel_size: {3} {4} weight_filler {{ type: "msra" }} }} }}\n'  # noqa: E501
NORM = (
    'layer {{ name: "{0}/norm" type: "BatchNorm" bottom: "{0}" top: "{0}"'
    ' batch_norm_param {{ moving_average_fraction: 0.9 }} }}\n'
    'layer {{ name: "{0}/scale" type: "Scale" bottom: "{0}" top: "{0}" scale_param {{ bias_term: true }} }}\n'
)
RELU = 'layer {{ name: "{0}/relu" type: "ReLU" bottom: "{0}" top: "{0}" }}\n'
UNITS = 'layer {{ name: "{0}" type: "InnerProduct" bottom: "{1}" top: "{0}" inner_product_param {{ num_output: 10 weight_filler {{ type: "xavier" }} }} {2} }}\n'  # noqa: E501

NET = (
    """name: "residual"
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN }
  transform_param { scale: 0.00390625 } data_param { source: "$DATA/train" backend: LMDB batch_size: 16 } }
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TEST }
  transform_param { scale: 0.00390625 } data_param { source: "$DATA/test" backend: LMDB batch_size: 72 } }
"""
    + CONV.format("stem", "data", 32, 5, "stride: 4") + NORM.format("stem") + RELU.format("stem")
    + CONV.format("a", "stem", 32, 3, "pad: 1 bias_term: false") + NORM.format("a") + RELU.format("a")
    + CONV.format("b", "a", 32, 3, "pad: 1 bias_term: false") + NORM.format("b")
    + 'layer { name: "sum" type: "Eltwise" bottom: "stem" bottom: "b" top: "sum" }\n' + RELU.format("sum")
    + CONV.format("deep", "sum", 32, 3, "group: 32 stride: 2") + RELU.format("deep")
    + CONV.format("left", "deep", 16, 1, "") + CONV.format("right", "deep", 16, 3, "pad: 1")
    + 'layer { name: "join" type: "Concat" bottom: "left" bottom: "right" top: "join" }\n'
    + 'layer { name: "pool" type: "Pooling" bottom: "join" top: "pool" '
    + "pooling_param { pool: AVE global_pooling: true } }\n"
    + UNITS.format("units", "pool", "")
    + UNITS.format("extra", "sum", "include { phase: TRAIN }")
    + """
layer { name: "accuracy" type: "Accuracy" bottom: "units" bottom: "label" top: "accuracy" include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "units" bottom: "label" top: "loss" }
layer { name: "extra/loss" type: "SoftmaxWithLoss" bottom: "extra" bottom: "label" top: "extra/loss"
  loss_weight: 0.3 include { phase: TRAIN } }
"""
)  # fmt: skip


def evolved(place: Any, words: str) -> tuple[Path, list[Metrics]]:
    (place.folder / "tiny" / "train_val.prototxt").write_text(NET)
    place.set(words)
    run = place.evolve(3, changed=changes.single("ancestor_training=60it; offspring_training=20it"))
    return run, [Metrics.read(run / f"gen{number:03d}") for number in (1, 2, 3)]


def widths(run: Path, number: int) -> dict[str, int]:
    net = prototxt_text.read(run / f"gen{number:03d}" / "train_val.prototxt", caffe_pb2.NetParameter())
    return {layer.name: layer.convolution_param.num_output for layer in net.layer if layer.type == "Convolution"}


def deployed_macs(run: Path, number: int) -> int:
    """Of the net that a device runs, which has no auxiliary classifier."""
    deploy = prototxt_text.read(run / f"gen{number:03d}" / "deploy.prototxt", caffe_pb2.NetParameter())
    return sum(step.macs for step in shapes.infer(deploy))


@pytest.mark.parametrize("shape", ["KERNEL", "FILTER", "FILTER_BLOCK"])
def test_three_generations(place: Any, shape: str) -> None:
    run, made = evolved(place, f"cluster_shape: {shape} environment {{ from_generation: 2 synapse_budget: 0.75 }}")
    synapses = [metrics.synapses for metrics in made]
    assert all(child <= 0.8 * parent for parent, child in zip(synapses, synapses[1:], strict=False)), synapses
    assert [metrics.score.value > 0.3 for metrics in made] == [True] * 3
    for metrics in made[1:]:
        assert metrics.training.revived == 0 and vars(metrics.synthesis)["difference"] <= 1e-5
        assert {layer.name for layer in metrics.layers} >= {"extra", "deep", "b"}
        assert metrics.macs == deployed_macs(run, metrics.generation) == sum(layer.macs for layer in metrics.layers)
        assert next(layer.macs for layer in metrics.layers if layer.name == "extra") == 0
    last = widths(run, 3)
    # What Eltwise adds is equally wide, and depthwise groups are as many as their channels.
    assert last["stem"] == last["b"] == last["deep"]
    if shape != "KERNEL":
        assert sum(last.values()) < sum(widths(run, 1).values())
    genome = weights.read(run / "gen003" / "weights.caffemodel")
    assert genome["extra"][0].shape[0] == 10 and genome["stem/norm"][0].shape == (last["stem"],)
    if shape == "FILTER_BLOCK":
        assert all(width % 8 == 0 for width in last.values()), last
        # Dense between the neurons that there are; a branch that died keeps a block of silent ones.
        for name in ("stem", "a", "b", "units"):
            there = (genome[name][0] != 0).reshape(*genome[name][0].shape[:2], -1).any(axis=2)
            assert there[there.any(axis=1)][:, there.any(axis=0)].all(), name
    assert made[2].clusters < made[0].clusters


def test_statistics_are_inherited(place: Any) -> None:
    """BatchNorm's running mean, its variance and the factor of both come from the parent, in full precision."""
    slow = NET.replace("moving_average_fraction: 0.9", "moving_average_fraction: 0.99")
    (place.folder / "tiny" / "train_val.prototxt").write_text(slow)
    run = place.evolve(2, changed=changes.single("ancestor_training=20it; offspring_training=8it"))
    parent, child = (weights.read(run / f"gen{number:03d}" / "weights.caffemodel")["stem/norm"] for number in (1, 2))
    factors = [0.0]
    for _ in range(28):
        factors.append(factors[-1] * 0.99 + 1)
    assert parent[2][0] == pytest.approx(factors[20], rel=1e-5)
    assert child[2][0] == pytest.approx(factors[28], rel=1e-5)
    assert parent[1].max() > 0 and not np.array_equal(parent[1], parent[1].astype(np.float16))


def test_shifts_that_are_zero_in_the_weights_learn(place: Any) -> None:
    """As of a network that was converted from a framework without them."""
    (place.folder / "tiny" / "train_val.prototxt").write_text(NET)
    short = changes.single("ancestor_training=10it; offspring_training=5it")
    trained = place.folder / place.evolve(1, changed=short, seed=2) / "gen001"
    genome = weights.read(trained / "weights.caffemodel")
    genome["stem/scale"][1][:] = 0
    net = prototxt_text.read(trained / "train_val.prototxt", caffe_pb2.NetParameter())
    weights.write(place.folder / "zero.caffemodel", net, genome)
    run = place.evolve(2, changed=short, pretrained=place.folder / "zero.caffemodel")
    first, second = (weights.read(run / f"gen00{number}" / "weights.caffemodel")["stem/scale"][1] for number in (1, 2))
    assert not first.any() and np.count_nonzero(second) > 24  # of 32, some of which may be dead


def test_a_constant_mask_stays_as_it_is(place: Any) -> None:
    mask = 'layer {{ name: "mask" type: "DummyData" top: "mask" include {{ phase: {0} }} dummy_data_param {{ shape {{ dim: {1} dim: 32 }} data_filler {{ value: 0.5 }} }} }}\n'  # noqa: E501
    by = 'layer { name: "by" type: "Scale" bottom: "stem" bottom: "mask" top: "by" scale_param { axis: 0 } }'
    net = NET.replace(CONV.format("a", "stem", 32, 3, "pad: 1 bias_term: false"), "").replace(
        NORM.format("a") + RELU.format("a"), mask.format("TRAIN", 16) + mask.format("TEST", 72) + by
    )
    (place.folder / "tiny" / "train_val.prototxt").write_text(net.replace('bottom: "a"', 'bottom: "by"'))
    place.set("cluster_shape: FILTER environment { from_generation: 2 synapse_budget: 0.6 }")
    run = place.evolve(2, changed=changes.single("ancestor_training=60it; offspring_training=20it"))
    assert widths(run, 2)["stem"] == 32 and widths(run, 2)["left"] < 16
    for name, batches in (("train_val", [16, 72]), ("deploy", [72])):
        made = prototxt_text.read(run / "gen002" / f"{name}.prototxt", caffe_pb2.NetParameter())
        shapes_of = [layer.dummy_data_param.shape[0].dim for layer in made.layer if layer.type == "DummyData"]
        assert shapes_of == [[batch, 32] for batch in batches]


def test_flushed_synapses_that_two_layers_share_are_lost_once(place: Any) -> None:
    tied = NET
    for name in ("a", "b"):
        tied = tied.replace(f'name: "{name}" type: "Conv', f'name: "{name}" param {{ name: "w" }} type: "Conv')
    (place.folder / "tiny" / "train_val.prototxt").write_text(tied)
    trained = place.folder / place.evolve(1, changed=changes.single("ancestor_training=2it"), seed=2) / "gen001"
    genome = weights.read(trained / "weights.caffemodel")
    assert np.array_equal(genome["a"][0], genome["b"][0])
    genome["a"][0][0, :5, 0, 0] = 1e-9
    net = prototxt_text.read(trained / "train_val.prototxt", caffe_pb2.NetParameter())
    weights.write(place.folder / "tiny.caffemodel", net, genome | {"b": genome["a"]})
    run = place.evolve(1, pretrained=place.folder / "tiny.caffemodel")
    metrics = Metrics.read(run / "gen001")
    assert {each.layer: each.flushed for each in metrics.range if each.flushed} == {"a": 5, "b": 5}
    assert metrics.flushed_synapses == 5
