"""trt/tx1 without a TX1: linted for Python 3.6, run on stand-ins; one table for all."""

import csv
import importlib.util
import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
from both import filled
from google.protobuf import text_format
from PIL import Image

from evolve.base import prototxt_text
from evolve.base.caffe_messages import caffe_pb2
from evolve.base.errors import UserError
from evolve.datasets import image_file
from evolve.datasets.image_form import Form
from evolve.network import weights
from evolve.runs import device_table
from evolve.runs.generation import writing
from trt import device_folder
from trt.inference import preparation

STAND_INS = Path(__file__).resolve().parent / "tx1_stand_ins"
COLUMNS = "generation,engine,precision,batch,runs,median_ms,p95_ms,fps"
NET = """
name: "two outputs"
layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 2 dim: 2 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 4 kernel_size: 1 } }
layer { name: "cov" type: "Sigmoid" bottom: "conv" top: "coverage" }
layer { name: "box" type: "Convolution" bottom: "conv" top: "bboxes"
  convolution_param { num_output: 4 kernel_size: 1 } }
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two generations."""
    place = tmp_path_factory.mktemp("runs") / "net" / "seed1"
    net = text_format.Parse(NET, caffe_pb2.NetParameter())
    for number in (1, 2):
        with writing(place / f"gen{number:03d}") as folder:
            prototxt_text.write(net, folder / "deploy.prototxt", "net\ninput: pixels 0..255")
            weights.write(folder / "weights.caffemodel", net, filled(net, np.random.default_rng(number)))
    return place


@pytest.fixture
def folder(run: Path, tmp_path: Path) -> Path:
    """What `make tx1` makes of it; its ONNX files are tickets for the stand-in: ten and two milliseconds."""
    device_folder.fill(run, tmp_path / "tx1", [1, 2], None, False, lambda line: None)
    place = tmp_path / "tx1" / "generations"
    for number, milliseconds in ((1, 10), (2, 4)):
        for kind, ending in (("float", ""), ("half", ".half")):
            (place / f"gen{number:03d}{ending}.onnx").write_text(f"onnx {kind} {milliseconds}")
    return tmp_path / "tx1"


@pytest.fixture
def with_eight_bits(folder: Path) -> Path:
    """The same as a Xavier or an Orin has it."""
    for number in (1, 2):
        (folder / "generations" / f"gen00{number}.int8.onnx").write_text(f"onnx int8 {6 - number}")
    return folder


@pytest.fixture(scope="module", autouse=True)
def cudart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A CUDA runtime that stands in, where the programs look for theirs."""
    place = tmp_path_factory.mktemp("cuda")
    command = ["g++", "-shared", "-fPIC", "-o", str(place / "libcudart.so"), str(STAND_INS / "cuda.cpp")]
    subprocess.run(command, check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LD_LIBRARY_PATH", str(place))
        yield


def called(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    known = os.environ | {"PYTHONPATH": str(STAND_INS)} | environment
    return subprocess.run(list(command), cwd=folder, env=known, capture_output=True, text=True, check=False)


def rows(table: str) -> list[dict[str, str]]:
    """A table's rows, which must be as every program prints them."""
    lines = [line for line in table.splitlines() if not line.startswith("#")]
    assert lines[0] == COLUMNS
    found = list(csv.DictReader(lines))
    for each in found:
        assert float(each["fps"]) == pytest.approx(1000 / float(each["median_ms"]), rel=1e-3)
        assert float(each["p95_ms"]) >= float(each["median_ms"])
    return found


def bench(folder: Path, tensorrt: int, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "bench.py", "--runs", "5", "--warm-up", "1", *words]
    return called(folder, *command, TENSORRT=str(tensorrt), **environment)


