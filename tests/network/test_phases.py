"""One train_val.prototxt gives the train, the test and the deploy net."""

from typing import Any

import pytest
from chains import parsed

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.network import deployment, judging, layers, phases, shapes, topology
from evolve.network.layers import detectnet
from evolve.runs import paths
from evolve.settings import networks

DATA = (
    'layer { name: "data" type: "Data" top: "data" top: "label" include { phase: %s } data_param { batch_size: %d } }'
)
BOTH = DATA % ("TRAIN", 64) + DATA % ("TEST", 100)
IP = 'layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 2 } }'


def lenet() -> Any:
    return prototxt_text.read(networks.find("lenet") / paths.TRAIN_VAL, caffe_pb2.NetParameter(), {"DATA": "/data"})


def accuracy(of: str) -> str:
    return f'layer {{ name: "{of}/top-1" type: "Accuracy" bottom: "{of}" bottom: "label" top: "{of}/top-1" }}'


# Phases


@pytest.mark.parametrize(
    ("rules", "train", "test"),
    [
        ("", True, True),
        ("include { phase: TRAIN }", True, False),
        ("include { phase: TEST }", False, True),
        ("exclude { phase: TRAIN }", False, True),
        ("exclude { phase: TEST }", True, False),
        ("include { phase: TRAIN } include { phase: TEST }", True, True),
        ("exclude { phase: TRAIN } exclude { phase: TEST }", False, False),
        ("include { }", True, True),
        ("exclude { }", False, False),
        # No stage is set.
        ('include { stage: "deploy" }', False, False),
        ('exclude { stage: "deploy" }', True, True),
        ('include { not_stage: "deploy" }', True, True),
        ('include { phase: TEST not_stage: "deploy" }', False, True),
        ('include { stage: "a" } include { phase: TEST }', False, True),
        # The level is 0.
        ("include { min_level: 0 }", True, True),
        ("include { min_level: 1 }", False, False),
        ("include { max_level: 0 }", True, True),
        ("include { max_level: -1 }", False, False),
        ("exclude { min_level: 1 }", True, True),
        ("exclude { min_level: -2 max_level: 2 }", False, False),
        ("include { phase: TRAIN min_level: 1 }", False, False),
    ],
)
def test_rules(rules: str, train: bool, test: bool) -> None:
    """As Net::StateMeetsRule at level 0 without stages."""
    net = parsed(f'name: "n" layer {{ name: "x" type: "ReLU" {rules} }} layer {{ name: "y" type: "ReLU" }}')
    for phase, there in (("TRAIN", train), ("TEST", test)):
        names = [layer.name for layer in phases.for_phase(net, phase).layer]
        assert names == (["x", "y"] if there else ["y"])
    assert len(net.layer) == 2 and phases.for_phase(net, "TEST").name == "n"


def test_the_data_layer_of_a_phase() -> None:
    net = parsed(BOTH + IP)
    assert phases.batch_size(phases.data_layer(net, "TRAIN")) == 64
    assert phases.batch_size(phases.data_layer(net, "TEST")) == 100


@pytest.mark.parametrize(
    ("text", "got"),
    [
        (IP, "none"),
        (DATA % ("TRAIN", 64) + IP, "none"),
        (DATA % ("TEST", 1) + DATA.replace('name: "data"', 'name: "more"') % ("TEST", 1), "'data', 'more'"),
        ('layer { name: "mute" type: "Data" }', "'mute'"),
    ],
)
def test_not_one_data_layer(text: str, got: str) -> None:
    with pytest.raises(UserError) as error:
        phases.data_layer(parsed('name: "n" ' + text), "TEST")
    assert str(error.value) == f"net 'n': expected one data layer in phase TEST, got {got}"


