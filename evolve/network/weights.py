"""A caffemodel's weights as arrays, read and written without running Caffe.

Weights are a dict: layer name -> its blobs in Caffe's order (weights first, then biases), float32 arrays.
"""

import math
from pathlib import Path

import numpy as np

from evolve.base.counted import counted
from evolve.base.errors import UserError
from evolve.network import caffemodel_file, layers
from evolve.network.axes import Net, Shape, count, written
from evolve.proto import caffemodel_pb2

Weights = dict[str, list[np.ndarray]]

# NVIDIA Caffe's numbers in a blob's raw_data_type.
_FLOAT32 = 1
_FLOAT16 = 2
# NetParameter.layer, LayerParameter.blobs and BlobProto.data.
_LAYER, _BLOBS, _DATA = 100, 7, 5
_LEGACY = ("num", "channels", "height", "width")
_RAW: dict[int, np.dtype] = {_FLOAT32: np.dtype("<f4"), _FLOAT16: np.dtype("<f2")}


def read(path: Path) -> Weights:
    """The blobs of every layer that has any. UserError for a file that is missing, cut off or no caffemodel."""
    model = caffemodel_file.parsed(path)
    weights: Weights = {}
    layers: list[caffemodel_pb2.OldLayer | caffemodel_pb2.Layer] = [*model.layers, *model.layer]
    for layer in layers:
        if layer.blobs:
            name = _name(layer, path)
            weights[name] = [_array(blob, name, path) for blob in layer.blobs]
            # Not twice in memory longer than a layer takes.
            layer.ClearField("blobs")
    if not weights:
        raise UserError(f"{path}: expected a caffemodel, found no layer with weights in it; name a trained one")
    return weights


def write(path: Path, net: Net, weights: Weights, half_blobs: bool = False) -> None:
    """Writes `weights` with the layers of `net` (a NetParameter) as a caffemodel; its generation's commit syncs it.

    The same input gives the same bytes. With `half_blobs`, values go in NVIDIA Caffe's 16-bit raw form, half
    the size, which only NVIDIA Caffe, OpenCV and Cavefish read; they must be half precision already.
    """
    model: list[bytes | memoryview] = [caffemodel_pb2.Model(name=net.name).SerializeToString(deterministic=True)]
    for layer in net.layer:
        parts: list[bytes | memoryview] = [layer.SerializeToString(deterministic=True)]
        layer_type = layers.of(layer)
        # Statistics are no synapses: precision is not imposed on them.
        halved = half_blobs and not (layer_type and layer_type.statistics)
        for array in weights.get(layer.name, []):
            parts += _field(_BLOBS, _blob(array, halved))
        model += _field(_LAYER, parts)
    with open(path, "wb") as file:
        file.writelines(model)


def for_caffe(path: Path, net: Net, folder: Path) -> Path:
    """A caffemodel that BVLC's Caffe reads into `net`: `path`, or a copy of it in `folder` without 16-bit blobs."""
    model = caffemodel_file.parsed(path)
    if not any(blob.raw_data for layer in model.layer for blob in layer.blobs):
        return path
    copy = folder / "plain.caffemodel"
    write(copy, net, read(path))
    return copy


def checked(name: str, expected: list[Shape], weights: Weights, source: str, synapses: bool) -> list[np.ndarray]:
    """The blobs of layer `name` among `weights`, in the shapes `expected`.

    UserError, naming `source`, unless they have those, or further axes of one, as blobs of 2013 do. `synapses`:
    whether the layer has any, so that further blobs may be the masks of a pruning tool.
    """
    blobs = weights.get(name, [])
    where = f"{source}: layer '{name}'"
    if expected and not blobs:
        raise UserError(
            f"{where}: expected its weights, got none; layers with weights there: {', '.join(weights)}; name the "
            "layer as the trained one is named"
        )
    shapes, cores = [core(blob.shape) for blob in blobs], [core(shape) for shape in expected]
    if synapses and len(shapes) > len(cores) and shapes[: len(cores)] == cores:
        raise UserError(
            f"{where}: expected {counted(len(expected), 'blob')}, got {len(blobs)} {[blob.shape for blob in blobs]}; "
            "the further ones may be masks, as pruning forks of Caffe keep them: multiply each mask into its weights, "
            "and save the layer without"
        )
    if shapes != cores:
        raise UserError(
            f"{where}: expected {listed(expected)}, got {listed([blob.shape for blob in blobs])}; the prototxt and "
            "the caffemodel belong to different networks"
        )
    return [blob.reshape(shape) for blob, shape in zip(blobs, expected, strict=True)]


