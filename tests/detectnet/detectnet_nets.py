"""Prototxts of nets with DetectNet's layers."""

from pathlib import Path

GEOMETRY = (
    "detectnet_groundtruth_param { stride: 16 image_size_x: 160 image_size_y: 96 "
    "object_class { src: 1 dst: 0 } object_class { src: 2 dst: 1 } } transform_param { mean_value: 127 } seed: 3"
)


def layer(name: str, kind: str, bottoms: str, tops: str, param_str: str = "", more: str = "") -> str:
    blobs = " ".join([*(f'bottom: "{each}"' for each in bottoms.split()), *(f'top: "{each}"' for each in tops.split())])
    return (
        f'layer {{ name: "{name}" type: "Python" {blobs} {more} python_param {{ module: "evolve.detectnet.layers" '
        f"layer: \"{kind}\" param_str: '{param_str}' }} }}\n"
    )


def data(images: Path, boxes: Path, processes: int, name: str = "data") -> str:
    where = f'data_param {{ source: "{images}" label_source: "{boxes}" batch_size: 3 processes: {processes} }}'
    return layer(name, "DetectNetData", "", f"{name} {name}-truth {name}-labels", f"{GEOMETRY} {where}")


# The losses as DetectNet's prototxt composes them; the L1 loss a second time of stock layers, batch of 2 written in.
LOSSES = (
    """
layer { name: "in" type: "Input" top: "raw" top: "boxes" top: "truth" input_param {
  shape { dim: 2 dim: 2 dim: 6 dim: 10 } shape { dim: 2 dim: 4 dim: 6 dim: 10 } shape { dim: 2 dim: 10 dim: 6 dim: 10 }
} }
layer { name: "slice" type: "Slice" bottom: "truth" top: "foreground" top: "corners" top: "size" top: "norm"
  top: "coverage-label" slice_param { slice_point: 1 slice_point: 5 slice_point: 7 slice_point: 8 } }
layer { name: "f" type: "Concat" bottom: "foreground" bottom: "foreground" bottom: "foreground" bottom: "foreground"
  top: "f4" }
layer { name: "s" type: "Concat" bottom: "size" bottom: "size" top: "s4" }
layer { name: "n" type: "Concat" bottom: "norm" bottom: "norm" bottom: "norm" bottom: "norm" top: "n4" }
layer { name: "label" type: "Eltwise" bottom: "corners" bottom: "s4" bottom: "n4" top: "label"
  eltwise_param { operation: PROD } }
layer { name: "masked" type: "Eltwise" bottom: "boxes" bottom: "f4" bottom: "s4" bottom: "n4" top: "masked"
  eltwise_param { operation: PROD } }
layer { name: "coverage" type: "Sigmoid" bottom: "raw" top: "coverage" }
layer { name: "coverage_loss" type: "EuclideanLoss" bottom: "coverage" bottom: "coverage-label" top: "coverage_loss" }
"""
    + layer("bbox_loss", "L1Loss", "masked label", "bbox_loss", more="loss_weight: 2")
    + "STOCK"
)
