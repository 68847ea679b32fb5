"""Folders as people bring them: each odd form has its one outcome, boxes to the pixel or a sentence."""

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from layouts import CAT, WANTED, cat, coco, coco_pair, image, told, write, xml

from evolve.base.errors import UserError
from evolve.datasets import NotToBeHad, box_set, few_with_boxes, lookup
from evolve.datasets.annotations import check, ids
from evolve.lineage import data_wishes
from evolve.proto.evolution_pb2 import DatasetParameter

BOX = ("cat", 10, 20, 30, 30, False)
YOLO = "0 0.3125 0.6875 0.25 0.5"  # what is easily written in fractions of 96x64
FRACTIONS = ("cat", 0.1875, 0.4375, 0.25, 0.5, False)
OTHER = "1 0.5 0.5 0.5 0.5"
OTHERS = ("dog", 0.25, 0.25, 0.5, 0.5, False)
NAMES = "path: ../somewhere\nnames: ['cat', dog]\nnc: 2\n"
Files = dict[str, str | bytes]


class Read(NamedTuple):
    """Files, images by their names, and what is read: by split, each image with its boxes."""

    layout: str
    files: Files
    images: tuple[str, ...]
    read: dict[str, list[Any]]
    says: tuple[str, ...] = ()


def both(first: str = "a.png", second: str = "b.png", box: Any = BOX) -> dict[str, list[Any]]:
    """A cat in each, one in either split."""
    return {"train": [(first, box)], "val": [(second, box)]}


def cafe(one: bool) -> str:
    """Café, its é in one sign or in two."""
    return "caf\u00e9" if one else "cafe\u0301"


def split_by_list(*, xmls: Files, train: str | bytes = "a\n", val: str | bytes = "b\n") -> Files:
    return {f"Annotations/{name}.xml": content for name, content in xmls.items()} | {
        "ImageSets/Main/train.txt": train, "ImageSets/Main/val.txt": val,
    }  # fmt: skip


TWO = {"a": xml(), "b": xml()}
VOC_IMAGES = ("JPEGImages/a.png", "JPEGImages/b.png")
VOC = both(*VOC_IMAGES)
A, B = coco_pair("a.png", 1), coco_pair("b.png", 2)

