"""What lies in a case's folder: one network, its weights, its inputs, and what stock Caffe makes of them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

TRAIN_NET = "train.prototxt"
CHECKED_NET = "train_without_dropout.prototxt"
DEPLOY_NET = "deploy.prototxt"
SOLVER = "solver.prototxt"
CHECKED_SOLVER = "solver_without_dropout.prototxt"
WEIGHTS = "weights.caffemodel"
TRAIN_INPUTS = "train_inputs.npz"
FORWARD_INPUTS = "forward_inputs.npz"
EXPECTED_FORWARD = "expected_forward.npz"  # the deploy net's outputs, by blob
EXPECTED_GRADIENTS = "expected_gradients.npz"  # by layer and number of the blob, "conv1/0"; and "loss"
ONNX = "deploy.onnx"

TRAIN = "train"  # forward, backward, update
BOTH = "forward+backward"
FORWARD = "forward"  # inference

# A ReLU or a maximum that flips at a difference in the last bit moves a whole gradient: stock Caffe differs so much
# from itself between two OpenBLAS kernels (ResNet-56: 1 to 3 %). A layer of another function moves it by far more.
# A sigmoid's output near zero has as its relative error what is the absolute one of its input: DetectNet's coverage of
# noise, 1.1e-4 in ONNX Runtime.
LARGEST_DIFFERENCE = {"outputs": 1e-3, "loss": 1e-4, "gradients": 0.1}


def load(folder: Path, name: str) -> dict[str, np.ndarray]:
    """One of the folder's .npz files, read at once."""
    with np.load(folder / name) as arrays:
        return dict(arrays)


def save(folder: Path, name: str, arrays: dict[str, np.ndarray]) -> None:
    """Writes an .npz file."""
    np.savez(folder / name, **arrays)  # type: ignore[arg-type]


def check_outputs(folder: Path, got: dict[str, np.ndarray]) -> dict[str, float]:
    """How far the deploy net's outputs are from stock Caffe's. AssertionError if they are another function's."""
    expected = load(folder, EXPECTED_FORWARD)
    assert got.keys() == expected.keys(), f"outputs {sorted(got)}, expected {sorted(expected)}"
    return _checked({"outputs": max(difference(got[blob], expected[blob]) for blob in expected)})


def check_gradients(
    folder: Path, loss: float, got: dict[str, np.ndarray], exists: Mapping[str, np.ndarray] | None = None
) -> dict[str, float]:
    """How far the loss and the parameters' gradients are from stock Caffe's, those that `exists` says if it does.

    AssertionError as above.
    """
    expected = load(folder, EXPECTED_GRADIENTS)
    for name, there in (exists or {}).items():
        got[name], expected[name] = got[name] * there, expected[name] * there
    expected_loss = float(expected.pop("loss"))
    assert got.keys() == expected.keys(), f"gradients of {sorted(got)}, expected {sorted(expected)}"
    names = sorted(expected)
    all_got, all_expected = (np.concatenate([each[name].ravel() for name in names]) for each in (got, expected))
    return _checked(
        {"loss": abs(loss - expected_loss) / abs(expected_loss), "gradients": difference(all_got, all_expected)}
    )


def difference(got: np.ndarray, expected: np.ndarray) -> float:
    """|got - expected| / |expected|, Euclidean norms; the shapes are the same."""
    assert got.shape == expected.shape, f"shape {got.shape}, expected {expected.shape}"
    return float(np.linalg.norm(got - expected) / np.linalg.norm(expected))


def _checked(differences: dict[str, float]) -> dict[str, float]:
    for what, value in differences.items():
        assert value <= LARGEST_DIFFERENCE[what], f"{what} differ from stock Caffe's by {value:.2e}"
    return differences
