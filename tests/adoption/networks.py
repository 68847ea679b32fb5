"""Ten networks in the forms that strangers have them in, for small images, with their solvers."""

import re
from dataclasses import dataclass

from tests.adoption.prototxts import (
    FILLERS,
    batch_norm,
    convolution,
    data,
    judged,
    layer,
    of_2013,
    pooling,
    solver,
    units,
)
from tests.network.foreign import digits_detectnet

_MEAN = 'scale: 0.0078125 mean_file: "examples/cifar10/mean.binaryproto"'
_CIFAR = data("examples/cifar10/cifar10_train_lmdb", "TRAIN", 20, _MEAN) + (
    data("examples/cifar10/cifar10_test_lmdb", "TEST", 20, _MEAN)
)
_OVERLAPPING = "pool: MAX kernel_size: 3 stride: 2"
_MEANS = "pool: AVE kernel_size: 3 stride: 2"
_GLOBAL = "pool: AVE global_pooling: true"


def bare(text: str) -> str:
    """As deploy prototxts are: without fillers and rates."""
    text = re.sub(r'(weight|bias)_filler \{ type: "\w+" \}', "", text)
    return re.sub(r"param \{ lr_mult: \d \} ", "", text)


@dataclass(frozen=True)
class Network:
    """Files by name, and the words of `make adopt` for them."""

    name: str
    form: str  # what is special about it
    files: dict[str, str]
    words: tuple[str, ...]
    data_set: str = "drawn"  # what it evolves on here, a file beside it; "" for the one that adopt finds
    settings: str = ""  # others of SET=


def every() -> list[Network]:
    """All ten."""
    makers = (
        lenet, cifar10_quick, cifar10_full, nin, squeezenet, mobilenet, resnet20, inception, siamese,
        fully_convolutional,
    )  # fmt: skip
    return [make() for make in makers]


def lenet() -> Network:
    """BVLC's LeNet with a Softmax of another name beside the loss."""
    text = 'name: "LeNet"\n' + data("examples/mnist/mnist_train_lmdb", "TRAIN", 32, "scale: 0.00390625")
    text += data("examples/mnist/mnist_test_lmdb", "TEST", 100, "scale: 0.00390625")
    text += convolution("conv1", "data", 20, 5, relu=False) + pooling("pool1", "conv1")
    text += convolution("conv2", "pool1", 50, 5, relu=False) + pooling("pool2", "conv2")
    text += units("ip1", "pool2", 100) + layer("ReLU", "relu1", "ip1", "ip1") + units("ip2", "ip1", 10)
    text += layer("Softmax", "probability", "ip2", "prob") + judged("ip2")
    return Network(
        "lenet", "a Softmax with top prob beside the loss; solver with GPU and snapshots",
        {"lenet_train_test.prototxt": text, "lenet_solver.prototxt": solver('net: "lenet_train_test.prototxt"')},
        ("SOLVER=lenet_solver.prototxt",), data_set="",
    )  # fmt: skip


def cifar10_quick() -> Network:
    text = 'name: "CIFAR10_quick"\n' + _CIFAR + convolution("conv1", "data", 32, 5, "pad: 2", relu=False)
    text += pooling("pool1", "conv1", _OVERLAPPING) + layer("ReLU", "relu1", "pool1", "pool1")
    text += convolution("conv2", "pool1", 32, 5, "pad: 2") + pooling("pool2", "conv2", _MEANS)
    text += convolution("conv3", "pool2", 64, 5, "pad: 2") + pooling("pool3", "conv3", _MEANS)
    text += units("ip1", "pool3", 64) + units("ip2", "ip1", 10) + judged("ip2")
    words = solver('net: "examples/cifar10/cifar10_quick_train_test.prototxt"', "snapshot_format: HDF5")
    files = {"cifar10_quick_train_test.prototxt": text, "cifar10_quick_solver.prototxt": words}
    return Network("cifar10_quick", "a mean_file that is not there; snapshot_format: HDF5", files,
                   ("SOLVER=cifar10_quick_solver.prototxt",))  # fmt: skip


def cifar10_full() -> Network:
    within = "lrn_param { local_size: 3 alpha: 5e-05 beta: 0.75 norm_region: WITHIN_CHANNEL }"
    text = 'name: "CIFAR10_full"\n' + _CIFAR + convolution("conv1", "data", 32, 5, "pad: 2", relu=False)
    text += pooling("pool1", "conv1", _OVERLAPPING) + layer("ReLU", "relu1", "pool1", "pool1")
    text += layer("LRN", "norm1", "pool1", more=within)
    text += convolution("conv2", "norm1", 32, 5, "pad: 2") + pooling("pool2", "conv2", _MEANS)
    text += layer("LRN", "norm2", "pool2", more=within) + convolution("conv3", "norm2", 64, 5, "pad: 2")
    text += pooling("pool3", "conv3", _MEANS) + units("ip1", "pool3", 10) + judged("ip1", "Accuracy1")
    words = solver('net: "train.prototxt"', "solver_type: NESTEROV")
    files = {"train.prototxt": text, "solver.prototxt": words}
    return Network("cifar10_full", "an accuracy called Accuracy1; the solver's type as an enum", files,
                   ("MODEL=train.prototxt", "SOLVER=solver.prototxt"))  # fmt: skip


