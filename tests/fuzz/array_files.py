"""Fuzzed: Datums in an LMDB, and the arrays of INPUTS=."""

import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.datasets import label_datum, lmdb_read
from evolve.datasets.detection import Box
from evolve.datasets.lmdb_write import Store
from evolve.detectnet.examples import Examples
from trt import inputs
from trt.onnx.export import Pair

DEPLOY = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 4 dim: 4 } } }'


def _store(folder: Path, *values: bytes) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    with Store(folder, 1 << 20, lambda stored: None) as store:
        for value in values:
            store.put(value)
    return folder


def _image() -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 8, 12), dtype=np.uint8)
    return bytes(caffe_pb2.Datum(channels=3, height=8, width=12, data=pixels.tobytes(), label=1).SerializeToString())


def _label() -> bytes:
    boxes = [(1, Box(5 * n, 4, 20, 30, "a", "", alpha=-1.5, locz=n)) for n in range(3)]
    return bytes(label_datum.datum(label_datum.table(boxes, 4)).SerializeToString())


def image_datum(folder: Path) -> Any:
    """Through both readers: for a classifier's pictures and for the layer that feeds a detector."""
    labels = _store(folder / "labels", _label())

    def _read(content: bytes) -> object:
        images = _store(folder / "images", content)
        values = Examples(images, labels).image(0)
        assert values.shape[0] == 3 and np.isfinite(values).all()
        return lmdb_read.read(images, 1)

    return (_image(),), _read, None


def label_of(folder: Path) -> Any:
    images = _store(folder / "images", _image())

    def _read(content: bytes) -> object:
        rows = Examples(images, _store(folder / "labels", content)).rows(0)
        assert rows.shape[1:] == (16,) and np.isfinite(rows).all()
        return rows

    return (_label(),), _read, None


def npy(folder: Path) -> Any:
    return (_npy(), _npy(np.float16)), _inputs(folder / "a.npy"), None


def npz(folder: Path) -> Any:
    packed = io.BytesIO()
    np.savez(packed, data=np.load(io.BytesIO(_npy())))
    deflated = io.BytesIO()
    np.savez_compressed(deflated, data=np.load(io.BytesIO(_npy())))
    return (packed.getvalue(), deflated.getvalue()), _inputs(folder / "a.npz"), None


def _npy(kind: Any = np.float32) -> bytes:
    made = io.BytesIO()
    np.save(made, np.random.default_rng(0).standard_normal((2, 3, 4, 4)).astype(kind))
    return made.getvalue()


def _inputs(file: Path) -> Any:
    pair = Pair(
        Path("deploy"), Path("weights"), prototxt_text.parse(DEPLOY, caffe_pb2.NetParameter(), "deploy"), {}, {}
    )

    def _read(content: bytes) -> object:
        file.write_bytes(content)
        return inputs.of_file(file, pair).read()

    return _read


FORMATS = {
    "Datum of an image": image_datum,
    "Datum of a label": label_of,
    "INPUTS .npy": npy,
    "INPUTS .npz": npz,
}
