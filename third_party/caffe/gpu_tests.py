"""Caffe's own tests of what computes on a GPU, compiled against the libcaffe of a build: programs to carry to one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from object_cache import BUILT
from wheel_file import Patchelf

# The kernels, the solvers, and the layers that Cavefish's networks have.
NAMES = tuple(
    f"test_{name}"
    for name in """
    common syncedmem math_functions util_blas im2col_kernel im2col_layer random_number_generator gradient_based_solver
    convolution_layer inner_product_layer pooling_layer lrn_layer neuron_layer batch_norm_layer scale_layer
    eltwise_layer concat_layer split_layer softmax_with_loss_layer
    """.split()
)
LIBRARIES = "$ORIGIN/../site/caffe:$ORIGIN/../caffe"  # in a pack of tests/gpu, or beside the package


def make(source: Path, folder: Path, patchelf: Patchelf, upstreams_make: Callable[..., None]) -> list[Path]:
    """Compiles the programs in a source tree whose libcaffe is built, and puts them into `folder`."""
    programs = [BUILT / "test" / f"{name}.testbin" for name in NAMES]
    upstreams_make(*map(str, programs))
    folder.mkdir(parents=True, exist_ok=True)
    made = [Path(shutil.copy(source / program, folder)) for program in programs]
    for program in made:
        patchelf("--force-rpath", "--set-rpath", LIBRARIES, str(program))
    return made