def nin() -> Network:
    """Network in Network, in the words of 2013."""
    text = 'name: "CIFAR10_NIN"\n' + _CIFAR
    bottom = "data"
    for number, widths in enumerate(((32, 24, 16), (32, 32, 32)), start=1):
        text += convolution(f"conv{number}", bottom, widths[0], 5, "pad: 2")
        text += convolution(f"cccp{number}a", f"conv{number}", widths[1], 1)
        text += convolution(f"cccp{number}b", f"cccp{number}a", widths[2], 1)
        text += pooling(f"pool{number}", f"cccp{number}b", _OVERLAPPING)
        bottom = f"pool{number}"
        text += layer("Dropout", f"drop{number}", bottom, bottom, "dropout_param { dropout_ratio: 0.5 }")
    text += convolution("conv3", bottom, 32, 3, "pad: 1") + convolution("cccp3", "conv3", 10, 1)
    text += pooling("pool3", "cccp3", "pool: AVE kernel_size: 8 stride: 1") + judged("pool3")
    text = of_2013(text).replace('"xavier"', '"msra"')
    files = {"train_val.prototxt": text, "solver.prototxt": solver('net: "train_val.prototxt"')}
    return Network("nin", "layers of 2013, types as enums", files, ("SOLVER=solver.prototxt",))


def squeezenet() -> Network:
    """SqueezeNet's deploy form, with the input of 2014."""
    text = 'name: "squeezenet"\ninput: "data"\ninput_dim: 1\ninput_dim: 3\ninput_dim: 32\ninput_dim: 32\n'
    text += convolution("conv1", "data", 16, 3, "stride: 2") + pooling("pool1", "conv1", _OVERLAPPING)
    bottom = "pool1"
    for number, (squeezed, expanded) in enumerate(((8, 16), (8, 16), (12, 24)), start=2):
        fire = f"fire{number}"
        text += convolution(f"{fire}/squeeze1x1", bottom, squeezed, 1)
        text += convolution(f"{fire}/expand1x1", f"{fire}/squeeze1x1", expanded, 1)
        text += convolution(f"{fire}/expand3x3", f"{fire}/squeeze1x1", expanded, 3, "pad: 1")
        text += layer("Concat", f"{fire}/concat", f"{fire}/expand1x1 {fire}/expand3x3")
        bottom = f"{fire}/concat"
    text += layer("Dropout", "drop9", bottom, bottom, "dropout_param { dropout_ratio: 0.5 }")
    text += convolution("conv10", bottom, 10, 1) + pooling("pool10", "conv10", _GLOBAL)
    text += layer("Softmax", "prob", "pool10")
    return Network("squeezenet", "a deploy net with input: and input_dim:, no solver", {"deploy.prototxt": bare(text)},
                   ("MODEL=deploy.prototxt",))  # fmt: skip


def mobilenet() -> Network:
    """MobileNet's deploy form: depthwise convolutions as groups of one."""
    text = 'name: "MOBILENET"\ninput: "data"\ninput_shape { dim: 1 dim: 3 dim: 32 dim: 32 }\n'
    alone = "convolution_param {{ num_output: {} bias_term: false kernel_size: {} {} }}"

    def block(name: str, bottom: str, outputs: int, kernel: int, more: str) -> str:
        made = layer("Convolution", name, bottom, more=alone.format(outputs, kernel, more)) + batch_norm(name)
        return made + layer("ReLU", f"relu_{name}", name, name)

    text += block("conv1", "data", 16, 3, "pad: 1 stride: 2")
    bottom, width = "conv1", 16
    for number, (outputs, stride) in enumerate(((24, 1), (32, 2), (32, 1), (48, 2)), start=2):
        text += block(f"conv{number}/dw", bottom, width, 3, f"pad: 1 stride: {stride} group: {width}")
        bottom, width = f"conv{number}/sep", outputs
        text += block(bottom, f"conv{number}/dw", width, 1, "")
    text += pooling("pool6", bottom, _GLOBAL) + convolution("fc7", "pool6", 10, 1, relu=False)
    text += layer("Softmax", "prob", "fc7")
    return Network("mobilenet", "a deploy net with input_shape, depthwise convolutions, no solver",
                   {"mobilenet_deploy.prototxt": bare(text)}, ("MODEL=mobilenet_deploy.prototxt",))  # fmt: skip