@pytest.mark.parametrize("tensorrt", [5, 7, 8, 10])
def test_the_script_in_8_bits(with_eight_bits: Path, tensorrt: int) -> None:
    """Under its own flag from TensorRT 8 on; what cannot be says so."""
    done = bench(with_eight_bits, tensorrt, "--precision", "int8", "2")
    if tensorrt < 8:
        words = f"TensorRT {tensorrt}.1.2.3 takes no 8 bits from ONNX; --precision half"
        assert (done.returncode, done.stderr) == (2, f"bench.py: generation 2: {words}\n")
        return
    (found,) = rows(done.stdout)
    assert found["precision"] == "int8" and float(found["median_ms"]) >= 4, done.stderr
    slow = bench(with_eight_bits, tensorrt, "--precision", "int8", "2", NO_HALF="1")
    assert slow.stderr == "bench.py: generation 2: this GPU is not fast in 8 bits; --precision float\n"
    if tensorrt < 10:
        done = bench(with_eight_bits, tensorrt, "--precision", "int8", "--from", "caffe", "2")
        assert done.stderr == "bench.py: generation 2: 8 bits stand in ONNX files alone; --from onnx\n"
    (with_eight_bits / "generations" / "gen002.int8.onnx").unlink()
    done = bench(with_eight_bits, tensorrt, "--precision", "int8", "2")
    assert done.stderr.endswith("gen002.int8.onnx: is not there; README.md says which files this device has\n")


def test_it_is_python_3_6(folder: Path) -> None:
    """Neither syntax nor library of later ones."""
    scripts = sorted(str(path) for path in folder.glob("*.py"))
    assert len(scripts) == 7
    vermin = [sys.executable, "-c", "import vermin; vermin.main()", "-t=3.6-"]
    command = [*vermin, "--eval-annotations", "--violations", "--no-tips", *scripts]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    later = folder / "later.py"
    later.write_text("import dataclasses\n")
    assert subprocess.run([*command, str(later)], capture_output=True, check=False).returncode


def test_what_is_in_the_folder(folder: Path, run: Path) -> None:
    names = {path.name for path in folder.iterdir() if path.is_file()}
    assert names == {path.name for path in device_folder.PROGRAMS.iterdir() if path.is_file()}
    assert {"README.md", "bench.py", "trtexec.sh", "columns.csv"} <= names
    place = folder / "generations"
    kinds = ("prototxt", "caffemodel", "onnx", "half.onnx")
    expected = {f"gen00{number}.{kind}" for number in (1, 2) for kind in kinds}
    expected |= {"generations.csv", "preparation.json"}
    assert {path.name for path in place.iterdir()} == expected
    assert (place / "generations.csv").read_text() == (
        "generation,input,shape,outputs\n1,data,3x2x2,coverage bboxes\n2,data,3x2x2,coverage bboxes\n"
    )
    assert (place / "gen002.caffemodel").read_bytes() == (run / "gen002" / "weights.caffemodel").read_bytes()
    assert (place / "gen002.prototxt").read_text().startswith("# seed1, generation 2\n# input: pixels 0..255\n")


def test_filling_it(run: Path, tmp_path: Path) -> None:
    """Again over what is there, and with images of another size, in prototxt and ONNX alike."""
    said: list[str] = []
    for shape in (None, (3, 4, 6)):
        device_folder.fill(run, tmp_path, [2], shape, False, said.append)
    assert said[0] == "generation 2" and said[-1].startswith(f"{tmp_path}: 1 generation, 0.0 MB; copy it to the ")
    place = tmp_path / "generations"
    assert (place / "generations.csv").read_text().splitlines()[1:] == ["2,data,3x4x6,coverage bboxes"]
    sized = prototxt_text.read(place / "gen002.prototxt", caffe_pb2.NetParameter())
    assert list(sized.layer[0].input_param.shape[0].dim) == [1, 3, 4, 6]
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file/in: expected to write there, got Not a directory; name another OUT="):
        device_folder.fill(run, tmp_path / "file" / "in", [1], None, False, said.append)


@pytest.mark.parametrize("parser, tensorrt", [("onnx", 10), *itertools.product(("onnx", "caffe"), (5, 6, 7, 8))])
def test_the_script(folder: Path, tensorrt: int, parser: str) -> None:
    done = bench(folder, tensorrt, "--from", parser)
    assert (done.returncode, done.stderr) == (0, "")
    found = rows(done.stdout)
    assert [(each["generation"], each["engine"], each["precision"], each["batch"], each["runs"]) for each in found] == [
        (str(number), f"tensorrt {tensorrt}.1.2.3 {parser}", "f16", "1", "5") for number in (1, 2)
    ]
    times = [float(each["median_ms"]) for each in found]
    expected = (10, 4) if parser == "onnx" else (1, 2)
    assert all(least <= time < least + 200 for time, least in zip(times, expected, strict=True))


