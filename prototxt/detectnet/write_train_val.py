"""Writes train_val.prototxt, or with `scratch` the form that the ancestor is trained in from nothing.

    python write_train_val.py > train_val.prototxt
    python write_train_val.py scratch > scratch_train_val.prototxt

Nobody writes 59 convolutions by hand. Both have the same layers by name; `scratch` has BatchNorm and Scale behind each
convolution with a ReLU, and a cross-entropy for the coverage.
"""

import sys

# GoogLeNet's Table 1 (Szegedy and others, arXiv 1409.4842): 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool proj.
INCEPTIONS = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}

HEAD = """\
# DetectNet: GoogLeNet (layers named as in bvlc_googlenet) without its classifiers, its last pooling of stride 1, and a
# coverage and four box edges for each cell of $STRIDE pixels. Written by write_train_val.py: edit that.
# Size, stride and classes stand in evolution.prototxt; `make check` finds where the net does not agree with them.
"""
SCRATCH = """\
# What makes it learn from nothing: a BatchNorm and a Scale behind each ReLU's convolution, and a coverage loss whose
# gradient does not vanish where the sigmoid is wrong. Folded into train_val.prototxt's layers after training.
"""
DATA = """\
layer {{
  name: "data" type: "Python" top: "data" top: "truth"{labels}
  include {{ phase: {phase} }}
  python_param {{
    module: "evolve.detectnet.layers" layer: "DetectNetData"
    param_str: "detectnet_groundtruth_param {{ stride: $STRIDE image_size_x: $WIDTH image_size_y: $HEIGHT "
               "  {crop}$OBJECT_CLASSES }} "
{augmentation}               "transform_param {{ mean_value: 127 }} "
               "data_param {{ source: '$DATA/{split}/images' label_source: '$DATA/{split}/labels' "
               "  batch_size: {batch} prefetch: 3 }}"
  }}
}}
"""
# Boxes are not cut where the crop cuts the image: slivers would weigh as much as all others together.
AUGMENTATION = """\
               "detectnet_augmentation_param { shift_x: 16 shift_y: 16 hue_rotation_prob: 0.2 desaturation_prob: 0.2 } "
"""
CONVOLUTION = """\
layer {{
  name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{name}"
  param {{ lr_mult: 1 decay_mult: 1 }} param {{ lr_mult: 1 decay_mult: 0 }}
  convolution_param {{
    num_output: {width} kernel_size: {kernel}{pad}{stride} weight_filler {{ {filler} }}{bias}
  }}
}}
"""
NORMALISED = """\
layer {{
  name: "{name}/bn" type: "BatchNorm" bottom: "{name}" top: "{name}"
  param {{ lr_mult: 0 }} param {{ lr_mult: 0 }} param {{ lr_mult: 0 }}
  batch_norm_param {{ moving_average_fraction: 0.95 }}
}}
layer {{ name: "{name}/scale" type: "Scale" bottom: "{name}" top: "{name}" scale_param {{ bias_term: true }} }}
"""
RELU = 'layer {{ name: "{name}/relu" type: "ReLU" bottom: "{name}" top: "{name}" }}\n'
POOLING = """\
layer {{
  name: "{name}" type: "Pooling" bottom: "{bottom}" top: "{name}"
  pooling_param {{ pool: MAX kernel_size: 3 stride: {stride}{pad} }}
}}
"""
LRN = """\
layer {{
  name: "{name}" type: "LRN" bottom: "{bottom}" top: "{name}"
  lrn_param {{ local_size: 5 alpha: 0.0001 beta: 0.75 }}
}}
"""
CONCAT = """\
layer {{
  name: "{name}" type: "Concat" {bottoms} top: "{name}"
}}
"""
DROPOUT = """\
layer {{
  name: "pool5/drop_s1" type: "Dropout" bottom: "{bottom}" top: "pool5/drop_s1"
  dropout_param {{ dropout_ratio: 0.4 }}
}}
"""
SIGMOID = 'layer { name: "coverage/sig" type: "Sigmoid" bottom: "cvg/classifier" top: "coverage" }\n'
# Ground truth on the grid: foreground, box edges, 1 / width and height, obj_norm, and the coverage of each class.
LOSSES = """\
layer {{
  name: "slice-truth" type: "Slice" bottom: "truth" include {{ phase: TRAIN }}
  top: "foreground" top: "edges" top: "size" top: "obj_norm" top: "coverage-label"
  slice_param {{ slice_point: 1 slice_point: 5 slice_point: 7 slice_point: 8 }}
}}
layer {{
  name: "foreground-4" type: "Concat" top: "foreground-4" include {{ phase: TRAIN }}
  bottom: "foreground" bottom: "foreground" bottom: "foreground" bottom: "foreground"
}}
layer {{ name: "size-4" type: "Concat" bottom: "size" bottom: "size" top: "size-4" include {{ phase: TRAIN }} }}
layer {{
  name: "obj_norm-4" type: "Concat" top: "obj_norm-4" include {{ phase: TRAIN }}
  bottom: "obj_norm" bottom: "obj_norm" bottom: "obj_norm" bottom: "obj_norm"
}}
layer {{
  name: "edges-norm" type: "Eltwise" bottom: "edges" bottom: "size-4" bottom: "obj_norm-4" top: "edges-norm"
  eltwise_param {{ operation: PROD }} include {{ phase: TRAIN }}
}}
layer {{
  name: "bboxes-masked-norm" type: "Eltwise" top: "bboxes-masked-norm"
  bottom: "bboxes" bottom: "foreground-4" bottom: "size-4" bottom: "obj_norm-4"
  eltwise_param {{ operation: PROD }} include {{ phase: TRAIN }}
}}
layer {{
  name: "loss_bbox" type: "Python" bottom: "bboxes-masked-norm" bottom: "edges-norm" top: "loss_bbox"
  loss_weight: {box_weight} include {{ phase: TRAIN }}
  python_param {{ module: "evolve.detectnet.layers" layer: "L1Loss" }}
}}
{coverage_loss}"""
EUCLIDEAN = """\
layer {
  name: "loss_coverage" type: "EuclideanLoss" bottom: "coverage" bottom: "coverage-label" top: "loss_coverage"
  include { phase: TRAIN }
}
"""
CROSS_ENTROPY = """\
layer {
  name: "loss_coverage" type: "SigmoidCrossEntropyLoss" bottom: "cvg/classifier" bottom: "coverage-label"
  top: "loss_coverage" loss_weight: 4 loss_param { normalization: BATCH_SIZE } include { phase: TRAIN }
}
"""
# Coverage from 0.5 on, more than one cell, edges within 0.2 of a side, boxes of 8 pixels and higher.
CLUSTER = """\
layer {
  name: "cluster" type: "Python" bottom: "coverage" bottom: "bboxes" include { phase: TEST }
  $DETECTION_TOPS
  python_param {
    module: "evolve.detectnet.layers" layer: "ClusterDetections"
    param_str: "$WIDTH,$HEIGHT,$STRIDE,0.5,1,0.2,8,$CLASSES"
  }
}
"""