def resnet20() -> Network:
    """ResNet-20 for CIFAR-10, at half its width, its data by stages as DIGITS has them."""
    words = "transform_param { mirror: true mean_value: 125 crop_size: 28 }"
    text = "".join(
        layer("Data", f"{stage}-data", "", "data label", f'include {{ stage: "{stage}" }} {words} data_param {{ '
              f'source: "/jobs/{stage}_db" batch_size: 20 }}')
        for stage in ("train", "val")
    )  # fmt: skip
    text += _residual_body() + pooling("pool", "res4c", _GLOBAL) + units("fc", "pool", 10)
    text += layer("Accuracy", "accuracy", "fc label", more='include { stage: "val" }')
    text += layer("SoftmaxWithLoss", "loss", "fc label", more='exclude { stage: "deploy" }')
    text += layer("Softmax", "softmax", "fc", more='include { stage: "deploy" }')
    files = {"train_val.prototxt": f'name: "ResNet-20"\n{text}',
             "solver.prototxt": solver('net: "train_val.prototxt"', 'train_state { stage: "train" }')}  # fmt: skip
    return Network("resnet20", "data by stages, as DIGITS has it; SHAPE= for it says no channels", files,
                   ("SOLVER=solver.prototxt", "SHAPE=3x28x28"))  # fmt: skip


def _residual_body() -> str:
    """Three stages of three blocks, res2a to res4c, on the blob data."""
    text = _normalised("conv1", "data", 8, 3, 1) + layer("ReLU", "relu_conv1", "conv1", "conv1")
    bottom, width = "conv1", 8
    for stage, outputs in enumerate((8, 16, 32), start=2):
        for number in range(3):
            name, stride = f"res{stage}{'abc'[number]}", 2 if number == 0 and stage > 2 else 1
            text += _normalised(f"{name}_a", bottom, outputs, 3, stride)
            text += layer("ReLU", f"{name}_a_relu", f"{name}_a", f"{name}_a")
            text += _normalised(f"{name}_b", f"{name}_a", outputs, 3, 1)
            shortcut = bottom
            if outputs != width:
                shortcut, width = f"{name}_shortcut", outputs
                text += _normalised(shortcut, bottom, outputs, 1, stride)
            text += layer("Eltwise", name, f"{shortcut} {name}_b") + layer("ReLU", f"{name}_relu", name, name)
            bottom = name
    return text


def _normalised(name: str, bottom: str, outputs: int, kernel: int, stride: int) -> str:
    words = (
        f"convolution_param {{ num_output: {outputs} kernel_size: {kernel} pad: {kernel // 2} stride: {stride} "
        'bias_term: false weight_filler { type: "msra" } }'
    )
    return layer("Convolution", name, bottom, more=words) + batch_norm(name, f"bn_{name}")


