"""The speed measurement's own parts, without the engines: turns, medians, CSV, agreement, what the nets become."""

from pathlib import Path

import numpy as np
import pytest

from evolve.base.caffe_messages import caffe_pb2
from tests.bench.speed import case, networks, table
from tests.bench.speed.layers import LayerTime, summary
from tests.bench.speed.process import environment
from tests.bench.speed.ragged import rounded
from tests.bench.speed.rounds import WARM_STEPS, interleaved, medians, rotated, steps_for
from tests.bench.speed.table import Median


class Engine:
    """Takes so many seconds a step, and writes its name down whenever it runs."""

    def __init__(self, name: str, seconds: float, diary: list[tuple[str, int]]) -> None:
        self.name, self.seconds, self.diary = name, seconds, diary

    def __call__(self, steps: int) -> float:
        self.diary.append((self.name, steps))
        return self.seconds * steps


def test_engines_take_turns_and_each_goes_first() -> None:
    diary: list[tuple[str, int]] = []
    engines = {name: Engine(name, seconds, diary) for name, seconds in (("a", 0.01), ("b", 0.04), ("c", 5.0))}
    times = interleaved(engines, rounds=3, seconds=0.2, pause=0)
    warming = [(name, steps) for name in "abc" for steps in (WARM_STEPS, 1)]
    steps = {"a": 20, "b": 5, "c": 1}
    assert diary == warming + [(name, steps[name]) for name in "abcbcacab"]
    assert {name: len(each) for name, each in times.items()} == {"a": 3, "b": 3, "c": 3}
    assert times["b"] == pytest.approx([40.0] * 3)


def test_the_layers_of_a_type_are_added_up_engine_beside_engine() -> None:
    rows = [
        LayerTime("net", f"l{i}", "ReLU" if i else "Pooling", e, i, 2 * i + 1) for e in ("a", "b") for i in (0, 1, 2)
    ]
    lines = [line.split() for line in summary(rows).splitlines()]
    assert lines == [["a", "b"], ["all", "12.00", "12.00"], ["ReLU", "11.00", "11.00"], ["Pooling", "1.00", "1.00"]]


def test_at_least_one_step_a_round() -> None:
    assert steps_for(Engine("slow", 100.0, []), 0.1) == 1


def test_every_name_is_first_once() -> None:
    assert [rotated(["x", "y"], number) for number in range(3)] == [["x", "y"], ["y", "x"], ["x", "y"]]


def test_median_is_the_middle_round() -> None:
    assert medians({"a": [9.0, 1.0, 2.0], "b": [1.0, 2.0, 3.0, 100.0]}) == {"a": 2.0, "b": 2.5}


def test_steps_csv_has_the_columns_that_tools_read(tmp_path: Path) -> None:
    table.write([Median("lenet", "train", 64, 2, "fast", 12.34567)], tmp_path / "steps.csv")
    assert (tmp_path / "steps.csv").read_text() == (
        "net,pass,batch,threads,engine,median_ms\nlenet,train,64,2,fast,12.3457\n"
    )


@pytest.mark.parametrize("ms, verdict", [(5.4, "0.540 <= 0.55"), (5.6, "0.560 above 0.55")])
def test_the_table_says_whether_a_target_is_met(ms: float, verdict: str) -> None:
    rows = [Median("lenet", "train", 64, 1, "fast", ms), Median("lenet", "train", 64, 1, "pytorch", 10.0)]
    assert table.lines(rows)[1].endswith(verdict)


def test_another_function_is_not_measured(tmp_path: Path) -> None:
    output = np.ones((1, 10), np.float32)
    case.save(tmp_path, case.EXPECTED_FORWARD, {"prob": output})
    assert case.check_outputs(tmp_path, {"prob": output * 1.00001})["outputs"] < 2e-5
    with pytest.raises(AssertionError, match="outputs differ from stock Caffe's by 1.00e-03"):
        case.check_outputs(tmp_path, {"prob": output * np.float32(1.001)})
    with pytest.raises(AssertionError, match="expected \\['prob'\\]"):
        case.check_outputs(tmp_path, {"softmax": output})


def test_stock_gets_its_threads_from_openblas_and_the_others_from_openmp() -> None:
    outer = {"HOME": "/root", "OPENBLAS_CORETYPE": "Haswell", "OMP_WAIT_POLICY": "passive", "MKL_NUM_THREADS": "7"}
    stock, fast = (environment(outer, engine, 2) for engine in ("stock", "fast"))
    assert (stock["OPENBLAS_NUM_THREADS"], stock["OMP_NUM_THREADS"]) == ("2", "1")
    assert (fast["OPENBLAS_NUM_THREADS"], fast["OMP_NUM_THREADS"]) == ("1", "2")
    assert stock["HOME"] == "/root"
    assert not {"OPENBLAS_CORETYPE", "OMP_WAIT_POLICY", "MKL_NUM_THREADS"} & (stock.keys() | fast.keys())


def _chain() -> caffe_pb2.NetParameter:
    net = caffe_pb2.NetParameter(name="chain")
    net.layer.add(name="data", type="Input", top=["data"]).input_param.shape.add(dim=[1, 3, 32, 48])
    conv = net.layer.add(name="conv", type="Convolution", bottom=["data"], top=["conv"])
    conv.convolution_param.num_output = 9
    conv.convolution_param.kernel_size.append(1)
    net.layer.add(name="drop", type="Dropout", bottom=["conv"], top=["left"])
    maps = net.layer.add(name="maps", type="Convolution", bottom=["left"], top=["maps"])
    maps.convolution_param.num_output = 5
    maps.convolution_param.kernel_size.append(1)
    net.layer.add(name="sure", type="Sigmoid", bottom=["maps"], top=["sure"])
    return net


def test_a_loss_on_every_output_with_a_target_of_its_shape() -> None:
    net = networks.with_euclidean_losses(_chain())
    target, loss = net.layer[-2:]
    assert (loss.type, list(loss.bottom)) == ("EuclideanLoss", ["sure", "sure-target"])
    assert list(target.input_param.shape[0].dim) == [1, 5, 32, 48]


def test_widths_are_rounded_up_and_the_last_stays() -> None:
    widths = [layer.convolution_param.num_output for layer in rounded(_chain(), 8).layer if layer.type == "Convolution"]
    assert widths == [16, 5]


def test_what_is_compared_has_no_dropout() -> None:
    layers = networks.without_dropout(_chain()).layer
    assert [(layer.type, list(layer.bottom)) for layer in layers] == [
        ("Input", []),
        ("Convolution", ["data"]),
        ("Convolution", ["conv"]),
        ("Sigmoid", ["maps"]),
    ]
