"""Each recipe of docs/extending.md is followed in a copy of the code, by the page's own blocks, and works."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import proto_compiler
import pytest
from recipes import RECIPES, ROOT

from evolve.proto import caffemodel_pb2, detectnet_pb2, evolution_pb2
from evolve.runs import generation, paths
from tests.runs.made_up import metrics

COPIED = ("evolve", "trt", "datasets", "prototxt")
NETWORK = "A network"


class Tree:
    """A copy of the code, and the processes that run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in COPIED:
            shutil.copytree(ROOT / name, folder / name)
        shutil.copy(ROOT / "Makefile", folder)

    def follow(self, title: str) -> None:
        """Does what a recipe says, and nothing else; the files that it names are those that are new or other then."""
        recipe, before = RECIPES[title], self._files()
        for block in recipe.blocks:
            block.apply(self.folder)
        if recipe.makes_messages:
            proto_compiler.make(self.folder / "evolve/proto/evolution.proto")
        touched = {path for path, content in self._files().items() if before.get(path) != content}
        # The types that mypy reads are made by protoc alone; nothing that runs asks for them.
        assert touched == {path for path in recipe.touches if not path.endswith(".pyi")}

    def _files(self) -> dict[str, bytes]:
        files = (file for file in self.folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
        return {str(file.relative_to(self.folder)): file.read_bytes() for file in files}

    def python(self, *words: str) -> str:
        """What `python words` prints in this folder, with the copy's packages."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CAVEFISH_")}
        environment |= {"PYTHONPATH": str(self.folder), "CAVEFISH_OFFLINE": "1", "OPENBLAS_NUM_THREADS": "1"}
        ran = subprocess.run([sys.executable, *words], cwd=self.folder, env=environment, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def cavefish(self, *words: str) -> str:
        """What the copy's command says."""
        return self.python("-m", "evolve.command.command", *words)

    def says(self, program: str) -> Any:
        """What a program prints as JSON; `network` gives it my_net's experiment, net, and weights drawn by a seed."""
        return json.loads(self.python("-c", PREAMBLE + program))


PREAMBLE = """
import json, sys
from pathlib import Path
import numpy as np
import evolve
assert Path(evolve.__file__).parents[1] == Path.cwd()
from evolve.lineage import experiment
from evolve.network import deployment, phases, shapes, weights
from evolve.settings import changes

def network(changed=""):
    read = experiment.load("my_net", changed=changes.single(changed))
    net = read.net(Path("none"))
    random = np.random.default_rng(1)
    fed = phases.fed_by_inputs(net, "TEST", (1, 28, 28))
    parent = {step.layer.name: [random.standard_normal(shape).astype(np.float32) for shape in step.blob_shapes]
              for step in shapes.infer(fed) if step.blob_shapes}
    return read, net, parent
"""


@pytest.fixture
def followed(tmp_path: Path) -> Callable[..., Tree]:
    """A copy of the code in which these recipes were followed, one after the other."""

    def make(*titles: str) -> Tree:
        tree = Tree(tmp_path / "copy")
        for title in titles:
            tree.follow(title)
        return tree

    return make


# The page and what reads it


def test_all_recipes_are_followed_below() -> None:
    assert len(RECIPES) == 10
    mine = Path(__file__).read_text(encoding="utf-8")
    assert set(RECIPES) == {NETWORK, *re.findall(r'followed\((?:NETWORK, )?"(.+?)"\)', mine)}


@pytest.mark.parametrize("title", RECIPES)
def test_every_block_is_of_a_file_that_the_recipe_names(title: str) -> None:
    recipe = RECIPES[title]
    assert len(recipe.blocks) == recipe.fences > 0
    assert {block.path for block in recipe.blocks} == {path for path in recipe.touches if "_pb2." not in path}


@pytest.mark.parametrize("module", [evolution_pb2, caffemodel_pb2, detectnet_pb2])
def test_messages_are_made_as_protoc_makes_them(module: Any) -> None:
    made = proto_compiler.compiled(ROOT / "evolve/proto" / module.DESCRIPTOR.name)
    assert made.SerializeToString(deterministic=True) == module.DESCRIPTOR.serialized_pb


# The recipes


def test_a_network(followed: Callable[..., Tree]) -> None:
    said = followed(NETWORK).cavefish("check", "NET=my_net")
    # 8 kernels of 25 with a bias each, then 10 units that read 8 maps of 12 x 12.
    synapses = 8 * 26 + 10 * (8 * 144 + 1)
    assert said.startswith(f"my_net: {synapses:,} synapses") and said.endswith("generations: sound\n")


def test_a_data_set_with_classes(followed: Callable[..., Tree]) -> None:
    tree = followed(NETWORK, "A data set with a class for each image")
    said = tree.cavefish("data", "NET=my_net")
    assert said.splitlines()[-1].startswith("bars: 600 + 120 images (1, 28, 28) in ")


def test_a_data_set_with_boxes(followed: Callable[..., Tree]) -> None:
    tree = followed("A data set with boxes")
    cats = tree.folder / "my_detector" / "cats"
    cats.mkdir()
    names = {"train": ["1.png", "2.png"], "val": ["3.png"]}
    for number, name in enumerate(sum(names.values(), [])):
        cv2.imwrite(str(cats / name), np.full((48, 64, 3), 50 * number, np.uint8))
    splits = {split: {name: [[8, 4, 24, 20, "cat"]] for name in each} for split, each in names.items()}
    (cats / "boxes.json").write_text(json.dumps(splits))
    said = tree.cavefish("data", "NET=my_detector")
    assert "cats: 2 + 1 images (3, 48, 64) in " in said
    assert re.search(r"^boxes: cat +2 +1$", said, re.MULTILINE), said


SHRUNK = """
from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
read, net, parent = network()
parent["conv1"][0][3] = 0
weights.write(Path("pruned.caffemodel"), net, parent)
from evolve.command import command
words = ["shrink", "MODEL=my_net/train_val.prototxt", "WEIGHTS=pruned.caffemodel", "OUT=smaller", "SHAPE=1x28x28"]
stdout, sys.stdout = sys.stdout, sys.stderr
assert command.main(words) == 0
sys.stdout = stdout
print(json.dumps({name: [blob.shape for blob in blobs]
                  for name, blobs in weights.read(Path("smaller/pruned.caffemodel")).items()}))
"""

# Along a random direction of all that it reads and learns: by two forward passes, and as its backward pass says.
GRADIENT = """
import caffe, sys, numpy as np
TEXT = '''force_backward: true
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 4 dim: 4 } } }
layer { name: "copy" type: "Power" bottom: "x" top: "y" }
layer { name: "y" type: "Python" bottom: "y" top: "y" python_param { module: "my_layers" layer: "%s" } }'''
open("layer.prototxt", "w").write(TEXT % sys.argv[1])
net = caffe.Net("layer.prototxt", caffe.TRAIN)
random = np.random.default_rng(1)
blobs = [net.blobs["x"], *net.params.get("y", [])]
values, steps = ([random.standard_normal(blob.data.shape) for blob in blobs] for _ in range(2))
weight = random.standard_normal(net.blobs["x"].data.shape)

def forward(step):
    for blob, value, each in zip(blobs, values, steps):
        blob.data[...] = value + step * each
    return float((net.forward()["y"] * weight).sum())

measured = (forward(1e-3) - forward(-1e-3)) / 2e-3
forward(0)
net.backward(y=weight.astype(np.float32))
print(measured, sum(float((blob.diff * step).sum()) for blob, step in zip(blobs, steps)))
"""


def check_gradient(tree: Tree, layer: str) -> None:
    """The layer in place, as my_net has it."""
    measured, computed = (float(number) for number in tree.python("-c", GRADIENT, layer).split())
    assert computed == pytest.approx(measured, rel=2e-3) and abs(measured) > 1


def test_a_layer_type_without_weights(followed: Callable[..., Tree]) -> None:
    """A neuron without synapses goes through it as the constant that it is; Caffe compares the outputs."""
    tree = followed(NETWORK, "A layer type without weights")
    assert tree.says(SHRUNK) == {"conv1": [[7, 1, 5, 5], [7]], "ip1": [[10, 7 * 144], [10]]}
    check_gradient(tree, "Softsign")


def test_a_layer_type_with_weights(followed: Callable[..., Tree]) -> None:
    """The neuron's number goes with it, and the others' stay theirs; Caffe compares the outputs."""
    tree = followed(NETWORK, "A layer type with weights for each channel")
    assert tree.says(SHRUNK) == {"conv1": [[7, 1, 5, 5], [7]], "shift1": [[7]], "ip1": [[10, 7 * 144], [10]]}
    check_gradient(tree, "Shift")


PRECISION = """
from evolve.network import precision
read, net, parent = network("precision=FLOAT8")
assert read.settings.precision == read.settings.FLOAT8
cast, (range_,) = precision.cast({"ip": [np.array([0.3, 500, -0.0005], np.float32)]}, "FLOAT8")
print(json.dumps([cast["ip"][0].tolist(), [range_.overflows, range_.subnormals, range_.flushed]]))
"""


def test_a_precision(followed: Callable[..., Tree]) -> None:
    """Three bits behind the point: .3 is 1.2 / 4, next to 1.25 / 4; 448 is the largest, 2^-9 the smallest number."""
    cast, found = followed(NETWORK, "A precision").says(PRECISION)
    assert cast == [0.3125, 448, 0]
    assert found == [1, 0, 1]


ENCODING = """
from types import SimpleNamespace
from evolve.genetics import budget, synthesis
from evolve.lineage import offspring
from evolve.network import count
figures = {}
for name in ("UNIFORM", "SYNAPSE"):
    read, net, parent = network(f"encoding={name}")
    graph = read.graph(net, read.stored_shape())
    before = count.total(count.of_graph(graph, parent), "synapses")
    place = SimpleNamespace(experiment=read, number=2, block=0)
    encoding = offspring._encode_one(place, SimpleNamespace(graph=graph), parent)
    factors, limit = budget.of(read.settings, 2, graph, parent, encoding, before, seed=1)
    drawn, exists = synthesis.synthesize(graph, parent, encoding, factors, (1, 2), limit)
    after, all_ = drawn["ip1"][0], parent["ip1"][0]
    assert ((after == all_) | (after == 0)).all()
    part = count.total(count.of_graph(graph, drawn), "synapses") / before
    figures[name] = [part, float(np.abs(after[after != 0]).mean() / np.abs(all_).mean())]
print(json.dumps(figures))
"""


def test_an_encoding(followed: Callable[..., Tree]) -> None:
    """Of its parent's synapses an offspring has the .67 of the budget; strong ones are no likelier, as they were."""
    figures = followed(NETWORK, "An encoding").says(ENCODING)
    assert [part for part, _ in figures.values()] == pytest.approx([0.67, 0.67], abs=0.01)
    assert figures["UNIFORM"][1] == pytest.approx(1, abs=0.02)
    assert figures["SYNAPSE"][1] > 1.05


ENGINE = """
from evolve.base.machine import Machine
from evolve.base import prototxt_text
from trt.speed import comparison, engines, prepared
assert engines.chosen("opencv") == ["opencv"]
read, net, parent = network()
deployed = deployment.deploy(net, (1, 28, 28))
prototxt_text.write(deployed, Path("deploy.prototxt"))
weights.write(Path("deploy.caffemodel"), deployed, parent)
prepared.prepare(Path("deploy.prototxt"), Path("deploy.caffemodel"), Path("ready"), onnx=True)
for name in ("caffe", "opencv"):
    engine = engines.ENGINES[name].make(Machine(threads=1))
    engine.load(Path("ready"))
    engine.run()
    np.savez(f"{name}.npz", **engine.outputs())
difference = comparison.difference(Path("opencv.npz"), Path("caffe.npz"))
print(json.dumps([engine.describe(), comparison.agrees(difference, engine.precision)]))
"""


def test_an_engine(followed: Callable[..., Tree]) -> None:
    tree = followed(NETWORK, "An engine")
    assert tree.says(ENGINE) == [f"opencv {cv2.__version__}", True]
    assert " c opencv openvino[" in tree.cavefish("--help")


SETTING = """
from evolve.genetics import budget, synapses, synthesis
from evolve.base.errors import UserError
draws = []
trial = synthesis.trial
synthesis.trial = lambda *given: draws.append(given[-1]) or trial(*given)
for changed in ("", "environment.trials=3"):
    read, net, parent = network(changed)
    graph = read.graph(net, read.stored_shape())
    budget.of(read.settings, 2, graph, parent, synapses.encode(graph, parent), 0, seed=1)
refused = []
for changed in ("environment.trials=0", "environment.trails=9"):
    try:
        network(changed)
    except UserError as error:
        refused.append(str(error))
print(json.dumps([draws, refused]))
"""


def test_a_setting(followed: Callable[..., Tree]) -> None:
    """Its default and another value reach the draws; what it cannot be is refused, and so is another spelling."""
    tree = followed(NETWORK, "A setting")
    draws, refused = tree.says(SETTING)
    assert draws == sorted(draws, reverse=True) and set(draws) == {8, 3}
    assert refused == [
        f"{tree.folder}/my_net/evolution.prototxt with SET='environment.trials=0': "
        "environment: trials: expected 1 or more, got 0",
        "SET=environment.trails: no such setting; did you mean environment.trials?",
    ]


def test_a_verb(followed: Callable[..., Tree]) -> None:
    """It is in the help of both commands, as the project's own tests of verbs ask, and does what it says."""
    tree = followed("A verb")
    (tree.folder / "tests/command").mkdir(parents=True)
    shutil.copy(ROOT / "tests/command/test_verbs.py", tree.folder / "tests/command")
    each = ("the_files_are_the_verbs", "the_makefile_has_the_same", "make_help_tells_of_it[runs]",
            "what_its_arguments_mean_is_told[runs]")  # fmt: skip
    nodes = [f"tests/command/test_verbs.py::test_{name}" for name in each]
    assert "4 passed" in tree.python("-m", "pytest", "-q", "-p", "no:cacheprovider", *nodes)
    assert "runs every run that is there, and how many generations it has" in " ".join(tree.cavefish("--help").split())
    for number in (1, 2):
        with generation.writing(paths.generation(tree.folder / "runs/lenet/seed1", number)) as unfinished:
            metrics(number).write(unfinished)
    assert tree.cavefish("runs") == "lenet/seed1: 2\n"