def inception() -> Network:
    """Two inception modules with an auxiliary classifier, in a net for training and one for testing."""

    def module(name: str, bottom: str, a: int, b: int, c: int) -> str:
        made = convolution(f"{name}/1x1", bottom, a, 1) + convolution(f"{name}/3x3_reduce", bottom, b // 2, 1)
        made += convolution(f"{name}/3x3", f"{name}/3x3_reduce", b, 3, "pad: 1")
        made += convolution(f"{name}/5x5_reduce", bottom, c // 2, 1)
        made += convolution(f"{name}/5x5", f"{name}/5x5_reduce", c, 5, "pad: 2")
        made += pooling(f"{name}/pool", bottom, "pool: MAX kernel_size: 3 stride: 1 pad: 1")
        made += convolution(f"{name}/pool_proj", f"{name}/pool", c, 1)
        branches = (f"{name}/{branch}" for branch in ("1x1", "3x3", "5x5", "pool_proj"))
        return made + layer("Concat", f"{name}/output", " ".join(branches))

    body = convolution("conv1", "data", 16, 3, "pad: 1") + pooling("pool1", "conv1", _OVERLAPPING)
    body += layer("LRN", "norm1", "pool1", more="lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }")
    body += module("3a", "norm1", 8, 16, 8) + pooling("pool3", "3a/output", _OVERLAPPING)
    body += module("3b", "pool3", 8, 16, 8)
    body += pooling("pool5", "3b/output", _GLOBAL) + units("loss3/classifier", "pool5", 10)
    side = units("loss1/classifier", "pool3", 10)
    side += layer("SoftmaxWithLoss", "loss1/loss", "loss1/classifier label", "loss1", "loss_weight: 0.3")
    last = layer("SoftmaxWithLoss", "loss3/loss", "loss3/classifier label", "loss3")
    tests = layer("Accuracy", "top-1", "loss3/classifier label") + layer(
        "Accuracy", "top-5", "loss3/classifier label", more="accuracy_param { top_k: 5 }"
    )
    train, test = _CIFAR.splitlines(keepends=True)
    files = {
        "train.prototxt": f'name: "inception"\n{train}{body}{side}{last}',
        "test.prototxt": f'name: "inception"\n{test}{body}{last}{tests}',
        "solver.prototxt": solver('train_net: "train.prototxt"\ntest_net: "test.prototxt"'),
    }
    return Network("inception", "train_net and test_net, an auxiliary loss, accuracies of one and of five", files,
                   ("SOLVER=solver.prototxt",))  # fmt: skip


def siamese() -> Network:
    """BVLC's siamese LeNet: two images as channels of one, shared parameters, ContrastiveLoss."""
    text = 'name: "mnist_siamese_train_test"\n'
    text += data("examples/siamese/mnist_siamese_train_leveldb", "TRAIN", 20, "scale: 0.00390625", "pair_data sim")
    text += data("examples/siamese/mnist_siamese_test_leveldb", "TEST", 20, "scale: 0.00390625", "pair_data sim")
    text += layer("Slice", "slice_pair", "pair_data", "data data_p", "slice_param { slice_dim: 1 slice_point: 1 }")
    for end in ("", "_p"):
        def named(name: str, kind: str, bottom: str, words: str, end: str = end) -> str:
            shared = f'param {{ name: "{name}_w" lr_mult: 1 }} param {{ name: "{name}_b" lr_mult: 2 }}'
            return layer(kind, f"{name}{end}", f"{bottom}{end}", more=f"{shared} {words} {FILLERS} }}")

        text += named("conv1", "Convolution", "data", "convolution_param { num_output: 12 kernel_size: 5")
        text += pooling(f"pool1{end}", f"conv1{end}")
        text += named("conv2", "Convolution", "pool1", "convolution_param { num_output: 20 kernel_size: 5")
        text += pooling(f"pool2{end}", f"conv2{end}")
        text += named("ip1", "InnerProduct", "pool2", "inner_product_param { num_output: 50")
        text += layer("ReLU", f"relu1{end}", f"ip1{end}", f"ip1{end}")
        text += named("feat", "InnerProduct", "ip1", "inner_product_param { num_output: 2")
    text += layer("ContrastiveLoss", "loss", "feat feat_p sim", more="contrastive_loss_param { margin: 1 }")
    files = {"siamese.prototxt": text, "siamese_solver.prototxt": solver('net: "examples/siamese/siamese.prototxt"')}
    return Network("siamese", "two images as channels of one, shared parameters, ContrastiveLoss, no accuracy", files,
                   ("SOLVER=siamese_solver.prototxt", "SHAPE=2x28x28"), data_set="pairs")  # fmt: skip


def fully_convolutional() -> Network:
    """Classifiers made convolutions, as net surgery makes them: a map of scores for an image that is larger."""
    text = 'name: "full_conv"\nlayer { name: "input" type: "Input" top: "data" '
    text += "input_param { shape { dim: 1 dim: 3 dim: 32 dim: 32 } } }\n"
    text += convolution("conv1", "data", 16, 5, "stride: 2") + pooling("pool1", "conv1")
    text += convolution("conv2", "pool1", 24, 3) + convolution("fc6-conv", "conv2", 48, 3)
    text += layer("Dropout", "drop6", "fc6-conv", "fc6-conv") + convolution("fc8-conv", "fc6-conv", 10, 1, relu=False)
    text += layer("Softmax", "prob", "fc8-conv")
    return Network("fully_convolutional", "a deploy net that gives a map of scores, no solver",
                   {"full_conv.prototxt": bare(text)}, ("MODEL=full_conv.prototxt",))  # fmt: skip


def detectnet() -> Network:
    """DIGITS's training prototxt of a DetectNet, its trunk one small convolution; on drawn streets."""
    settings = (
        "dataset.name=streets; dataset.detection.class_name=pedestrian; dataset.detection.frames=60; "
        "dataset.detection.iou=0.5"
    )
    adam = 'type: "Adam" base_lr: 0.0001 momentum: 0.9 momentum2: 0.999 weight_decay: 1e-08 lr_policy: "fixed"'
    files = {"detectnet_network.prototxt": digits_detectnet.training(source="/jobs/db"),
             "solver.prototxt": f'net: "detectnet_network.prototxt" max_iter: 100 solver_mode: GPU {adam}'}  # fmt: skip
    return Network("detectnet", "images, labels, DetectNetTransformation, three stages, Python that scores", files,
                   ("SOLVER=solver.prototxt",), data_set="", settings=settings)  # fmt: skip