@pytest.mark.parametrize(
    ("kind", "parameter", "size"),
    [
        ("Data", "data_param", 7),
        ("MemoryData", "memory_data_param", 8),
        ("ImageData", "image_data_param", 9),
        ("HDF5Data", "hdf5_data_param", 10),
        ("WindowData", "window_data_param", 11),
    ],
)
def test_batch_sizes(kind: str, parameter: str, size: int) -> None:
    net = parsed(f'layer {{ name: "d" type: "{kind}" top: "data" {parameter} {{ batch_size: {size} }} }}')
    assert phases.batch_size(net.layer[0]) == size


def test_no_batch_size() -> None:
    assert phases.batch_size(parsed('layer { name: "d" type: "Python" }').layer[0]) == 0


# Deploy


def test_the_deploy_net_of_lenet() -> None:
    net = deployment.deploy(lenet(), (1, 32, 32))
    assert net.name == "lenet"
    assert [(layer.name, layer.type, list(layer.bottom), list(layer.top)) for layer in net.layer] == [
        ("data", "Input", [], ["data"]),
        ("conv1", "Convolution", ["data"], ["conv1"]),
        ("pool1", "Pooling", ["conv1"], ["pool1"]),
        ("relu1", "ReLU", ["pool1"], ["pool1"]),
        ("conv2", "Convolution", ["pool1"], ["conv2"]),
        ("relu2", "ReLU", ["conv2"], ["conv2"]),
        ("pool2", "Pooling", ["conv2"], ["pool2"]),
        ("conv3", "Convolution", ["pool2"], ["conv3"]),
        ("relu3", "ReLU", ["conv3"], ["conv3"]),
        ("pool3", "Pooling", ["conv3"], ["pool3"]),
        ("ip1", "InnerProduct", ["pool3"], ["ip1"]),
        ("relu4", "ReLU", ["ip1"], ["ip1"]),
        ("ip2", "InnerProduct", ["ip1"], ["ip2"]),
        ("prob", "Softmax", ["ip2"], ["prob"]),
    ]
    assert list(net.layer[0].input_param.shape[0].dim) == [1, 1, 32, 32]
    text_of_it = str(net)
    for training_only in ("filler", "lr_mult", "include", "transform_param", "label", "accuracy"):
        assert training_only in str(lenet()) and training_only not in text_of_it


def test_what_stays_of_a_layer_and_what_does_not() -> None:
    layer = (
        'layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" include { phase: TEST } '
        "param { lr_mult: 2 } loss_weight: 3 propagate_down: true inner_product_param { num_output: 2 "
        'bias_term: false weight_filler { type: "xavier" } bias_filler { value: 1 } } }'
    )
    kept = deployment.deploy(parsed(BOTH + layer), (1, 2, 3)).layer[1]
    assert kept == parsed(IP.replace("num_output: 2", "num_output: 2 bias_term: false")).layer[0]


@pytest.mark.parametrize(
    ("loss", "output"),
    [
        ('type: "SoftmaxWithLoss"', 'layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }'),
        (
            'type: "SoftmaxWithLoss" softmax_param { axis: 2 }',
            'layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" softmax_param { axis: 2 } }',
        ),
        ('type: "SigmoidCrossEntropyLoss"', 'layer { name: "prob" type: "Sigmoid" bottom: "ip" top: "prob" }'),
        ('type: "EuclideanLoss"', ""),
        ('type: "HingeLoss"', ""),
        ('type: "Accuracy"', ""),
    ],
)
def test_losses_become_outputs(loss: str, output: str) -> None:
    net = parsed(BOTH + IP + f'layer {{ name: "loss" {loss} bottom: "ip" bottom: "label" top: "loss" }}')
    assert list(deployment.deploy(net, (1, 2, 2)).layer[2:]) == list(parsed(output).layer)


