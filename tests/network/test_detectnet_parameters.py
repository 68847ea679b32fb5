"""A param_str is read with NVIDIA's names, the published defaults and sentences for mistakes."""

import pytest

from evolve.base.errors import UserError
from evolve.network.layers.detectnet_parameters import Augmentation, Data, parse

SMALLEST = (
    "detectnet_groundtruth_param { stride: 16 image_size_x: 1248 image_size_y: 384 object_class { src: 1 dst: 0 } }"
)


def test_what_is_not_written_is_the_published_training() -> None:
    given = parse(SMALLEST)
    wanted = given.ground_truth
    assert (wanted.scale_cvg, wanted.gridbox_type, wanted.min_cvg_len) == (0.4, "GRIDBOX_MIN", 20) and wanted.obj_norm
    assert wanted.grid == (24, 78) and wanted.classes == 1 and wanted.crop_bboxes is None
    a = given.augmentation
    assert (a.hue_rotation_prob, a.hue_rotation, a.desaturation_prob, a.desaturation_max) == (0.8, 30, 0.8, 0.8)
    assert (a.flip_prob, a.scale_prob, a.scale_min, a.scale_max) == (0.5, 0.4, 0.8, 1.2)
    assert (a.rotation_prob, a.crop_prob, a.shift_x, a.shift_y) == (0, 1, 32, 32)
    assert given.mean == () and given.data is None and given.seed == 0


def test_everything_can_be_written() -> None:
    given = parse(
        """
        detectnet_groundtruth_param {
          stride: 8 scale_cvg: 0.5 gridbox_type: GRIDBOX_MAX max_cvg_len: 50 min_cvg_len: 10
          coverage_type: RECTANGULAR image_size_x: 64 image_size_y: 32 obj_norm: false crop_bboxes: false
          object_class { src: 2 dst: 0 } object_class { src: 5 dst: 1 } object_class { src: 6 dst: 1 }
        }
        detectnet_augmentation_param {
          crop_prob: 0.1 shift_x: 8 shift_y: 4 scale_prob: 0.2 scale_min: 0.9 scale_max: 1.1 flip_prob: 0.3
          rotation_prob: 0.4 max_rotate_degree: 7 hue_rotation_prob: 0.5 hue_rotation: 10 desaturation_prob: 0.6
          desaturation_max: 0.7
        }
        transform_param { mean_value: 104 mean_value: 117 mean_value: 123 }
        data_param { source: "a" label_source: "b" batch_size: 10 prefetch: 4 processes: 2 start: 50 }
        seed: 12345678901
        """
    )
    assert given.augmentation == Augmentation(0.1, 8, 4, 0.2, 0.9, 1.1, 0.3, 0.4, 7, 0.5, 10, 0.6, 0.7)
    assert given.ground_truth.object_class == {2: 0, 5: 1, 6: 1} and given.ground_truth.classes == 2
    assert given.data == Data("a", "b", 10, 4, 2, 50) and given.seed == 12345678901
    assert given.mean == (104, 117, 123) and given.ground_truth.crop_bboxes is False


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("stride: 16", "", "detectnet_groundtruth_param: expected stride, got none; write it, there is no default"),
        ("stride: 16", "stride: 0", "stride: expected 1 or more, got 0"),
        ("1248", "1250", "image_size_x: expected a multiple of stride 16, got 1250; do 1248"),
        ("image_size_y: 384", "", "detectnet_groundtruth_param: expected image_size_y, got none"),
        ("object_class { src: 1 dst: 0 }", "", "detectnet_groundtruth_param: expected object_class, got none"),
        ("dst: 0", "dst: 1", "object_class: expected dst to count 0, 1, …, got [1]; leave no coverage map empty"),
        ("stride: 16", "stride: 16 scale_cvg: 0", "scale_cvg: expected more than 0 and at most 1, got 0"),
        ("stride: 16", "stride: 16 gridbox_type: GRIDBOX_MAX", "gridbox_type GRIDBOX_MAX: expected max_cvg_len"),
        ("} }", "} } transform_param { mean_value: 1 mean_value: 2 }", "mean_value: expected one, or three"),
        ("} }", "} } detectnet_augmentation_param { flip_prob: 2 }", "flip_prob: expected a probability 0 to 1, got 2"),
        ("} }", "} } detectnet_augmentation_param { scale_min: 2 }", "scale_min: expected 0 < scale_min <= scale_max"),
        ("} }", "} } data_param { source: 'a' batch_size: 1 }", "data_param: expected label_source, got none"),
        (
            "} }",
            "} } data_param { source: 'a' label_source: 'b' batch_size: 1 processes: 3 }",
            "prefetch: expected at least one batch for each of 3 processes, got 2; do prefetch: 3",
        ),
    ],
)
def test_what_is_wrong_is_said(before: str, after: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        parse(SMALLEST.replace(before, after), "train_val.prototxt:7: layer 'data'")
    assert str(error.value).startswith(f"train_val.prototxt:7: layer 'data': {message}")


def test_a_mistyped_name_has_the_nearest_known_one() -> None:
    with pytest.raises(UserError, match="has no 'image_size'; did you mean image_size_[xy]?"):
        parse("detectnet_groundtruth_param { image_size: 3 }")
