"""Every training of a network that finds boxes has an augmentation of its own."""

from pathlib import Path

from google.protobuf import text_format

from evolve.base.caffe_messages import caffe_pb2
from evolve.lineage.workspace import Workspace
from evolve.network.layers import detectnet_parameters

GIVEN = (
    "detectnet_groundtruth_param { stride: 16 image_size_x: 96 image_size_y: 64 object_class { src: 1 dst: 0 } } "
    "seed: 5"
)
LAYER = f"""layer {{
  name: "data" type: "Python" top: "data" top: "truth"
  python_param {{ module: "evolve.detectnet.layers" layer: "DetectNetData" param_str: "{GIVEN}" }}
}}"""


def seed(net: caffe_pb2.NetParameter) -> int:
    return detectnet_parameters.parse(net.layer[0].python_param.param_str).seed


def test_of_each_generation_and_of_both_parts_of_the_ancestors() -> None:
    net = text_format.Parse(LAYER, caffe_pb2.NetParameter())
    third = Workspace(None, None, 3, 7, Path("."))  # type: ignore[arg-type]
    sibling = Workspace(None, None, 3, 7, Path("."), sibling=2)  # type: ignore[arg-type]
    assert [seed(third.seeded(net)), seed(sibling.seeded(net))] == [7003, 1007003]
    assert seed(third.seeded(net, part=1)) == 7003 + 2**32
    assert seed(net) == 5
