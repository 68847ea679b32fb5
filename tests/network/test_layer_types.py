"""Every layer type is registered once, with all that is known of it; a user may register one of their own."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chains import net_of, parsed

from evolve.base.errors import UserError
from evolve.figures import count_table
from evolve.lineage import experiment
from evolve.network import deployment, fold, layers, reach, resize, shapes, topology
from evolve.network.layers import LayerType
from evolve.runs import paths
from evolve.settings import networks
from trt.onnx import translation

# What Caffe has and is not known here: their tops depend on values, or on what another time step left.
UNKNOWN = {"Filter", "LSTMUnit", "Python"}
PYTHON = {
    "DetectNetData", "DetectNetTransformation", "L1Loss", "ClusterDetections", "ClusterGroundtruth", "ScoreDetections",
    "mAP",
}  # fmt: skip


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A registry of the test's own, as it is for all others."""
    monkeypatch.setattr(layers, "_TYPES", layers.known())
    monkeypatch.setattr(layers, "_loaded", set())
    yield


def test_all_of_caffes_layer_types_are_known() -> None:
    words = "import caffe; print(*caffe.layer_type_list())"
    listed = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True).stdout.split()
    # A Caffe that was built without OpenCV lacks two.
    listed += ["ImageData", "WindowData"]
    assert set(layers.known()) == set(listed) - UNKNOWN | PYTHON
    assert {name for name, kind in layers.known().items() if kind.module} == PYTHON


def test_what_does_not_evolve_says_why() -> None:
    reasons = {name: kind.not_evolving for name, kind in layers.known().items() if kind.not_evolving}
    assert reasons == {
        "DetectNetTransformation": "as it is part of the data",
        "Embed": "as its rows are looked up by number and no channel goes on",
        "LSTM": "as its neurons read themselves",
        "Parameter": "as no neuron stands behind what it learns",
        "RNN": "as its neurons read themselves",
    }


def test_onnx_says_all_that_is_known_but_what_needs_labels_or_data() -> None:
    """ONNX has a table of its own; types that stand in one alone do so on purpose."""
    known = layers.known()
    assert set(translation.SAYABLE) <= set(known)
    unsayable = set(known) - set(translation.SAYABLE)
    sources = {name for name in unsayable if known[name].bottoms == (0, 0)}
    assert sources - PYTHON == {"Data", "HDF5Data", "ImageData", "Input", "MemoryData", "WindowData"}
    assert unsayable - sources - PYTHON == {
        "Accuracy", "ContrastiveLoss", "EuclideanLoss", "HDF5Output", "HingeLoss", "InfogainLoss", "LSTM",
        "MultinomialLogisticLoss", "RNN", "SigmoidCrossEntropyLoss", "SoftmaxWithLoss",
    }  # fmt: skip


def embedded() -> Any:
    return net_of(
        "Convolution convolution_param { num_output: 2 kernel_size: 1 }",
        "Embed embed_param { num_output: 3 input_dim: 5 }",
        "InnerProduct inner_product_param { num_output: 2 }",
    )


def test_a_layer_that_does_not_evolve_is_refused_or_left_whole() -> None:
    with pytest.raises(UserError) as error:
        topology.read([embedded()])
    assert str(error.value) == (
        "layer 'embed2': Embed is not supported for evolving, as its rows are looked up by number and no channel goes "
        "on; keep_unknown: true leaves everything that touches it whole"
    )
    graph = topology.read([embedded()], keep_unknown=True)
    assert graph.outputs[graph.outputs_of(graph.weighted[0])].all()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("InnerProduct inner_product_param { num_output: 3 axis: 2 }", "transpose and axis do not evolve; use the "
         "defaults"),
        ("InnerProduct inner_product_param { num_output: 3 transpose: true }", "transpose and axis do not evolve; use "
         "the defaults"),
        ("Convolution convolution_param { num_output: 3 kernel_size: 1 axis: 2 }", "expected its channels on axis 1, "
         "got axis 2; give it those"),
    ],
)  # fmt: skip
def test_weights_along_another_axis_are_refused_or_left_whole(words: str, why: str) -> None:
    """And what they read; what the layers before that read may go."""
    first = "Convolution convolution_param { num_output: 2 kernel_size: 1 }"
    net = net_of(first, first, words)
    with pytest.raises(UserError) as error:
        topology.read([net])
    name = net.layer[-1].name
    assert str(error.value) == f"layer '{name}': {why}, or keep_unknown: true leaves everything that touches it whole"
    graph = topology.read([net], keep_unknown=True)
    assert [layer.name for layer in graph.weighted] == ["convolution1", "convolution2"]
    assert [bool(graph.kept[graph.outputs_of(layer)].all()) for layer in graph.weighted] == [False, True]


