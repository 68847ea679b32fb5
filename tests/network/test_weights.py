"""caffemodels: bit for bit what Caffe's own messages hold, in every form of theirs, and nothing else is accepted."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.network import weights
from evolve.network.foreign import reading
from evolve.network.weights import Weights
from evolve.proto import caffemodel_pb2
from tests.forks import FORKS

# Every pattern of 32 bits, NaNs with their payload too.
FLOATS = arrays(np.uint32, array_shapes(max_dims=4, max_side=4)).map(lambda bits: bits.view(np.float32))
CUT = "it may be cut off, or written in a form only Caffe reads: load and save it there once"


def net_of(*names: str) -> Any:
    net = caffe_pb2.NetParameter(name="net")
    for name in names:
        net.layer.add(name=name, type="InnerProduct", bottom=["data"], top=[name])
    return net


def blob_of(values: np.ndarray, *legacy: int) -> Any:
    blob = caffe_pb2.BlobProto(data=values.ravel().tolist())
    if legacy:
        blob.num, blob.channels, blob.height, blob.width = legacy
    else:
        blob.shape.dim.extend(values.shape)
    return blob


def same_bits(first: np.ndarray, second: np.ndarray) -> bool:
    return first.shape == second.shape and first.dtype == second.dtype and first.tobytes() == second.tobytes()


SOME: Weights = {
    "conv": [np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2) / 7, np.array([0.1, -0.0], np.float32)],
    "ip": [np.linspace(-1, 1, 8, dtype=np.float32).reshape(2, 4)],
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "net.caffemodel"


@given(blobs=st.lists(FLOATS, min_size=1, max_size=3))
def test_what_was_written_is_read_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, blobs: list[np.ndarray]
) -> None:
    path = tmp_path_factory.getbasetemp() / "round-trip.caffemodel"
    weights.write(path, net_of("a", "b"), {"b": blobs})
    read = weights.read(path)
    assert list(read) == ["b"] and len(read["b"]) == len(blobs)
    assert all(same_bits(*pair) for pair in zip(blobs, read["b"], strict=True))


def test_caffes_messages_read_what_is_written(path: Path) -> None:
    net = net_of("conv", "relu", "ip")
    net.layer[0].convolution_param.num_output = 2
    net.layer[1].include.add(phase=caffe_pb2.TEST)
    weights.write(path, net, SOME)
    read = caffe_pb2.NetParameter.FromString(path.read_bytes())
    expected = caffe_pb2.NetParameter()
    expected.CopyFrom(net)
    for layer in expected.layer:
        layer.blobs.extend(blob_of(blob) for blob in SOME.get(layer.name, []))
    assert read == expected


def test_what_caffes_messages_write_is_read(path: Path) -> None:
    net = net_of("conv", "relu", "ip")
    for layer in net.layer:
        layer.blobs.extend(blob_of(blob) for blob in SOME.get(layer.name, []))
    net.layer[0].blobs[0].diff.extend([1.0] * 24)
    path.write_bytes(net.SerializeToString())
    read = weights.read(path)
    assert list(read) == ["conv", "ip"]
    assert all(same_bits(*pair) for name in SOME for pair in zip(SOME[name], read[name], strict=True))


def test_arrays_can_be_changed(path: Path) -> None:
    weights.write(path, net_of("ip"), SOME)
    blob = weights.read(path)["ip"][0]
    blob *= 2
    assert blob[0, 0] == -2


def test_shapes_of_four_numbers(path: Path) -> None:
    net = net_of("ip")
    net.layer[0].blobs.extend([blob_of(SOME["ip"][0], 1, 1, 2, 4), blob_of(np.ones(2), 1, 1, 1, 2)])
    path.write_bytes(net.SerializeToString())
    read = weights.read(path)["ip"]
    assert [blob.shape for blob in read] == [(1, 1, 2, 4), (1, 1, 1, 2)]
    assert np.array_equal(read[0].reshape(2, 4), SOME["ip"][0])


def test_a_blob_of_one_number_without_dimensions(path: Path) -> None:
    net = net_of("scalar")
    net.layer[0].blobs.add(data=[7.0]).shape.SetInParent()
    path.write_bytes(net.SerializeToString())
    assert weights.read(path)["scalar"][0].shape == () and weights.read(path)["scalar"][0] == 7


NO_AXES = """layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 2 dim: 3 dim: 3 } } }
layer { name: "prelu" type: "PReLU" bottom: "data" top: "a" prelu_param { channel_shared: true } }
layer { name: "scale" type: "Scale" bottom: "a" top: "b"
  scale_param { num_axes: 0 bias_term: true filler { value: 3 } } }
