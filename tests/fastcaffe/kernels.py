"""The fast layers' loops without Caffe: kernels_check.cpp compares them with plain ones, for any processor.

Only the files of fastcaffe/src that include no header of Caffe's or oneDNN's are compiled, with the builder's flags.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))

from fastcaffe.build import FLAGS, FUSED  # noqa: E402
from tests.compiled_once import compiled_once  # noqa: E402

SOURCES = ROOT / "fastcaffe/src"
KERNELS = (
    *sorted(SOURCES.glob("*_kernels.cpp")),
    *sorted(SOURCES.glob("pooling_*ward.cpp")),
    *(SOURCES / f"{name}.cpp" for name in ("convolution_lanes", "convolution_rows", "lanes_layout", "simd")),
    *sorted(SOURCES.glob("convolution_sparse_*.cpp")),
    *sorted(SOURCES.glob("convolution_winograd*.cpp")),
    *(SOURCES / f"{name}.cpp" for name in ("winograd_tiling", "winograd_weights")),
    *(SOURCES / f"{name}.cpp" for name in ("sparse_planes", "sparse_pattern", "turned_groups")),
    *(SOURCES / f"{name}.cpp" for name in ("lanes_blob", "lanes_product", "large_pages")),
)


def build_check(compiler: list[str], flags: list[str], folder: Path) -> Path:
    """Compiles kernels_check with the loops into the folder; AssertionError with the compiler's words."""
    objects = []
    for source in (*KERNELS, HERE / "kernels_check.cpp"):
        objects.append(folder / f"{source.stem}.o")
        compile_source([*compiler, *flags, "-I", str(SOURCES), "-DFASTCAFFE_ONEDNN=0"], source, objects[-1])
    program = folder / "kernels_check"
    compiled_once([*compiler, "-fopenmp", *flags, *map(str, objects), "-o", str(program)], objects, program)
    return program


def compile_source(command: list[str], source: Path, target: Path) -> None:
    """One source to one object, as the builder would, but that a warning is an error."""
    contract = "-ffp-contract=fast" if source.name in FUSED else "-ffp-contract=off"
    words = [*command, *FLAGS, "-Werror", contract, "-c", str(source), "-o", str(target)]
    compiled_once(words, [source, *sorted(SOURCES.glob("*.h")), *sorted(HERE.glob("*.h"))], target)
