"""A loss with fewer outputs than classes is named by the line to mend, however labels and outputs get to it."""

from collections.abc import Callable
from contextlib import chdir
from pathlib import Path

import pytest

from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.lineage import experiment, label_widths
from tests.datasets.drawn import folders
from tests.lineage.conftest import EVOLUTION, TRAIN_VAL, Place
from tests.lineage.networks import edited, line

Said = Callable[[str], str]
LOSS = 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" top: "loss" }'
TEN = "num_output: 10"
HALVES = "slice_param { axis: 0 slice_point: 2 }"


def layer(name: str, kind: str, *bottoms: str, tops: tuple[str, ...] = (), more: str = "") -> str:
    below = " ".join(f'bottom: "{each}"' for each in bottoms)
    above = " ".join(f'top: "{each}"' for each in tops or (name,))
    return f'layer {{ name: "{name}" type: "{kind}" {below} {above} {more} }}\n'


def loss(outputs: str, labels: str, kind: str = "SoftmaxWithLoss") -> str:
    return layer("loss", kind, outputs, labels)


@pytest.fixture
def said(place: Place) -> Said:
    """What is said of a train_val.prototxt of the tiny network on ten classes; "" if nothing."""

    def _said(text: str) -> str:
        (place.folder / "tiny" / "train_val.prototxt").write_text(text)
        with chdir(place.folder):
            tiny = experiment.load("tiny")
            try:
                label_widths.check(tiny, tiny.net(Path("data")), 10, "digits", (1, 28, 28))
            except UserError as error:
                return str(error).replace(f"{place.folder}/", "")
        return ""

    return _said


# Where labels and outputs go through on their way, each written for ten classes.
CHAINS = {
    "labels, twice": layer("two", "Split", "label", tops=("a", "b")) + loss("ip2", "b"),
    "labels, reshaped twice": layer("a", "Reshape", "label", more="reshape_param { shape { dim: -1 dim: 1 } }")
    + layer("b", "Flatten", "a") + loss("ip2", "b"),
    "both, cut into halves": layer("cut", "Slice", "label", tops=("l1", "l2"), more=HALVES)
    + layer("cut2", "Slice", "ip2", tops=("o1", "o2"), more=HALVES)
    + layer("quiet", "Silence", "o1", "l1", tops=()).replace('top: "quiet"', "") + loss("o2", "l2"),
    "both, put together": layer("l", "Concat", "label", "label", more="concat_param { axis: 0 }")
    + layer("o", "Concat", "ip2", "ip2", more="concat_param { axis: 0 }") + loss("o", "l"),
    "outputs, scaled and dropped": layer("s", "Scale", "ip2", more="scale_param { bias_term: true }")
    + layer("d", "Dropout", "s") + loss("d", "label"),
    "outputs, normalised and rectified": layer("n", "BatchNorm", "ip2") + layer("r", "ReLU", "n") + loss("r", "label"),
    "probabilities": layer("p", "Softmax", "ip2") + loss("p", "label", "MultinomialLogisticLoss"),
    "outputs, raised to a power": layer("p", "Power", "ip2", more="power_param { shift: 1 }")
    + loss("p", "label", "HingeLoss"),
}  # fmt: skip


@pytest.mark.parametrize("how", CHAINS)
def test_the_layer_that_decides_is_named(said: Said, how: str) -> None:
    text = edited(TRAIN_VAL, (LOSS, CHAINS[how])).replace('layer { name: "accuracy"', '#layer { name: "accuracy"')
    assert said(text) == ""
    narrow = edited(text, (TEN, "num_output: 7"))
    where = f"tiny/train_val.prototxt:{line(narrow, 'num_output: 7')}: layer 'ip2'"
    by_concat = how == "both, put together"
    wanted = "expected {} of 10 or more for 'loss', as labels of digits go from 0 to 9, got 7; {}"
    if by_concat:
        where, *words = f"tiny/train_val.prototxt:{line(narrow, 'SoftmaxWithLoss')}: layer 'loss'", "a bottom"
        assert said(narrow) == f"{where}: {wanted.format(*words, 'give it as many outputs as classes')}"
    else:
        assert said(narrow) == f"{where}: {wanted.format('num_output', 'write num_output: 10')}"


def test_half_of_the_outputs_are_no_layers_num_output(said: Said) -> None:
    """Twelve outputs of which a loss has six: twelve is not what is to be mended."""
    chain = layer("cut", "Slice", "ip2", tops=("o1", "o2")) + layer("quiet", "Silence", "o1").replace(
        'top: "quiet"', ""
    )
    text = edited(TRAIN_VAL, (LOSS, chain + loss("o2", "label")), (TEN, "num_output: 12"))
    assert said(text) == (
        f"tiny/train_val.prototxt:{line(text, 'SoftmaxWithLoss')}: layer 'loss': expected a bottom of 10 or more for "
        "'loss', as labels of digits go from 0 to 9, got 6; give it as many outputs as classes"
    )


@pytest.mark.parametrize(
    "chain",
    [
        layer("less", "Power", "label", more="power_param { shift: -1 }") + loss("ip2", "less"),
        layer("one", "InnerProduct", "ip1", more="inner_product_param { num_output: 1 }")
        + loss("one", "label", "EuclideanLoss"),
    ],
)
def test_what_are_no_labels_of_the_data_set_any_more_is_not_judged(said: Said, chain: str) -> None:
    text = edited(TRAIN_VAL, (LOSS, chain), (TEN, "num_output: 9"))
    assert said(text.replace('layer { name: "accuracy"', '#layer { name: "accuracy"')) == ""


@pytest.mark.parametrize("form", ["folders", "csv", "lmdb"])
def test_classes_of_ones_own_images_count(place: Place, form: str) -> None:
    pics = folders(place.folder / "pics", 6)
    wanted = f'name: "images" folder: "{pics}"'
    if form == "csv":
        rows = [f"{file.relative_to(pics)},{file.parent.name}" for file in sorted(pics.glob("*/*.png"))]
        (pics / "all.csv").write_text("\n".join(["path,label", *rows]) + "\n")
        wanted = f'name: "images" folder: "{pics}/all.csv"'
    if form == "lmdb":
        wanted = f'name: "lmdb" train: "{_database(place.folder / "db")}"'
    for name, text in (
        ("evolution", edited(EVOLUTION, ('name: "digits"', wanted))),
        ("train_val", edited(TRAIN_VAL, (TEN, "num_output: 2"))),
    ):
        (place.folder / "tiny" / f"{name}.prototxt").write_text(text)
    with chdir(place.folder):
        tiny = experiment.load("tiny")
        some = experiment.few(tiny, 1, place.folder / "few").dataset
        with pytest.raises(UserError) as error:
            label_widths.check(tiny, tiny.net(some.folder), some.classes, some.name, some.shape)
    where = f"{place.folder}/tiny/train_val.prototxt:{line(TRAIN_VAL, TEN)}"
    assert str(error.value).splitlines()[0] == (
        f"{where}: layer 'ip2': expected num_output of 3 or more for 'loss', as labels of {some.name} go from 0 to 2, "
        "got 2; write num_output: 3"
    )


def _database(folder: Path) -> Path:
    """Thirty records of three classes, as convert_imageset writes them."""
    import lmdb

    with lmdb.open(str(folder), map_size=1 << 24) as environment, environment.begin(write=True) as transaction:
        for number in range(30):
            datum = caffe_pb2.Datum(channels=1, height=28, width=28, data=bytes([number]) * 784, label=number % 3)
            transaction.put(b"%08d" % number, datum.SerializeToString())
    return folder
