"""CUDA's compiler: the machine's own, of CUDA 12 or 13, or that of NVIDIA's packages on PyPI."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from debian_packages import sha256_of
from interpreter import Interpreter
from stages import CommandFailed, Stages, UserError, run

HERE = Path(__file__).resolve().parent
CHOSEN = "CUDA_HOME"
USUAL = Path("/usr/local/cuda")
KNOWN = (12, 13)  # major versions that Caffe is edited for
DEFAULT = ("75", "90", "120")  # Turing, Hopper, Blackwell; what lies between runs the nearest code below
# nvcc, its back end, and all that they include or link: 105 MB. Of 13.0, whose code every driver of CUDA 13 loads.
PACKAGES = tuple(f"nvidia-{name}==13.0.*" for name in "cuda-nvcc nvvm cuda-crt cuda-runtime cuda-cccl".split())
OF_PACKAGES = "13.0"
UNPACKED = Path("nvidia/cu13")
PROGRAMS = ("bin/*", "nvvm/bin/*")
NEEDED = ("include/cuda_runtime.h", "include/crt/host_config.h")
HOW_TO_GET = (
    "GPU=1 compiles with nvcc, CUDA's compiler: install NVIDIA's CUDA 12 or 13, or let "
    f"{CHOSEN}= name the folder of one,\nor repeat when the Python package index can be reached, which has it too: "
    f"pip download {' '.join(PACKAGES)}.\nGPU=0 builds a Caffe for CPUs."
)


@dataclass(frozen=True)
class Cuda:
    """What a Caffe with CUDA is compiled by, and for."""

    folder: Path | None  # of the toolkit; None: PyPI's, which is fetched when it is needed
    version: str  # 13.0
    architectures: tuple[str, ...]  # 90 for sm_90; of the last one the driver can compile for later ones

    @property
    def major(self) -> int:
        """12 or 13."""
        return int(self.version.partition(".")[0])

    @property
    def identity(self) -> str:
        """All that makes its objects others than another's."""
        own = " ".join(sha256_of(path) for path in sorted([*HERE.glob("cuda/*"), HERE / "cuda_edits.py"]))
        of_packages = "" if self.folder else " of PyPI"
        digest = hashlib.sha256(own.encode()).hexdigest()
        return f"cuda {self.version}{of_packages} {' '.join(self.architectures)} {digest}"

    def flags(self) -> list[str]:
        """nvcc's, for machine code of every architecture and, of the last, what later GPUs compile at first use."""
        named = [f"-gencode arch=compute_{each},code=sm_{each}" for each in self.architectures]
        last = self.architectures[-1]
        return [*named, f"-gencode arch=compute_{last},code=compute_{last}"]


def asked_for(env: Mapping[str, str]) -> Cuda | None:
    """The toolkit and architectures that CAFFE_CUDA asks for: `default`, or 75-90; None where it asks for none."""
    wanted = env.get("CAFFE_CUDA", "")
    if not wanted:
        return None
    folder = installed(env)
    version, known = (asked_version(folder), known_architectures(folder)) if folder else (OF_PACKAGES, ())
    if wanted == "default":
        architectures = own_architectures() or DEFAULT
        architectures = tuple(each for each in architectures if not known or each in known) or known[-1:]
    else:
        architectures = given_architectures(wanted, known, version)
    return Cuda(folder, version, architectures)


def given_architectures(given: str, known: tuple[str, ...], version: str) -> tuple[str, ...]:
    """75-90 as ("75", "90"), in order. UserError for what is none, or none of this nvcc's."""
    architectures = tuple(sorted(set(re.split(r"[-, ]+", given.strip())), key=lambda each: (len(each), each)))
    if not all(re.fullmatch(r"\d{2,3}[af]?", each) for each in architectures):
        raise UserError(f"CUDA_ARCH={given}: expected compute capabilities like 75-90, of 7.5 and 9.0")
    if known and (unknown := [each for each in architectures if each.rstrip("af") not in known]):
        raise UserError(
            f"CUDA_ARCH={given}: CUDA {version} compiles for {', '.join(known)}, not for {', '.join(unknown)};\n"
            f"{CHOSEN}= another CUDA (12 for what is below 75)"
        )
    return architectures