MADE = 'layer {{ name: "{0}" type: "Python" bottom: "{1}" top: "{2}" python_param {{ module: "own" layer: "Own" }} }}'


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        # Of data, in place, and one of another's: whatever another layer reads.
        (MADE.format("own", "data", "own") + IP.replace('bottom: "data"', 'bottom: "own"'), ["own", "ip"]),
        (IP + MADE.format("own", "ip", "ip") + IP.replace("ip", "ip2").replace('"data"', '"ip"'), ["ip", "own", "ip2"]),
        (MADE.format("a", "data", "a") + MADE.format("b", "a", "b") + IP.replace('"data"', '"b"'), ["a", "b", "ip"]),
        # Boxes, and a score of them.
        (IP + MADE.format("boxes", "ip", "boxes") + MADE.format("map", "boxes", "map"), ["ip"]),
        (IP + MADE.format("boxes", "ip", "ip"), ["ip"]),
    ],
)
def test_a_python_layer_that_is_not_known_stays_where_one_reads_it(text: str, kept: list[str]) -> None:
    assert [layer.name for layer in deployment.deploy(parsed(BOTH + text), (1, 2, 2)).layer[1:]] == kept


TIMES = """
    layer { name: "data" type: "Data" top: "data" top: "label" data_param { batch_size: 8 } }
    layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc" inner_product_param { num_output: 6 } }
    layer { name: "times" type: "Reshape" bottom: "fc" top: "times" reshape_param { shape { dim: 4 dim: -1 dim: 6 } } }
"""


def test_a_net_that_counts_on_its_batch_is_deployed_with_tests() -> None:
    deployed = deployment.deploy(parsed(TIMES), (3, 5, 5))
    assert list(deployed.layer[0].input_param.shape[0].dim) == [8, 3, 5, 5]
    assert [step.tops for step in shapes.infer(deployed)][-1] == ((4, 2, 6),)
    for one, batch in ((deployed, 8), (parsed(str(deployed).replace("dim: 4", "dim: -1")), 1)):
        sized = deployment.sized(one, (3, 7, 7))
        assert list(sized.layer[0].input_param.shape[0].dim) == [batch, 3, 7, 7]
    # Where no batch makes it whole, one image is as good as any.
    broken = parsed(TIMES.replace("dim: 4", "dim: 5"))
    assert list(deployment.deploy(broken, (3, 5, 5)).layer[0].input_param.shape[0].dim) == [1, 3, 5, 5]


FLAT = 'layer { name: "flat" type: "Flatten" bottom: "data" top: "flat" }'
IP2 = IP.replace('"ip"', '"ip2"')


@pytest.mark.parametrize(
    ("between", "kind", "bottoms", "kept"),
    [
        # Autoencoders, their target made flat, as it is, or larger and flat.
        (FLAT, "EuclideanLoss", ("ip", "flat"), ["ip"]),
        (FLAT, "EuclideanLoss", ("flat", "ip"), ["ip"]),
        (FLAT, "SigmoidCrossEntropyLoss", ("ip", "flat"), ["ip", "prob"]),
        ("", "EuclideanLoss", ("ip", "data"), ["ip"]),
        (
            'layer { name: "twice" type: "Power" bottom: "data" top: "twice" power_param { scale: 2 } }'
            + FLAT.replace('"data"', '"twice"'), "EuclideanLoss", ("ip", "flat"), ["ip"],
        ),
        # What another layer reads stays, and so do two predictions.
        (FLAT + IP2.replace('"data"', '"flat"'), "EuclideanLoss", ("ip", "flat"), ["flat", "ip2", "ip"]),
        (IP2, "EuclideanLoss", ("ip", "ip2"), ["ip2", "ip"]),
    ],
)  # fmt: skip
def test_a_loss_without_labels(between: str, kind: str, bottoms: tuple[str, str], kept: list[str]) -> None:
    loss = f'layer {{ name: "loss" type: "{kind}" bottom: "{bottoms[0]}" bottom: "{bottoms[1]}" top: "loss" }}'
    after = 'layer { name: "weighed" type: "Power" bottom: "loss" top: "weighed" power_param { scale: 2 } }'
    deployed = deployment.deploy(parsed(BOTH + between + IP + loss + after), (1, 2, 2))
    assert [layer.name for layer in deployed.layer[1:]] == kept


