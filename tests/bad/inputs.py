"""How the bad inputs are made: each a function of the folder in which the command will run."""

import gzip
import hashlib
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.datasets import lookup
from evolve.datasets.raw_file import RawFile
from evolve.network import weights
from evolve.proto import caffemodel_pb2
from tests.datasets import drawn, miniatures, small_files
from tests.lineage import small_detectnet

cifar10 = lookup.module("cifar10")
mnist = lookup.module("mnist")
stl10 = lookup.module("stl10")

ROOT = Path(__file__).resolve().parents[2]
LENET = ROOT / "prototxt" / "lenet"
BAD = Path(__file__).resolve().parent
Make = Callable[[Path, pytest.MonkeyPatch], object]
DEPLOY = """layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1 dim: 4 dim: 4 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 3 } }
"""
DETECTION = {
    "parse27k": 'dataset { name: "parse27k" detection { width: 96 height: 64 } }',
    "kitti": 'dataset { name: "kitti" detection { width: 96 height: 64 } }',
    "voc": 'dataset { name: "voc" detection { folder: "pets" width: 96 height: 64 class_name: "cat" } }',
    "coco": 'dataset { name: "coco" detection { folder: "pets" width: 96 height: 64 class_name: "cat" } }',
    "yolo": 'dataset { name: "yolo" detection { folder: "pets" width: 96 height: 64 class_name: "cat" } }',
    "kitti_text": 'dataset { name: "kitti_text" detection { folder: "pets" width: 96 height: 64 class_name: "cat" } }',
}