@pytest.mark.parametrize("tensorrt", [5, 6, 7, 8, 10])
def test_what_16_bits_cannot_hold_stays_in_32(folder: Path, tensorrt: int) -> None:
    """Under a flag TensorRT would choose; from 9 on a network may have its types, which it keeps."""
    (folder / "generations" / "gen002.half.wide.txt").write_text("prob\ncov\n")
    assert rows(bench(folder, tensorrt, "2", WIDE="cov prob prob_2").stdout)
    assert rows(bench(folder, tensorrt, "1").stdout)


def test_the_folder_says_what_stays_in_32_bits(run: Path, tmp_path: Path) -> None:
    place = tmp_path / "run"
    text = NET + 'layer { name: "p" type: "Softmax" bottom: "bboxes" top: "p" }'
    net = text_format.Parse(text, caffe_pb2.NetParameter())
    with writing(place / "gen001") as folder:
        prototxt_text.write(net, folder / "deploy.prototxt")
        weights.write(folder / "weights.caffemodel", net, filled(net, np.random.default_rng(1)))
    listed = tmp_path / "tx1" / "generations" / "gen001.half.wide.txt"
    device_folder.fill(place, tmp_path / "tx1", [1], None, False, lambda line: None)
    assert listed.read_text() == "p\n"
    # Of another call, for a run where nothing does.
    device_folder.fill(run, tmp_path / "tx1", [1], None, False, lambda line: None)
    assert not listed.exists()


def test_the_script_in_32_bits(folder: Path) -> None:
    done = bench(folder, 8, "--precision", "float", "2")
    (found,) = rows(done.stdout)
    assert found["precision"] == "f32" and float(found["median_ms"]) >= 9
    assert rows(bench(folder, 8, "--precision", "float", "2", NO_HALF="1").stdout)


@pytest.mark.parametrize(
    ("change", "words", "message"),
    [
        ("onnx half 3", (), "generations/gen002.half.onnx: TensorRT 8.1.2.3 builds no engine of it"),
        ("onnx half 4 refused", (),
         "generations/gen002.half.onnx: TensorRT 8.1.2.3 does not take it: unsupported operator set 13"),
        ("onnx half 99", (), "the engine does not run"),
    ],
)  # fmt: skip
def test_what_the_script_says_of_a_generation(folder: Path, change: str, words: tuple[str, ...], message: str) -> None:
    """On standard error, and the table has the others."""
    (folder / "generations" / "gen002.half.onnx").write_text(change)
    for tensorrt in (8, 10):
        done = bench(folder, tensorrt, *words)
        assert done.returncode == 2 and [each["generation"] for each in rows(done.stdout)] == ["1"]
        said = done.stderr.replace(f"{folder}/", "").replace("TensorRT 10.", "TensorRT 8.")
        assert said == f"bench.py: generation 2: {message}\n"


def test_generations_are_numbers(folder: Path) -> None:
    """However they are written: the files are called gen002. One that is not here is refused at once."""
    assert [each["generation"] for each in rows(bench(folder, 8, "002").stdout)] == ["2"]
    done = bench(folder, 8, "2", "013")
    said = "bench.py: expected a generation of this folder, 1, 2, got 13; leave it out, or fill the folder with it\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)
    (folder / "generations" / "generations.csv").write_text("generation,input,shape,outputs\n")
    done = bench(folder, 8)
    said = "bench.py: expected generations in this folder, got none; fill it again, and copy it whole\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


def test_from_10_on_there_is_no_caffe_parser(folder: Path) -> None:
    done = bench(folder, 10, "--from", "caffe", "1")
    assert (done.returncode, done.stderr) == (
        2, "bench.py: generation 1: TensorRT 10.1.2.3 has no Caffe parser; --from onnx\n"
    )  # fmt: skip


