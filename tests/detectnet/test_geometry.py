"""A net that contradicts itself is found out, with the line."""

from pathlib import Path

import pytest

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.detectnet.consistency import Geometry, problems

TEMPLATE = """name: "SmallDetectNet"
layer {
  name: "data"
  type: "Python"
  top: "data"
  top: "truth"
  include { phase: TRAIN }
  python_param {
    module: "evolve.detectnet.layers"
    layer: "DetectNetData"
    param_str: "detectnet_groundtruth_param { stride: $STRIDE "
               "  image_size_x: $WIDTH "
               "  image_size_y: $HEIGHT object_class { src: 1 dst: 0 } } "
               "data_param { source: 'a' label_source: 'b' batch_size: 1 }"
  }
}
layer {
  name: "data"
  type: "Python"
  top: "data"
  top: "truth"
  include { phase: TEST }
  python_param {
    module: "evolve.detectnet.layers"
    layer: "DetectNetData"
    param_str: "detectnet_groundtruth_param { stride: $STRIDE "
               "  image_size_x: TEST_WIDTH "
               "  image_size_y: $HEIGHT object_class { src: 1 dst: 0 } } "
               "data_param { source: 'a' label_source: 'b' batch_size: 1 }"
  }
}
layer { name: "slice" type: "Slice" bottom: "truth" top: "f" top: "corners" top: "s" top: "n" top: "maps"
  slice_param { slice_point: 1 slice_point: 5 slice_point: 7 slice_point: 8 } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 4 kernel_size: 7 pad: 3 stride: 2 } }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1" pooling_param { kernel_size: 3 stride: 2 } }
layer { name: "pool2" type: "Pooling" bottom: "pool1" top: "pool2" pooling_param { kernel_size: 3 stride: 2 } }
layer { name: "pool3" type: "Pooling" bottom: "pool2" top: "pool3" pooling_param { kernel_size: 3 stride: NET_STRIDE } }
layer { name: "coverage" type: "Convolution" bottom: "pool3" top: "coverage"
  convolution_param { num_output: COVERAGE kernel_size: 1 } }
layer { name: "boxes" type: "Convolution" bottom: "pool3" top: "boxes"
  convolution_param { num_output: 4 kernel_size: 1 } }
layer { name: "bbox_loss" type: "Python" bottom: "boxes" bottom: "corners" top: "bbox_loss" loss_weight: 2
  python_param { module: "evolve.detectnet.layers" layer: "L1Loss" } }
layer { name: "coverage_loss" type: "EuclideanLoss" bottom: "coverage" bottom: "maps" top: "coverage_loss" }
layer {
  name: "cluster"
  type: "Python"
  bottom: "coverage"
  bottom: "boxes"
  top: "found"
  include { phase: TEST }
  python_param {
    module: "evolve.detectnet.layers"
    layer: "ClusterDetections"
    param_str: "CLUSTER_WIDTH,$HEIGHT,$STRIDE,0.6,3,0.02,22,1"
  }
}
"""

RIGHT = {"TEST_WIDTH": "$WIDTH", "NET_STRIDE": "2", "COVERAGE": "1", "CLUSTER_WIDTH": "$WIDTH"}


def found(values: dict[str, str] | None = None, **changes: str) -> list[str]:
    written = TEMPLATE
    for name, value in (RIGHT | changes).items():
        written = written.replace(f" {name}", f" {value}").replace(f'"{name}', f'"{value}')
    values = values or Geometry(640, 384, 16, 1).values()
    net = prototxt_text.parse(prototxt_text.substitute(written, values, "net"), caffe_pb2.NetParameter(), "net")
    return problems(net, Path("train_val.prototxt"), written)


def test_a_net_that_agrees_with_itself() -> None:
    assert found() == []
    assert found(Geometry(1248, 384, 16, 1).values()) == []