def nothing(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line alone is bad."""


def edited(file: str, old: str, new: str) -> Make:
    """The shipped LeNet-5 as net/, with the first ``old`` in ``file`` made ``new``."""

    def _make(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        shutil.copytree(LENET, here / "net")
        words = (here / "net" / file).read_text()
        assert old in words
        (here / "net" / file).write_text(words.replace(old, new, 1))

    return _make


def beside(name: str, content: bytes | str) -> Make:
    """The shipped LeNet-5 as net/, and a file."""

    def _make(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        shutil.copytree(LENET, here / "net")
        (here / name).write_bytes(content.encode() if isinstance(content, str) else content)

    return _make


def theirs(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody's network as theirs/, as Caffe needs it and no more."""
    (here / "theirs").mkdir()
    for name in ("train_val.prototxt", "solver.prototxt"):
        shutil.copy(LENET / name, here / "theirs")


def of_folder(name: str, file: str) -> Make:
    """One of the prototxts in tests/bad/ as ``file`` of the shipped LeNet-5, net/."""

    def _make(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        shutil.copytree(LENET, here / "net")
        shutil.copy(BAD / name, here / "net" / file)

    return _make


# Caffemodels of DEPLOY, model.prototxt


def _trained() -> weights.Weights:
    rng = np.random.default_rng(0)
    return {"ip": [rng.standard_normal((3, 16)).astype(np.float32), np.ones(3, np.float32)]}


def caffemodel(change: Callable[[bytes], bytes] = bytes, other: weights.Weights | None = None) -> Make:
    """model.prototxt, and w.caffemodel whose bytes are changed, or that holds other weights."""

    def _make(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (here / "model.prototxt").write_text(DEPLOY)
        net = prototxt_text.read(here / "model.prototxt", caffe_pb2.NetParameter())
        for name in other or ():
            if name != "ip":
                net.layer.add(name=name, type="InnerProduct")
        weights.write(here / "w.caffemodel", net, _trained() if other is None else other)
        (here / "w.caffemodel").write_bytes(change((here / "w.caffemodel").read_bytes()))

    return _make


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def message(edit: Callable[[Any], object]) -> Callable[[bytes], bytes]:
    """The caffemodel with its messages edited."""

    def _change(content: bytes) -> bytes:
        model = caffemodel_pb2.Model.FromString(content)
        edit(next(layer for layer in model.layer if layer.blobs))
        return bytes(model.SerializeToString())

    return _change


def dims(*lengths: int) -> Callable[[bytes], bytes]:
    """The caffemodel whose first blob says it has that shape."""

    def _edit(layer: Any) -> None:
        layer.blobs[0].shape.ClearField("dim")
        layer.blobs[0].shape.dim.extend(lengths)

    return message(_edit)


def raw_of_type_9(layer: Any) -> None:
    layer.blobs[0].raw_data, layer.blobs[0].raw_data_type = b"12", 9


# Data sets of images with a class each


def _net_of(here: Path, name: str, size: int) -> None:
    shutil.copytree(LENET, here / "net")
    settings = here / "net" / "evolution.prototxt"
    settings.write_text(f'dataset {{ name: "{name}" image_size: {size} }}')
    (here / "data" / "raw").mkdir(parents=True)


def _idx(array: np.ndarray) -> bytes:
    header = b"".join(int(size).to_bytes(4, "big") for size in (0x0800 + array.ndim, *array.shape))
    return header + array.astype(np.uint8).tobytes()


def mnist_with(**instead: Any) -> Make:
    """A small MNIST; ``train_images=`` and the like are other arrays, or the bytes of a file. Their md5 are right."""

    def _make(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        _net_of(here, "mnist", 34)
        rng = np.random.default_rng(0)
        arrays: dict[str, Any] = {}
        for split, count in (("train", 30), ("test", 10)):
            arrays[f"{split} images"] = rng.integers(0, 256, (count, 28, 28))
            arrays[f"{split} labels"] = rng.integers(0, 10, count)
        arrays |= {part.replace("_", " "): each for part, each in instead.items()}
        files = {}
        for part, each in arrays.items():
            content = each if isinstance(each, bytes) else gzip.compress(_idx(each), mtime=0)
            name = mnist.FILES[part].name
            (here / "data" / "raw" / name).write_bytes(content)
            files[part] = RawFile(name, hashlib.md5(content).hexdigest(), len(content))
        monkeypatch.setattr(mnist, "FILES", files)

    return _make


def mnist_of_others(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _net_of(here, "mnist", 34)
    (here / "data/raw/train-images-idx3-ubyte.gz").write_bytes(b"not MNIST")


def _cifar() -> dict[str, bytes]:
    names = [file.name for file in cifar10.PYTHON.files]
    return {name: small_files.pickled(*batch) for name, batch in zip(names, small_files.cifar10_batches(), strict=True)}


def _cifar_binary() -> dict[str, bytes]:
    names = [file.name for file in cifar10.BINARY.files]
    return {name: small_files.records(*batch) for name, batch in zip(names, small_files.cifar10_batches(), strict=True)}


def cifar_with(name: str, content: bytes | None) -> Make:
    """A small CIFAR-10 in its folder, Python's or the binary form, with one file another, or missing."""

    def _make(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        _net_of(here, "cifar10", 32)
        which = "BINARY" if name.endswith(".bin") else "PYTHON"
        form, files = getattr(cifar10, which), _cifar_binary() if which == "BINARY" else _cifar()
        if content is None:
            del files[name]
        elif which == "PYTHON":
            # Of pickles the md5 is of the right ones, as it always is: another pickle is never looked into.
            monkeypatch.setattr(cifar10, which, small_files.expecting(form, files))
            files[name] = content
        else:
            files[name] = content
            monkeypatch.setattr(cifar10, which, small_files.expecting(form, files))
        small_files.unpack(here / "data" / "raw" / form.folder, files)

    return _make


def cifar_archive(change: Callable[[Path], object]) -> Make:
    """A small CIFAR-10 as its archive, which is then changed."""

    def _make(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        _net_of(here, "cifar10", 32)
        files = _cifar()
        monkeypatch.setattr(cifar10, "PYTHON", small_files.expecting(cifar10.PYTHON, files))
        archive = here / "data" / "raw" / cifar10.PYTHON.archive.name
        small_files.pack(archive, cifar10.PYTHON.folder, files)
        change(archive)

    return _make


def stl_with(**instead: bytes) -> Make:
    """A small STL-10 in its folder; ``train_X=`` and the like are other contents, whose md5 are right."""

    def _make(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        _net_of(here, "stl10", 32)
        files = small_files.stl10_files() | {f"{name}.bin": content for name, content in instead.items()}
        monkeypatch.setattr(stl10, "BINARY", small_files.expecting(stl10.BINARY, files))
        small_files.unpack(here / "data" / "raw" / stl10.BINARY.folder, files)

    return _make


# Images of the user's own


def own(words: str, spoil: Callable[[Path], object]) -> Make:
    """The starter as net/ on six pictures of each class in pictures/, which are spoilt."""

    def _make(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        shutil.copytree(ROOT / "prototxt" / "starter", here / "net")
        name = "" if "name:" in words else 'name: "images"'
        settings = f"dataset {{ {name} image_size: 32 {words} }}\n"
        (here / "net" / "evolution.prototxt").write_text(settings)
        spoil(drawn.folders(here / "pictures", 6))

    return _make


PICTURES = 'folder: "../pictures"'


# Data sets of images with boxes


def boxes_settings(name: str, words: str, block: str = "dataset") -> Make:
    """A small network that finds boxes, with more ``words`` in the settings of its data set, or that ``block``."""

    def _make(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        small_detectnet.write(here / "net", DETECTION[name].replace(f"{block} {{", f"{block} {{ {words}"))

    return _make


def boxes_of(name: str, spoil: Callable[[Path], object]) -> Make:
    """A small network that finds boxes, and a miniature of a data set for it, spoilt."""

    def _make(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        small_detectnet.write(here / "net", DETECTION[name])
        root = here / "data" / "raw" / ("pets" if name == "voc" else name)
        if name == "voc":
            cat = [("cat", (1.0, 1.0, 60.0, 50.0))]
            miniatures.voc(root, {"train": ["a", "b"], "val": ["c"]}, dict.fromkeys("abc", cat))
        else:
            (miniatures.parse27k if name == "parse27k" else miniatures.kitti)(root)
        spoil(root)

    return _make


def pets(name: str, **files: str | bytes) -> Make:
    """A small network that finds boxes, and two images for the data set ``name``; in the names of ``files`` __ is /."""

    def _make(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        small_detectnet.write(here / "net", DETECTION[name])
        root = here / "data" / "raw" / "pets"
        for image in "ab":
            miniatures.noise(root / "images" / f"{image}.png")
        for file, content in files.items():
            path = root / re.sub("__", "/", file).replace("_json", ".json").replace("_txt", ".txt")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    return _make


def sql(*statements: str) -> Callable[[Path], object]:
    return lambda root: miniatures.change(root, *statements)


def put(name: str, content: bytes | str) -> Callable[[Path], object]:
    return lambda root: (root / name).write_bytes(content.encode() if isinstance(content, str) else content)


def cut(name: str, size: int) -> Callable[[Path], object]:
    return lambda root: (root / name).write_bytes((root / name).read_bytes()[:size])


def swap(name: str, old: str, new: str) -> Callable[[Path], object]:
    def _swap(root: Path) -> None:
        words = (root / name).read_text()
        assert old in words
        (root / name).write_text(words.replace(old, new, 1))

    return _swap


def gone(name: str) -> Callable[[Path], object]:
    return lambda root: shutil.rmtree(root / name) if (root / name).is_dir() else (root / name).unlink()
