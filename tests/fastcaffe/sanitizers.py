"""Builds the fast layers with GCC's sanitizers and runs the comparisons with stock Caffe on them.

    python tests/fastcaffe/sanitizers.py [address] [undefined] [thread]     (default: all, one after the other)

Run it with the Python that has Caffe and the test tools. FASTCAFFE_EXAMPLES says how many cases of each layer. The
libraries go into a folder of their own in the cache. A finding kills the child process, and the test shows its words.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))

from fastcaffe.library import cache_folder  # noqa: E402
from fastcaffe.onednn_wheels import get_onednn  # noqa: E402

# Whose cases run in a child process that has the sanitizer's runtime.
TESTS = [
    HERE / "test_agreement.py",
    *(HERE / f"test_lanes_kept.py::test_{name}" for name in (
        "random_nets_give_what_stock_caffe_gives",
        "layers_with_few_and_with_many_synapses_hand_on_to_each_other",
        "maps_of_4_x_4_have_kernels_of_their_own",
    )),
]  # fmt: skip
RUNTIMES = {"address": "libasan.so", "undefined": "libubsan.so", "thread": "libtsan.so"}
OPTIONS = {
    # Python and stock Caffe leak at exit, and stock Caffe reads uninitialised flags; these are not ours.
    "ASAN_OPTIONS": "detect_leaks=0:alloc_dealloc_mismatch=0",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "report_signal_unsafe=0",
}


def shared_library(name: str) -> str:
    """The path of one of the compiler's own libraries."""
    answer = subprocess.check_output(["g++", f"-print-file-name={name}"], text=True).strip()
    return str(Path(answer).resolve())


def run(sanitizer: str) -> int:
    """Builds with one sanitizer and runs the tests; returns pytest's exit status."""
    onednn = get_onednn(sys.executable, cache_folder() / "downloads")
    flags = f"-g -O1 -fsanitize={sanitizer} -fno-sanitize-recover=all -fno-omit-frame-pointer"
    env = {**os.environ, **OPTIONS, "FASTCAFFE_CXXFLAGS": flags, "XDG_CACHE_HOME": str(cache_folder() / "sanitizers")}
    if onednn:
        env["DNNL_ROOT"] = str(onednn.library.parents[1])
    build = [sys.executable, str(ROOT / "fastcaffe/build.py"), "--python", sys.executable]
    library = subprocess.run(build, env=env, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    # libstdc++ too: the runtimes look for its functions before Caffe brings it.
    preload = " ".join(shared_library(name) for name in (RUNTIMES[sanitizer], "libstdc++.so.6"))
    env |= {"FASTCAFFE_LIBRARY": library, "FASTCAFFE_PRELOAD": preload}
    # Without address randomisation, which GCC 12's thread sanitizer cannot do with on today's kernels.
    tests = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *map(str, TESTS)]
    return subprocess.run(["setarch", "-R", *tests], env=env).returncode


def main(wanted: list[str]) -> int:
    """Runs the sanitizers that are wanted; 0 if none finds anything."""
    if unknown := set(wanted) - set(RUNTIMES):
        print(f"no sanitizer {', '.join(sorted(unknown))}; there are {', '.join(RUNTIMES)}", file=sys.stderr)
        return 2
    found = 0
    for sanitizer in wanted or RUNTIMES:
        print(f"== {sanitizer}", flush=True)
        found |= run(sanitizer)
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
