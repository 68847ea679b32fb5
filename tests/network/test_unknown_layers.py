"""A layer of unknown type is named where what stands behind it does not fit, and not the layer that it does not fit."""

from pathlib import Path

import numpy as np
import pytest

from evolve.base.errors import UserError
from evolve.figures import count_table
from evolve.network import weights
from evolve.network.foreign import reading

AXPY = """name: "se"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 6 dim: 6 } } }
layer { name: "pool" type: "Pooling" bottom: "data" top: "pool" pooling_param { global_pooling: true } }
layer { name: "axpy" type: "Axpy" bottom: "pool" bottom: "data" bottom: "data" top: "axpy" }
layer { name: "conv" type: "Convolution" bottom: "axpy" top: "conv" convolution_param { num_output: 2 kernel_size: 3 } }
"""
SHARED = AXPY.replace("num_output: 2 kernel_size: 3", "num_output: 2 kernel_size: 1") + (
    'layer { name: "fc" type: "InnerProduct" bottom: "conv" top: "fc" inner_product_param { num_output: 2 } }\n'
)
SAID = (
    "layer 'axpy': expected a type that is known here, got Axpy, taken to leave the shape of its first bottom as it "
    "is; behind it, {}; leave it out, or register its type in layer_types.py"
)


def refusal(folder: Path, text: str, learned: weights.Weights | None = None) -> str:
    model, caffemodel = folder / "net.prototxt", folder / "w.caffemodel"
    model.write_text(text)
    if learned:
        weights.write(caffemodel, reading.read(model).net, learned)
    with pytest.raises(UserError) as error:
        count_table.sheet(model, caffemodel if learned else None)
    return str(error.value).replace(f"{folder}/", "")


def test_a_shape_that_does_not_fit_behind_it(tmp_path: Path) -> None:
    words = "layer 'conv': bottom 1 x 3 x 1 x 1 is too small for it, its top would be 1 x 2 x -1 x -1"
    assert refusal(tmp_path, AXPY) == f"net.prototxt:4: {SAID.format(words)}"


def test_weights_that_do_not_fit_behind_it(tmp_path: Path) -> None:
    learned = {
        "conv": [np.zeros((2, 3, 1, 1), np.float32), np.zeros(2, np.float32)],
        "fc": [np.zeros((2, 72), np.float32), np.zeros(2, np.float32)],
    }
    said = refusal(tmp_path, SHARED, learned)
    assert said.startswith("net.prototxt:4: layer 'axpy': expected a type that is known here, got Axpy, ")
    assert "behind it, w.caffemodel: layer 'fc': expected 2 x 2 = 4 and 2 = 2, got 2 x 72 = 144 and 2 = 2" in said


def test_where_all_fits_it_is_counted(tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(AXPY.replace('bottom: "pool" bottom: "data"', 'bottom: "data"'))
    notes = "\n".join(count_table.sheet(tmp_path / "net.prototxt").notes)
    assert "Not known here, and taken to leave shapes as they are: Axpy." in notes
