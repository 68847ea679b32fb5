"""OpenBLAS's kernels are wrong for a processor where they leave its widest vectors alone: slow, and silently so.

That is so where OPENBLAS_CORETYPE says another processor, or OpenBLAS is older than the processor and does not know it.
"""

from collections.abc import Mapping
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")

# From wide to narrow: the vectors, the flags of a processor that has them, the kernels that use them (the name that
# OPENBLAS_CORETYPE chooses first).
_AVX512 = {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}
_VECTORS = (
    ("AVX-512", _AVX512, ("SkylakeX", "Cooperlake", "SapphireRapids")),
    ("AVX2", {"avx2", "fma"}, ("Haswell", "Zen", "Excavator")),
    ("AVX", {"avx"}, ("Sandybridge", "Bulldozer", "Piledriver", "Steamroller")),
)


def problem(core: str, environment: Mapping[str, str], flags: set[str] | None = None) -> str:
    """Why kernels for `core` are wrong for a processor with these `flags`, and what to do; "" where they are not.

    `flags` are this machine's by default. Of processors other than x86 nothing is said.
    """
    has = _flags() if flags is None else flags
    for vectors, needed, cores in _VECTORS:
        if core.lower() in map(str.lower, cores):
            return ""
        if needed <= has:
            return f"kernels for {core} leave this processor's {vectors} alone: {_remedy(cores[0], environment)}"
    return ""


def _remedy(core: str, environment: Mapping[str, str]) -> str:
    if "OPENBLAS_CORETYPE" in environment:
        return f"OPENBLAS_CORETYPE={environment['OPENBLAS_CORETYPE']} chose them; unset it"
    return f"OPENBLAS_CORETYPE={core} in the environment chooses faster ones; a run's last bits change with them"


def _flags() -> set[str]:
    try:
        lines = _CPUINFO.read_text().splitlines()
    except OSError:
        return set()
    return next((set(line.partition(":")[2].split()) for line in lines if line.startswith("flags")), set())