def channels_of(*words: str, shape: tuple[int, ...] = (2, 4, 4)) -> list[int]:
    """Which channels of the convolution before it the last layer's tops are."""
    net = net_of("Convolution convolution_param { num_output: 2 kernel_size: 1 }", *words, shape=shape)
    net.layer.add(name="out", type="InnerProduct", bottom=[net.layer[-1].top[0]], top=["out"])
    net.layer[-1].inner_product_param.num_output = 1
    graph = topology.read([net])
    numbers = graph.outputs_of(graph.weighted[0]).tolist()
    return [numbers.index(group) for group in graph.blobs[-2].channel_groups.tolist()]


@pytest.mark.parametrize(
    ("words", "channels"),
    [
        ("Tile tile_param { tiles: 3 }", [0, 1, 0, 1, 0, 1]),
        ("Tile tile_param { axis: 2 tiles: 3 }", [0, 1]),
        ("SPP spp_param { pyramid_height: 1 }", [0, 1]),
        ("SPP spp_param { pyramid_height: 2 }", [0, 1, 0, 0, 0, 0, 1, 1, 1, 1]),
        ("Im2col convolution_param { kernel_h: 1 kernel_w: 2 }", [0, 0, 1, 1]),
        ("Reduction reduction_param { axis: 2 }", [0, 1]),
        ("Clip clip_param { min: 0 max: 6 }", [0, 1]),
        ("Swish", [0, 1]),
        ("MVN", [0, 1]),
    ],
)
def test_channels_that_several_tops_have(words: str, channels: list[int]) -> None:
    assert channels_of(words) == channels


def test_a_reduction_of_all_channels_cannot_be_followed() -> None:
    with pytest.raises(UserError) as error:
        topology.read([net_of("Reduction reduction_param { axis: 1 }", shape=(2, 4, 4))])
    assert str(error.value) == (
        "layer 'reduction1': expected a Reduction behind axis 1, which keeps channels apart, got axis 1; "
        "keep_unknown: true leaves everything that touches it whole"
    )


def test_batches_in_another_order_have_the_same_channels() -> None:
    net = parsed(
        'layer { name: "data" type: "Input" top: "data" top: "order" input_param { shape { dim: 2 dim: 3 } '
        'shape { dim: 4 } } } layer { name: "again" type: "BatchReindex" bottom: "data" bottom: "order" top: "again" } '
        'layer { name: "ip" type: "InnerProduct" bottom: "again" top: "ip" inner_product_param { num_output: 1 } }'
    )
    graph = topology.read([net])
    first, again = (graph.blobs[number].channel_groups.tolist() for number in (0, 2))
    assert first == again and graph.blobs[2].shape == (4, 3)


# A user's own


SOFTSIGN = """
from evolve.network.layers import LayerType, register

register(LayerType("Softsign", module="my_layers", constant=lambda given: [given.first / (1 + abs(given.first))]))
"""


def with_softsign() -> Any:
    net = net_of(
        "Convolution convolution_param { num_output: 2 kernel_size: 1 }",
        'Python python_param { module: "my_layers" layer: "Softsign" }',
        "Convolution convolution_param { num_output: 1 kernel_size: 1 }",
    )
    return net


