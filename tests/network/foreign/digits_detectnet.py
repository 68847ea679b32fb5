"""DetectNet's training prototxt as NVIDIA and DIGITS write it: three stages, data and labels apart, Python scores."""

GROUND_TRUTH = """detectnet_groundtruth_param: {
    stride: 16 scale_cvg: 0.4 gridbox_type: GRIDBOX_MIN coverage_type: RECTANGULAR min_cvg_len: 20 obj_norm: true
    image_size_x: %(width)d image_size_y: %(height)d crop_bboxes: %(crop)s
    object_class: { src: 1 dst: 0} # obj class 1 -> cvg index 0
  }"""
AUGMENTATION = """detectnet_augmentation_param: {
    crop_prob: 1 shift_x: 32 shift_y: 32 flip_prob: 0.5 rotation_prob: 0 max_rotate_degree: 5 scale_prob: 0.4
    scale_min: 0.8 scale_max: 1.2 hue_rotation_prob: 0.8 hue_rotation: 30 desaturation_prob: 0.8 desaturation_max: 0.8
  }"""
_TRAIN, _VAL, _DEPLOY = "include: { phase: TRAIN }", 'include: { phase: TEST stage: "val" }', (
    'include: { phase: TEST not_stage: "val" }'
)
_BOTH = f"{_TRAIN} {_VAL}"


def _data(name: str, top: str, source: str, batch: int, rule: str) -> str:
    return (
        f'layer {{ name: "{name}" type: "Data" top: "{top}" data_param {{ backend: LMDB source: "{source}" '
        f"batch_size: {batch} }} {rule} }}\n"
    )


def _joined(kind: str, name: str, bottoms: str, top: str, words: str, rule: str = _BOTH) -> str:
    blobs = " ".join(f'bottom: "{bottom}"' for bottom in bottoms.split())
    return f'layer {{ name: "{name}" type: "{kind}" {blobs} top: "{top}" {words} {rule} }}\n'


def training(width: int = 64, height: int = 48, source: str = "examples/kitti/kitti", width_of_val: int = 0) -> str:
    """The whole prototxt; the trunk is one small convolution of stride 16."""
    text = 'name: "DetectNet"\n'
    for name, stage, batch, rule in (("train", "train", 10, _TRAIN), ("val", "test", 6, _VAL)):
        text += _data(f"{name}_data", "data", f"{source}_{stage}_images.lmdb", batch, rule)
        text += _data(f"{name}_label", "label", f"{source}_{stage}_labels.lmdb", batch, rule)
    shape = f"shape {{ dim: 1 dim: 3 dim: {height} dim: {width} }}"
    text += f'layer {{ name: "deploy_data" type: "Input" top: "data" input_param {{ {shape} }} {_DEPLOY} }}\n'
    for name, more, crop, wide, rule in (
        ("train", AUGMENTATION, "true", width, _TRAIN), ("val", "", "false", width_of_val or width, _VAL)
    ):  # fmt: skip
        truth = GROUND_TRUTH % {"width": wide, "height": height, "crop": crop}
        text += (
            f'layer {{ name: "{name}_transform" type: "DetectNetTransformation" bottom: "data" bottom: "label"\n'
            f'  top: "transformed_data" top: "transformed_label"\n  {truth}\n  {more}\n'
            f"  transform_param: {{ mean_value: 127 }} {rule} }}\n"
        )
    text += _joined("Power", "deploy_transform", "data", "transformed_data", "power_param: { shift: -127 }", _DEPLOY)
    return text + _TRUTH + _TRUNK + _LOSSES + _scores(width, height)


