"""Drawn streets: the same twice, boxes that hold what was drawn, nobody shown and not labelled, Parse-27k's layout."""

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from evolve.base.errors import UserError
from evolve.datasets import Detection, images, prepare_detection
from evolve.datasets.parse27k_layout import read
from evolve.datasets.streets import figure, gait, looks, scene
from evolve.datasets.streets.camera import Camera
from evolve.datasets.streets.patch import Patch, Placed
from evolve.datasets.streets.recording import lengths, record

CAMERA = Camera(320, 192, 330, 80, 1.7, 0.1)
SMALL = Detection(96, 64, frames=48, frame_width=192, frame_height=112)


def test_the_camera_agrees_with_a_pinhole_worked_by_hand() -> None:
    camera = Camera(640, 384, 600, 150, 1.8)
    assert camera.scale(10) == 60 and camera.foot(10) == 150 + 600 * 1.8 / 10
    points = np.array([[0, 0, 10], [2, 1.8, 10], [-1, 3.8, 5.0]])
    assert np.allclose(camera.project(points), [[320, 258], [440, 150], [200, 150 - 240]])
    turned = Camera(640, 384, 600, 150, 1.8, yaw=0.3)
    for column, depth in ((100, 7.0), (500, 12.0)):
        x, z = turned.place(column, depth)
        assert np.allclose(turned.project(np.array([[x, 0, z]])), [[column, turned.foot(depth)]])
        onto = turned.ground() @ (x, z, 1)
        assert np.allclose(onto[:2] / onto[2], [column, turned.foot(depth)])


def test_a_stride_keeps_bones_and_the_ground() -> None:
    rng = np.random.default_rng(0)
    bones = [("hip", "knee", 0.245), ("knee", "ankle", 0.235), ("elbow", "hand", 0.165)]
    for _ in range(200):
        height = float(rng.uniform(1.1, 2.0))
        joints = gait.joints(gait.pose(rng, bool(rng.random() < 0.8)), height, 1.0)
        assert min(joint[2] for joint in joints.values()) == 0
        assert 0.85 * height < joints["head"][2] < 0.96 * height
        for side in ("left", "right"):
            for a, b, length in bones:
                between = np.subtract(joints[f"{side} {a}"], joints[f"{side} {b}"])
                assert np.linalg.norm(between) == pytest.approx(length * height)


def test_opposite_limbs_swing_against_each_other() -> None:
    joints = gait.joints(gait.Pose(np.pi / 2, 28, ("swing", "swing"), 0), 1.8, 1.0)
    assert joints["right ankle"][0] > 0.2 > -0.2 > joints["left ankle"][0]
    assert joints["right hand"][0] < joints["right shoulder"][0] and joints["left hand"][0] > joints["left shoulder"][0]


def test_people_are_as_high_as_they_are() -> None:
    rng = np.random.default_rng(4)
    for _ in range(40):
        who = looks.look(rng)
        patch = figure.drawn(who, gait.pose(rng, True), float(rng.uniform(-3, 3)), 100, 0.3)
        left, top, right, bottom = Placed(patch, 0, 0, 1).extent(patch.pixels.shape[1], patch.pixels.shape[0])
        assert 0.93 * who.height < (bottom - top) / 100 < 1.07 * who.height
        assert 0.15 * who.height < (right - left) / 100 < 1.1 * who.height
        assert abs(bottom - patch.base) <= 6  # stands on the ground
        assert (patch.pixels[:, :, :3] <= patch.pixels[:, :, 3:]).all()


def test_boxes_and_visible_parts_by_plain_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[list[scene.Standing]] = []
    original = scene._persons

    def _kept(standing: list[scene.Standing], camera: Camera) -> list[scene.Person]:
        kept.append(standing)
        return original(standing, camera)

    monkeypatch.setattr(scene, "_persons", _kept)
    people = 0
    for seed in range(12):
        _, persons = scene.frame(CAMERA, np.random.default_rng(seed))
        owner: dict[tuple[int, int], int] = {}
        covered: dict[int, list[tuple[int, int]]] = {}
        for number, each in enumerate(kept[-1]):
            rows, columns = np.nonzero(each.placed.patch.pixels[:, :, 3] > 127)
            covered[number] = [
                (int(r) + each.placed.top, int(c) + each.placed.left) for r, c in zip(rows, columns, strict=True)
            ]
            owner |= dict.fromkeys(covered[number], number)
        shown = [number for number, each in enumerate(kept[-1]) if each.person]
        assert len(shown) == len(persons)
        for number, person in zip(shown, persons, strict=True):
            inside = [(r, c) for r, c in covered[number] if 0 <= r < 192 and 0 <= c < 320]
            visible = [pixel for pixel in inside if owner[pixel] == number]
            assert person.seen == pytest.approx(len(visible) / len(covered[number]))
            assert person.seen >= scene.LEAST_SEEN
            edges = [min(c for _, c in inside), min(r for r, _ in inside), max(c for _, c in inside) + 1]
            assert list(person.box) == [*edges, max(r for r, _ in inside) + 1]
            people += 1
    assert people > 15