READ = {
    "Pascal VOC as its authors have it": Read("voc", split_by_list(xmls=TWO), VOC_IMAGES, VOC),
    "names with blanks and of any letters": Read(
        "voc",
        split_by_list(xmls={"image (1)": xml(), "猫 é 1": xml()}, train="image (1)\n", val="猫 é 1\n"),
        ("JPEGImages/image (1).png", "JPEGImages/猫 é 1.png"),
        both("JPEGImages/image (1).png", "JPEGImages/猫 é 1.png"),
    ),
    **{
        f"Pascal VOC, letters composed in its {' and '.join(where)} alone": Read(
            "voc",
            split_by_list(xmls={cafe("XML" in where): xml(), "b": xml()}, train=f"{cafe('list' in where)}\n"),
            (f"JPEGImages/{cafe('images' in where)}.png", "JPEGImages/b.png"),
            both(f"JPEGImages/{cafe('images' in where)}.png", "JPEGImages/b.png"),
        )
        for where in (("XML",), ("list",), ("images",), ("XML", "list"), ("XML", "images"), ("list", "images"))
    },
    **{
        f"YOLO, letters composed in its {where} alone": Read(
            "yolo",
            {f"labels/train/{cafe(where == 'labels')}.txt": YOLO, "labels/val/b.txt": YOLO, "data.yaml": NAMES},
            (f"images/train/{cafe(where == 'images')}.png", "images/val/b.png"),
            both(f"images/train/{cafe(where == 'images')}.png", "images/val/b.png", FRACTIONS),
        )
        for where in ("labels", "images")
    },
    **{
        f"Darknet's lists, letters composed in {where} alone": Read(
            "yolo",
            {
                f"{cafe(where == 'files')}/{cafe(where == 'files')}.txt": YOLO, "b.txt": YOLO, "obj.names": "cat\n",
                "train.txt": f"data/{cafe(where == 'lists')}/{cafe(where == 'lists')}.png", "valid.txt": "b.png",
            },
            (f"{cafe(where == 'files')}/{cafe(where == 'files')}.png", "b.png"),
            both(f"{cafe(where == 'files')}/{cafe(where == 'files')}.png", "b.png", FRACTIONS),
        )
        for where in ("lists", "files")
    },
    **{
        f"COCO, letters composed in its {where} alone": Read(
            "coco",
            {
                "train.json": coco([A[0] | {"file_name": f"{cafe(where == 'JSON')}.png"}], [A[1]]),
                "val.json": coco([B[0]], [B[1]]),
            },
            (f"images/{cafe(where == 'images')}.png", "images/b.png"),
            both(f"images/{cafe(where == 'images')}.png", "images/b.png"),
        )
        for where in ("JSON", "images")
    },
    "lists with a byte order mark and lines of Windows": Read(
        "voc", split_by_list(xmls=TWO, train=b"\xef\xbb\xbfa\r\n", val=b"b\r\n\r\n"), VOC_IMAGES, VOC
    ),
    "lists of a class, with its flag": Read(
        "voc", split_by_list(xmls=TWO, train="a  1\n", val="b -1\n"), VOC_IMAGES, VOC
    ),
    "lists with the endings of images": Read(
        "voc", split_by_list(xmls=TWO, train="a.png\n", val="b.png"), VOC_IMAGES, VOC
    ),
    "a name that ends like a flag": Read(
        "voc",
        split_by_list(xmls={"cat 1": xml(), "cat": xml()}, train="cat 1\n", val="cat\n"),
        ("JPEGImages/cat 1.png", "JPEGImages/cat.png"),
        both("JPEGImages/cat 1.png", "JPEGImages/cat.png"),
    ),
    "XML with a byte order mark": Read(
        "voc", split_by_list(xmls=TWO | {"a": b"\xef\xbb\xbf" + xml().encode()}), VOC_IMAGES, VOC
    ),
    "XML in UTF-16": Read("voc", split_by_list(xmls=TWO | {"a": xml().encode("utf-16")}), VOC_IMAGES, VOC),
    "XML with a namespace": Read(
        "voc",
        split_by_list(xmls=TWO | {"a": xml().replace("<annotation>", '<annotation xmlns="urn:labels">')}),
        VOC_IMAGES,
        VOC,
    ),
    "XML with capitals": Read(
        "voc",
        split_by_list(xmls=TWO | {"a": xml().replace("object>", "Object>").replace("bndbox>", "BndBox>")}),
        VOC_IMAGES,
        VOC,
    ),
    "XML with a prefix": Read(
        "voc",
        split_by_list(
            xmls=TWO
            | {
                "a": '<v:annotation xmlns:v="urn:v"><v:object><v:name>cat</v:name><v:bndbox><v:xmin>11</v:xmin><v:ymin>'
                "21</v:ymin><v:xmax>40</v:xmax><v:ymax>50</v:ymax></v:bndbox></v:object></v:annotation>"
            }
        ),
        VOC_IMAGES,
        VOC,
    ),
    "a filename that is another image's": Read(
        "voc", split_by_list(xmls={"a": xml(name="b.png"), "b": xml(name="b.png")}), VOC_IMAGES, VOC
    ),
    "a filename with the ending from before": Read(
        "voc", split_by_list(xmls=TWO | {"a": xml(name="a.bmp")}), VOC_IMAGES, VOC
    ),
    "a filename from elsewhere": Read(
        "voc",
        split_by_list(xmls={"a": xml(name="/home/eva/a.jpg"), "b": xml(name="..\\b.jpg")}),
        VOC_IMAGES,
        VOC,
    ),
    "XML that is called otherwise than its image": Read(
        "voc",
        split_by_list(xmls={"1": xml(name="a.png"), "2": xml(name="b.png")}, train="1", val="2"),
        VOC_IMAGES,
        VOC,
    ),
    "two images of one name, of which the XML says which": Read(
        "voc", split_by_list(xmls=TWO | {"a": xml(name="a.png")}), (*VOC_IMAGES, "JPEGImages/a.jpg"), VOC
    ),
    "what is difficult": Read(
        "voc",
        split_by_list(xmls=TWO | {"a": xml(cat("<difficult>1</difficult>") + cat("<difficult>0</difficult>"))}),
        VOC_IMAGES,
        VOC | {"train": [("JPEGImages/a.png", (*BOX[:-1], True), BOX)]},
    ),
    "a size of zeros, as of tools that did not look": Read(
        "voc", split_by_list(xmls=TWO | {"a": xml(size=(0, 0))}), VOC_IMAGES, VOC
    ),
    "a list of train and val together": Read(
        "voc",
        {f"Annotations/{name}.xml": xml() for name in "abcd"} | {"ImageSets/Main/trainval.txt": "a\nb\nc\n"},
        tuple(f"JPEGImages/{name}.jpg" for name in "abcd"),
        {"train": [("JPEGImages/a.jpg", BOX), ("JPEGImages/c.jpg", BOX)], "val": [("JPEGImages/b.jpg", BOX)]},
    ),
    **{
        f"Pascal VOC's lists {', '.join(named)}": Read(
            "voc",
            {f"Annotations/{name}.xml": xml() for name in "abcdef"}
            | {f"ImageSets/Main/{name}.txt": "\n".join(images) for name, images in named.items()},
            tuple(f"JPEGImages/{name}.jpg" for name in "abcdef"),
            {split: [(f"JPEGImages/{name}.jpg", BOX) for name in images] for split, images in read.items()},
        )
        for named, read in (
            ({"Train": "abc", "Test": "def"}, {"train": "ac", "val": "b", "test": "def"}),
            ({"Train": "ab", "Validation": "cd", "Test": "ef"}, {"train": "ab", "val": "cd", "test": "ef"}),
            ({"train": "ab", "val": "cd", "Test": "ef"}, {"train": "ab", "val": "cd", "test": "ef"}),
            ({"train": "ab", "valid": "cd"}, {"train": "ab", "val": "cd"}),
            ({"train": "abc"}, {"train": "ac", "val": "b"}),
            ({"train": "ac", "trainval": "abc", "test": "def"}, {"train": "ac", "val": "b", "test": "def"}),
            ({"default": "ab", "Validation": "cd"}, {"train": "ab", "val": "cd"}),
            ({"default": "ab", "Train": "cd", "val": "ef"}, {"train": "cd", "val": "ef"}),
            ({"default": "abcde"}, {"train": "abcdf", "val": "e"}),
            ({"TRAINVAL": "abc", "cat_train": "f"}, {"train": "ac", "val": "b"}),
        )
    },
    "Pascal VOC's folders in small letters": Read(
        "voc",
        {f"annotations/{name}.xml": xml() for name in "ab"}
        | {"imagesets/main/train.txt": "b", "imagesets/main/val.txt": "a"},
        ("jpegimages/a.png", "jpegimages/b.png"),
        both("jpegimages/b.png", "jpegimages/a.png"),
    ),
    "Kaggle's images and annotations without lists": Read(
        "voc",
        {f"annotations/{name}.xml": xml() for name in "abcde"},
        tuple(f"images/{name}.PNG" for name in "abcde"),
        {
            "train": [(f"images/{name}.PNG", BOX) for name in "abcd"],
            "val": [("images/e.PNG", BOX)],
        },
    ),
    "Roboflow's folder a split, XML beside images": Read(
        "voc",
        {f"{split}/{split}.rf.0.xml": xml() for split in ("train", "valid", "test")} | {"README.roboflow.txt": "hello"},
        tuple(f"{split}/{split}.rf.0.jpg" for split in ("train", "valid", "test")),
        {
            split: [(f"{folder}/{folder}.rf.0.jpg", BOX)]
            for split, folder in (("train", "train"), ("val", "valid"), ("test", "test"))
        },
    ),
    "Roboflow's copies of a photograph stay together": Read(
        "voc",
        {f"{name}.xml": xml() for name in ("a_jpg.rf.1", "a_jpg.rf.2", "b_jpg.rf.3", "b_jpg.rf.4")},
        ("a_jpg.rf.1.jpg", "a_jpg.rf.2.jpg", "b_jpg.rf.3.jpg", "b_jpg.rf.4.jpg"),
        {
            "train": [("b_jpg.rf.3.jpg", BOX), ("b_jpg.rf.4.jpg", BOX)],
            "val": [("a_jpg.rf.1.jpg", BOX), ("a_jpg.rf.2.jpg", BOX)],
        },
    ),
    "a split that has train and test alone": Read(
        "voc",
        {"train/a.xml": xml(), "train/b.xml": xml(), "test/c.xml": xml()},
        ("train/a.jpg", "train/b.jpg", "test/c.jpg"),
        {"train": [("train/a.jpg", BOX)], "val": [("train/b.jpg", BOX)], "test": [("test/c.jpg", BOX)]},
    ),
    "KITTI's text in two folders": Read(
        "kitti_text",
        {"labels/a.txt": CAT, "labels/b.txt": f"\ufeff{CAT}\r\n"},
        ("images/a.png", "images/b.png"),
        both("images/a.png", "images/b.png"),
    ),
    "KITTI's text as the benchmark lies, without its mapping": Read(
        "kitti_text",
        {f"training/label_2/00000{n}.txt": CAT for n in range(2)},
        tuple(f"training/image_2/00000{n}.png" for n in range(2)),
        {"train": [("training/image_2/000001.png", BOX)], "val": [("training/image_2/000000.png", BOX)]},
    ),
    "DIGITS's train and val": Read(
        "kitti_text",
        {"train/labels/a.txt": CAT, "val/labels/b.txt": CAT},
        ("train/images/a.png", "val/images/b.png"),
        both("train/images/a.png", "val/images/b.png"),
    ),
    "KITTI's text with an image that nobody labelled": Read(
        "kitti_text",
        {"train/labels/a.txt": "", "train/labels/c.txt": CAT, "val/labels/b.txt": CAT},
        tuple(f"train/images/{name}.png" for name in "acd") + ("val/images/b.png",),
        {
            "train": [("train/images/a.png",), ("train/images/c.png", BOX)],
            "val": [("val/images/b.png", BOX)],
        },
        ("{root}/train/images: 1 image without annotations left out, 'd.png' first",),
    ),
    "Pascal VOC's XML with images that nobody labelled": Read(
        "voc",
        {"train/a.xml": xml(), "val/b.xml": xml()},
        ("train/a.png", "train/d.png", "train/c.jpg", "val/b.png"),
        both("train/a.png", "val/b.png"),
        ("{root}/train: 2 images without annotations left out, 'c.jpg' first",),
    ),
    "COCO's own folders": Read(
        "coco",
        {
            "annotations/instances_train2017.json": coco([A[0]], [A[1]]),
            "annotations/instances_val2017.json": coco([B[0]], [B[1]]),
            "annotations/captions_train2017.json": '{"images": [], "annotations": []}',
            "annotations/person_keypoints_val2017.json": coco([], []),
        },
        ("train2017/a.png", "val2017/b.png"),
        both("train2017/a.png", "val2017/b.png"),
    ),
    "Roboflow's COCO": Read(
        "coco",
        {
            "train/_annotations.coco.json": coco([A[0]], [A[1]]),
            "valid/_annotations.coco.json": coco([B[0]], [B[1]]),
        },
        ("train/a.png", "valid/b.png"),
        both("train/a.png", "valid/b.png"),
    ),
    "one JSON for all, with a byte order mark": Read(
        "coco",
        {"labels.json": b"\xef\xbb\xbf" + coco([A[0], B[0]], [A[1], B[1]]).encode()},
        ("images/a.png", "images/b.png"),
        both("images/a.png", "images/b.png"),
    ),
    "COCO's file names of another machine": Read(
        "coco",
        {
            "train.json": coco([A[0] | {"file_name": "C:\\photos\\a.png"}], [A[1]]),
            "val.json": coco([B[0] | {"file_name": "/home/eva/b.png"}], [B[1]]),
        },
        ("images/a.png", "images/b.png"),
        both("images/a.png", "images/b.png"),
    ),
    "a crowd, and an image without boxes": Read(
        "coco",
        {
            "train.json": coco([A[0], B[0]], [A[1], A[1] | {"iscrowd": 1}]),
            "val.json": coco([coco_pair("c.png")[0]], [coco_pair("c.png")[1]]),
        },
        ("a.png", "b.png", "c.png"),
        {"train": [("a.png", BOX, (*BOX[:-1], True)), ("b.png",)], "val": [("c.png", BOX)]},
    ),
    "YOLO as Ultralytics has it": Read(
        "yolo",
        {"labels/train/a.txt": YOLO, "labels/val/b.txt": YOLO, "data.yaml": NAMES},
        ("images/train/a.png", "images/val/b.png"),
        both("images/train/a.png", "images/val/b.png", FRACTIONS),
    ),
    "Roboflow's YOLO, with numbered names": Read(
        "yolo",
        {"train/labels/a.txt": YOLO, "valid/labels/b.txt": YOLO, "data.yaml": "names:\n  0: cat\n  1: no\n"},
        ("train/images/a.png", "valid/images/b.png"),
        both("train/images/a.png", "valid/images/b.png", FRACTIONS),
    ),
    "CVAT's YOLO of no split, its list beside it": Read(
        "yolo",
        {
            "labels/default/a.txt": YOLO, "labels/default/b.txt": YOLO, "data.yaml": NAMES,
            "default.txt": "data/images/default/a.png\ndata/images/default/b.png\n",
        },
        ("images/default/a.png", "images/default/b.png"),
        {"train": [("images/default/a.png", FRACTIONS)], "val": [("images/default/b.png", FRACTIONS)]},
    ),
    "CVAT's YOLO with a test split, and the rest in none": Read(
        "yolo",
        {
            "labels/default/a.txt": YOLO, "labels/default/b.txt": YOLO, "labels/Test/c.txt": YOLO, "data.yaml": NAMES,
        },
        ("images/default/a.png", "images/default/b.png", "images/Test/c.png"),
        {
            "train": [("images/default/a.png", FRACTIONS)],
            "val": [("images/default/b.png", FRACTIONS)],
            "test": [("images/Test/c.png", FRACTIONS)],
        },
    ),
    "CVAT's YOLO with a train split, and one image in none": Read(
        "yolo",
        {"labels/Train/a.txt": YOLO, "labels/Train/b.txt": YOLO, "labels/default/c.txt": YOLO, "data.yaml": NAMES},
        ("images/Train/a.png", "images/Train/b.png", "images/default/c.png"),
        {"train": [("images/Train/a.png", FRACTIONS)], "val": [("images/Train/b.png", FRACTIONS)]},
    ),
    "CVAT's KITTI of no split": Read(
        "kitti_text",
        {"default/label_2/a.txt": CAT, "default/label_2/b.txt": CAT, "label_colors.txt": "cat 52 80 195\n"},
        ("default/image_2/a.png", "default/image_2/b.png"),
        {"train": [("default/image_2/a.png", BOX)], "val": [("default/image_2/b.png", BOX)]},
    ),
    "CVAT's COCO of no split": Read(
        "coco",
        {
            "annotations/instances_default.json": coco([A[0], B[0]], [A[1], B[1]]),
            "annotations/captions_default.json": coco([]),
        },
        ("images/default/a.png", "images/default/b.png"),
        {"train": [("images/default/a.png", BOX)], "val": [("images/default/b.png", BOX)]},
    ),
    "CVAT's COCO with a validation split, and the rest in none": Read(
        "coco",
        {
            "annotations/instances_default.json": coco([A[0]], [A[1]]),
            "annotations/instances_Validation.json": coco([B[0]], [B[1]]),
        },
        ("images/default/a.png", "images/Validation/b.png"),
        {"val": [("images/Validation/b.png", BOX)], "train": [("images/default/a.png", BOX)]},
    ),
    "Darknet's lists": Read(
        "yolo",
        {
            "obj_train_data/a.txt": YOLO, "obj_train_data/b.txt": YOLO, "obj.names": "cat\ndog\n",
            "train.txt": "data/obj_train_data/a.png\n", "valid.txt": "/content/darknet/obj_train_data/b.png\n",
        },
        ("obj_train_data/a.png", "obj_train_data/b.png"),
        both("obj_train_data/a.png", "obj_train_data/b.png", FRACTIONS),
    ),  # fmt: skip
    "Darknet's lists of folders with images of the same names": Read(
        "yolo",
        {
            "obj_train_data/a.txt": YOLO, "obj_valid_data/a.txt": OTHER, "obj_train_data/b.txt": YOLO,
            "obj.names": "cat\ndog\n", "train.txt": "data/obj_train_data/a.png\ndata/obj_train_data/b.png\n",
            "valid.txt": "data/obj_valid_data/a.png\ndata/obj_valid_data/b.png\n",
        },
        tuple(f"obj_{split}_data/{name}.png" for split in ("train", "valid") for name in "ab"),
        {
            "train": [("obj_train_data/a.png", FRACTIONS), ("obj_train_data/b.png", FRACTIONS)],
            "val": [("obj_valid_data/a.png", OTHERS), ("obj_valid_data/b.png",)],
        },
    ),
    "Darknet's lists with labels beside images": Read(
        "yolo",
        {
            "obj/1.txt": YOLO, "obj/2.TXT": YOLO, "obj.names": "cat\ndog\n", "train.txt": "data/obj/1.jpg\n",
            "test.txt": "data/obj/2.jpg\n", "valid.txt": "data/obj/cafe\u0301.jpg\n", "obj/caf\u00e9.txt": YOLO,
        },
        ("obj/1.jpg", "obj/2.jpg", "obj/cafe\u0301.jpg"),
        {
            "train": [("obj/1.jpg", FRACTIONS)],
            "val": [("obj/cafe\u0301.jpg", FRACTIONS)],
            "test": [("obj/2.jpg", FRACTIONS)],
        },
    ),
    "Darknet's lists of folders called images, labels in those called labels": Read(
        "yolo",
        {
            "images/2007/labels/a.txt": YOLO, "images/2012/labels/a.txt": OTHER, "obj.names": "cat\ndog\n",
            "train.txt": "images/2007/JPEGImages/a.png\n", "valid.txt": "images/2012/images/a.png\n",
        },
        ("images/2007/JPEGImages/a.png", "images/2012/images/a.png"),
        {
            "train": [("images/2007/JPEGImages/a.png", FRACTIONS)],
            "val": [("images/2012/images/a.png", OTHERS)],
        },
    ),
    "Darknet's lists, labels in one folder": Read(
        "yolo",
        {
            "labels/a.txt": YOLO, "labels/b.txt": YOLO, "obj.names": "cat\ndog\n",
            "train.txt": "photos/a.png\n", "valid.txt": "photos/b.png\n",
        },
        ("photos/a.png", "photos/b.png"),
        both("photos/a.png", "photos/b.png", FRACTIONS),
    ),
    "names of classes beside images that Darknet's lists name": Read(
        "yolo",
        {
            "obj/a.txt": YOLO, "obj/b.txt": YOLO, "obj/classes.txt": "cat\ndog\n",
            "train.txt": "obj/a.png\n", "valid.txt": "obj/b.png\n",
        },
        ("obj/a.png", "obj/b.png"),
        both("obj/a.png", "obj/b.png", FRACTIONS),
    ),
    "YOLO with endings in capitals": Read(
        "yolo",
        {"labels/a.TXT": YOLO, "labels/b.txt": YOLO, "data.yaml": NAMES},
        ("images/a.PNG", "images/b.png"),
        {"train": [("images/a.PNG", FRACTIONS)], "val": [("images/b.png", FRACTIONS)]},
    ),
    "YOLO in one folder, with an image without boxes": Read(
        "yolo",
        {"a.txt": "", "b.txt": YOLO, "classes.txt": "\ufeffcat\r\ndog\r\n"},
        ("a.jpg", "b.jpg", "c.jpg"),
        {"train": [("a.jpg",), ("c.jpg",)], "val": [("b.jpg", FRACTIONS)]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_what_is_read(tmp_path: Path, name: str) -> None:
    form = READ[name]
    root = tmp_path / "mine"
    image(root, *form.images)
    write(root, form.files)
    said: list[str] = []
    photos = lookup.with_boxes(form.layout).source.load(wanted=WANTED, seed=1, raw=tmp_path, report=said.append)
    assert told(photos, root) == form.read
    assert said == [line.replace("{root}", str(root)) for line in form.says]


class Refused(NamedTuple):
    """Files, images, and the message, in which {root} is the folder."""

    layout: str
    files: Files
    images: tuple[str, ...]
    says: str


REFUSED = {
    "an image listed twice": Refused(
        "voc",
        split_by_list(xmls=TWO, train="a\n\na.png\n"),
        VOC_IMAGES,
        "ImageSets/Main/train.txt:3: expected every image once, got 'a' again, listed in line 1 before; take one out",
    ),
    "two images of one name": Refused(
        "voc",
        split_by_list(xmls=TWO),
        (*VOC_IMAGES, "JPEGImages/a.jpg"),
        "Annotations/a.xml: expected one image called 'a', got a.jpg, a.png; take all but one away",
    ),
    "a list of images to score alone": Refused(
        "voc",
        {"Annotations/a.xml": xml(), "ImageSets/Main/Test.txt": "a"},
        VOC_IMAGES[:1],
        ": expected images to train on, got only those of test; bring a train split",
    ),
    "XML of another tool": Refused(
        "voc",
        split_by_list(xmls=TWO | {"a": xml(root="annotations")}),
        VOC_IMAGES,
        "Annotations/a.xml: expected <annotation> of Pascal VOC, got <annotations>; export it as Pascal VOC",
    ),
    "a prefix that is never explained": Refused(
        "voc",
        split_by_list(xmls=TWO | {"a": "<v:annotation/>"}),
        VOC_IMAGES,
        "Annotations/a.xml: expected annotations in XML, got: unbound prefix: line 1, column 0; replace it",
    ),
    "one image alone": Refused(
        "voc", {"a.xml": xml()}, ("a.png",),
        ": expected two images or more to split into train and val, got 1; bring more",
    ),  # fmt: skip
    "images to score alone": Refused(
        "voc", {"val/a.xml": xml()}, ("val/a.png",),
        ": expected images to train on, got only those of val; bring a train split",
    ),  # fmt: skip
    "two folders of a split": Refused(
        "voc", {"train/a.xml": xml(), "train2017/b.xml": xml()}, ("train/a.png", "train2017/b.png"),
        "train2017: expected one for train, got a second one beside it; take one away",
    ),  # fmt: skip
    "two folders of a split's labels": Refused(
        "kitti_text", {"labels/val/a.txt": CAT, "labels/valid/b.txt": CAT}, ("images/val/a.png", "images/valid/b.png"),
        "labels/valid: expected one for val, got a second one beside it; take one away",
    ),  # fmt: skip
    "two of Darknet's lists of a split": Refused(
        "yolo", {"a.txt": YOLO, "classes.txt": "cat\n", "train.txt": "a.png\n", "training.txt": "b.png\n"},
        ("a.png", "b.png"),
        "training.txt: expected one for train, got a second one beside it; take one away",
    ),  # fmt: skip
    "a folder in another layout": Refused(
        "voc",
        {"labels/a.txt": CAT},
        ("images/a.png",),
        ": expected Annotations and JPEGImages, got none of it; see the table in datasets/README.md",
    ),
    "a width of zero alone": Refused(
        "voc",
        split_by_list(xmls=TWO | {"a": xml(size=(0, 64))}),
        VOC_IMAGES,
        "Annotations/a.xml: expected a whole number of pixels for width, got 0; correct it",
    ),
    "KITTI's text with a score": Refused(
        "kitti_text",
        {"labels/a.txt": f"{CAT}\n{CAT} 0.9\n"},
        ("images/a.png",),
        f"labels/a.txt:2: expected a type and 14 numbers, got '{CAT} 0.9' (16 fields); replace it with the original "
        "file",
    ),
    "two JSON files of a split": Refused(
        "coco",
        {"annotations/instances_train2014.json": coco([]), "annotations/instances_train2017.json": coco([])},
        (),
        "annotations/instances_train2017.json: expected one such file a split, got "
        "{root}/annotations/instances_train2014.json too; take one away",
    ),
    "JSON that is none": Refused(
        "coco",
        {"train.json": "{"},
        (),
        "train.json: expected COCO's JSON, got: Expecting property name enclosed in double quotes: line 1 column 2 "
        "(char 1); replace it",
    ),
    "JSON of captions": Refused(
        "coco",
        {"train.json": '{"images": [], "annotations": []}'},
        (),
        "train.json: expected lists of images, categories, annotations, got no categories; export it as COCO JSON",
    ),
    "an image twice in JSON": Refused(
        "coco",
        {"train.json": coco([A[0], A[0]])},
        (),
        "train.json: images[1]: expected every id once, got 1 again; correct it",
    ),
    "a box of no image": Refused(
        "coco",
        {"train.json": coco([A[0]], [A[1], B[1]])},
        (),
        "train.json: annotations[1]: expected the image_id of an entry, got 2; correct it",
    ),
    "a mask without a box": Refused(
        "coco",
        {"train.json": coco([A[0]], [A[1] | {"bbox": None}])},
        (),
        "train.json: annotations[0]: expected a bbox of four numbers, got None; correct it or take it out",
    ),
    "an image above the folder": Refused(
        "coco",
        {"train.json": coco([A[0] | {"file_name": "../a.png"}])},
        (),
        "train.json: images[0]: expected a file_name below the folder, got '../a.png'; correct it",
    ),
    "YOLO without names": Refused(
        "yolo",
        {"labels/a.txt": YOLO},
        ("images/a.png",),
        ": expected a data.yaml, classes.txt or obj.names with the classes' names, got none; write one",
    ),
    "names that are nothing of the kind": Refused(
        "yolo",
        {"labels/a.txt": YOLO, "data.yaml": "names: 2\n"},
        ("images/a.png",),
        "data.yaml: expected names: a list, or numbers from 0 with a name each; correct it",
    ),
    "a name twice": Refused(
        "yolo",
        {"labels/a.txt": YOLO, "classes.txt": "cat\ncat\n"},
        ("images/a.png",),
        "classes.txt: expected every class once, got 'cat' as number 1; correct it",
    ),
    "a class that has no name": Refused(
        "yolo",
        {"labels/a.txt": f"{YOLO}\n2 0.5 0.5 0.1 0.1\n", "data.yaml": NAMES},
        ("images/a.png",),
        "labels/a.txt:2: expected a class of 0 to 1, got 2; correct it",
    ),
    "an outline for a box": Refused(
        "yolo",
        {"labels/a.txt": "0 0.1 0.1 0.2 0.1 0.2 0.2", "data.yaml": NAMES},
        ("images/a.png",),
        "labels/a.txt:1: expected a class's number and four fractions, got '0 0.1 0.1 0.2 0.1 0.2 0.2' (7 fields); "
        "export boxes, neither outlines nor scores",
    ),
    "commas for points": Refused(
        "yolo",
        {"labels/a.txt": "0 0,5 0,5 0,25 0,25", "data.yaml": NAMES},
        ("images/a.png",),
        "labels/a.txt:1: expected a class's number and four fractions, got '0 0,5 0,5 0,25 0,25' (5 fields); write "
        "numbers with points",
    ),
    "pixels for fractions": Refused(
        "yolo",
        {"labels/a.txt": "0 48 32 10 10", "data.yaml": NAMES},
        ("images/a.png",),
        "labels/a.txt:1: expected fractions of the image, 0 to 1, got '0 48 32 10 10'; correct it",
    ),
    "labels of two images": Refused(
        "yolo",
        {"labels/a.txt": YOLO, "data.yaml": NAMES, "train.txt": "one/a.png", "val.txt": "two/a.png"},
        ("one/a.png", "two/a.png"),
        "labels/a.txt: expected labels of one image, got {root}/one/a.png and {root}/two/a.png, both listed; put the "
        "labels of each beside it",
    ),
    "two label files of an image": Refused(
        "yolo",
        {"labels/a.txt": YOLO, "labels/a.TXT": "", "data.yaml": NAMES},
        ("images/a.png",),
        "labels: expected one file for 'a', got a.TXT, a.txt; take all but one away",
    ),
    "a list with an image that is not there": Refused(
        "yolo",
        {"labels/a.txt": YOLO, "data.yaml": NAMES, "train.txt": "images/b.png", "val.txt": "images/a.png"},
        ("images/a.png",),
        "train.txt:1: expected an image below {root}, got 'images/b.png'; bring it or unlist it",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(tmp_path: Path, name: str) -> None:
    form = REFUSED[name]
    root = tmp_path / "mine"
    image(root, *form.images)
    write(root, form.files)
    with pytest.raises(UserError) as error:
        lookup.with_boxes(form.layout).source.load(wanted=WANTED, seed=1, raw=tmp_path, report=pytest.fail)
    begin = str(root) if form.says.startswith(":") else f"{root}/"
    assert str(error.value) == begin + form.says.replace("{root}", str(root))


@pytest.mark.parametrize(
    ("listed", "change"),
    [
        ("obj_valid_data/a.png", "obj_valid_data/a.txt"),
        ("obj_valid_data/a.png", "obj_valid_data/b.txt"),
        ("2/images/a.png", "2/labels/a.txt"),
        ("2/images/a.png", "2/labels/b.txt"),
    ],
)
def test_whatever_is_read_of_darknets_lists_is_part_of_the_state(tmp_path: Path, listed: str, change: str) -> None:
    root = tmp_path / "mine"
    image(root, listed, "obj_train_data/a.png")
    write(root, {"obj.names": "cat\n", "train.txt": "obj_train_data/a.png", "valid.txt": listed, "2/labels/c.txt": ""})
    write(root, {"obj_train_data/a.txt": YOLO, "obj_valid_data/a.txt": YOLO, "2/labels/a.txt": YOLO})
    state = lookup.with_boxes("yolo").source.state
    before = state(root)
    write(root, {change: f"{YOLO}\n{YOLO}"})
    assert before != state(root)


@pytest.mark.parametrize("dontcare", [(), ("Van",)])
@pytest.mark.parametrize("word", ["DontCare", "dontcare"])
def test_what_kittis_text_calls_dontcare_is_no_class(tmp_path: Path, word: str, dontcare: tuple[str, ...]) -> None:
    """As DIGITS's sets have it in every other file."""
    nothing = f"{word} -1 -1 -10 50 20 60 30 -1 -1 -1 -1000 -1000 -1000 -10"
    root = tmp_path / "mine"
    image(root, "images/a.png", "images/b.png")
    write(root, {"labels/a.txt": f"{CAT}\n{nothing}\n", "labels/b.txt": CAT})
    wanted = replace(WANTED, folder=str(root), dontcare=dontcare)
    photos = lookup.with_boxes("kitti_text").source.load(wanted=wanted, seed=1, raw=tmp_path, report=pytest.fail)
    suited = box_set.suited(lookup.with_boxes("kitti_text"), wanted)
    check("mine", photos, suited)
    assert suited.dontcare == (*dontcare, "DontCare", "dontcare") and ids(suited)[word] == 0
    with pytest.raises(UserError) as error:
        check("mine", photos, replace(suited, dontcare=dontcare))
    assert f"got '{word}' (1 box); list '{word}' in the classes or in dontcare" in str(error.value)


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A network's folder, in another one than that in which commands run, with photos/ beside it and others in it."""
    for place in ("nets/photos", "nets/mine/own", "here/photos"):
        image(tmp_path / place, "a.png", "b.png")
        write(tmp_path / place, {"a.txt": YOLO, "b.txt": YOLO, "obj.names": "cat"})
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.delenv("CAVEFISH_DATA", raising=False)
    return tmp_path / "nets" / "mine"


def folder_of(network: Path, folder: str) -> str:
    """What evolution.prototxt's `folder` means, in the network's folder."""
    asked = DatasetParameter(name="yolo")
    asked.detection.folder = folder
    return data_wishes.boxes(asked, network).folder


@pytest.mark.parametrize(
    ("folder", "meant"), [("../photos", "nets/photos"), ("own", "nets/mine/own"), ("./own/", "nets/mine/own")]
)
def test_a_folder_is_seen_from_the_file_that_names_it(tmp_path: Path, network: Path, folder: str, meant: str) -> None:
    found = folder_of(network, folder)
    assert found == str(tmp_path / meant)
    assert box_set.state(lookup.with_boxes("yolo"), replace(WANTED, folder=found), 1, tmp_path / "raw")


def test_a_name_among_the_raw_files_is_theirs_first(tmp_path: Path, network: Path) -> None:
    """As it was before paths were seen from there."""
    for raw in ("", "yolo"):
        (tmp_path / "here" / "data" / "raw" / raw / f"own{raw}").mkdir(parents=True)
        (network / f"own{raw}").mkdir(exist_ok=True)
        assert folder_of(network, f"own{raw}") == f"own{raw}"
    assert folder_of(network, "photos") == "photos"  # it is here alone, and a message says so
    assert folder_of(network, "/elsewhere/own") == "/elsewhere/own" and folder_of(network, "") == ""


def test_a_path_that_leads_nowhere_is_refused_where_a_name_may_still_be_brought(tmp_path: Path, network: Path) -> None:
    """Which `make check` calls sound as far as can be told."""
    assert folder_of(network, "../phots") == f"{tmp_path}/nets/phots"
    for folder, kind in ((f"{tmp_path}/nets/phots", UserError), ("phots", NotToBeHad)):
        with pytest.raises(UserError) as error:
            few_with_boxes(
                "yolo", replace(WANTED, folder=folder), tmp_path / "few", seed=1, data=tmp_path / "data",
                report=pytest.fail,
            )  # fmt: skip
        assert type(error.value) is kind
        path = f"data set 'yolo': expected {folder}, got no such folder; correct the path"
        assert str(error.value) == path or kind is NotToBeHad
