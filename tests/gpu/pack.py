"""A pack is a folder with all that tests/gpu/run.py needs: Python, Caffe with CUDA, this code, data. And one archive.

    python -m tests.gpu.pack build/gpu-pack                        Caffe, and MNIST: what this Python imports and has
    python -m tests.gpu.pack build/gpu-pack --cifar 90             CIFAR-10 too, through JPEG of quality 90; 0: as it is
    python -m tests.gpu.pack build/gpu-pack --tests FOLDER         Caffe's own tests, of build.py --tests
    python -m tests.gpu.pack build/gpu-pack --engines RUN          a DetectNet's first and last generation for TensorRT

Of this machine's interpreter, for x86-64 with its glibc or a newer one. cuBLAS and cuRAND are looked for over there.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from tests.gpu import caffes_tests, engines, packed_data

ROOT = Path(__file__).resolve().parents[2]
CODE = ("evolve", "fastcaffe", "prototxt", "trt", "tests/gpu", "tests/bench/speed", "tests/network/famous_nets.py")
PACKAGES = "caffe numpy numpy.libs google lmdb rich pygments markdown_it mdurl ml_dtypes filelock".split()
FOR_PICTURES = ("PIL", "pillow.libs")
FOR_ENGINES = (
    *("onnx", "tensorrt_rtx", "tensorrt_rtx_bindings", "tensorrt_rtx_libs", "typing_extensions.py"),
    *("cv2", "opencv_python_headless.libs", *FOR_PICTURES),
)
UNUSED = shutil.ignore_patterns(
    *("__pycache__", "*.pyc", "*.a", "*.pyi", "include", "tests", "test", "idlelib", "tkinter", "ensurepip"),
    *("site-packages", "lib2to3", "turtledemo", "config-3*", "pydoc_data"),
)
# What the interpreter's own modules ask for beyond the C library, and another system may not have.
OF_MODULES = re.compile(r"=> (/\S+/lib(?:ffi|lzma|bz2|z|crypto|ssl|python3\S*)\.so\S*)")
RUN = """\
#!/bin/sh
# Made by tests/gpu/pack.py: all that is needed lies beside this file, but for the driver, cuBLAS and cuRAND.
here=$(cd "$(dirname "$0")" && pwd)
found=$(find /usr /opt /root /home '(' -name 'libcublas.so.1[23]' -o -name libcurand.so.10 ')' 2>/dev/null)
folders=$(printf '%s\\n' "$found" | sed -n 's,/[^/]*$,,p' | sort -u | tr '\\n' ':')
export LD_LIBRARY_PATH="$here/python/lib:$folders$LD_LIBRARY_PATH"
export PYTHONHOME="$here/python" PYTHONPATH="$here/code:$here/site" PYTHONDONTWRITEBYTECODE=1
[ -e "$here/fast/libfastcaffe.so" ] && export FASTCAFFE_LIBRARY="$here/fast/libfastcaffe.so"
exec "$here/python/bin/python3" -S -m tests.gpu.run "$here" "$@"
"""


def fill(pack: Path, packages: Iterable[str] = PACKAGES, link: bool = False) -> None:
    """All but data, tests and engines; with `link` links in place of copies, to be tried on this machine."""
    (pack / "python/bin").mkdir(parents=True)
    base, version = Path(sys.base_prefix), f"python3.{sys.version_info[1]}"
    _take(Path(os.path.realpath(sys.executable)), pack / "python/bin/python3", link)
    _take(base / "lib" / version, pack / "python/lib" / version, link)
    for library in _of_modules(base / "lib" / version / "lib-dynload"):
        _take(library, pack / "python/lib" / library.name, link)
    for name in packages:
        found = [Path(folder, name) for folder in sys.path if Path(folder, name).exists()]
        if not found:
            raise SystemExit(f"{name}: expected it beside what this Python imports, found it nowhere")
        _take(found[0], pack / "site" / name, link)
    for name in CODE:
        _take(ROOT / name, pack / "code" / name, link)
    if fast := _fast_layers():
        _take(fast.parent, pack / "fast", link)
    (pack / "run.sh").write_text(RUN)


def _take(source: Path, target: Path, link: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if link:
        target.symlink_to(source)
    elif source.is_dir():
        shutil.copytree(source, target, ignore=None if ROOT in source.parents else UNUSED)
    else:
        shutil.copy(source, target)


def _of_modules(folder: Path) -> list[Path]:
    programs = [sys.executable, *map(str, folder.glob("*.so"))]
    told = subprocess.run(["ldd", *programs], capture_output=True, text=True).stdout
    return sorted({Path(path) for path in OF_MODULES.findall(told)})


def _fast_layers() -> Path | None:
    """The built library for the Caffe that this process imports."""
    import caffe  # noqa: F401

    from fastcaffe.library import library_path, mapped_libraries

    own = mapped_libraries(Path("/proc/self/maps").read_text()).get("caffe")
    library = library_path(own) if own else None
    return library if library and library.exists() else None


def data(name: str, pack: Path, quality: int | None) -> None:
    """A data set as `make data` finds it, in CAVEFISH_DATA or by download."""
    from evolve.datasets import Source, find

    source = find(name).source
    assert isinstance(source, Source)
    samples = source.load(image_size=32, seed=1, raw=ROOT / "data/raw", report=print)
    splits = {"train": samples.train, "test": samples.test}
    arrays = {which: (split.images, np.asarray(split.labels)) for which, split in splits.items()}
    packed_data.pack(name, arrays, pack / "data" / name, quality)


def generations(run: Path, pack: Path) -> None:
    """A run's first and last generation, prepared for engines, calibrated for eight bits."""
    from evolve.runs import paths, run_folder
    from trt import eight_bits
    from trt.onnx.target import TENSORRT
    from trt.speed import prepared

    numbers = run_folder.committed(run)
    for number in {numbers[0], numbers[-1]}:
        made = paths.generation(run, number)
        folder = pack / engines.FOLDER / made.name
        folder.parent.mkdir(parents=True, exist_ok=True)
        calibration = eight_bits.calibrated(run, number, print, 0)
        prepared.prepare(
            made / paths.DEPLOY, made / paths.WEIGHTS, folder, onnx=False, calibration=calibration,
            eight_bits_for=(TENSORRT,),
        )  # fmt: skip
        weights = folder / paths.WEIGHTS
        content = weights.read_bytes()
        weights.unlink()  # a link
        weights.write_bytes(content)