def test_what_the_script_says_of_the_board(folder: Path) -> None:
    done = bench(folder, 8, NO_HALF="1")
    expected = "this GPU is not fast in half precision; --precision float"
    assert done.returncode == 2 and done.stderr.splitlines() == [
        f"bench.py: generation {number}: {expected}" for number in (1, 2)
    ]
    code = "import cuda; cuda.library(('libnothing.so',))"
    done = called(folder, sys.executable, "-c", code)
    assert done.stderr.endswith(
        "cuda.CudaError: found no libcudart.so; add CUDA's folder of libraries to LD_LIBRARY_PATH\n"
    )
    prototxt = folder / "generations" / "gen001.prototxt"
    prototxt.write_text(prototxt.read_text().replace("coverage", "covered"))
    done = bench(folder, 5, "--from", "caffe", "1")
    assert done.stderr.replace(f"{folder}/", "") == (
        "bench.py: generation 1: generations/gen001.prototxt: TensorRT 5.1.2.3 does not take it, or finds no blob "
        "'coverage' in it\n"
    )


def test_a_table_is_taken_back(folder: Path, run: Path) -> None:
    """As `make bench FPS=` takes it, comments and all."""
    tables = (bench(folder, 8), bench(folder, 5, "--from", "caffe", "--precision", "float"))
    for done, engine, precision in zip(
        tables, ("tensorrt 8.1.2.3 onnx", "tensorrt 5.1.2.3 caffe"), ("f16", "f32"), strict=True
    ):
        (folder / "tx1.csv").write_text(done.stdout)
        found = device_table.read(folder / "tx1.csv", run)
        assert [(each.generation, each.engine, each.precision, each.runs, each.device) for each in found] == [
            (number, engine, precision, 5, "tx1") for number in (1, 2)
        ]
        assert {each.shape for each in found} == {"3x2x2"}
    assert ",".join(device_table.COLUMNS) == COLUMNS


@pytest.mark.parametrize("precision, word, extra", [("half", "f16", 0), ("float", "f32", 2), ("int8", "int8", 1)])
def test_trtexec(with_eight_bits: Path, precision: str, word: str, extra: int) -> None:
    environment = {"TRTEXEC": str(STAND_INS / "trtexec"), "RUNS": "4"}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = called(with_eight_bits, "./trtexec.sh", precision, **environment, PATH=path)
    assert done.returncode == 0, done.stderr
    found = rows(done.stdout)
    assert [(each["generation"], each["precision"], each["runs"], float(each["median_ms"])) for each in found] == [
        (str(number), word, "4", number + extra) for number in (1, 2)
    ]
    assert done.stdout.splitlines()[0] == "# images 3x2x2"