def installed(env: Mapping[str, str]) -> Path | None:
    """The folder of the machine's toolkit; None where it has none, or not all of one. UserError for a bad CUDA_HOME."""
    if given := env.get(CHOSEN):
        if missing := lacking(Path(given)):
            raise UserError(f"{CHOSEN}='{given}': {missing}\n{HOW_TO_GET}")
        return Path(given)
    path = shutil.which("nvcc", path=env.get("PATH"))
    folders = [asked_folder(path)] if path else []
    return next((folder for folder in (*folders, USUAL) if folder and not lacking(folder)), None)


def lacking(folder: Path) -> str:
    """What keeps a folder from being a toolkit that Caffe is compiled with; "" where nothing does."""
    if not os.access(folder / "bin/nvcc", os.X_OK):
        return "no bin/nvcc in it"
    if missing := [name for name in NEEDED if not (folder / name).exists()]:
        return f"no {' and '.join(missing)} in it"
    if runtime_folder(folder) is None:
        return "no libcudart_static.a in it"
    version = asked_version(folder)
    return "" if int(version.partition(".")[0]) in KNOWN else f"CUDA {version}, and Caffe compiles with 12 and 13"


def runtime_folder(folder: Path) -> Path | None:
    """Where a toolkit has its static runtime."""
    places = [folder / name for name in ("lib64", "lib", "targets/x86_64-linux/lib", "targets/sbsa-linux/lib")]
    return next((place for place in places if (place / "libcudart_static.a").exists()), None)


def asked_folder(nvcc: str) -> Path | None:
    """The folder of the toolkit that an nvcc, which may be a link or a script, is of; None where it does not say."""
    done = subprocess.run([nvcc, "--dryrun", "-E", "-x", "cu", os.devnull], capture_output=True, text=True)
    match = re.search(r"^#\$ TOP=(.+)$", done.stderr, re.M)
    return Path(os.path.realpath(match[1])) if match else None


def asked_version(folder: Path) -> str:
    """What a toolkit's nvcc says of itself: 13.0."""
    told = subprocess.run([str(folder / "bin/nvcc"), "--version"], capture_output=True, text=True).stdout
    match = re.search(r"release (\d+\.\d+)", told)
    return match[1] if match else "0"


def known_architectures(folder: Path) -> tuple[str, ...]:
    """Those that a toolkit compiles for, the oldest first."""
    told = subprocess.run([str(folder / "bin/nvcc"), "--list-gpu-code"], capture_output=True, text=True).stdout
    return tuple(sorted(set(re.findall(r"^sm_(\d+)$", told, re.M)), key=int))


def own_architectures() -> tuple[str, ...]:
    """Those of this machine's GPUs; none where nvidia-smi is not, or sees none."""
    try:
        query = ["nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader"]
        told = subprocess.run(query, capture_output=True, text=True).stdout
    except OSError:
        return ()
    return tuple(sorted({"".join(each) for each in re.findall(r"^(\d+)\.(\d)$", told, re.M)}, key=int))


def fetched(python: Interpreter, downloads: Path, stages: Stages) -> Path:
    """PyPI's toolkit, unpacked once into the cache. UserError where it cannot be had."""
    folder = downloads / f"cuda-{OF_PACKAGES}"
    if (folder / "complete").exists():
        return folder / UNPACKED
    shutil.rmtree(folder, ignore_errors=True)
    wheels = folder / "wheels"
    stages.say(f"CUDA: {', '.join(PACKAGES)}, 105 MB")
    options = ["--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(wheels)]
    try:
        run([python.path, "-m", "pip", "download", *options, *PACKAGES], stages.log)
    except CommandFailed as error:
        raise UserError(f"no nvcc here, and pip cannot download one.\n{HOW_TO_GET}") from error
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
    shutil.rmtree(wheels)
    for pattern in PROGRAMS:
        for path in (folder / UNPACKED).glob(pattern):
            path.chmod(0o755)
    (folder / "complete").touch()
    return folder / UNPACKED