def test_a_layer_of_ones_own(registry: None, tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        topology.read([with_softsign()])
    assert str(error.value) == "layer 'python2': type Python is not known here; keep_unknown leaves it whole"
    (tmp_path / "layer_types.py").write_text(SOFTSIGN)
    layers.load_beside(tmp_path)
    layers.load_beside(tmp_path)  # once
    net = with_softsign()
    assert layers.kind(net.layer[2]) == "Softsign"
    graph = topology.read([net])
    weights = {step.layer.name: [np.ones(shape, np.float32) for shape in step.blob_shapes]
               for step in shapes.infer(net) if step.blob_shapes}  # fmt: skip
    weights["convolution1"][0][1], weights["convolution1"][1][1] = 0, 3
    kept = resize.complete(graph, fold.fold_constants(graph, weights))
    assert resize.resized(net, graph, kept).layer[1].convolution_param.num_output == 1
    assert weights["convolution3"][1].tolist() == [1 + 3 / 4]


def test_one_text_is_one_wherever_its_copies_lie(registry: None, tmp_path: Path) -> None:
    """As adopt has it: what is brought and what is written have one each."""
    for name in ("brought", "adopted"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "layer_types.py").write_text(SOFTSIGN)
        layers.load_beside(tmp_path / name)
    (tmp_path / "adopted" / "layer_types.py").write_text(SOFTSIGN + "# more")
    with pytest.raises(UserError, match="'Softsign': expected a type that is not known yet"):
        layers.load_beside(tmp_path / "adopted")


def test_a_generation_knows_its_runs(registry: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tmp_path / "seed1" / "gen002"
    for folder in (made, tmp_path / "seed1" / "prototxt"):
        folder.mkdir(parents=True)
    (tmp_path / "seed1" / "prototxt" / "layer_types.py").write_text(SOFTSIGN)
    (made / "deploy.prototxt").write_text(str(with_softsign()))
    monkeypatch.chdir(made)
    told = count_table.sheet(Path("deploy.prototxt"))
    assert layers.kind(with_softsign().layer[2]) == "Softsign" and told


def test_beside_a_network_it_is_known_to_whoever_reads_that(registry: None, tmp_path: Path) -> None:
    folder = tmp_path / "lenet"
    shutil.copytree(networks.find("lenet"), folder)
    train_val = folder / paths.TRAIN_VAL
    own = 'type: "Python" python_param { module: "my_layers" layer: "Softsign" }'
    text = train_val.read_text().replace('name: "relu3" type: "ReLU"', f'name: "relu3" {own}')
    train_val.write_text(text)
    with pytest.raises(UserError) as error:
        read = experiment.load(str(folder))
        read.graph(read.net(tmp_path), read.stored_shape())
    line = 1 + text[: text.index("relu3")].count("\n")
    assert str(error.value) == (
        f"{train_val}:{line}: layer 'relu3': type Python is not known here; keep_unknown leaves it whole"
    )
    (folder / "layer_types.py").write_text(SOFTSIGN)
    read = experiment.load(str(folder))
    graph = read.graph(read.net(tmp_path), read.stored_shape())
    assert [layer.outputs for layer in graph.weighted] == [32, 32, 64, 64, 10]
    deployed = deployment.deploy(read.net(tmp_path), (1, 32, 32))
    assert [layer.type for layer in deployed.layer].count("Python") == 1


def test_of_a_module_of_another_name_nothing_is_known(registry: None) -> None:
    layers.register(LayerType("Softsign", module="my_layers"))
    net = with_softsign()
    net.layer[2].python_param.module = "other_layers"
    assert layers.of(net.layer[2]) is None and layers.kind(net.layer[2]) == "Python"


def test_a_layer_with_weights_a_channel_of_ones_own(registry: None) -> None:
    """Its blob goes with the channels: those that go take its values along, and silence clears its shift."""
    layers.register(
        LayerType(
            "Shift",
            module="my_layers",
            learned=lambda layer, bottoms, tops: [layers.LearnedBlob((bottoms[0][1],), 0, shift=True)],
        )
    )
    net = net_of(
        "Convolution convolution_param { num_output: 3 kernel_size: 1 }",
        'Python python_param { module: "my_layers" layer: "Shift" }',
        "Convolution convolution_param { num_output: 1 kernel_size: 1 }",
    )
    graph = topology.read([net])
    weights = {step.layer.name: [np.ones(shape, np.float32) for shape in step.blob_shapes]
               for step in shapes.infer(net) if step.blob_shapes}  # fmt: skip
    weights["python2"][0][:] = [1, 2, 3]
    weights["convolution1"][0][1] = 0
    exists = reach.alive(graph, weights)
    resize.silence(graph, weights, exists)
    assert weights["python2"][0].tolist() == [1, 0, 3]
    assert resize.shrunk(graph, weights, exists.kept)["python2"][0].tolist() == [1, 3]


def test_a_name_that_is_taken(registry: None) -> None:
    with pytest.raises(UserError) as error:
        layers.register(LayerType("ReLU"))
    assert str(error.value) == "layer type 'ReLU': expected a type that is not known yet; name it otherwise"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("register(", "'(' was never closed (layer_types.py, line 1)"),
        ("1 / 0", "division by zero"),
    ],
)
def test_a_file_of_types_that_fails(registry: None, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "layer_types.py").write_text(text)
    with pytest.raises(UserError) as error:
        layers.load_beside(tmp_path)
    path = tmp_path / "layer_types.py"
    assert str(error.value) == f"{path}: {message}; mend the file, or take it away"


def test_no_file_of_types(registry: None, tmp_path: Path) -> None:
    before = layers.known()
    layers.load_beside(tmp_path)
    assert layers.known() == before