def archived(pack: Path) -> Path:
    """The pack in one file beside it."""
    archive = pack.with_name(f"{pack.name}.tar.xz")
    subprocess.run(["tar", "-C", str(pack.parent), "-cJf", str(archive), pack.name], check=True)
    return archive


def parser() -> argparse.ArgumentParser:
    """The command line's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", type=Path, help="a folder that is not there yet")
    parser.add_argument("--cifar", type=int, help="CIFAR-10 through JPEG of this quality, or as it is: 0")
    parser.add_argument("--tests", type=Path, help="the folder with Caffe's tests")
    parser.add_argument("--engines", type=Path, help="the folder of a run")
    return parser


def main(words: list[str]) -> int:
    """Parse the command line, make the pack, and say how large its parts are."""
    options = parser().parse_args(words)
    pack = options.pack.resolve()
    packages = [*PACKAGES, *(FOR_PICTURES if options.cifar else ()), *(FOR_ENGINES if options.engines else ())]
    fill(pack, packages)
    data("mnist", pack, None)
    if options.cifar is not None:
        data("cifar10", pack, options.cifar or None)
    if options.tests:
        shutil.copytree(options.tests, pack / caffes_tests.FOLDER)
    if options.engines:
        generations(options.engines, pack)
    for part in sorted(pack.iterdir()):
        print(f"{part.name:12} {_bytes(part) / 1e6:8.1f} MB")
    print(f"{archived(pack)}: {_bytes(pack.with_name(f'{pack.name}.tar.xz')) / 1e6:.1f} MB")
    return 0


def _bytes(path: Path) -> int:
    return sum(each.stat().st_size for each in ([path] if path.is_file() else path.rglob("*")) if each.is_file())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
