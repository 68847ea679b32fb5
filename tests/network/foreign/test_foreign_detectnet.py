"""NVIDIA's and DIGITS's training prototxts of DetectNet are read as Cavefish's own layers."""

from pathlib import Path

import pytest

from evolve.base.errors import UserError
from evolve.network import phases, shapes, topology
from evolve.network.foreign import reading
from evolve.network.layers import detectnet, kind
from evolve.network.layers import detectnet_parameters as parameters
from tests.network.foreign import digits_detectnet

NET = Path("detectnet_network.prototxt")


def read(text: str = "") -> reading.Reading:
    return reading.parse(text or digits_detectnet.training(), NET)


@pytest.mark.parametrize(
    ("phase", "batch", "stage", "cropped", "tops"),
    [
        ("TRAIN", 10, "train", True, ["transformed_data", "transformed_label"]),
        ("TEST", 6, "test", False, ["transformed_data", "transformed_label", "labels"]),
    ],
)
def test_data_and_transformation_are_one_layer(
    phase: str, batch: int, stage: str, cropped: bool, tops: list[str]
) -> None:
    net = phases.for_phase(read().net, phase)
    (data,) = [layer for layer in net.layer if not layer.bottom]
    assert detectnet.feeds(data) and list(data.top) == tops
    given = parameters.parse(data.python_param.param_str)
    truth = given.ground_truth
    assert (truth.image_size_x, truth.image_size_y, truth.stride, truth.crop_bboxes) == (64, 48, 16, cropped)
    assert truth.object_class == {1: 0} and given.mean == (127,) and given.data
    assert given.data.source == f"examples/kitti/kitti_{stage}_images.lmdb"
    assert given.data.label_source == f"examples/kitti/kitti_{stage}_labels.lmdb"
    assert given.data.batch_size == batch
    assert given.augmentation.hue_rotation_prob == 0.8 and given.augmentation.shift_x == 32


def test_every_layer_is_one_that_is_known_and_the_phases_fit_together() -> None:
    net = read().net
    for phase in ("TRAIN", "TEST"):
        steps = shapes.infer(phases.for_phase(net, phase))
        assert all(step.type for step in steps)
        assert {kind(step.layer) for step in steps} >= {"DetectNetData", "L1Loss", "EuclideanLoss"}
    fed = [phases.fed_by_inputs(net, phase, (3, 48, 64)) for phase in ("TEST", "TRAIN")]
    assert [layer.name for layer in topology.read(fed).weighted] == ["conv1/7x7_s2", "cvg/classifier", "bbox/regressor"]


def test_what_is_said() -> None:
    assert read().notes == [
        f"{NET}: {said}"
        for said in (
            "stages train are TRAIN, test and val TEST; left out, as neither stage has it: 'deploy_data', "
            "'deploy_transform'",
            "layers 'train_data', 'train_label' and 'train_transform' are one DetectNetData, 'train_transform'",
            "layers 'val_data', 'val_label' and 'val_transform' are one DetectNetData, 'val_transform'",
            "layer 'cluster': ClusterDetections is Cavefish's own, with the same words",
            "layer 'cluster_gt': ClusterGroundtruth is Cavefish's own, with the same words",
            "layer 'score': ScoreDetections is Cavefish's own, with the same words",
            "layer 'mAP': mAP is Cavefish's own, with the same words",
            "layer 'bbox_loss': NVIDIA's L1Loss is the one of evolve.detectnet.layers",
        )
    ]


def test_one_class_where_none_is_named() -> None:
    text = digits_detectnet.training().replace("object_class: { src: 1 dst: 0}", "")
    data = phases.data_layer(read(text).net, "TRAIN")
    assert parameters.parse(data.python_param.param_str).ground_truth.object_class == {1: 0}


def test_a_transformation_without_labels() -> None:
    text = digits_detectnet.training().replace('top: "label" data_param', 'top: "other" data_param', 1)
    with pytest.raises(UserError) as error:
        read(text)
    line = text[: text.index('"train_transform"')].count("\n") + 1
    assert str(error.value) == (
        f"{NET}:{line}: layer 'train_transform': expected its bottom 'label' from a Data layer in phase TRAIN, got "
        "none; one reads the images, another the labels"
    )


def test_the_two_larger_sizes_of_their_own_documentation() -> None:
    found = read(digits_detectnet.training(1248, 384))
    assert phases.cropped_shape(phases.data_layer(found.net, "TEST")) == (3, 384, 1248)
