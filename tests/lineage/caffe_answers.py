"""What a generation's deploy.prototxt answers, in a process of its own."""

from pathlib import Path

import numpy as np

from tests.forks import FORKS

_ASK = """
import sys, caffe, numpy as np
folder, images = sys.argv[1], np.load(sys.argv[2])
net = caffe.Net(f"{folder}/deploy.prototxt", caffe.TEST, weights=f"{folder}/weights.caffemodel")
net.blobs[net.inputs[0]].reshape(*images.shape)
net.blobs[net.inputs[0]].data[...] = images
(output,) = net.forward().values()
np.save(sys.argv[2], output)
"""


def of(folder: Path, images: np.ndarray) -> np.ndarray:
    """The one output (N, classes) for images (N, channels, height, width)."""
    file = folder.parent / "asked.npy"
    np.save(file, images.astype(np.float32))
    words = (str(folder.absolute()), str(file.absolute()))
    FORKS.script(_ASK, *words, folder=folder, GLOG_minloglevel="2").check_returncode()
    answers = np.load(file)
    file.unlink()
    return answers
