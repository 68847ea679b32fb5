"""The wheel: the caffe package, the shared libraries that it needs, and its metadata, in one zip file."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from stages import run

MODULES = ("__init__", "classifier", "coord_map", "detector", "draw", "io", "net_spec", "pycaffe")
UNUSED_BY_CAFFE = ("libcurl.so", "libcrypto.so")  # of HDF5's S3 driver
STAND_IN = "libcaffe_hdf5_without_s3.so"
# Where pip's packages of CUDA 13 and 12 put cuBLAS and cuRAND, beside the package.
OF_PIP = "".join(f":$ORIGIN/../nvidia/{name}/lib" for name in ("cu13", "cublas", "curand"))
NEEDED = re.compile(r"NEEDED\s+(\S+)")
# An undefined symbol of `objdump -T`: size, then the version in parentheses, then the name.
UNDEFINED = re.compile(r"\*UND\*\s+[0-9a-f]+\s+\((\S+)\)\s+(\S+)$", re.M)
NEEDED_VERSIONS = re.compile(r"required from (\S+):\n((?:\s+0x.*\n?)+)")


@dataclass(frozen=True)
class Patchelf:
    """patchelf of the sysroot, with the environment in which it runs."""

    path: Path
    env: Mapping[str, str]
    log: TextIO

    def __call__(self, *arguments: str) -> None:
        """Run it; CommandFailed if it fails."""
        run([str(self.path), *arguments], self.log, env=self.env)


def collect_package(source: Path, package: Path) -> None:
    """Copy pycaffe's modules, the generated protobuf module and the two built libraries."""
    built = source / "python" / "caffe"
    (package / "proto").mkdir(parents=True)
    for module in MODULES:
        shutil.copy(built / f"{module}.py", package)
    for name in ("__init__.py", "caffe_pb2.py"):
        shutil.copy(built / "proto" / name, package / "proto")
    shutil.copy(built / "_caffe.so", package)
    built_libraries = (source / ".build_release/lib").glob("libcaffe.so.*")
    shutil.copy(next(path for path in built_libraries if not path.is_symlink()), package)


def collect_headers(source: Path, roots: list[Path], python: list[Path], include: Path) -> None:
    """Copy Caffe's headers and what they include of its libraries: with them, layers can be compiled later.

    roots: the sysroot's include folders, innermost first. python: where Python.h is.
    """
    shutil.copytree(source / "include" / "caffe", include / "caffe")
    (include / "caffe/proto").mkdir(exist_ok=True)
    shutil.copy(source / ".build_release/src/caffe/proto/caffe.pb.h", include / "caffe/proto")
    for header in headers_used(include, roots, python):
        root = next(root for root in roots if header.is_relative_to(root))
        target = include / header.relative_to(root)
        if not target.relative_to(include).parts[0].startswith("python"):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(header, target)


