"""One example's way through the transformation: each step by itself against plain loops, and the whole."""

import dataclasses
from typing import Any

import cv2
import detectnet_loops
import numpy as np
import pytest
from detectnet_examples import rows_of, street

from evolve.detectnet import augment, coverage, labels, transformation
from evolve.detectnet.augment import Drawn
from evolve.network.layers import detectnet_parameters as parameters
from evolve.network.layers.detectnet_parameters import Augmentation, GroundTruth, Parameters

GROUND_TRUTH = GroundTruth(16, 160, 96, {1: 0, 2: 1})
NOTHING = Augmentation(
    crop_prob=0, scale_prob=0, flip_prob=0, rotation_prob=0, hue_rotation_prob=0, desaturation_prob=0
)


def transform(
    image: np.ndarray, rows: np.ndarray, given: Parameters, train: bool, example: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    wanted = given.ground_truth
    pixels = np.full((3, wanted.image_size_y, wanted.image_size_x), 777, np.float32)
    truth = np.full((8 + wanted.classes, *wanted.grid), 777, np.float32)
    return pixels, truth, transformation.transform(image, rows, given, train, example, pixels, truth)


def with_(**changes: Any) -> Parameters:
    return Parameters(GROUND_TRUTH, dataclasses.replace(NOTHING, **changes), seed=5)


def test_with_nothing_to_draw_train_subtracts_the_mean_and_no_more() -> None:
    image, objects = street(1)
    before = image.copy()
    given = dataclasses.replace(with_(), mean=(127.0,))
    pixels, truth, moved = transform(image, rows_of(objects), given, train=True)
    assert np.array_equal(pixels, image.astype(np.float32) - 127) and np.array_equal(image, before)
    assert np.array_equal(moved, rows_of(objects))
    assert np.array_equal(truth, coverage.generate(moved, GROUND_TRUTH, clip=True))


def test_a_mean_of_three_is_blue_green_red() -> None:
    image, objects = street(1)
    given = dataclasses.replace(with_(), mean=(104.0, 117.0, 123.0))
    pixels, _, _ = transform(image, rows_of(objects), given, train=False)
    assert [float((image[c] - pixels[c]).mean()) for c in range(3)] == pytest.approx([104, 117, 123])


def test_test_resizes_image_and_boxes_and_clips_nothing() -> None:
    image, _ = street(2, width=200, height=64)
    rows = rows_of([(-20, 10, 60, 40, 1)])
    pixels, truth, moved = transform(image, rows, with_(), train=False)
    for channel in range(3):
        expected = np.array(detectnet_loops.resize(image[channel].astype(float).tolist(), 160, 96))
        assert np.abs(pixels[channel] - expected).max() < 0.01
    assert moved[0, :4].tolist() == [-16, 15, 48, 60]
    assert np.array_equal(truth, coverage.generate(moved, GROUND_TRUTH, clip=False))


def test_crop_bboxes_rules_both_phases_where_it_is_written() -> None:
    image, _ = street(0)
    rows = rows_of([(-20, 10, 60, 40, 1)])
    for crop_bboxes, left in ((True, 0.0), (False, -20.0)):
        given = dataclasses.replace(with_(), ground_truth=dataclasses.replace(GROUND_TRUTH, crop_bboxes=crop_bboxes))
        for train in (True, False):
            _, truth, _ = transform(image, rows, given, train)
            row, column = np.argwhere(truth[0])[0]
            assert truth[1, row, column] + 16 * column == left


def test_hue_and_saturation_as_colorsys() -> None:
    image = np.random.default_rng(3).integers(0, 256, (3, 6, 9), dtype=np.uint8)
    # Greys and extremes, and hues whose turn leaves 0..360 on either side.
    image[:, 0, :4] = np.array([[0, 255, 80, 0], [0, 255, 80, 0], [0, 255, 80, 255]])
    floats = transformation.interleaved(image)
    for hue, saturation in ((-30.0, 1.0), (30.0, 0.2), (0.0, 0.5), (180.0, 1.0), (-180.0, 0.0)):
        changed = transformation.color(floats.copy(), Drawn((9, 6), hue=hue, saturation=saturation))
        expected = [[detectnet_loops.hsv(pixel, hue, saturation) for pixel in line] for line in floats.tolist()]
        assert np.abs(changed - np.array(expected)).max() < 0.01


def test_scaling_is_cubic() -> None:
    image, _ = street(4, width=40, height=24)
    for size in ((32, 19), (48, 29)):
        scaled = transformation.geometric(transformation.interleaved(image), Drawn(size))
        expected = np.array(detectnet_loops.resize(image[1].astype(float).tolist(), *size))
        assert scaled.shape == (size[1], size[0], 3) and np.abs(scaled[..., 1] - expected).max() < 0.01


def test_flip_mirrors_pixels_and_boxes_as_nvidia_counts_them() -> None:
    image, _ = street(1)
    pixels, _, moved = transform(image, rows_of([(10, 20, 30, 40, 1)]), with_(flip_prob=1), train=True)
    assert np.array_equal(pixels, image[:, :, ::-1])
    assert moved[0, :4].tolist() == [160 - 10 - 30 - 1, 20, 30, 40]


@pytest.mark.parametrize("corner", [(0, 0), (7, -3), (-16, 16), (20, 30), (-300, 0)])
def test_crop_is_padded_with_zeros(corner: tuple[int, int]) -> None:
    image, _ = street(1, width=170, height=90)
    pixels = np.full((3, 96, 160), 777, np.float32)
    transformation.crop(transformation.interleaved(image), corner, pixels)
    for channel in range(3):
        expected = np.array(detectnet_loops.crop(image[channel].astype(float).tolist(), corner, 160, 96))
        assert np.array_equal(pixels[channel], expected)
    moved = transformation.move(rows_of([(50, 40, 10, 12, 1)]), (170, 90), Drawn((170, 90), crop=corner))
    assert moved[0, :4].tolist() == [50 - corner[0], 40 - corner[1], 10, 12]


def test_a_scaled_box_follows_the_size_in_whole_pixels() -> None:
    moved = transformation.move(rows_of([(50, 40, 10, 12, 1)]), (170, 90), Drawn((187, 81)))
    assert moved[0, :4] == pytest.approx([55, 36, 11, 10.8])


def test_rotation_by_a_right_angle_is_known_exactly() -> None:
    # Clockwise around the centre: what was at the left is on top.
    drawn = Drawn((40, 20), rotation=90.0)
    assert augment.rotated((40, 20), 90.0)[0] in (21, 22) and augment.rotated((40, 20), 90.0)[1] in (41, 42)
    left, top, _, _ = augment.bounds((40, 20), 90.0)
    matrix = transformation.rotation((40, 20), 90.0)
    assert matrix @ [20, 10, 1] == pytest.approx([20 - left, 10 - top])
    assert matrix @ [0, 10, 1] == pytest.approx([20 - left, -10 - top])
    moved = transformation.move(rows_of([(0, 8, 10, 4, 1)]), (40, 20), drawn)
    # The box keeps its size, and its centre (5, 10) goes round.
    assert moved[0, :4] == pytest.approx([20 - left - 5, -5 - top - 2, 10, 4])


def test_rotation_is_that_of_opencvs_rotated_rectangles() -> None:
    rng = np.random.default_rng(0)
    pixels_off = 0
    for _ in range(500):
        size, degrees = tuple(rng.integers(20, 1500, 2).tolist()), float(rng.uniform(-180, 180))
        centre = (size[0] / 2, size[1] / 2)
        x, y, w, h = cv2.RotatedRect(centre, size, degrees).boundingRect()
        left, top, right, bottom = augment.bounds(size, degrees)
        off = np.abs(np.array([x - left, y - top, w - (right - left + 1), h - (bottom - top + 1)]))
        # OpenCV's corners have 32 bits: one that lies on a whole pixel may fall to either side.
        assert off.max() <= 1
        pixels_off += int(off.sum())
        before = cv2.boxPoints((centre, size, 0.0))
        after = cv2.boxPoints(((centre[0] - left, centre[1] - top), size, degrees))
        matrix = cv2.getAffineTransform(before[:3], after[:3])
        place = np.array([*rng.uniform(0, 1, 2) * size, 1])
        assert np.abs((matrix - transformation.rotation(size, degrees)) @ place).max() < 0.01
    assert pixels_off <= 5


def test_a_rotated_image_carries_its_boxes_along() -> None:
    image = np.zeros((3, 96, 160), np.uint8)
    image[:, 40:50, 100:120] = 250
    given = with_(rotation_prob=1, max_rotate_degree=25)
    for example in range(6):
        pixels, _, moved = transform(image, rows_of([(100, 40, 20, 10, 1)]), given, True, example)
        bright = np.argwhere(pixels[0] > 125).mean(axis=0) + 0.5
        x, y, w, h = moved[0, :4]
        assert abs(bright[1] - (x + w / 2)) < 1 and abs(bright[0] - (y + h / 2)) < 1


def test_augmented_pixels_and_boxes_stay_together() -> None:
    image = np.zeros((3, 96, 160), np.uint8)
    image[:, 30:60, 60:100] = 250
    given = Parameters(GROUND_TRUTH, Augmentation(hue_rotation_prob=0, desaturation_prob=0), seed=1)
    for example in range(40):
        pixels, _, moved = transform(image, rows_of([(60, 30, 40, 30, 1)]), given, True, example)
        y1, x1 = np.argwhere(pixels[0] > 125).min(axis=0)
        y2, x2 = np.argwhere(pixels[0] > 125).max(axis=0) + 1
        # NVIDIA's flip is a pixel off, which scaling makes 1.2; and half a pixel for rounding.
        assert np.abs(np.array([x1, y1, x2, y2]) - labels.corners(moved)[0]).max() <= 1.71


def test_an_example_is_the_same_again_and_another_is_not() -> None:
    image, objects = street(1)
    given = Parameters(GROUND_TRUTH, seed=9)
    first = transform(image, rows_of(objects), given, True, 17)
    again = transform(image, rows_of(objects), given, True, 17)
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    assert not np.array_equal(first[0], transform(image, rows_of(objects), given, True, 18)[0])
    other_seed = dataclasses.replace(given, seed=10)
    assert not np.array_equal(first[0], transform(image, rows_of(objects), other_seed, True, 17)[0])


def test_draws_have_the_published_probabilities_and_ranges() -> None:
    given = parameters.parse(
        "detectnet_groundtruth_param { stride: 16 image_size_x: 1248 image_size_y: 384 object_class { src: 1 dst: 0 } }"
    )
    drawn = [augment.draw(given, (1248, 384), example) for example in range(4000)]
    hue = np.array([each.hue for each in drawn])
    saturation = np.array([each.saturation for each in drawn])
    scale = np.array([each.scaled[0] / 1248 for each in drawn])
    # Four standard deviations of a share of 4000: 3.2 % at most.
    assert abs((hue != 0).mean() - 0.8) < 0.032 and abs((saturation != 1).mean() - 0.8) < 0.032
    assert abs((scale != 1).mean() - 0.4) < 0.032 and abs(np.mean([each.flip for each in drawn]) - 0.5) < 0.032
    assert -30 <= hue.min() < -29 and 29 < hue.max() <= 30
    assert 0.2 <= saturation.min() < 0.21 and 0.799 <= scale.min() < 0.81 and 1.19 < scale.max() <= 1.2
    assert not any(each.rotation for each in drawn)
    plain = np.array([each.crop for each in drawn if each.scaled == (1248, 384)])
    assert plain.min(axis=0).tolist() == [-16, -16] and plain.max(axis=0).tolist() == [16, 16]
    larger = [each for each in drawn if each.scaled[0] > 1248]
    assert all(-16 <= each.crop[0] <= each.scaled[0] - 1248 + 16 for each in larger)
    assert all(-16 <= each.crop[1] <= each.scaled[1] - 384 + 16 for each in larger)


def test_without_a_random_crop_it_is_the_middle_one() -> None:
    given = with_(scale_prob=1, scale_min=1.5, scale_max=1.5)
    assert augment.draw(given, (160, 96), 0).crop == (40, 24)
    assert augment.draw(given, (107, 64), 0).crop == (1, 0)


def test_halves_are_rounded_away_from_zero() -> None:
    assert [augment.nearest(each) for each in (-1.5, -0.5, -0.4, 0.5, 1.49, 2.5)] == [-2, -1, 0, 1, 1, 3]
