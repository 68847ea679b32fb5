"""`make c` as its user meets it: the commands of docs/c.md, files, and what is refused with which words."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from both import Case, caffe, filled, images
from google.protobuf import text_format
from test_onnx_export import ROOT, cavefish, lenet, pair

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.network import weights
from evolve.runs.generation import writing
from trt.c import translation

PAGE = (ROOT / "docs/c.md").read_text(encoding="utf-8")
COMMANDS = [line.split("#")[0].strip() for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
            for line in block.splitlines()]  # fmt: skip
(PROGRAM,) = re.findall(r"```c\n(.*?)```", PAGE, re.DOTALL)


def test_the_page(tmp_path: Path) -> None:
    """Its commands, on a run and a pair; its program says what Caffe's scores say."""
    pair(tmp_path)
    for number in range(1, 14):
        with writing(tmp_path / f"runs/lenet/seed1/gen{number:03d}") as folder:
            for file in ("deploy.prototxt", "weights.caffemodel"):
                shutil.copy(tmp_path / file, folder)
    (tmp_path / "runs/lenet/seed1/lineage.csv").write_text("")
    (tmp_path / "weights.caffemodel").rename(tmp_path / "w.caffemodel")
    (tmp_path / "main.c").write_text(PROGRAM)
    assert [command.split()[:2] for command in COMMANDS] == [["make", "c"]] * 3 + [["cc", "-std=c99"]]
    for command in COMMANDS:
        verb, *words = command.removeprefix("make ").split()
        if verb == "c":
            done = cavefish(tmp_path, "c", *words)
            assert (done.returncode, done.stderr) == (0, "")
            assert re.match(rf"{words[-1].removeprefix('OUT=')}: 14\d,\d\d\d synapses, biases aside, in ", done.stdout)
        else:
            subprocess.run([verb, *words], cwd=tmp_path, check=True)
    said = subprocess.run(["./digits"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    (expected,) = caffe(tmp_path, [black(weights.read(tmp_path / "w.caffemodel"))])
    assert said == f"{expected['prob'].argmax()}\n"
    sizes = [len((tmp_path / name).read_bytes()) for name in ("digits.c", "digits8.c", "net.c")]
    assert sizes[1] < sizes[0]


def black(learned: weights.Weights) -> Case:
    """LeNet on the page's image, which is all zeros."""
    return Case(lenet(), learned, {"data": np.zeros((1, 1, 32, 32), np.float32)})


def test_what_the_files_say(tmp_path: Path) -> None:
    model, trained = pair(tmp_path)
    done = cavefish(tmp_path, "c", f"MODEL={model}", f"WEIGHTS={trained}", "BITS=16")
    assert re.fullmatch(
        r"deploy\.c: 143,\d\d\d synapses, biases aside, in 16 bits \(half precision\)(?: \(\d became zero\))?, "
        r"28\d,\d\d\d bytes "
        r"of constants, 169,232 bytes of memory\n",
        done.stdout,
    ), done
    header = (tmp_path / "deploy.h").read_text()
    assert "Input: pixels 0..255, times 0.5." in header
    assert "#define DEPLOY_DATA 1024 /* 1x1x32x32 */\n#define DEPLOY_PROB 10 /* 1x10 */\n" in header
    assert "void deploy(const float data[1024], float prob[10]);" in header
    before = (tmp_path / "deploy.c").read_bytes()
    cavefish(tmp_path, "c", f"MODEL={model}", f"WEIGHTS={trained}", "BITS=16")
    assert (tmp_path / "deploy.c").read_bytes() == before
    assert list(tmp_path.glob(".*")) == []


def test_parameters_are_called_after_the_outputs_that_they_hold(tmp_path: Path) -> None:
    """A Sigmoid works in place on the map before it, which nobody else reads; a Flatten is the map as it lies."""
    text = (
        'layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 1 dim: 2 dim: 8 dim: 8 } } }\n'
        'layer { name: "fuse" type: "Convolution" bottom: "data" top: "fuse" '
        "convolution_param { num_output: 1 kernel_size: 1 } }\n"
        'layer { name: "map" type: "Sigmoid" bottom: "fuse" top: "map" }\n'
        'layer { name: "side" type: "Convolution" bottom: "data" top: "side" '
        "convolution_param { num_output: 1 kernel_size: 1 } }\n"
        'layer { name: "flat" type: "Flatten" bottom: "side" top: "flat" }\n'
    )
    net = text_format.Parse(text, caffe_pb2.NetParameter(name="net"))
    prototxt_text.write(net, tmp_path / "net.prototxt")
    weights.write(tmp_path / "w.caffemodel", net, filled(net, np.random.default_rng(0)))
    done = cavefish(tmp_path, "c", "MODEL=net.prototxt", "WEIGHTS=w.caffemodel")
    assert done.returncode == 0, done.stderr
    assert "void net(const float data[128], float map[64], float flat[64]);" in (tmp_path / "net.h").read_text()
    command = ["cc", "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-c", "net.c"]
    subprocess.run(command, cwd=tmp_path, check=True)


def test_names_that_are_none_in_c(tmp_path: Path) -> None:
    """Blobs called as C's words, kernels or functions are, or as one another but for what C lacks."""
    text = 'layer { name: "in" type: "Input" top: "float" input_param { shape { dim: 1 dim: 2 dim: 8 dim: 8 } } }\n'
    bottom = "float"
    kinds = ("Convolution", "convolution_param { num_output: 3 kernel_size: 2 }"), ("TanH", "")
    for number, top in enumerate(("convolve", "half", "a/b", "a_b", "*/ int", "expf", "7", "arena", "net", "prob")):
        kind, words = kinds[number % 2]
        text += f'layer {{ name: "{top}" type: "{kind}" bottom: "{bottom}" top: "{top}" {words} }}\n'
        bottom = top
    net = text_format.Parse(text, caffe_pb2.NetParameter(name="*/ names"))
    prototxt_text.write(net, tmp_path / "float.prototxt")
    weights.write(tmp_path / "w.caffemodel", net, filled(net, np.random.default_rng(0)))
    done = cavefish(tmp_path, "c", "MODEL=float.prototxt", "WEIGHTS=w.caffemodel")
    assert done.returncode == 0, done.stderr
    command = ["cc", "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-c", "float.c"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert images(net, np.random.default_rng(0)).keys() == {"float"}


def test_inputs_and_outputs_called_as_what_is_around_them(tmp_path: Path) -> None:
    """What a Reduction sums in, the header's guard, macros of headers and compilers, C++'s words."""
    text = 'layer { name: "in" type: "Input" top: "linux" input_param { shape { dim: 1 dim: 2 dim: 8 dim: 8 } } }\n'
    for number, top in enumerate(("sum", "h", "true", "NAN", "int32_t", "x")):
        kind, words = (("Reduction", ""), ("TanH", ""), ("Softmax", "softmax_param { axis: 2 }"))[number % 3]
        text += f'layer {{ name: "{number}" type: "{kind}" bottom: "linux" top: "{top}" {words} }}\n'
    text += 'layer { name: "ip" type: "InnerProduct" bottom: "h" top: "ip" inner_product_param { num_output: 1 } }\n'
    net = text_format.Parse(text, caffe_pb2.NetParameter(name="net"))
    prototxt_text.write(net, tmp_path / "net.prototxt")
    weights.write(tmp_path / "w.caffemodel", net, filled(net, np.random.default_rng(0)))
    done = cavefish(tmp_path, "c", "MODEL=net.prototxt", "WEIGHTS=w.caffemodel")
    assert done.returncode == 0, done.stderr
    strict = ["-pedantic", "-Wall", "-Wextra", "-Werror"]
    for command in (["cc", "-std=c99", *strict, "-c", "net.c"], ["cc", *strict, "-c", "net.c"],
                    ["c++", *strict, "-fsyntax-only", "-x", "c++", "net.h"]):  # fmt: skip
        subprocess.run(command, cwd=tmp_path, check=True)
    assert "#ifndef NET_H\n#define NET_H\n" in (tmp_path / "net.h").read_text()


def test_files_called_as_what_is_in_them(tmp_path: Path) -> None:
    """Functions, structs, types and numbers of the kernels."""
    assert translation.defined() >= {"add_times", "convolve", "half", "synapses", "stored", "PLACES", "TAPS"}
    model, trained = pair(tmp_path)
    for name in ("add_times", "block", "stored", "STRETCH", "round", "gamma"):
        done = cavefish(tmp_path, "c", f"MODEL={model}", f"WEIGHTS={trained}", "BITS=8", f"OUT={name}.c")
        assert done.returncode == 0, done.stderr
        assert f"void {name}_2(" in (tmp_path / f"{name}.h").read_text()
        subprocess.run(["cc", "-std=c99", "-Werror", "-c", f"{name}.c"], cwd=tmp_path, check=True)


SPATIAL = """layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 1 dim: 2 dim: 4 dim: 4 dim: 4 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 4 kernel_size: 3 } }
"""

PLANE = SPATIAL.replace(" dim: 4 }", " }")


@pytest.mark.parametrize(
    "text, blob, change, words, message",
    [
        (SPATIAL, 0, 1, (), "model.prototxt:3: layer 'conv': expected one or two axes of space in C, got 3; leave it "
                            "out, or use an engine (make onnx)"),
        (PLANE, 1, np.nan, (),
         "w.caffemodel: layer 'conv': expected finite numbers, got 1 of the 4 values of its blob 1 that are "
         "none; its training diverged, or the file is damaged: take an earlier snapshot, or train it anew at a lower "
         "base_lr"),
        (PLANE, 0, 1e9, ("BITS=8",),
         "model.prototxt:3: layer 'conv': expected weights below 8,000,000 for 8 bits, got larger ones; write it with "
         "BITS=32"),
    ],
)  # fmt: skip
def test_refused(
    tmp_path: Path, text: str, blob: int, change: float, words: tuple[str, ...], message: str
) -> None:  # fmt: skip
    net = text_format.Parse(text, caffe_pb2.NetParameter(name="n"))
    (tmp_path / "model.prototxt").write_text('name: "n"\n' + text)
    learned = filled(net, np.random.default_rng(0))
    learned["conv"][blob].reshape(-1)[0] = np.abs(learned["conv"][blob].reshape(-1)[0]) * np.float32(change)
    weights.write(tmp_path / "w.caffemodel", net, learned)
    done = cavefish(tmp_path, "c", "MODEL=model.prototxt", "WEIGHTS=w.caffemodel", *words)
    assert done.returncode == 2 and done.stderr == f"cavefish: {message}\n"
    assert list(tmp_path.glob("*.c")) == []