_TOPS = " ".join(f'top: "{name}-label"' for name in ("foreground", "bbox", "size", "obj", "coverage"))
_TRUTH = (
    f'layer {{ name: "slice-label" type: "Slice" bottom: "transformed_label" {_TOPS} slice_param {{ slice_dim: 1 '
    f"slice_point: 1 slice_point: 5 slice_point: 7 slice_point: 8 }} {_BOTH} }}\n"
    + _joined("Concat", "coverage-block", "foreground-label " * 4, "coverage-block", "concat_param { concat_dim: 1 }")
    + _joined("Concat", "size-block", "size-label size-label", "size-block", "concat_param { concat_dim: 1 }")
    + _joined("Concat", "obj-block", "obj-label " * 4, "obj-block", "concat_param { concat_dim: 1 }")
    + _joined("Eltwise", "bb-label-norm", "bbox-label size-block", "bbox-label-norm",
              "eltwise_param { operation: PROD }")
    + _joined("Eltwise", "bb-obj-norm", "bbox-label-norm obj-block", "bbox-obj-label-norm",
              "eltwise_param { operation: PROD }")
)  # fmt: skip
_TRUNK = """layer { name: "conv1/7x7_s2" type: "Convolution" bottom: "transformed_data" top: "conv1/7x7_s2"
  param { lr_mult: 1 decay_mult: 1 } param { lr_mult: 2 decay_mult: 0 }
  convolution_param { num_output: 8 kernel_size: 16 stride: 16 weight_filler { type: "xavier" } } }
layer { name: "conv1/relu" type: "ReLU" bottom: "conv1/7x7_s2" top: "conv1/7x7_s2" }
layer { name: "cvg/classifier" type: "Convolution" bottom: "conv1/7x7_s2" top: "cvg/classifier"
  convolution_param { num_output: 1 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "coverage/sig" type: "Sigmoid" bottom: "cvg/classifier" top: "coverage" }
layer { name: "bbox/regressor" type: "Convolution" bottom: "conv1/7x7_s2" top: "bboxes"
  convolution_param { num_output: 4 kernel_size: 1 weight_filler { type: "xavier" } } }
"""
_PROD = "eltwise_param { operation: PROD }"
_LOSSES = (
    _joined("Eltwise", "bbox_mask", "bboxes coverage-block", "bboxes-masked", _PROD)
    + _joined("Eltwise", "bbox-norm", "bboxes-masked size-block", "bboxes-masked-norm", _PROD)
    + _joined("Eltwise", "bbox-obj-norm", "bboxes-masked-norm obj-block", "bboxes-obj-masked-norm", _PROD)
    + _joined("L1Loss", "bbox_loss", "bboxes-obj-masked-norm bbox-obj-label-norm", "loss_bbox", "loss_weight: 2")
    + _joined("EuclideanLoss", "coverage_loss", "coverage coverage-label", "loss_coverage", "loss_weight: 1")
)


def _scores(width: int, height: int) -> str:
    def python(name: str, bottoms: str, tops: str, module: str, kind: str, words: str, rule: str) -> str:
        blobs = " ".join(f'bottom: "{each}"' for each in bottoms.split())
        blobs += "".join(f' top: "{each}"' for each in tops.split())
        said = f'param_str: "{words}"' if words else ""
        return (
            f'layer {{ name: "{name}" type: "Python" {blobs} python_param {{ module: "caffe.layers.detectnet.{module}" '
            f'layer: "{kind}" {said} }} {rule} }}\n'
        )

    size = f"{width}, {height}, 16"
    return (
        python("cluster", "coverage bboxes", "bbox-list", "clustering", "ClusterDetections",
               f"{size}, 0.6, 3, 0.02, 22, 1", "include: { phase: TEST }")
        + python("cluster_gt", "coverage-label bbox-label", "bbox-list-label", "clustering", "ClusterGroundtruth",
                 f"{size}, 1", _VAL)
        + python("score", "bbox-list-label bbox-list", "bbox-list-scored", "mean_ap", "ScoreDetections", "", _VAL)
        + python("mAP", "bbox-list-scored", "mAP precision recall", "mean_ap", "mAP", size, _VAL)
    )  # fmt: skip
