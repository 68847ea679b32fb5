"""Writes train_val.prototxt: a ResNet of 6n + 2 layers for CIFAR-10 (He et al., arXiv 1512.03385, section 4.2).

    python write_train_val.py > train_val.prototxt

Nobody writes 56 layers by hand; whoever wants ResNet-20 or 110 changes N and repeats.
"""

N = 9  # blocks a stage
WIDTHS = (16, 32, 64)  # channels of the three stages, on maps of 32, 16 and 8 pixels

HEAD = f"""\
# ResNet-{6 * N + 2} for CIFAR-10 (He et al., arXiv 1512.03385, section 4.2). Written by write_train_val.py: edit that.
# Shortcuts are identities, and where the width changes (twice) 1x1 convolutions of stride 2 with their BatchNorm and
# Scale: the paper's option B. Its CIFAR nets have option A, zeros for the new channels, which no Caffe layer gives.
# CIFAR-10's channels are red, green, blue (datasets/cifar10.py). Images are stored as 40 x 40 within zeros: TRAIN
# crops 32 x 32 at random and mirrors, TEST crops in the middle. mean_value: the train split's means; 1/64: about 1/σ.
name: "resnet{6 * N + 2}_cifar10"
"""
DATA = """\
layer {{
  name: "data" type: "Data" top: "data" top: "label"
  include {{ phase: {phase} }}
  transform_param {{
    scale: 0.015625 crop_size: 32{mirror}
    mean_value: 125.3 mean_value: 123.0 mean_value: 113.9
  }}
  data_param {{ source: "$DATA/{split}" backend: LMDB batch_size: {batch} }}
}}
"""
# The three lr_mult of BatchNorm: its statistics are no weights. Caffe knows by phase whether to gather or to use them.
CONVOLUTION = """\
layer {{
  name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{name}"
  convolution_param {{
    num_output: {width} kernel_size: {kernel}{pad}{stride} bias_term: false weight_filler {{ type: "msra" }}
  }}
}}
layer {{
  name: "{name}_bn" type: "BatchNorm" bottom: "{name}" top: "{name}"
  param {{ lr_mult: 0 }} param {{ lr_mult: 0 }} param {{ lr_mult: 0 }}
  batch_norm_param {{ moving_average_fraction: 0.99 }}
}}
layer {{ name: "{name}_scale" type: "Scale" bottom: "{name}" top: "{name}" scale_param {{ bias_term: true }} }}
"""
RELU = 'layer {{ name: "{name}_relu" type: "ReLU" bottom: "{name}" top: "{name}" }}\n'
SUM = 'layer {{ name: "{name}" type: "Eltwise" bottom: "{shortcut}" bottom: "{bottom}" top: "{name}" }}\n'
TAIL = """\
layer {{
  name: "pool" type: "Pooling" bottom: "{bottom}" top: "pool" pooling_param {{ pool: AVE global_pooling: true }}
}}
layer {{
  name: "fc" type: "InnerProduct" bottom: "pool" top: "fc"
  inner_product_param {{ num_output: 10 weight_filler {{ type: "gaussian" std: 0.01 }} }}
}}
layer {{ name: "accuracy" type: "Accuracy" bottom: "fc" bottom: "label" top: "accuracy" include {{ phase: TEST }} }}
layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }}
"""


def train_val() -> str:
    """The whole prototxt."""
    text = HEAD
    text += DATA.format(phase="TRAIN", mirror=" mirror: true", split="train", batch=128)
    text += DATA.format(phase="TEST", mirror="", split="test", batch=100)
    text += convolution("conv1", "data", WIDTHS[0], kernel=3) + RELU.format(name="conv1")
    bottom = "conv1"
    for stage, width in enumerate(WIDTHS, 1):
        for number in range(1, N + 1):
            name = f"stage{stage}_block{number}"
            text += block(name, bottom, width, narrows=stage > 1 and number == 1)
            bottom = name
    return text + TAIL.format(bottom=bottom)


def block(name: str, bottom: str, width: int, narrows: bool) -> str:
    """Two 3x3 convolutions beside a shortcut; a block that ``narrows`` the map begins with stride 2 in both."""
    stride = 2 if narrows else 1
    text = convolution(f"{name}_conv1", bottom, width, 3, stride) + RELU.format(name=f"{name}_conv1")
    text += convolution(f"{name}_conv2", f"{name}_conv1", width, 3)
    if narrows:
        text += convolution(f"{name}_shortcut", bottom, width, 1, stride)
        bottom = f"{name}_shortcut"
    return text + SUM.format(name=name, shortcut=bottom, bottom=f"{name}_conv2") + RELU.format(name=name)


def convolution(name: str, bottom: str, width: int, kernel: int, stride: int = 1) -> str:
    """A convolution that keeps the map's size, or halves it; BatchNorm and Scale are its bias."""
    pad = f" pad: {kernel // 2}" if kernel > 1 else ""
    strided = f" stride: {stride}" if stride > 1 else ""
    return CONVOLUTION.format(name=name, bottom=bottom, width=width, kernel=kernel, pad=pad, stride=strided)


if __name__ == "__main__":
    print(train_val(), end="")