def headers_used(include: Path, roots: list[Path], python: list[Path]) -> list[Path]:
    """The headers below the last root that Caffe's headers include, at whatever depth, as g++ tells.

    (The dependency files of the compilation lack what boost includes from its own system_header files.)
    """
    headers = sorted(path.relative_to(include) for path in (include / "caffe").rglob("*.h*"))
    folders = [f"-I{folder}" for folder in (include, *roots, *python)]
    defined = ["-DCPU_ONLY", "-DUSE_LMDB", "-DUSE_HDF5", "-DWITH_PYTHON_LAYER"]
    rule = subprocess.run(
        ["g++", "-x", "c++", "-M", "-MG", *defined, *folders, "-"],
        input="".join(f"#include <{header}>\n" for header in headers),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    return sorted({Path(os.path.normpath(word)) for word in rule.split() if word.startswith(f"{roots[-1]}/")})


def licence_texts(source: Path, sysroot: Path) -> dict[str, bytes]:
    """Caffe's licence and those of the libraries, by their names in the wheel; the same text once."""
    found = {(source / "LICENSE").read_bytes(): "LICENSE"} if (source / "LICENSE").exists() else {}
    for path in sorted((sysroot / "usr/share/doc").glob("lib*/copyright")):
        if not path.parent.name.endswith("-dev") and path.is_file():
            found.setdefault(path.read_bytes(), f"{path.parent.name}.copyright")
    return {name: text for text, name in found.items()}


def needed_libraries(binary: Path) -> list[str]:
    """The names of the shared libraries that a binary asks for."""
    return NEEDED.findall(subprocess.check_output(["objdump", "-p", str(binary)], text=True))


def find_library(name: str, folders: Iterable[Path]) -> Path | None:
    """The file of a shared library in the sysroot; None for the system's (libc, libstdc++, zlib, ...)."""
    return next((folder / name for folder in folders if (folder / name).exists()), None)


def bundle_libraries(package: Path, folders: list[Path]) -> list[str]:
    """Copy every library that the package's binaries need and the sysroot has; returns their names."""
    waiting = [path for path in package.iterdir() if ".so" in path.name]
    bundled: list[str] = []
    while waiting:
        for name in needed_libraries(waiting.pop()):
            found = find_library(name, folders)
            if found and not (package / name).exists():
                shutil.copy(found, package / name)
                waiting.append(package / name)
                bundled.append(name)
    return bundled


def s3_symbols(dump: str) -> dict[str, list[str]]:
    """Version node -> functions that a library wants from libcurl and libcrypto, from its `objdump -p -T`."""
    nodes: set[str] = set()
    for name, versions in NEEDED_VERSIONS.findall(dump):
        if name.startswith(UNUSED_BY_CAFFE):
            nodes.update(line.split()[-1] for line in versions.splitlines())
    symbols: dict[str, list[str]] = {node: [] for node in sorted(nodes)}
    for node, name in UNDEFINED.findall(dump):
        if node in symbols:
            symbols[node].append(name)
    return {node: names for node, names in symbols.items() if names}


def replace_s3_libraries(package: Path, patchelf: Patchelf, work: Path) -> None:
    """Give HDF5 a stand-in for libcurl and libcrypto, whose S3 driver Caffe never uses.

    The stand-in has a name of its own: under libcrypto's name it would be what a later `import ssl` finds.
    """
    for library in sorted(package.glob("libhdf5*.so*")):
        unused = [name for name in needed_libraries(library) if name.startswith(UNUSED_BY_CAFFE)]
        if not unused:
            continue
        dump = subprocess.check_output(["objdump", "-p", "-T", str(library)], text=True)
        compile_stand_in(s3_symbols(dump), package / STAND_IN, work, patchelf.log)
        for name in unused:
            patchelf("--replace-needed", name, STAND_IN, str(library))


def compile_stand_in(symbols: Mapping[str, list[str]], target: Path, work: Path, log: TextIO) -> None:
    """Compile a library of functions that abort; symbols: version node -> functions."""
    code, versions = work / "stand_in.c", work / "stand_in.map"
    functions = "".join(f"void {name}(void) {{ abort(); }}\n" for names in symbols.values() for name in names)
    code.write_text("#include <stdlib.h>\n" + functions)
    nodes = (f"{node} {{ global: {'; '.join(names)}; }};\n" for node, names in symbols.items())
    versions.write_text("".join(nodes))
    linking = [f"-Wl,-soname,{target.name}", f"-Wl,--version-script={versions}"]
    run(["gcc", "-shared", "-fPIC", "-w", *linking, "-o", str(target), str(code)], log)


def make_relocatable(package: Path, patchelf: Patchelf, more: str = "") -> None:
    """Strip every library and let it look for the others beside itself, then in `more`, before LD_LIBRARY_PATH."""
    for path in sorted(package.glob("*.so*")):
        path.chmod(0o755)
        run(["strip", "--strip-unneeded", str(path)], patchelf.log)
        patchelf("--force-rpath", "--set-rpath", f"$ORIGIN{more}", str(path))


def metadata(version: str, tag: str, licences: Iterable[str]) -> str:
    """The wheel's METADATA; tag: cp313-… of the one Python that loads it."""
    computes_on = "CPUs and NVIDIA GPUs" if ".cuda" in version else "CPU only"
    python = re.sub(r"cp(\d)(\d+).*", r"\1.\2", tag)
    lines = [
        "Metadata-Version: 2.1",
        "Name: caffe",
        f"Version: {version}",
        f"Summary: BVLC Caffe 1.0 (99bd997), {computes_on}, built by Cavefish's third_party/caffe",
        f"Requires-Python: =={python}.*",
        "Requires-Dist: numpy>=1.23",
        "Requires-Dist: protobuf>=3.20.2",
    ]
    return "\n".join([*lines, *(f"License-File: {name}" for name in licences)]) + "\n"


def write_wheel(path: Path, package: Path, tag: str, licences: Mapping[str, bytes]) -> None:
    """Pack the folder `caffe` and a dist-info folder; same content, same bytes."""
    version = path.name.split("-")[1]
    info = f"caffe-{version}.dist-info"
    contents = {f"caffe/{p.relative_to(package)}": p.read_bytes() for p in package.rglob("*") if p.is_file()}
    contents |= {f"{info}/licenses/{name}": text for name, text in licences.items()}
    contents[f"{info}/METADATA"] = metadata(version, tag, sorted(licences)).encode()
    wheel = ("Wheel-Version: 1.0", "Generator: cavefish", "Root-Is-Purelib: false", f"Tag: {tag}", "")
    contents[f"{info}/WHEEL"] = "\n".join(wheel).encode()
    record = io.StringIO()
    rows = csv.writer(record, lineterminator="\n")
    for name in sorted(contents):
        digest = base64.urlsafe_b64encode(hashlib.sha256(contents[name]).digest()).rstrip(b"=").decode()
        rows.writerow([name, f"sha256={digest}", len(contents[name])])
    rows.writerow([f"{info}/RECORD", "", ""])
    contents[f"{info}/RECORD"] = record.getvalue().encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(contents, key=lambda name: (".dist-info/" in name, name)):
            entry = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if ".so" in name else 0o644) << 16 | 0o100000 << 16
            archive.writestr(entry, contents[name])