class Net:
    """The prototxt, growing; each method adds a layer and returns its top."""

    def __init__(self, scratch: bool) -> None:
        self.scratch = scratch
        self.text = HEAD + (SCRATCH if scratch else "") + 'name: "DetectNet"\n'

    def convolution(self, name: str, bottom: str, width: int | str, kernel: int, stride: int = 1) -> str:
        """With its ReLU."""
        self._convolution(name, bottom, width, kernel, stride, 'type: "msra"')
        self.text += (NORMALISED if self.scratch else "").format(name=name) + RELU.format(name=name)
        return name

    def output(self, name: str, bottom: str, width: int | str, std: str, bias: str = "") -> str:
        """1x1, no ReLU."""
        self._convolution(name, bottom, width, 1, 1, f'type: "gaussian" std: {std}', bias)
        return name

    def _convolution(
        self, name: str, bottom: str, width: int | str, kernel: int, stride: int, filler: str, bias: str = ""
    ) -> None:
        pad = f" pad: {kernel // 2}" if kernel > 1 else ""
        step = f" stride: {stride}" if stride > 1 else ""
        self.text += CONVOLUTION.format(
            name=name, bottom=bottom, width=width, kernel=kernel, pad=pad, stride=step, filler=filler, bias=bias
        )

    def pooling(self, name: str, bottom: str, stride: int = 2) -> str:
        """Those of stride 1 are padded: maps stay as large as they are."""
        self.text += POOLING.format(name=name, bottom=bottom, stride=stride, pad=" pad: 1" if stride == 1 else "")
        return name

    def normalisation(self, name: str, bottom: str) -> str:
        """Across five channels."""
        self.text += LRN.format(name=name, bottom=bottom)
        return name

    def inception(self, name: str, bottom: str, widths: tuple[int, ...]) -> str:
        """Four branches beside each other."""
        one, reduce_3, three, reduce_5, five, projection = widths
        branches = [
            self.convolution(f"{name}/1x1", bottom, one, 1),
            self.convolution(f"{name}/3x3", self.convolution(f"{name}/3x3_reduce", bottom, reduce_3, 1), three, 3),
            self.convolution(f"{name}/5x5", self.convolution(f"{name}/5x5_reduce", bottom, reduce_5, 1), five, 5),
            self.convolution(f"{name}/pool_proj", self.pooling(f"{name}/pool", bottom, 1), projection, 1),
        ]
        bottoms = " ".join(f'bottom: "{branch}"' for branch in branches)
        self.text += CONCAT.format(name=f"{name}/output", bottoms=bottoms)
        return f"{name}/output"