@pytest.mark.parametrize("last", ["", 'layer { name: "last" type: "Power" bottom: "said" top: "last" }'])
def test_predictions_of_something_beside_the_image(last: str) -> None:
    """As of a sentence's words: what is of the image alone would be another network."""
    words = IP2.replace('"data"', '"words"').replace('"ip2"', '"embedded"')
    both = 'layer { name: "said" type: "Eltwise" bottom: "embedded" bottom: "ip" top: "said" }'
    blob = "last" if last else "said"
    loss = f'layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "{blob}" bottom: "label" top: "loss" }}'
    data = BOTH.replace('top: "label"', 'top: "label" top: "words"')
    with pytest.raises(UserError) as error:
        deployment.deploy(parsed(data + IP + words + both + last + loss), (1, 2, 2))
    assert str(error.value) == (
        "layer 'embedded': expected a bottom that is computed from the image, got 'words', which its data layer gives "
        "beside that, and 'loss' is of what comes of it; give a prototxt with an Input for each of them"
    )
    # What is learned of labels for the training alone may go, and so may what nothing is learned in.
    near = 'layer { name: "near" type: "EuclideanLoss" bottom: "ip" bottom: "embedded" top: "near" }'
    assert [layer.name for layer in deployment.deploy(parsed(data + IP + words + near), (1, 2, 2)).layer[1:]] == ["ip"]
    masked = 'layer { name: "said" type: "Eltwise" bottom: "words" bottom: "ip" top: "said" }'
    kept = deployment.deploy(parsed(data + IP + masked + last + loss), (1, 2, 2))
    assert [layer.name for layer in kept.layer[1:]] == ["ip"]


def test_a_loss_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "_TYPES", layers.known())
    layers.register(layers.LayerType("Near", module="own", bottoms=(2, 2), sink=True, judges=True))
    loss = MADE.format("near", "ip", "near").replace('"Own"', '"Near"').replace('top:', 'bottom: "flat" top:')
    deployed = deployment.deploy(parsed(BOTH + FLAT + IP + loss), (1, 2, 2))
    assert [layer.name for layer in deployed.layer] == ["data", "ip"]


def test_deploying_changes_nothing_in_the_template() -> None:
    net = lenet()
    deployment.deploy(net, (1, 32, 32))
    assert net == lenet()


# The data layer in words


@pytest.mark.parametrize(
    ("transform", "words"),
    [
        ("", "pixels 0..255"),
        ("scale: 0.00390625", "pixels 0..255, times 0.00390625"),
        ("crop_size: 28 mirror: true", "pixels 0..255, the central 28 x 28"),
        ("mean_value: 104 mean_value: 117.5 mean_value: 123", "pixels 0..255, minus 104, 117.5, 123"),
        (
            'scale: 0.5 mean_file: "mean.binaryproto" crop_size: 227',
            "pixels 0..255, the central 227 x 227, minus mean.binaryproto, times 0.5",
        ),
    ],
)
def test_preprocessing(transform: str, words: str) -> None:
    layer = parsed(f'layer {{ name: "data" transform_param {{ {transform} }} }}').layer[0]
    assert phases.preprocessing(layer) == words


def test_example_shape() -> None:
    whole, cropped = (parsed(f"layer {{ {t} }}").layer[0] for t in ("", "transform_param { crop_size: 24 }"))
    assert phases.example_shape(whole, (3, 32, 40)) == (3, 32, 40)
    assert phases.example_shape(cropped, (3, 32, 40)) == (3, 24, 24)


