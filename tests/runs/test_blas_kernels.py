"""Kernels that leave a processor's widest vectors alone are told of, with what to do."""

import pytest

from evolve.runs import blas_kernels

WIDE = {"avx", "avx2", "fma", "avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}
MIDDLE, NARROW, OLD = {"avx", "avx2", "fma"}, {"avx"}, {"sse2"}


@pytest.mark.parametrize(
    ("core", "flags"),
    [
        ("Cooperlake", WIDE), ("SkylakeX", WIDE), ("skylakex", WIDE), ("Haswell", MIDDLE), ("Zen", MIDDLE),
        ("Sandybridge", NARROW), ("Nehalem", OLD), ("neoversen1", {"asimd"}), ("unknown", set[str]()),
        ("Haswell", WIDE - {"avx512vl"}),  # what OpenBLAS itself asks for before it uses AVX-512
    ],
)  # fmt: skip
def test_kernels_that_suit(core: str, flags: set[str]) -> None:
    assert blas_kernels.problem(core, {}, flags) == ""


@pytest.mark.parametrize(
    ("core", "flags", "vectors", "better"),
    [
        ("Zen", WIDE, "AVX-512", "SkylakeX"),
        ("Prescott", WIDE, "AVX-512", "SkylakeX"),
        ("Prescott", MIDDLE, "AVX2", "Haswell"),
        ("Bulldozer", MIDDLE, "AVX2", "Haswell"),
        ("Nehalem", NARROW, "AVX", "Sandybridge"),
    ],
)
def test_kernels_of_an_older_processor(core: str, flags: set[str], vectors: str, better: str) -> None:
    told = f"kernels for {core} leave this processor's {vectors} alone: "
    assert blas_kernels.problem(core, {}, flags) == (
        f"{told}OPENBLAS_CORETYPE={better} in the environment chooses faster ones; a run's last bits change with them"
    )
    assert blas_kernels.problem(core, {"OPENBLAS_CORETYPE": core}, flags) == (
        f"{told}OPENBLAS_CORETYPE={core} chose them; unset it"
    )
