"""Which of OpenBLAS's kernels Caffe's matrix products run on."""

from pathlib import Path

_AVX512 = {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}


def core_type(cpuinfo: Path = Path("/proc/cpuinfo")) -> dict[str, str]:
    """OPENBLAS_CORETYPE for a processor with AVX-512, nothing for others.

    OpenBLAS chooses by model number, and takes a processor newer than itself for an old one: 0.3.21 runs its
    AVX2 kernels on a Zen 5, a fifth slower. Naming the kernels also makes results the same on all such machines.
    """
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return {}
    flags = next((set(line.split()) for line in lines if line.startswith("flags")), set())
    return {"OPENBLAS_CORETYPE": "SkylakeX"} if flags >= _AVX512 else {}