@pytest.fixture(scope="module")
def there() -> ModuleType:
    """preparation.py of the folder."""
    spec = importlib.util.spec_from_file_location("there", device_folder.PROGRAMS / "preparation.py")
    assert spec and spec.loader
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def on_its_side() -> Image.Exif:
    """EXIF of an image that is to be turned."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


RGBA = Image.fromarray(np.random.default_rng(1).integers(0, 256, (9, 12, 4), np.uint8))
SMOOTH = Image.fromarray(np.linspace(0, 255, 90 * 120 * 3).reshape(90, 120, 3).astype(np.uint8))
SIDE = {"exif": on_its_side(), "quality": 95}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("name", "image", "options", "within"),
    [
        ("colours.png", RGBA, {}, 0),
        ("colours.webp", RGBA, {"lossless": True, "exact": True}, 0),
        ("grey.png", RGBA.convert("LA"), {}, 0),
        ("palette.png", SMOOTH.quantize(16), {"transparency": bytes(range(0, 256, 16))}, 0),
        ("opaque.png", SMOOTH, {}, 0),
        ("colours.jpg", SMOOTH, SIDE, 2),  # two decoders
        ("grey.jpg", SMOOTH.convert("L"), SIDE, 2),
    ],
)
def test_files_are_read_there_as_here(
    tmp_path: Path, there: ModuleType, name: str, image: Image.Image, options: dict[str, Any], within: int,
    channels: int,
) -> None:  # fmt: skip
    image.save(tmp_path / name, **options)
    here = image_file.read(tmp_path / name, "here", Form(grey=channels == 1))
    height, width = here.shape[:2]
    given = {"channels": channels, "height": height, "width": width, "margin": 0, "colours": "BGR", "fit": "crop"}
    read = there.read(str(tmp_path / name), given | {"crop": 0, "mean": [[[0]]], "scale": 1})
    grey = channels == 1 and image.mode not in ("L", "LA")  # of colours, by one in 255
    expected = here.reshape(height, width, channels).transpose(2, 0, 1).astype(float)
    assert read.shape == expected.shape and np.abs(read - expected).max() <= within + grey


def test_a_png_of_16_bits_a_colour_that_is_transparent(tmp_path: Path, there: ModuleType) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.random.default_rng(1).integers(0, 1 << 16, (9, 12, 4), np.uint16))
    given = {"channels": 3, "height": 9, "width": 12, "margin": 0, "colours": "BGR", "fit": "crop", "crop": 0}
    read = there.read(str(tmp_path / "a.png"), given | {"mean": [[[0]]], "scale": 1})
    assert np.abs(read.transpose(1, 2, 0) - image_file.read(tmp_path / "a.png", "here").astype(float)).max() <= 1


@pytest.mark.parametrize("margin", [0, 2, None])
@pytest.mark.parametrize("channels", [1, 3])
def test_images_become_there_what_they_become_here(there: ModuleType, margin: int | None, channels: int) -> None:
    random = np.random.default_rng(1)
    for fit in preparation.FITS:
        for crop, colours in ((0, "BGR"), (9, "RGB")):
            stored = preparation.Stored((channels, 14, 12), margin, colours, fit)
            mean = np.array([33.5, 100, 9][:channels], np.float32).reshape(-1, 1, 1)
            here = preparation.Preparation(stored, crop, mean, 0.017)
            said: dict[str, object] = {"channels": channels, "height": 14, "width": 12, "margin": margin}
            said |= {"colours": colours, "fit": fit}
            said |= {"crop": crop, "mean": mean.tolist(), "scale": here.scale}
            for size in ((14, 12), (10, 8), (40, 60), (61, 40), (5, 5), (1, 90)):
                shape = size if channels == 1 else (*size, 3)
                pixels = random.integers(0, 256, shape, np.uint8)
                try:
                    expected = here(pixels)
                except UserError as error:
                    # The page's remedy is a setting's, which a device does not have.
                    words = str(error).removeprefix("image: ").partition(";")[0]
                    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
                        there.prepared(pixels, said)
                    assert fit == "pad"
                    continue
                assert np.array_equal(there.prepared(pixels, said), expected), (fit, size)


def test_classes_of_images(folder: Path) -> None:
    image = np.full((2, 2, 3), 200, np.uint8)
    cv2.imwrite(str(folder / "a.png"), image)
    (folder / "b.png").write_bytes(b"none")
    given = {"channels": 3, "height": 2, "width": 2, "margin": 0, "colours": "BGR", "fit": "crop", "crop": 0}
    given |= {"mean": [[[0]]], "scale": 1, "names": list("abcdefghi")}
    # The stand-in's outputs are .75 each at a place of its own, and .25 at the last, which has no name here.
    for output, version, likely in (("coverage", 5, "b"), ("coverage", 10, "b"), ("bboxes", 7, "c"), ("", 7, "c")):
        said = json.dumps({"2": given | {"output": output}})
        (folder / "generations" / "preparation.json").write_text(said)
        done = called(folder, sys.executable, "classify.py", "2", "a.png", "b.png", TENSORRT=str(version))
        assert done.stdout == f"a.png\t{likely}\t0.750\t9\t0.250\ta\t0.000\n", done.stderr
        assert done.returncode == 2 and "classify.py: b.png: expected an image that OpenCV reads" in done.stderr
    padded = called(folder, sys.executable, "classify.py", "002", "a.png", TENSORRT="7")
    assert (padded.returncode, padded.stdout) == (0, f"a.png\t{likely}\t0.750\t9\t0.250\ta\t0.000\n"), padded.stderr
    none = called(folder, sys.executable, "classify.py", "1", "a.png", TENSORRT="7")
    assert none.returncode == 2 and none.stderr == "classify.py: generation 1 tells no classes, or is not here\n"
