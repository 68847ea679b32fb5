"""NVIDIA Caffe's layers in place of the Python ones, in made-up messages of such a Caffe: there is none to try."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from detectnet_nets import GEOMETRY, LOSSES, layer
from google.protobuf import text_format
from nvidia_messages import TYPES, nvidia_pb2

from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.detectnet import nvidia
from evolve.network import phases
from evolve.training.caffe_process import CaffeProcess

PACKAGED = Path(__file__).resolve().parents[2] / "prototxt" / "detectnet" / "train_val.prototxt"
DRAWN = "detectnet_augmentation_param { shift_x: 20 flip_prob: 0.3 rotation_prob: 0.5 desaturation_max: 0.4 }"
SOLVER = (
    'net: "net.prototxt" type: "Adam" base_lr: 0.003 lr_policy: "fixed" momentum: 0.9 momentum2: 0.999 random_seed: 1 '
    "max_iter: 7"
)


@pytest.fixture
def theirs(monkeypatch: pytest.MonkeyPatch) -> Any:
    """As if the Caffe that runs had these messages."""
    made = nvidia_pb2()
    monkeypatch.setattr(phases, "caffe_pb2", made)
    return made


def parsed(theirs: Any, words: str) -> Any:
    return text_format.Parse(words, theirs.NetParameter())


def trained(theirs: Any, words: str) -> Any:
    return nvidia.trained_by(parsed(theirs, words))


def data(param_str: str = GEOMETRY, tops: str = "data truth", source: str = "images") -> str:
    where = f'data_param {{ source: "{source}" label_source: "labels" batch_size: 3 prefetch: 2 }}'
    return layer("data", "DetectNetData", "", tops, f"{param_str} {where}")


def test_which_caffe_has_them(theirs: Any) -> None:
    layers = theirs.LayerParameter.DESCRIPTOR
    assert nvidia.has_layers(TYPES, layers)
    # Other Caffes have an L1Loss too, and the packaged one has neither.
    for missing in ("DetectNetTransformation", "L1Loss"):
        assert not nvidia.has_layers([each for each in TYPES if each != missing], layers)
    assert not nvidia.has_layers(TYPES, caffe_pb2.LayerParameter.DESCRIPTOR)


def test_data_becomes_two_data_layers_and_a_transformation(theirs: Any) -> None:
    net = trained(theirs, data() + layer("bbox_loss", "L1Loss", "data data", "bbox_loss", more="loss_weight: 2"))
    wanted = """
layer { name: "data/images" type: "Data" top: "data/images"
  data_param { source: "images" batch_size: 3 backend: LMDB } }
layer { name: "data/labels" type: "Data" top: "data/labels"
  data_param { source: "labels" batch_size: 3 backend: LMDB } }
layer { name: "data" type: "DetectNetTransformation" bottom: "data/images" bottom: "data/labels"
  top: "data" top: "truth" transform_param { mean_value: 127 }
  detectnet_groundtruth_param {
    stride: 16 image_size_x: 160 image_size_y: 96 scale_cvg: 0.4 gridbox_type: GRIDBOX_MIN min_cvg_len: 20
    coverage_type: RECTANGULAR obj_norm: true crop_bboxes: true
    object_class { src: 1 dst: 0 } object_class { src: 2 dst: 1 }
  }
  detectnet_augmentation_param {
    crop_prob: 1 shift_x: 32 shift_y: 32 scale_prob: 0.4 scale_min: 0.8 scale_max: 1.2 flip_prob: 0.5 rotation_prob: 0
    max_rotate_degree: 5 hue_rotation_prob: 0.8 hue_rotation: 30 desaturation_prob: 0.8 desaturation_max: 0.8
  } }
layer { name: "bbox_loss" type: "L1Loss" bottom: "data" bottom: "data" top: "bbox_loss" loss_weight: 2 }
"""
    assert net == parsed(theirs, wanted)


def test_what_is_written_is_carried_over(theirs: Any) -> None:
    given = GEOMETRY.replace("stride: 16", "stride: 16 gridbox_type: GRIDBOX_MAX max_cvg_len: 50 crop_bboxes: false")
    made = trained(theirs, data(f"{given} {DRAWN}")).layer[2]
    truth, drawn = made.detectnet_groundtruth_param, made.detectnet_augmentation_param
    assert truth.GridboxType.Name(truth.gridbox_type) == "GRIDBOX_MAX"
    assert (truth.max_cvg_len, truth.crop_bboxes, truth.HasField("crop_bboxes")) == (50, False, True)
    assert (drawn.shift_x, drawn.shift_y) == (20, 32)
    written = [round(each, 6) for each in (drawn.flip_prob, drawn.rotation_prob, drawn.desaturation_max)]
    assert written == [0.3, 0.5, 0.4]


@pytest.fixture
def packaged() -> str:
    """The packaged DetectNet, read with this Caffe's own messages: ask for it before `theirs`."""
    from evolve.lineage import experiment

    return text_format.MessageToString(experiment.load("detectnet").net(Path("/data-set")))