def test_with_data_of() -> None:
    smaller = parsed('name: "small"' + BOTH.replace("64", "16") + IP.replace("num_output: 2", "num_output: 1"))
    moved = parsed('name: "template"' + BOTH.replace("100", "50") + IP)
    result = phases.with_data_of(smaller, moved)
    assert result.name == "small" and [layer.name for layer in result.layer] == ["data", "data", "ip"]
    assert [phases.batch_size(layer) for layer in result.layer[:2]] == [64, 50]
    assert result.layer[2].inner_product_param.num_output == 1


def test_deploy_of_a_net_with_several_losses_and_layers_that_read_labels() -> None:
    net = parsed("""
        layer { name: "data" type: "Data" top: "data" top: "label" top: "mask" data_param { batch_size: 2 } }
        layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc" param { name: "w" lr_mult: 2 } param { }
          inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
        layer { name: "norm" type: "BatchNorm" bottom: "fc" top: "fc" param { lr_mult: 0 } }
        layer { name: "scale" type: "Scale" bottom: "fc" top: "fc" scale_param { bias_term: true filler { value: 2 } } }
        layer { name: "masked" type: "Eltwise" bottom: "fc" bottom: "mask" top: "masked" }
        layer { name: "near" type: "EuclideanLoss" bottom: "masked" bottom: "mask" top: "near" }
        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }
        layer { name: "loss2" type: "SigmoidCrossEntropyLoss" bottom: "fc" bottom: "mask" top: "loss2" }
        layer { name: "extra" type: "InnerProduct" bottom: "fc" top: "extra" include { phase: TRAIN } }
    """)
    deployed = deployment.deploy(net, (3, 8, 8))
    assert [(layer.name, layer.type) for layer in deployed.layer] == [
        ("data", "Input"), ("fc", "InnerProduct"), ("norm", "BatchNorm"), ("scale", "Scale"), ("prob", "Softmax"),
        ("loss2/prob", "Sigmoid"),
    ]  # fmt: skip
    # What is shared stays shared; learning rates and fillers are training's.
    assert [parameter.name for parameter in deployed.layer[1].param] == ["w", ""]
    assert not deployed.layer[1].param[0].HasField("lr_mult") and not deployed.layer[2].param
    assert not deployed.layer[3].scale_param.HasField("filler") and deployed.layer[3].scale_param.bias_term
    whole = deployment.with_training_layers(deployed, net, {"fc", "norm", "scale", "extra"})
    assert [layer.name for layer in whole.layer][-1] == "extra" and len(whole.layer) == len(deployed.layer) + 1


AUXILIARY = """
    layer { name: "data" type: "Data" top: "data" top: "label" data_param { batch_size: 2 } }
    layer { name: "fc1" type: "InnerProduct" bottom: "data" top: "fc1" inner_product_param { num_output: 4 } }
    layer { name: "loss1" type: "SoftmaxWithLoss" bottom: "fc1" bottom: "label" top: "loss1" loss_weight: 0.3 }
    layer { name: "fc3" type: "InnerProduct" bottom: "data" top: "fc3" inner_product_param { num_output: 4 } }
"""
SAID = 'layer { name: "said" type: "Softmax" bottom: "fc3" top: "said" }'
MAIN = 'layer { name: "loss3" type: "SoftmaxWithLoss" bottom: "fc3" bottom: "label" top: "loss3" }'


@pytest.mark.parametrize(
    ("more", "outputs", "judged"),
    [
        (accuracy("fc1") + MAIN + accuracy("fc3"), [("loss1/prob", "fc1"), ("prob", "fc3")], "prob"),
        # Without an accuracy of the main one the auxiliary classifier is all that is judged.
        (accuracy("fc1") + MAIN, [("prob", "fc1"), ("loss3/prob", "fc3")], "prob"),
        # The accuracy may be of the shares, by a layer of theirs.
        (SAID + MAIN + accuracy("said"), [("loss1/prob", "fc1"), ("said", "fc3")], "said"),
    ],
)
def test_prob_is_what_the_accuracy_is_of(more: str, outputs: list[tuple[str, str]], judged: str) -> None:
    """As GoogLeNet has it: auxiliary classifiers come first, in TEST too."""
    net = parsed(AUXILIARY + more)
    deployed = deployment.deploy(net, (3, 8, 8))
    made = [(layer.name, layer.bottom[0]) for layer in deployed.layer if layer.type == "Softmax"]
    assert made == outputs and judging.output(net, deployed) == judged


