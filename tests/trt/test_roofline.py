"""The prediction of frames per second: by hand on a small net, and on the network and figure that it is fitted on."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.lineage import experiment
from evolve.network import deployment, devices, roofline, shapes
from evolve.network.devices import Device

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/network"))

import famous_nets  # noqa: E402

# One operation, two in half precision, four in 8 bits, and one byte a second: seconds can be counted.
SLOW = Device("slow", 1e-9, 2e-9, gops_int8=4e-9, sparse=2, gbytes_per_second=1e-9, efficiency=0.5, fitted_on="nothing")

NET = """
name: "by hand"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 4 kernel_size: 3 pad: 1 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "drop" type: "Dropout" bottom: "pool" top: "drop" }
layer { name: "ip" type: "InnerProduct" bottom: "drop" top: "ip" inner_product_param { num_output: 10 } }
"""
# Operations: conv 2 x (4 x 3 x 9) x 64 places, ip 2 x 10 x 64. Numbers: conv 192 in, 108 + 4 learned, 256 out;
# pool 256 in, 64 out; ip 64 in, 640 + 10 learned, 10 out. Only conv has more operations than bytes.
FLOAT = {"conv": 13824, "pool": 4 * 320, "ip": 4 * 724}
HALF = {"conv": 13824 / 2, "pool": 2 * 320, "ip": 2 * 724}
INT8 = {"conv": 13824 / 4, "pool": 320, "ip": 724}


def net(words: str = NET) -> object:
    return prototxt_text.parse(words, caffe_pb2.NetParameter(), "net")


def test_each_layer_by_hand() -> None:
    for bits, expected in ((32, FLOAT), (16, HALF), (8, INT8)):
        found = {step.layer.name: roofline.layer_seconds(step, SLOW, bits) for step in shapes.infer(net())}
        assert found == dict.fromkeys(("data", "relu", "drop"), 0.0) | expected


def test_2_4_by_hand() -> None:
    """Twice the arithmetic, of four weights two with two bits each; nothing in 32 bits, or on other devices."""
    for bits, learned in ((16, 2 * 640 / 2 + 640 / 8), (8, 640 / 2 + 640 / 8)):
        steps = {step.layer.name: step for step in shapes.infer(net())}
        found = {name: roofline.layer_seconds(steps[name], SLOW, bits, sparse=True) for name in ("conv", "ip")}
        dense = {16: HALF, 8: INT8}[bits]
        assert found["conv"] == max(dense["conv"] / 2, bits / 8 * (192 + 256 + 4) + 108 * (bits / 16 + 1 / 8))
        assert found["ip"] == bits / 8 * (64 + 10 + 10) + learned
        part = roofline.seconds(net(), SLOW, bits, {"ip"})
        assert part == roofline.seconds(net(), SLOW, bits) - dense["ip"] + found["ip"]
    everywhere = {"conv", "ip"}
    assert roofline.seconds(net(), SLOW, 32, everywhere) == roofline.seconds(net(), SLOW, 32)
    assert roofline.seconds(net(), replace(SLOW, sparse=1), 16, everywhere) == roofline.seconds(net(), SLOW, 16)


def test_the_layers_one_after_another_times_one_efficiency() -> None:
    assert roofline.seconds(net(), SLOW, bits=32) == 18000
    assert roofline.frames_per_second(net(), SLOW, bits=32) == 0.5 / 18000
    assert roofline.frames_per_second(net(), SLOW) == 0.5 / 9000


def test_a_batch_takes_its_images_operations() -> None:
    two = net(NET.replace("dim: 1 dim: 3", "dim: 2 dim: 3"))
    first, second = ([roofline.operations(step) for step in shapes.infer(each)] for each in (net(), two))
    assert second == [2 * each for each in first] and first[1] == 13824


def test_the_tx1s_efficiency_is_what_the_published_figure_gives() -> None:
    tx1 = devices.read()[devices.TX1]
    full = famous_nets.detectnet(512, 1024)
    assert 7 * roofline.seconds(full, tx1) == pytest.approx(tx1.efficiency, abs=5e-5)
    assert roofline.frames_per_second(full, tx1) == pytest.approx(7, abs=0.001)


def test_without_arithmetic_in_8_bits_it_is_that_of_16() -> None:
    tx1 = devices.read()[devices.TX1]
    assert roofline.seconds(net(), tx1, bits=8) == roofline.seconds(net(), tx1, bits=16)


# What Tencent/ncnn's benchmark/README.md has of GoogLeNet, milliseconds.
NCNN = {
    "Jetson Nano": 43.30,
    "Jetson AGX Xavier": 12.57,
    "Jetson Orin Nano 8GB": 7.18,
    "Jetson AGX Orin 64GB": 4.95,
    "Raspberry Pi 5": 25.13,
    "GeForce RTX 3090": 4.33,
}


@pytest.mark.parametrize("name", NCNN)
def test_the_others_efficiencies_are_what_the_published_figures_give(name: str) -> None:
    device = devices.read()[name]
    fitted = 1000 / NCNN[name] * roofline.seconds(famous_nets.googlenet(), device)
    assert fitted == pytest.approx(device.efficiency, rel=2e-3)
    assert f"{1000 / NCNN[name]:.3g} fps" in device.fitted_on


def test_the_shipped_detectnet_is_that_network() -> None:
    shipped = deployment.deploy(experiment.load("detectnet").net(Path("nowhere")), (3, 512, 1024))
    assert roofline.frames_per_second(shipped, devices.read()[devices.TX1]) == pytest.approx(7, abs=0.02)


@pytest.mark.parametrize(("size", "fps"), [((384, 1248), 24.0), ((640, 640), 28.1), ((512, 1024), 21.9)])
def test_the_full_detectnet_at_the_tx1s_peaks(size: tuple[int, int], fps: float) -> None:
    """Counted once before this was written, with another program: to one in a hundred."""
    seconds = roofline.seconds(famous_nets.detectnet(*size), devices.read()[devices.TX1])
    assert 1 / seconds == pytest.approx(fps, rel=0.01)


def test_thinner_is_never_predicted_slower() -> None:
    tx1, before = devices.read()[devices.TX1], 0.0
    for outputs in (64, 57, 32, 8, 1):
        thinner = net(NET.replace("num_output: 4", f"num_output: {outputs}"))
        fps = roofline.frames_per_second(thinner, tx1)
        assert fps > before
        before = fps


def test_a_device_of_the_users(tmp_path: Path) -> None:
    table = tmp_path / "devices.csv"
    table.write_text(devices.TABLE.read_text() + 'My board,1,2,0,1,3,0.4,"mine, measured"\n')
    assert devices.read(table)["My board"] == Device("My board", 1, 2, 0, 1, 3, 0.4, "mine, measured")
    assert list(devices.read(table)) == [*devices.read(), "My board"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a,1,2,0,1,3,0.4", "expected 8 cells, got 7; quote words with commas in them"),
        ("a,1,2,0,1,fast,0.4,me", "gbytes_per_second: expected a number above 0, got 'fast'"),
        ("a,0,2,0,1,3,0.4,me", "gflops_float: expected a number above 0, got '0'"),
        ("a,1,2,-1,1,3,0.4,me", "gops_int8: expected a number above 0, got '-1'"),
        ("a,1,2,0,1,3,nan,me", "efficiency: expected a number above 0, got 'nan'"),
    ],
)
def test_a_line_that_is_no_device(tmp_path: Path, line: str, message: str) -> None:
    table = tmp_path / "devices.csv"
    head = devices.TABLE.read_text().splitlines()
    table.write_text("\n".join([*head, line]) + "\n")
    with pytest.raises(UserError) as error:
        devices.read(table)
    assert str(error.value) == f"{table}:{len(head) + 1}: {message}"


def test_a_table_without_columns(tmp_path: Path) -> None:
    (tmp_path / "devices.csv").write_text("# nothing\n")
    with pytest.raises(UserError, match="expected a line of columns before the devices, name,gflops_float,"):
        devices.read(tmp_path / "devices.csv")