def test_the_packaged_network_is_all_theirs_in_training(packaged: str, theirs: Any) -> None:
    net = parsed(theirs, packaged)
    before = net.SerializeToString()
    training = nvidia.trained_by(net)
    assert net.SerializeToString() == before
    assert "Python" not in {each.type for each in training.layer}
    assert [each.type for each in training.layer[:3]] == ["Data", "Data", "DetectNetTransformation"]
    assert training.layer[2].top == ["data", "truth"]
    assert [(each.name, each.loss_weight[0]) for each in training.layer if each.type == "L1Loss"] == [("loss_bbox", 2)]
    # Everything else is what it was.
    rest = [each for each in phases.for_phase(net, "TRAIN").layer if each.type != "Python"]
    assert [each for each in training.layer[3:] if each.type != "L1Loss"] == rest


@pytest.mark.parametrize("words", [data(tops="data truth labels"), 'layer { name: "d" type: "Data" top: "d" }'])
def test_what_they_cannot_do_stays_as_it_is(theirs: Any, words: str) -> None:
    net = parsed(theirs, words)
    assert nvidia.trained_by(net) is net


def test_a_parameter_that_they_lack_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = nvidia_pb2("crop_bboxes")
    monkeypatch.setattr(phases, "caffe_pb2", theirs)
    message = r"layer 'data': NVIDIA Caffe:\d+: DetectNetGroundTruthParameter has no 'crop_bboxes'"
    with pytest.raises(UserError, match=message):
        trained(theirs, data())


def net_of(pair: tuple[Path, Path]) -> str:
    # Fillers without random numbers, of which Data layers take some.
    images, boxes = pair
    head = "".join(
        f'layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{name}" '
        f"convolution_param {{ num_output: {width} kernel_size: {size} stride: {size} "
        'weight_filler { type: "constant" value: 0.01 } } }\n'
        for name, bottom, width, size in (("conv", "data", 8, 16), ("raw", "conv", 2, 1), ("boxes", "conv", 4, 1))
    )
    losses = LOSSES[LOSSES.index('layer { name: "slice"') :].replace("STOCK", "")
    first = data(f"{GEOMETRY} {DRAWN}", source=str(images)).replace('"labels"', f'"{boxes}"')
    return first + head + losses


def stand_in(net: Any) -> str:
    """The net for the packaged Caffe: a Python DetectNetTransformation takes what NVIDIA's layer was given."""
    words = []
    for each in net.layer:
        if each.type == "DetectNetTransformation":
            fields = ("detectnet_groundtruth_param", "detectnet_augmentation_param", "transform_param")
            given = [f"{field} {{ {_line(getattr(each, field))} }}" for field in fields]
            bottoms, tops = " ".join(each.bottom), " ".join(each.top)
            words.append(layer(each.name, each.type, bottoms, tops, " ".join([*given, "seed: 3"])))
        elif each.type == "L1Loss":
            words.append(layer(each.name, "L1Loss", " ".join(each.bottom), each.top[0], more="loss_weight: 2"))
        else:
            words.append(f"layer {{ {_line(each)} }}\n")
    return "".join(words)


def _line(message: Any) -> str:
    return text_format.MessageToString(message, as_one_line=True)


def test_the_same_training_comes_out_of_it(
    theirs: Any, tmp_path: Path, pair: Callable[[int], tuple[Path, Path]]
) -> None:
    """With a Python layer in place of NVIDIA's: the same examples, the same parameters, and so the same bytes."""
    words = net_of(pair(5))
    other = words.replace("flip_prob: 0.3", "flip_prob: 0.9")
    models = []
    for net in (words, stand_in(trained(theirs, words)), stand_in(trained(theirs, other))):
        (tmp_path / "net.prototxt").write_text(net)
        (tmp_path / "solver.prototxt").write_text(SOLVER)
        with CaffeProcess(tmp_path, tmp_path / "log", tmp_path / "net.prototxt") as caffe:
            caffe.call("train", solver="solver.prototxt", output="trained.caffemodel")
        net_weights = caffe_pb2.NetParameter.FromString((tmp_path / "trained.caffemodel").read_bytes())
        models.append({each.name: [list(blob.data) for blob in each.blobs] for each in net_weights.layer if each.blobs})
    assert models[0] == models[1] != models[2] and set(models[0]) == {"conv", "raw", "boxes"}


WIRED = """
import json, caffe
from evolve.detectnet import nvidia
from evolve.training import train
asked = []
def has_layers(types, descriptor):
    asked.append(["Convolution" in types, descriptor.full_name])
    return True
nvidia.has_layers = has_layers
nvidia.trained_by = lambda net: type(net).FromString(open("theirs", "rb").read())
answer = train.train("solver.prototxt", "trained.caffemodel")
print(json.dumps({"asked": asked, "iterations": answer["iterations"]}))
"""


def test_a_training_without_snapshots_runs_on_their_net_too(
    theirs: Any, tmp_path: Path, pair: Callable[[int], tuple[Path, Path]]
) -> None:
    from detectnet_examples import python

    words = net_of(pair(5))
    (tmp_path / "net.prototxt").write_text(words)
    (tmp_path / "solver.prototxt").write_text(SOLVER)
    instead = text_format.Parse(stand_in(trained(theirs, words)), caffe_pb2.NetParameter())
    (tmp_path / "theirs").write_bytes(instead.SerializeToString())
    said = json.loads(python(tmp_path, WIRED).stdout)
    assert said == {"asked": [[True, "caffe.LayerParameter"]], "iterations": 7}
    ran = text_format.Parse((tmp_path / "training_net.prototxt").read_text(), caffe_pb2.NetParameter())
    assert ran == instead