def test_the_output_that_the_accuracy_is_of_in_a_net_deployed_otherwise() -> None:
    net = parsed(AUXILIARY + MAIN + accuracy("fc3"))
    fc = 'layer { name: "fc3" type: "InnerProduct" top: "fc3" }'
    prob = 'layer { name: "%s" type: "Softmax" bottom: "%s" top: "%s" }'
    assert judging.output(net, parsed(fc + prob % ("prob", "fc1", "prob") + prob % ("p3", "fc3", "p3"))) == "p3"
    assert judging.output(net, parsed(fc)) == "fc3"
    assert judging.output(net, parsed(prob % ("prob", "fc1", "prob"))) == ""


# DetectNetData


DETECTION = """layer { name: "data" type: "Python" top: "data" top: "truth" top: "labels"
  python_param { module: "evolve.detectnet.layers" layer: "DetectNetData"
    param_str: "detectnet_groundtruth_param { stride: 16 image_size_x: 320 image_size_y: 192 "
               "  object_class { src: 1 dst: 0 } object_class { src: 2 dst: 1 } } transform_param { mean_value: 127 } "
               "data_param { source: 'a' label_source: 'b' batch_size: 6 }" } }"""


def test_a_detection_nets_data_are_known_from_its_prototxt() -> None:
    net = parsed(DETECTION)
    data = net.layer[0]
    assert phases.batch_size(data) == 6 and phases.reads_data(data)
    assert phases.example_shape(data, (1, 2, 3)) == (3, 192, 320)
    assert phases.preprocessing(data) == "pixels 0..255, minus 127"
    (step,) = shapes.infer(net)
    assert step.tops == ((6, 3, 192, 320), (6, 8 + 2, 12, 20), (6, 1, 2, 16))


def test_a_detection_nets_data_move() -> None:
    data = parsed(DETECTION).layer[0]
    detectnet.start_at(data, 42)
    detectnet.forget_source(data)
    assert "start: 42" in data.python_param.param_str
    assert "source" not in data.python_param.param_str


# Several data layers