REMEDY = "; make the strides and the outputs of the net those of the ground truth, or the other way round"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"CLUSTER_WIDTH": "1248"},
            [
                "train_val.prototxt:56: layer 'cluster': expected width 640 as in layer 'data' (line 12), got 1248; "
                "write the same in both"
            ],
        ),
        (
            {"TEST_WIDTH": "320"},
            [
                "train_val.prototxt:27: layer 'data': expected width 640 as in layer 'data' (line 12), got 320; "
                "write the same in both"
            ],
        ),
        (
            {"NET_STRIDE": "1"},
            [
                "train_val.prototxt:43: layer 'bbox_loss': expected bottoms of one shape, "
                "got 'boxes' 1 x 4 x 46 x 78, 'corners' 1 x 4 x 24 x 40" + REMEDY,
                "train_val.prototxt:45: layer 'coverage_loss': expected bottoms of one shape, "
                "got 'coverage' 1 x 1 x 46 x 78, 'maps' 1 x 1 x 24 x 40" + REMEDY,
                "train_val.prototxt:56: layer 'cluster': expected 'coverage' to be 1 x 24 x 40 an image, "
                "got 1 x 46 x 78" + REMEDY,
                "train_val.prototxt:56: layer 'cluster': expected 'boxes' to be 4 x 24 x 40 an image, "
                "got 4 x 46 x 78" + REMEDY,
            ],
        ),
        (
            {"COVERAGE": "2"},
            [
                "train_val.prototxt:45: layer 'coverage_loss': expected bottoms of one shape, "
                "got 'coverage' 1 x 2 x 24 x 40, 'maps' 1 x 1 x 24 x 40" + REMEDY,
                "train_val.prototxt:56: layer 'cluster': expected 'coverage' to be 1 x 24 x 40 an image, "
                "got 2 x 24 x 40" + REMEDY,
            ],
        ),
        (
            {"TEST_WIDTH": "650"},
            ["train_val.prototxt:27: layer 'data': image_size_x: expected a multiple of stride 16, got 650; do 656"],
        ),
        (
            {"NET_STRIDE": "2 pad: 9"},
            ["train_val.prototxt:38: layer 'pool3': expected a pad below its kernel, 3 x 3, got 9 x 9"],
        ),
    ],
)
def test_a_net_that_does_not(changes: dict[str, str], expected: list[str]) -> None:
    assert found(None, **changes) == expected


def test_a_transformation_of_caffes_own_data_is_checked_as_well() -> None:
    own = """layer { name: "images" type: "Data" top: "images" data_param { source: "a" batch_size: 2 } }
layer { name: "labels" type: "Data" top: "labels" data_param { source: "b" batch_size: 2 } }
layer { name: "transform" type: "Python" bottom: "images" bottom: "labels" top: "data" top: "truth"
  python_param { module: "evolve.detectnet.layers" layer: "DetectNetTransformation" param_str:
    "detectnet_groundtruth_param { stride: 16 image_size_x: WIDTH image_size_y: 384 object_class { src: 1 dst: 0 } }"
} }
"""
    rest = TEMPLATE[TEMPLATE.index('layer { name: "slice"') :].replace("NET_STRIDE", "2").replace("COVERAGE", "1")
    written = own + rest.replace("CLUSTER_WIDTH,$HEIGHT,$STRIDE", "640,384,16")
    line = 1 + next(number for number, each in enumerate(written.splitlines()) if "640,384" in each)
    for width, expected in (
        ("640", []),
        ("656", [f"x:{line}: layer 'cluster': expected width 656 as in layer 'transform' (line 5), got 640; "]),
    ):
        text_ = written.replace("WIDTH", width)
        found = problems(prototxt_text.parse(text_, caffe_pb2.NetParameter(), "net"), Path("x"), text_)
        assert [each.partition("write")[0] for each in found] == expected


def test_a_net_without_detection_has_nothing_to_check() -> None:
    path = Path(__file__).parents[2] / "prototxt/lenet/train_val.prototxt"
    net = prototxt_text.read(path, caffe_pb2.NetParameter(), {"DATA": "d"})
    assert problems(net, Path("x"), "") == []
