"""Every kind of fault is said at once; what another fault forbids to judge is not said."""

from pathlib import Path

import pytest

from evolve.base.errors import UserError
from evolve.lineage import lineage, problems
from evolve.lineage.experiment import load
from tests.lineage.conftest import EVOLUTION, SOLVER, TRAIN_VAL

DIGIT = (
    "data set 'digit': expected one of cifar10, coco, digits, images, kitti, kitti_text, lmdb, "
    "mnist, parse27k, stl10, streets, voc, yolo; write 'digits'"
)


def network(folder: Path, train_val: str = TRAIN_VAL, solver: str = SOLVER, evolution: str = EVOLUTION) -> Path:
    tiny = folder / "tiny"
    tiny.mkdir()
    for name, text in (("train_val", train_val), ("solver", solver), ("evolution", evolution)):
        (tiny / f"{name}.prototxt").write_text(text)
    return tiny


def edited(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1
    return text.replace(old, new)


TYPE = "type: expected one of SGD, Nesterov, AdaGrad, RMSProp, AdaDelta, Adam, got 'Adamm'; did you mean Adam?"
RATE = "base_lr: expected above 0, got -0.05; 0.01 is a usual one for SGD, 0.001 for Adam"


def test_of_the_data_set_the_solver_and_the_net_at_once(tmp_path: Path) -> None:
    solver = edited(edited(SOLVER, '"SGD"', '"Adamm"'), "0.05", "-0.05")
    tiny = network(tmp_path, edited(TRAIN_VAL, 'bottom: "pool2" top: "pool2"', 'bottom: "pol2" top: "pool2"'), solver,
                   edited(EVOLUTION, '"digits"', '"digit"'))  # fmt: skip
    line = 1 + TRAIN_VAL[: TRAIN_VAL.index('name: "relu2"')].count("\n")
    said = [
        f"{tiny}/evolution.prototxt: {DIGIT}",
        f"{tiny}/solver.prototxt:1: {TYPE}",
        f"{tiny}/solver.prototxt:1: {RATE}",
        f"{tiny}/train_val.prototxt:{line}: layer 'relu2': its bottom 'pol2' is the top of no layer before it",
    ]
    assert problems.of(load(str(tiny))) == said
    with pytest.raises(UserError) as refused:
        lineage.evolve(str(tiny), 2)
    assert str(refused.value).splitlines() == said


@pytest.mark.parametrize(
    ("module", "there"),
    [("own", True), ("own_package.inner", True), ("own_package.other", False), ("absent", False), ("", False),
     ("evolve.detectnet.layers", True), ("json", True)],
)  # fmt: skip
def test_modules_of_python_layers_are_on_the_path_or_beside_the_network(
    module: str, there: bool, tmp_path: Path
) -> None:
    python = f'type: "Python" bottom: "pool2" top: "pool2" python_param {{ module: "{module}" layer: "Own" }}'
    tiny = network(tmp_path, edited(TRAIN_VAL, 'type: "ReLU" bottom: "pool2" top: "pool2"', python))
    (tiny / "own_package").mkdir()
    for file in ("own.py", "own_package/__init__.py", "own_package/inner.py"):
        (tiny / file).write_text("raise AssertionError('nobody is to load it')\n")
    line = 1 + TRAIN_VAL[: TRAIN_VAL.index('name: "relu2"')].count("\n")
    message = (
        f"{tiny}/train_val.prototxt:{line}: layer 'relu2': expected its Python module '{module}' on PYTHONPATH or "
        "beside train_val.prototxt, got none there; put its folder on PYTHONPATH, or the module beside it"
    )
    assert (message in problems.of(load(str(tiny)))) is not there


def test_of_a_solver_and_of_shapes(tmp_path: Path) -> None:
    tiny = network(tmp_path, edited(TRAIN_VAL, "kernel_size: 5 stride: 2", "kernel_size: 50 stride: 2"),
                   edited(SOLVER, '"SGD"', '"Adamm"'))  # fmt: skip
    first, second = problems.of(load(str(tiny)))
    assert first == f"{tiny}/solver.prototxt:1: {TYPE}"
    assert second.startswith(f"{tiny}/train_val.prototxt:") and "layer 'conv1'" in second


def test_of_an_unknown_data_set_no_shapes_follow(tmp_path: Path) -> None:
    evolution = edited(EVOLUTION, '"digits"', '"digit"')
    tiny = network(tmp_path, edited(TRAIN_VAL, "kernel_size: 5 stride: 2", "kernel_size: 50 stride: 2"),
                   evolution=evolution)  # fmt: skip
    assert problems.of(load(str(tiny))) == [f"{tiny}/evolution.prototxt: {DIGIT}"]


def test_a_solver_of_several_roles_is_told_of_once(tmp_path: Path) -> None:
    evolution = EVOLUTION + 'offspring_solver: "solver.prototxt"\n'
    tiny = network(tmp_path, solver=edited(SOLVER, '"SGD"', '"Adamm"'), evolution=evolution)
    assert problems.of(load(str(tiny))) == [f"{tiny}/solver.prototxt:1: {TYPE}"]


def test_a_rate_that_cannot_be_rewound_is_told_of_before_the_ancestor_is_trained(tmp_path: Path) -> None:
    solver = edited(SOLVER, '"fixed"', '"sigmoid" stepsize: 9')
    tiny = network(tmp_path, solver=solver, evolution=EVOLUTION + "rewind_learning_rate: true\n")
    assert problems.of(load(str(tiny))) == [
        f"{tiny}/solver.prototxt:1: lr_policy: expected one of exp, fixed, inv, multistep, poly, step, got 'sigmoid'; "
        "name one of them, or leave rewind_learning_rate out"
    ]


def test_a_spared_layer_that_the_net_does_not_have(tmp_path: Path) -> None:
    lines = " ".join(f'spared {{ layer: "{each}" times: 9 }}' for each in ("conv9", "conv1", "fc*", "ip?"))
    evolution = f"{EVOLUTION}environment {{ {lines} }}\n"
    tiny = network(tmp_path, evolution=evolution)
    assert problems.of(load(str(tiny))) == [
        f"{tiny}/evolution.prototxt: environment: spared: expected a layer with synapses (conv1, conv2, ip1, ip2) "
        f"or a pattern of some, got '{each}'"
        for each in ("conv9", "fc*")
    ]


def test_what_learns_in_testing_alone(tmp_path: Path) -> None:
    """Training saves what TRAIN has; a layer of each phase under one name is one."""
    alone = """layer { name: "up" type: "Deconvolution" bottom: "conv2" top: "up" include { phase: TEST }
  convolution_param { num_output: 1 kernel_size: 4 stride: 2 } }
layer { name: "drawn" type: "Scale" bottom: "up" top: "drawn" include { phase: TEST } }
"""
    tiny = network(tmp_path, TRAIN_VAL + alone)
    line = 1 + TRAIN_VAL.count("\n")
    assert problems.of(load(str(tiny))) == [
        f"{tiny}/train_val.prototxt:{number}: layer '{name}': expected phase TRAIN to have it too, as it learns, got "
        "it in TEST alone, whose weights no training makes; take its include away"
        for number, name in ((line, "up"), (line + 2, "drawn"))
    ]
    twice = alone.replace("TEST", "TRAIN") + alone.replace("layer {", "layer {\n")
    (tiny / "train_val.prototxt").write_text(TRAIN_VAL + twice)
    assert problems.of(load(str(tiny))) == []


def test_a_sound_one_has_none(tmp_path: Path) -> None:
    assert problems.of(load(str(network(tmp_path)))) == []


def test_what_gives_a_rectified_blob_other_signs_in_place_is_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Caffe's ReLU in place looks at the blob as it is on the way back."""
    norm = 'layer {{ name: "norm" type: "BatchNorm" bottom: "{0}" top: "{1}" }}\n'
    relu = next(line for line in TRAIN_VAL.splitlines() if 'name: "relu2"' in line)
    blob = relu.partition('top: "')[2].partition('"')[0]
    in_place = network(tmp_path, TRAIN_VAL.replace(relu, f"{relu}\n{norm.format(blob, blob)}"))
    line = 2 + TRAIN_VAL[: TRAIN_VAL.index('name: "relu2"')].count("\n")
    doubt = (
        f"{in_place}/train_val.prototxt:{line}: layer 'norm': BatchNorm works in place on what ReLU 'relu2' made in "
        "place, whose gradient Caffe then takes by the signs that BatchNorm left; give 'norm' a top of its own"
    )
    assert problems.of(load(str(in_place))) == [] and problems.doubts(load(str(in_place))) == [doubt]
    for sound in (TRAIN_VAL, TRAIN_VAL.replace(relu, f"{norm.format(blob, blob)}{relu}"),
                  TRAIN_VAL.replace(relu, f"{relu}\n{norm.format(blob, 'beside')}")):  # fmt: skip
        (in_place / "train_val.prototxt").write_text(sound)
        assert problems.doubts(load(str(in_place))) == []
