"""The L1 loss, which NVIDIA Caffe has and BVLC Caffe lacks: the sum of absolute differences over the batch size.

Stock Caffe's Eltwise, AbsVal and Reduction compute the same (a test compares them), but need 1/N written into the
prototxt a second time; as a layer it cannot disagree with the batch size.
"""

import numpy as np
from numpy.typing import NDArray


def loss(predicted: NDArray[np.float32], label: NDArray[np.float32]) -> float:
    """Sum |predicted - label| / N over blobs (N, …)."""
    return float(np.abs(predicted - label).sum(dtype=np.float64) / len(predicted))


def gradient(predicted: NDArray[np.float32], label: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of the loss by `predicted`: sign(predicted - label) / N, 0 where they are equal. By `label`, its negative."""
    return np.sign(predicted - label) / np.float32(len(predicted))