def test_the_nearer_are_larger_and_stand_lower() -> None:
    near, far = (scene._place(Patch(0.5, 0.5, 2, CAMERA.scale(z)), CAMERA, 160, z) for z in (4.0, 8.0))
    assert near.patch.scale == 2 * far.patch.scale
    near_foot, far_foot = near.top + near.patch.base, far.top + far.patch.base
    assert near_foot - CAMERA.horizon == pytest.approx(2 * (far_foot - CAMERA.horizon), abs=1.5)


def test_a_recording_is_the_same_twice_and_another_with_another_seed(tmp_path: Path) -> None:
    def _recorded(name: str, seed: int) -> tuple[list[bytes], list[object]]:
        folder = tmp_path / name
        folder.mkdir()
        record(folder, 40, 160, 96, seed, print)
        with closing(sqlite3.connect(folder / "annotations.sqlite3")) as database:
            rows = database.execute("SELECT * FROM Pedestrian JOIN AttributeSet USING (attributeSetID)").fetchall()
        return [path.read_bytes() for path in sorted(folder.rglob("*.jpg"))], rows

    first = _recorded("a", 5)
    assert first == _recorded("b", 5)
    other = _recorded("c", 6)
    assert first[1] != other[1] and not set(first[0]) & set(other[0])
    assert len(first[0]) == 40 == len(set(first[0]))
    with closing(sqlite3.connect(tmp_path / "a" / "annotations.sqlite3")) as database:
        query = (
            "SELECT GROUP_CONCAT(OrientationID || GenderID || PostureID || HasBackpackID) FROM Image "
            "LEFT JOIN Pedestrian USING (imageID) LEFT JOIN AttributeSet USING (attributeSetID) "
            "WHERE filename <= '000001.jpg' GROUP BY sequenceID"
        )
        assert len(set(database.execute(query))) > 5  # other drives meet other people


def test_lengths_add_up() -> None:
    for frames in (40, 97, 2000):
        counts = lengths(frames)
        assert sum(counts.values()) == frames and sorted(counts) == list(range(1, 9)) and min(counts.values()) > 0


def test_the_layout_is_parse27ks_and_its_loader_reads_it(tmp_path: Path, lines: list[str]) -> None:
    made = prepare_detection("streets", SMALL, seed=2, data=tmp_path, report=lines.append)
    root = tmp_path / "raw" / "streets-48-192x112-seed2"
    assert made.notice.startswith("these streets and people are drawn, not photographed")
    photos = read(root)
    assert made.counts == {split: len(those) for split, those in photos.items()}
    assert sum(made.counts.values()) == 48 and made.counts["train"] > 30
    with closing(sqlite3.connect(root / "annotations.sqlite3")) as database:
        pedestrians, attributes, whole = (
            database.execute(f"SELECT COUNT(*) FROM {query}").fetchone()[0]
            for query in (
                "Pedestrian",
                "AttributeSet",
                "Pedestrian JOIN Image USING (imageID) JOIN AttributeSet USING (attributeSetID) "
                "WHERE box_min_x >= 0 AND box_max_x <= 192 AND box_min_x < box_max_x "
                "AND box_min_y >= 0 AND box_max_y <= 112 AND box_min_y < box_max_y",
            )
        )
    assert pedestrians == attributes == whole == sum(len(photo.boxes) for those in photos.values() for photo in those)
    again = prepare_detection("streets", SMALL, seed=2, data=tmp_path, report=lines.append)
    assert again == made and images(made, "val", 2).std() > 10


def test_too_few_frames(tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        prepare_detection("streets", Detection(96, 64, frames=20, frame_width=640), data=tmp_path)
    assert str(error.value) == (
        "data set 'streets': expected at least 40 frames of at least 160x96, got 20 of 640x384; choose more"
    )
