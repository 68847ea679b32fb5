"""Published networks, built layer by layer from their papers: what counts and shrinking are measured on.

Deploy nets, one image: `alexnet`, `detectnet`, `resnet56`. No weights, nothing to download.
"""

from typing import Any

from evolve.base.caffe_messages import caffe_pb2

Net = Any  # caffe_pb2.NetParameter


class Builder:
    """A net that grows; each method adds a layer (with its ReLU, if it has one) and returns the name of its top."""

    def __init__(self, name: str, shape: tuple[int, int, int]) -> None:
        self.net = caffe_pb2.NetParameter(name=name)
        self.add("Input", "data").input_param.shape.add(dim=[1, *shape])

    def add(self, kind: str, name: str, *bottoms: str, top: str = "") -> Any:
        """A layer of type `kind`, to be given its parameters."""
        return self.net.layer.add(type=kind, name=name, bottom=bottoms, top=[top or name])

    def convolution(
        self, name: str, bottom: str, outputs: int, kernel: int, *, stride: int = 1, group: int = 1, relu: bool = True
    ) -> str:
        """Padded so that only the stride makes the map smaller."""
        parameter = self.add("Convolution", name, bottom).convolution_param
        parameter.num_output, parameter.group = outputs, group
        for field, value in (("kernel_size", kernel), ("stride", stride), ("pad", kernel // 2)):
            getattr(parameter, field).append(value)
        return self.relu(name) if relu else name

    def relu(self, blob: str) -> str:
        """In place."""
        self.add("ReLU", f"{blob}/relu", blob, top=blob)
        return blob

    def pooling(self, name: str, bottom: str, *, stride: int = 2, pad: int = 0) -> str:
        """The maximum of 3 x 3."""
        parameter = self.add("Pooling", name, bottom).pooling_param
        parameter.kernel_size, parameter.stride, parameter.pad = 3, stride, pad
        return name

    def normalisation(self, name: str, bottom: str) -> str:
        """Across five channels."""
        parameter = self.add("LRN", name, bottom).lrn_param
        parameter.local_size, parameter.alpha, parameter.beta = 5, 1e-4, 0.75
        return name

    def units(self, name: str, bottom: str, outputs: int) -> str:
        """Fully connected."""
        self.add("InnerProduct", name, bottom).inner_product_param.num_output = outputs
        return name


def alexnet() -> Net:
    """Krizhevsky, Sutskever and Hinton, 2012, as bvlc_alexnet has it: normalised, then pooled."""
    build = Builder("AlexNet", (3, 227, 227))
    parameter = build.add("Convolution", "conv1", "data").convolution_param
    parameter.num_output = 96
    parameter.kernel_size.append(11)
    parameter.stride.append(4)
    blob = build.pooling("pool1", build.normalisation("norm1", build.relu("conv1")))
    blob = build.convolution("conv2", blob, 256, 5, group=2)
    blob = build.pooling("pool2", build.normalisation("norm2", blob))
    blob = build.convolution("conv3", blob, 384, 3)
    blob = build.convolution("conv4", blob, 384, 3, group=2)
    blob = build.pooling("pool5", build.convolution("conv5", blob, 256, 3, group=2))
    for name in ("fc6", "fc7"):
        blob = build.relu(build.units(name, blob, 4096))
        build.add("Dropout", f"{name}/drop", blob, top=blob)
    build.add("Softmax", "prob", build.units("fc8", blob, 1000))
    return build.net


# GoogLeNet's Table 1 (Szegedy and others, 2014): 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool proj.
_INCEPTIONS = {
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


def detectnet(height: int = 384, width: int = 1248) -> Net:
    """GoogLeNet without its classifiers, its last pooling of stride 1: "coverage" and "bboxes" on H/16 x W/16."""
    build = Builder("DetectNet", (3, height, width))
    blob = _inceptions(build, last_stride=1)
    build.add("Dropout", "pool5/drop", blob, top="pool5/drop")
    build.convolution("cvg/classifier", "pool5/drop", 1, 1, relu=False)
    build.add("Sigmoid", "coverage/sig", "cvg/classifier", top="coverage")
    build.convolution("bboxes", "pool5/drop", 4, 1, relu=False)
    return build.net


def googlenet(height: int = 224, width: int = 224) -> Net:
    """Szegedy and others, 2014, as bvlc_googlenet's deploy.prototxt has it: without the classifiers for training."""
    build = Builder("GoogLeNet", (3, height, width))
    blob = _inceptions(build, last_stride=2)
    parameter = build.add("Pooling", "pool5", blob).pooling_param
    parameter.pool, parameter.global_pooling = parameter.AVE, True
    build.add("Softmax", "prob", build.units("loss3/classifier", "pool5", 1000))
    return build.net


def _inceptions(build: Builder, last_stride: int) -> str:
    """GoogLeNet up to inception_5b; `last_stride` of pool4."""
    blob = build.pooling("pool1", build.convolution("conv1/7x7_s2", "data", 64, 7, stride=2))
    blob = build.convolution("conv2/3x3_reduce", build.normalisation("norm1", blob), 64, 1)
    blob = build.normalisation("norm2", build.convolution("conv2/3x3", blob, 192, 3))
    blob = build.pooling("pool2", blob)
    for name, widths in _INCEPTIONS.items():
        blob = _inception(build, f"inception_{name}", blob, widths)
        if name in ("3b", "4e"):
            stride = 2 if name == "3b" else last_stride
            blob = build.pooling(f"pool{name[0]}", blob, stride=stride, pad=2 - stride)
    return blob


def _inception(build: Builder, name: str, bottom: str, widths: tuple[int, ...]) -> str:
    one, reduce_three, three, reduce_five, five, projected = widths
    reduced = [
        build.convolution(f"{name}/{k}x{k}_reduce", bottom, width, 1)
        for k, width in ((3, reduce_three), (5, reduce_five))
    ]
    branches = [
        build.convolution(f"{name}/1x1", bottom, one, 1),
        build.convolution(f"{name}/3x3", reduced[0], three, 3),
        build.convolution(f"{name}/5x5", reduced[1], five, 5),
        build.convolution(f"{name}/pool_proj", build.pooling(f"{name}/pool", bottom, stride=1, pad=1), projected, 1),
    ]
    build.add("Concat", f"{name}/output", *branches)
    return f"{name}/output"


def resnet56() -> Net:
    """He and others, 2015, on CIFAR-10, n = 9, with a projection where the maps become fewer or smaller: two of them.

    In the form of the authors' Caffe ResNets: BatchNorm and Scale behind each convolution, projections too; the
    first convolution keeps its bias, no other one has any.
    """
    build = Builder("ResNet-56", (3, 32, 32))
    blob = _normalised(build, "conv1", "data", 16, 3)
    for stage, width in enumerate((16, 32, 64), start=1):
        for block in range(9):
            name, stride = f"stage{stage}/block{block}", 2 if stage > 1 and block == 0 else 1
            inner = _normalised(build, f"{name}/a", blob, width, 3, stride=stride)
            inner = _normalised(build, f"{name}/b", inner, width, 3, relu=False)
            if stride > 1:
                blob = _normalised(build, f"{name}/projection", blob, width, 1, stride=stride, relu=False)
            build.add("Eltwise", name, blob, inner)
            blob = build.relu(name)
    pool = build.add("Pooling", "pool", blob).pooling_param
    pool.pool, pool.global_pooling = caffe_pb2.PoolingParameter.AVE, True
    build.add("Softmax", "prob", build.units("fc", "pool", 10))
    return build.net


def _normalised(
    build: Builder, name: str, bottom: str, width: int, kernel: int, *, stride: int = 1, relu: bool = True
) -> str:
    build.convolution(name, bottom, width, kernel, stride=stride, relu=False)
    build.net.layer[-1].convolution_param.bias_term = bottom == "data"
    build.add("BatchNorm", f"{name}/bn", name, top=name)
    build.add("Scale", f"{name}/scale", name, top=name).scale_param.bias_term = True
    return build.relu(name) if relu else name