def trunk(net: Net) -> str:
    """GoogLeNet to inception_5b, of stride 16."""
    blob = net.pooling("pool1/3x3_s2", net.convolution("conv1/7x7_s2", "data", 64, 7, 2))
    blob = net.convolution("conv2/3x3_reduce", net.normalisation("pool1/norm1", blob), 64, 1)
    blob = net.normalisation("conv2/norm2", net.convolution("conv2/3x3", blob, 192, 3))
    blob = net.pooling("pool2/3x3_s2", blob)
    for name, widths in INCEPTIONS.items():
        blob = net.inception(f"inception_{name}", blob, widths)
        if name == "3b":
            blob = net.pooling("pool3/3x3_s2", blob)
        if name == "4e":
            blob = net.pooling("pool4/3x3_s1", blob, 1)
    return blob


def train_val(scratch: bool) -> str:
    """The whole prototxt."""
    net = Net(scratch)
    train = {"labels": "", "phase": "TRAIN", "split": "train", "batch": 6 if scratch else 8}
    test = {"labels": ' top: "labels"', "phase": "TEST", "split": "val", "batch": 10}
    net.text += DATA.format(**train, crop="crop_bboxes: false ", augmentation=AUGMENTATION)
    net.text += DATA.format(**test, crop="", augmentation="")
    blob = trunk(net)
    net.text += DROPOUT.format(bottom=blob)
    rarely = ' bias_filler { type: "constant" value: -2 }'  # a cell in ten is covered
    net.output("cvg/classifier", "pool5/drop_s1", "$CLASSES", "0.01", rarely)
    net.text += SIGMOID
    net.output("bboxes", "pool5/drop_s1", 4, "0.001")
    coverage_loss = CROSS_ENTROPY if scratch else EUCLIDEAN
    net.text += LOSSES.format(coverage_loss=coverage_loss, box_weight=0.5 if scratch else 2)
    return net.text + CLUSTER


if __name__ == "__main__":
    sys.stdout.write(train_val("scratch" in sys.argv[1:]))