def require_finite(weights: Weights, source: str) -> None:
    """UserError, naming `source`, where a value is infinite or no number: whatever is computed is too.

    The first layer and blob that have one are named, and how many further layers do.
    """
    lacking = [(name, place) for name, blobs in weights.items() for place, blob in enumerate(blobs) if _odd(blob)]
    if not lacking:
        return
    name, place = lacking[0]
    blob, further = weights[name][place], len({name for name, _ in lacking}) - 1
    more = f", and more in {counted(further, 'further layer')}" if further else ""
    raise UserError(
        f"{source}: layer '{name}': expected finite numbers, got {_odd(blob):,} of the {counted(blob.size, 'value')} "
        f"of its blob {place} that are none{more}; its training diverged, or the file is damaged: take an earlier "
        "snapshot, or train it anew at a lower base_lr"
    )


def _odd(blob: np.ndarray) -> int:
    """How many of its values are infinite or no number."""
    return blob.size - int(np.isfinite(blob).sum())


def core(shape: Shape) -> Shape:
    """Without axes of one, which change nothing in how values lie: blobs of 2013 have 1 x 1 x 10 x 64 for 10 x 64."""
    return tuple(length for length in shape if length != 1)


def listed(shapes: list[Shape]) -> str:
    """A layer's shapes in words, and how many values each holds."""
    return " and ".join(f"{written(shape)} = {count(shape)}" for shape in shapes) or "no blobs"


def _blob(array: np.ndarray, half: bool) -> list[bytes | memoryview]:
    """A BlobProto in pieces, of which the numbers are the array's own memory: a copy of a layer can be large."""
    blob = caffemodel_pb2.Blob()
    blob.shape.dim.extend(array.shape)
    if not half:
        numbers = np.ascontiguousarray(array, "<f4").reshape(-1).view(np.uint8)
        return [*_field(_DATA, [numbers.data]), blob.SerializeToString(deterministic=True)]
    halves = array.astype("<f2")
    if not np.array_equal(halves.astype(np.float32), array):
        raise ValueError("half_blobs: the weights are not half precision; cast them first")
    blob.raw_data_type = _FLOAT16
    blob.raw_data = halves.tobytes()
    return [blob.SerializeToString(deterministic=True)]


def _field(number: int, parts: list[bytes | memoryview]) -> list[bytes | memoryview]:
    """A field of protobuf's wire format whose value has a length: its number, the length, the value."""
    return [_varint(number << 3 | 2) + _varint(sum(len(part) for part in parts)), *parts]


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth says that more follow."""
    result = bytearray()
    while number > 127:
        result.append(number & 127 | 128)
        number >>= 7
    return bytes([*result, number])


def _name(layer: caffemodel_pb2.OldLayer | caffemodel_pb2.Layer, path: Path) -> str:
    # protobuf gives bytes for what is no UTF-8.
    if isinstance(layer.name, bytes):
        raise UserError(f"{path}: expected a layer's name in UTF-8, got {layer.name!r:.80}; copy it anew, or rename it")
    return str(layer.name)


def _array(blob: caffemodel_pb2.Blob, layer: str, path: Path) -> np.ndarray:
    # A blob of Caffe's without axes, one value, has neither form of a shape (Blob::ToProto writes an empty one).
    legacy = [getattr(blob, name) for name in _LEGACY] if any(map(blob.HasField, _LEGACY)) else []
    shape = tuple(blob.shape.dim if blob.HasField("shape") else legacy)
    # Nothing in the field where Caffe's has something: double_data, or floats that some tool wrote unpacked.
    data, kind = blob.data, _RAW[_FLOAT32]
    if blob.raw_data:
        if blob.raw_data_type not in _RAW:
            raise UserError(
                f"{path}: layer '{layer}': expected raw data of type {_FLOAT32} (floats) or {_FLOAT16} (halves), got "
                f"{blob.raw_data_type}; save it in one of these"
            )
        data, kind = blob.raw_data, _RAW[blob.raw_data_type]
    values = np.frombuffer(data, kind) if len(data) % kind.itemsize == 0 else np.empty(0)
    # Python's own product: NumPy's has 64 bits, and 2^32 x 2^32 would be nothing.
    if min(shape, default=0) < 0 or values.size != math.prod(shape):
        one = "value" if math.prod(shape) == 1 else "values"
        raise UserError(
            f"{path}: layer '{layer}': expected {' x '.join(map(str, shape)) or 1} {one}, got {values.size}; "
            "it may be cut off, or written in a form only Caffe reads: load and save it there once"
        )
    return values.reshape(shape).astype(np.float32)