TWO = """layer { name: "left" type: "Data" top: "left" data_param { batch_size: 2 } }
layer { name: "right" type: "Data" top: "right" data_param { batch_size: 2 } }
layer { name: "labels" type: "Data" top: "label" data_param { batch_size: 2 } }
layer { name: "cut" type: "Slice" bottom: "label" top: "first" top: "second" slice_param { axis: 0 slice_point: 1 } }
layer { name: "both" type: "Concat" bottom: "left" bottom: "right" top: "both" }
layer { name: "ip" type: "InnerProduct" bottom: "both" top: "ip" inner_product_param { num_output: 3 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""


def test_images_are_what_a_way_leads_from_to_synapses() -> None:
    net = prototxt_text.parse(TWO, caffe_pb2.NetParameter(), "net")
    assert [layer.name for layer in phases.image_layers(net, "TEST")] == ["left", "right"]
    fed = phases.fed_by_inputs(net, "TEST", (3, 8, 8))
    shapes = {layer.top[0]: tuple(layer.input_param.shape[0].dim) for layer in fed.layer if layer.type == "Input"}
    assert shapes == {"left": (2, 3, 8, 8), "right": (2, 3, 8, 8), "label": (2,)}
    deployed = deployment.deploy(net, (3, 8, 8))
    assert [layer.name for layer in deployed.layer] == ["left", "both", "ip", "prob"]
    assert list(deployed.layer[0].top) == ["left", "right"]


def test_a_layer_of_unknown_type_without_bottoms_is_data() -> None:
    """As fully convolutional networks and Faster R-CNN are fed, by Python that is not here."""
    python = 'layer { name: "data" type: "Python" top: "data" top: "label" python_param { module: "m" layer: "L" } }'
    loss = 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }'
    net = prototxt_text.parse(python + IP + loss, caffe_pb2.NetParameter(), "net")
    sized = deployment.sized(net, (3, 8, 8))
    assert [(layer.name, layer.type) for layer in sized.layer] == [
        ("data", "Input"), ("ip", "InnerProduct"), ("prob", "Softmax")
    ]  # fmt: skip
    assert list(sized.layer[0].input_param.shape[0].dim) == [1, 3, 8, 8]


def constants(*dims: int, kind: str = "DummyData", parameter: str = "dummy_data_param", more: str = "") -> str:
    shape = " ".join(f"dim: {dim}" for dim in dims)
    return f'layer {{ name: "k" type: "{kind}" top: "k" {parameter} {{ shape {{ {shape} }} {more} }} }}'


LEARNED = constants(8, 6, 5, 5, kind="Parameter", parameter="parameter_param")
MASK = constants(8, 6, 5, 5, more='data_filler { type: "constant" value: 0.5 }')
ZEROS = constants(8, 6, 5, 5)
MASKED = (
    'layer { name: "data" type: "Data" top: "data" top: "label" data_param { batch_size: 8 } }'
    'layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" '
    "convolution_param { num_output: 6 kernel_size: 1 } }"
    'layer { name: "masked" type: "Eltwise" bottom: "conv" bottom: "k" top: "masked" }'
    'layer { name: "ip" type: "InnerProduct" bottom: "masked" top: "ip" inner_product_param { num_output: 2 } }'
    'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }'
)


@pytest.mark.parametrize("given", [MASK, ZEROS, LEARNED])
@pytest.mark.parametrize("first", [True, False])
def test_constants_beside_images_are_a_part_of_the_net(given: str, first: bool) -> None:
    net, kept = parsed(given + MASKED if first else MASKED + given), parsed(given).layer[0]
    if not first:
        net.layer.insert(1, net.layer.pop())
    assert phases.data_layer(net, "TRAIN").name == "data"
    assert [layer.name for layer in phases.image_layers(net, "TEST")] == ["data"]
    fed = phases.fed_by_inputs(net, "TEST", (3, 5, 5))
    assert {layer.type for layer in fed.layer if not layer.bottom} == {"Input", kept.type} and kept in fed.layer
    for deployed in (deployment.deploy(net, (3, 5, 5)), deployment.sized(net, (3, 5, 5))):
        # The mask has the batch of TEST in its shape.
        inputs = [layer for layer in deployed.layer if layer.type == "Input"]
        assert [list(shape.dim) for layer in inputs for shape in layer.input_param.shape] == [[8, 3, 5, 5]]
        assert kept in deployed.layer and {"masked", "ip", "prob"} <= {layer.name for layer in deployed.layer}
        again = deployment.sized(deployed, (3, 5, 5))
        assert kept in again.layer and again.layer[0].name == deployed.layer[0].name
    changed = parsed(MASKED.replace("batch_size: 8", "batch_size: 4") + given)
    assert [layer.name for layer in phases.with_data_of(net, changed).layer].count("k") == 1
    assert phases.batch_size(phases.data_layer(phases.with_data_of(net, changed), "TEST")) == 4


def test_channels_that_a_mask_lies_on_stay() -> None:
    for words, stays in ((MASKED, True), (MASKED.replace("Eltwise", "Concat"), False)):
        net = phases.fed_by_inputs(parsed(MASK + words), "TEST", (3, 5, 5))
        graph = topology.read([net])
        of = {blob.name: graph.kept[blob.channel_groups] for blob in graph.blobs}
        assert of["k"].all() and of["conv"].all() == stays == of["conv"].any()
        assert "k" not in graph.answers()


def test_constants_that_a_loss_alone_reads_are_not_deployed() -> None:
    loss = 'layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "twice" top: "loss" }'
    twice = 'layer { name: "twice" type: "Power" bottom: "k" top: "twice" power_param { scale: 2 } }'
    deployed = deployment.deploy(parsed(BOTH + constants(100, 2) + twice + IP + loss), (1, 2, 2))
    assert [layer.name for layer in deployed.layer] == ["data", "ip"]


DRAWN = constants(8, 6, 5, 5, more='data_filler { type: "gaussian" }')


def test_what_is_drawn_and_what_stands_alone_feeds() -> None:
    with pytest.raises(UserError, match="expected one data layer in phase TEST, got 'k', 'data'"):
        phases.data_layer(parsed(DRAWN + MASKED), "TEST")
    assert phases.data_layer(parsed(constants(8, 3)), "TEST").name == "k"
    # Labels of a net that is only timed.
    timed = constants(8, 6, more='data_filler { type: "uniform" }') + constants(8).replace('"k"', '"label"')
    assert [layer.name for layer in phases.feeding(parsed(timed).layer)] == ["k", "label"]


IMAGE, OTHER = "shape { dim: 2 dim: 3 dim: 4 dim: 4 }", "shape { dim: 1 dim: 3 }"


@pytest.mark.parametrize(
    ("told", "sizes"),
    [
        ([""], [[1, 3, 8, 8]]),
        ([IMAGE], [[1, 3, 8, 8]]),
        ([IMAGE + OTHER], [[1, 3, 8, 8], [1, 3]]),
        ([OTHER + IMAGE], [[1, 3], [1, 3, 8, 8]]),
        ([IMAGE + IMAGE], [[1, 3, 8, 8]] * 2),
        ([IMAGE, OTHER, IMAGE], [[1, 3, 8, 8], [1, 3], [1, 3, 8, 8]]),
    ],
)
def test_inputs_that_are_images_are_sized(told: list[str], sizes: list[list[int]]) -> None:
    """Whether one Input has all, or each one of its own; im_info of Faster R-CNN stays as it is."""
    text = "".join(f'layer {{ name: "{k}" type: "Input" top: "{k}" input_param {{ {shapes} }} }}'
                   for k, shapes in enumerate(told))  # fmt: skip
    sized = deployment.sized(parsed(text), (3, 8, 8))
    assert [list(each.dim) for layer in sized.layer for each in layer.input_param.shape] == sizes


@pytest.mark.parametrize("name", ["prob", "softmax", "loss/prob"])
def test_a_softmax_beside_the_loss_is_the_deployed_one(name: str) -> None:
    softmax = f'layer {{ name: "{name}" type: "Softmax" bottom: "ip" top: "prob" }}'
    for text in (TWO + softmax, TWO.replace('layer { name: "loss"', f'{softmax}\nlayer {{ name: "loss"')):
        deployed = deployment.deploy(prototxt_text.parse(text, caffe_pb2.NetParameter(), "net"), (3, 8, 8))
        tops = [top for layer in deployed.layer for top in layer.top]
        assert tops.count("prob") == 1 and [layer.name for layer in deployed.layer][-1] == name


def test_a_name_that_something_else_has_is_not_the_deployed_softmaxs() -> None:
    other = 'layer { name: "prob" type: "ReLU" bottom: "ip" top: "prob" }'
    deployed = deployment.deploy(prototxt_text.parse(TWO + other, caffe_pb2.NetParameter(), "net"), (3, 8, 8))
    assert [layer.name for layer in deployed.layer][-2:] == ["loss/prob", "prob"]


def test_batches_are_limited() -> None:
    net = parsed(BOTH)
    for layer in net.layer:
        phases.limit_batch(layer, 80)
    assert [layer.data_param.batch_size for layer in net.layer] == [64, 80]
