"""Forms of 2013 and 2014 become what real Caffe makes of them when it reads them."""

from pathlib import Path

import pytest

from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.network import layers, phases
from evolve.network.foreign import reading, upgrade
from tests.forks import FORKS

_SAVE = "import sys, caffe; caffe.Net(sys.argv[1], getattr(caffe, sys.argv[3])).save(sys.argv[2])"

OF_2013 = """name: "old"
layers { name: "d" type: DUMMY_DATA top: "data" top: "label"
  dummy_data_param { num: 4 num: 4 channels: 3 channels: 1 height: 12 height: 1 width: 12 width: 1 } }
layers { name: "c" type: CONVOLUTION bottom: "data" top: "c" param: "w" param: "b" blobs_lr: 1 blobs_lr: 2
  weight_decay: 1 weight_decay: 0 blob_share_mode: PERMISSIVE
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
layers { name: "r" type: RELU bottom: "c" top: "c" relu_param { negative_slope: 0.1 } }
layers { name: "n" type: LRN bottom: "c" top: "n" lrn_param { local_size: 3 } exclude { phase: TRAIN } }
layers { name: "n" type: POWER bottom: "c" top: "n" power_param { scale: 2 } include { phase: TRAIN } }
layers { name: "p" type: POOLING bottom: "n" top: "p" pooling_param { pool: AVE kernel_size: 2 stride: 2 } }
layers { name: "o" type: DROPOUT bottom: "p" top: "o" dropout_param { dropout_ratio: 0.25 } }
layers { name: "i" type: INNER_PRODUCT bottom: "o" top: "i" inner_product_param { num_output: 5 } }
layers { name: "l" type: SOFTMAX_LOSS bottom: "i" bottom: "label" top: "l" loss_weight: 0.5 }
"""


def saved(folder: Path, text: str, phase: str) -> list[object]:
    """The layers that real Caffe has of a prototxt, upgraded by itself; without blobs, phases and inclusions."""
    (folder / "net.prototxt").write_text(text)
    words = [str(folder / "net.prototxt"), str(folder / "net.caffemodel"), phase]
    FORKS.script(_SAVE, *words, folder=folder).check_returncode()
    net = caffe_pb2.NetParameter.FromString((folder / "net.caffemodel").read_bytes())
    return [_bare(layer) for layer in net.layer]


def _bare(layer):
    for field in ("blobs", "phase", "include", "exclude", "propagate_down"):
        layer.ClearField(field)
    return layer


@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
def test_layers_of_2013(tmp_path: Path, phase: str) -> None:
    found = reading.parse(OF_2013, tmp_path / "old.prototxt")
    mine = [_bare(layer) for layer in phases.for_phase(found.net, phase).layer]
    assert mine == saved(tmp_path, OF_2013, phase)
    said = "9 layers in the form of 2013 (`layers { }`) are read as today's"
    assert found.notes == [f"{tmp_path}/old.prototxt: {said}"]


def test_every_type_of_2013_is_one_that_is_known() -> None:
    names = {upgrade.type_of(name) for name in caffe_pb2.V1LayerParameter.LayerType.keys()}  # noqa: SIM118
    assert names - set(layers.known()) == {""}
    assert {"AbsVal", "BNLL", "SigmoidCrossEntropyLoss", "SoftmaxWithLoss", "TanH", "Im2col"} <= names


@pytest.mark.parametrize(
    "inputs",
    [
        'input: "data" input_dim: 2 input_dim: 3 input_dim: 8 input_dim: 9',
        'input: "data" input_shape { dim: 2 dim: 3 dim: 8 dim: 9 }',
    ],
)
def test_inputs_of_2014(tmp_path: Path, inputs: str) -> None:
    text = inputs + ' layer { name: "r" type: "ReLU" bottom: "data" top: "r" }'
    found = reading.parse(text, tmp_path / "old.prototxt")
    assert [layer.name for layer in found.net.layer] == ["input", "r"] and not found.net.input
    assert list(found.net.layer) == saved(tmp_path, text, "TEST")
    assert found.notes == [f"{tmp_path}/old.prototxt: inputs in the form of 2014 (`input:`) are read as an Input layer"]


def test_what_data_layers_had_of_their_own_is_their_transform() -> None:
    text = """layer { name: "d" type: "Data" top: "d"
      data_param { source: "x" scale: 0.5 mean_file: "m" crop_size: 7 mirror: true } }"""
    (layer,) = reading.parse(text, Path("old.prototxt")).net.layer
    transform = layer.transform_param
    assert (transform.scale, transform.mean_file, transform.crop_size, transform.mirror) == (0.5, "m", 7, True)
    assert [field.name for field, _ in layer.data_param.ListFields()] == ["source"]


def test_rates_of_statistics_are_caffes_own() -> None:
    rates = "param { lr_mult: 1 } param { lr_mult: 1 } param { lr_mult: 1 }"
    (layer,) = reading.parse(f'layer {{ name: "b" type: "BatchNorm" {rates} }}', Path("x")).net.layer
    assert not layer.param


def test_layers_before_2013_are_refused() -> None:
    with pytest.raises(UserError) as error:
        reading.parse('name: "v0"\nlayers { layer {\n name: "c" type: "conv" } bottom: "x" }', Path("v0.prototxt"))
    assert str(error.value) == (
        "v0.prototxt:3: layer 'c': expected layers of 2013 or later, got one of Caffe's first form (V0); write it as "
        "today's"
    )