"""


def test_blobs_without_axes_that_caffe_itself_saved(path: Path, tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(NO_AXES)
    script = "import sys, caffe; caffe.Net(sys.argv[1], caffe.TEST).save(sys.argv[2])"
    words = [str(tmp_path / "net.prototxt"), str(path)]
    FORKS.script(script, *words, folder=tmp_path).check_returncode()
    read = weights.read(path)
    assert [blob.shape for blob in (*read["prelu"], *read["scale"])] == [(), (), ()]
    assert read["prelu"][0] == np.float32(0.25) and read["scale"][0] == 3
    net = reading.parse(NO_AXES, tmp_path / "net.prototxt").net
    weights.write(path, net, read)
    again = "import sys, caffe; caffe.Net(sys.argv[1], caffe.TEST, weights=sys.argv[2])"
    assert FORKS.script(again, *words, folder=tmp_path).returncode == 0


def test_caffe_is_given_the_file_itself_or_a_copy_without_halves(path: Path, tmp_path: Path) -> None:
    halves = {name: [blob.astype(np.float16).astype(np.float32) for blob in blobs] for name, blobs in SOME.items()}
    net = net_of(*SOME)
    weights.write(path, net, halves)
    assert weights.for_caffe(path, net, tmp_path) == path
    weights.write(path, net, halves, half_blobs=True)
    copy = weights.for_caffe(path, net, tmp_path)
    assert copy == tmp_path / "plain.caffemodel"
    theirs = caffe_pb2.NetParameter.FromString(copy.read_bytes())
    found = {layer.name: [list(blob.data) for blob in layer.blobs] for layer in theirs.layer}
    assert found == {name: [blob.ravel().tolist() for blob in blobs] for name, blobs in halves.items()}


def test_layers_of_2013(path: Path) -> None:
    net = caffe_pb2.NetParameter(name="old")
    for name, blobs in SOME.items():
        layer = net.layers.add(name=name, type=caffe_pb2.V1LayerParameter.CONVOLUTION, bottom=["x"], top=["y"])
        layer.blobs.extend(blob_of(blob, *(1,) * (4 - blob.ndim), *blob.shape) for blob in blobs)
    path.write_bytes(net.SerializeToString())
    read = weights.read(path)
    assert [blob.shape for blob in read["ip"]] == [(1, 1, 2, 4)]
    for name, blobs in SOME.items():
        assert all(np.array_equal(old.ravel(), new.ravel()) for old, new in zip(blobs, read[name], strict=True))


@pytest.mark.parametrize("half", [False, True])
def test_the_same_bytes_twice(path: Path, half: bool) -> None:
    halves = {name: [blob.astype(np.float16).astype(np.float32) for blob in blobs] for name, blobs in SOME.items()}
    made = []
    for order in (["conv", "ip"], ["ip", "conv"]):
        weights.write(path, net_of("conv", "ip"), {name: halves[name] for name in order}, half_blobs=half)
        made.append(path.read_bytes())
    assert made[0] == made[1]


# Half precision


@given(bits=arrays(np.uint16, array_shapes(max_dims=4, max_side=4)))
def test_half_blobs_round_trip(tmp_path_factory: pytest.TempPathFactory, bits: np.ndarray) -> None:
    path = tmp_path_factory.getbasetemp() / "half.caffemodel"
    values = np.nan_to_num(bits.view(np.float16).astype(np.float32), nan=0.5)
    weights.write(path, net_of("a"), {"a": [values]}, half_blobs=True)
    assert same_bits(weights.read(path)["a"][0], values)


def test_half_blobs_are_nvidias_form_at_half_the_size(path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(100, 100)).astype(np.float16).astype(np.float32)
    sizes = {}
    for half in (False, True):
        weights.write(path, net_of("a"), {"a": [values]}, half_blobs=half)
        sizes[half] = path.stat().st_size
    assert 0.5 < sizes[True] / sizes[False] < 0.505
    blob = caffemodel_pb2.Model.FromString(path.read_bytes()).layer[0].blobs[0]
    assert blob.raw_data_type == 2 and not blob.data and list(blob.shape.dim) == [100, 100]
    assert struct.unpack("<e", blob.raw_data[:2]) == (values[0, 0],)
    # BVLC's messages know neither field, and lose nothing else.
    assert list(caffe_pb2.NetParameter.FromString(path.read_bytes()).layer[0].blobs[0].data) == []


@pytest.mark.parametrize("value", [0.1, 1e-9, 65520.0, 1 + 2**-11])
@pytest.mark.filterwarnings("ignore:overflow")
def test_half_blobs_of_what_is_not_half_precision(path: Path, value: float) -> None:
    with pytest.raises(ValueError) as error:
        weights.write(path, net_of("a"), {"a": [np.array([0.5, value], np.float32)]}, half_blobs=True)
    assert str(error.value) == "half_blobs: the weights are not half precision; cast them first"
    assert not path.exists()


def test_raw_floats(path: Path) -> None:
    values = SOME["ip"][0]
    model = caffemodel_pb2.Model()
    model.layer.add(name="ip").blobs.add(raw_data_type=1, raw_data=values.tobytes()).shape.dim.extend(values.shape)
    path.write_bytes(model.SerializeToString())
    assert same_bits(weights.read(path)["ip"][0], values)


# What is no caffemodel


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as error:
        weights.read(path)
    return str(error.value)


def test_a_missing_file(path: Path) -> None:
    assert refusal(path) == f"{path}: no such file; expected a trained caffemodel"


def test_a_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{tmp_path}: expected a caffemodel, got Is a directory; name another file"


@pytest.mark.parametrize("content", [b"", b"\x0a\x03net"])
def test_a_file_without_weights(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert refusal(path) == f"{path}: expected a caffemodel, found no layer with weights in it; name a trained one"


@pytest.mark.parametrize("content", [b"name: 'net'\nlayer {\n", b"<html>", b"weights\n" * 99])
def test_a_text(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert refusal(path) == f"{path}: expected a caffemodel, got a text; name the file that Caffe saved"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file; load it where it is from, and save it as Caffe's own (snapshot_format: "
         "BINARYPROTO)"),
        (b"PK\x03\x04\x00", "a zip archive, as PyTorch writes; load it where it is from, and save it as Caffe's own"),
        (b"\x1f\x8b\x08", "a gzip file; unpack it"),
    ],
)  # fmt: skip
def test_files_of_other_tools(path: Path, content: bytes, told: str) -> None:
    path.write_bytes(content)
    assert refusal(path) == f"{path}: expected a caffemodel, got {told}"


def test_a_solvers_state(tmp_path: Path) -> None:
    path = tmp_path / "net_iter_9.solverstate"
    path.write_bytes(caffe_pb2.SolverState(iter=9, learned_net="net_iter_9.caffemodel").SerializeToString())
    assert refusal(path) == f"{path}: expected a caffemodel, got a solver's state; name the .caffemodel beside it"


@pytest.mark.parametrize("content", [b"\x01text", b"\x89PNG\r\n", bytes(range(255, 0, -1))])
def test_another_file(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert refusal(path) == (
        f"{path}: expected a caffemodel, got {len(content)} bytes that are none, or are cut off; copy it anew"
    )


def test_any_cut_is_refused_or_loses_whole_layers(path: Path) -> None:
    weights.write(path, net_of("conv", "ip"), SOME)
    content = path.read_bytes()
    whole = weights.read(path)
    outcomes = []
    for cut in range(len(content)):
        path.write_bytes(content[:cut])
        try:
            read = weights.read(path)
        except UserError as error:
            outcomes.append(str(error).split("; ")[-1].split(", ")[0])
        else:
            assert list(read) == ["conv"] and all(map(same_bits, read["conv"], whole["conv"]))
            outcomes.append("a layer less")
    assert outcomes.count("a layer less") == 1
    # Nothing at all, or the net's name alone, is a message without layers.
    assert sorted(set(outcomes) - {"a layer less"}) == [
        "copy it anew",
        "name a trained one",
    ]


@pytest.mark.parametrize(
    ("blob", "got"),
    [
        (caffe_pb2.BlobProto(shape={"dim": [2, 3]}, data=[1, 2, 3, 4, 5]), "2 x 3 values, got 5"),
        (caffe_pb2.BlobProto(shape={"dim": [2]}, data=[1, 2, 3]), "2 values, got 3"),
        (caffe_pb2.BlobProto(shape={"dim": [2]}, double_data=[1, 2]), "2 values, got 0"),
        (caffe_pb2.BlobProto(num=1, channels=2, height=3, width=4, data=[1]), "1 x 2 x 3 x 4 values, got 1"),
        (caffemodel_pb2.Blob(shape={"dim": [2]}, data=b"123456789"), "2 values, got 0"),
        (caffemodel_pb2.Blob(shape={"dim": [2]}, raw_data_type=2, raw_data=b"12345"), "2 values, got 0"),
        (caffemodel_pb2.Blob(shape={"dim": [2]}, raw_data_type=2, raw_data=b"12"), "2 values, got 1"),
    ],
)
def test_not_the_numbers_that_the_shape_says(path: Path, blob: Any, got: str) -> None:
    model = caffemodel_pb2.Model()
    model.layer.add(name="ip").blobs.add().MergeFromString(blob.SerializeToString())
    path.write_bytes(model.SerializeToString())
    assert refusal(path) == f"{path}: layer 'ip': expected {got}; {CUT}"


@pytest.mark.parametrize("kind", [0, 3, 4])
def test_raw_data_of_other_types(path: Path, kind: int) -> None:
    model = caffemodel_pb2.Model()
    model.layer.add(name="ip").blobs.add(shape={"dim": [1]}, raw_data_type=kind, raw_data=b"12345678")
    path.write_bytes(model.SerializeToString())
    assert refusal(path) == (
        f"{path}: layer 'ip': expected raw data of type 1 (floats) or 2 (halves), got {kind}; save it in one of these"
    )


@pytest.mark.parametrize("shape", [(1 << 32, 1 << 32), (-2, -3), (-1, 6), (1 << 62, 4)])
def test_a_shape_that_no_memory_holds(path: Path, shape: tuple[int, ...]) -> None:
    """In 64 bits the first and the last of them are of no values at all."""
    model = caffemodel_pb2.Model(layer=[caffemodel_pb2.Layer(name="ip")])
    model.layer[0].blobs.add(data=b"" if max(shape) > 9 else bytes(24)).shape.dim.extend(shape)
    path.write_bytes(model.SerializeToString())
    assert refusal(path).startswith(f"{path}: layer 'ip': expected {' x '.join(map(str, shape))} values, got ")


def test_a_name_that_is_no_text(path: Path) -> None:
    content = caffemodel_pb2.Model(layer=[caffemodel_pb2.Layer(name="ip", blobs=[caffemodel_pb2.Blob()])])
    path.write_bytes(content.SerializeToString().replace(b"ip", b"\xff\xfe"))
    assert refusal(path) == (
        f"{path}: expected a layer's name in UTF-8, got b'\\xff\\xfe'; copy it anew, or rename it"
    )


def test_a_blob_without_axes_is_one_number(tmp_path: Path) -> None:
    """A PReLU's shared slope: Caffe writes a number and no shape."""
    net = caffe_pb2.NetParameter(name="net")
    slope = net.layer.add(name="relu", type="PReLU").blobs.add()
    slope.data.append(0.25)
    assert not slope.HasField("shape")
    (tmp_path / "w.caffemodel").write_bytes(net.SerializeToString())
    (read,) = weights.read(tmp_path / "w.caffemodel")["relu"]
    assert read.shape == () and read == 0.25
    weights.write(tmp_path / "again.caffemodel", net, {"relu": [read]})
    assert weights.read(tmp_path / "again.caffemodel")["relu"][0].shape == ()


def test_a_blob_without_axes_or_numbers(tmp_path: Path) -> None:
    net = caffe_pb2.NetParameter()
    net.layer.add(name="relu", type="PReLU").blobs.add()
    (tmp_path / "w.caffemodel").write_bytes(net.SerializeToString())
    with pytest.raises(UserError, match="layer 'relu': expected 1 value, got 0;"):
        weights.read(tmp_path / "w.caffemodel")


def test_where_values_are_no_finite_numbers(path: Path) -> None:
    weights.require_finite(SOME, "w")
    odd = np.array([1, np.nan, -np.inf], np.float32)
    said = (
        r"^w: layer 'ip': expected finite numbers, got 2 of the 3 values of its blob 1 that are none{}; its training "
        "diverged, or the file is damaged: take an earlier snapshot, or train it anew at a lower base_lr$"
    )
    with pytest.raises(UserError, match=said.format("")):
        weights.require_finite(SOME | {"ip": [*SOME["ip"], odd]}, "w")
    with pytest.raises(UserError, match=said.format(", and more in 2 further layers")):
        weights.require_finite(SOME | {"ip": [*SOME["ip"], odd, odd], "a": [odd], "b": [odd]}, "w")
