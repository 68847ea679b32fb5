"""Boost.Python for the interpreter at hand: Debian 12's library serves Python 3.11 alone, its source any."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from debian_packages import (
    LIBRARY_RELEASE,
    PrivateApt,
    cannot_download,
    record_files,
    recorded_files,
    sha256_of,
)
from interpreter import Interpreter
from stages import CommandFailed, Stages, UserError, run

DEBIANS = "3.11"  # the Python of Debian 12's libboost-python
VERSION = "1.74.0"
TARBALL = "boost1.74_1.74.0+ds1.orig.tar.xz"
SHA256 = "192f5df504d282cb81288f88232d8af45b64a9ab531e1c7cf8ae955f16f6bb28"
SOURCES = re.compile(r"(?:^|/)libs/python/src/(?!numpy/)(\w+/)?\w+\.cpp$")
# A line of an assignment with another one for Pythons before 2.6.
OF_PYTHON_2 = re.compile(r"^#if PY_VERSION_HEX >= 0x02060000\n(.*\n)#else\n.*\n#endif\n", re.M)
# Gone in Python 3.13, with the same meaning for the parenthesised formats that Boost and Caffe use.
RENAMED = ("-DPyEval_CallFunction=PyObject_CallFunction", "-DPyEval_CallMethod=PyObject_CallMethod")


def is_needed(python: Interpreter) -> bool:
    """Whether Boost.Python must be compiled for this interpreter."""
    return python.version != DEBIANS


def flags(python: Interpreter) -> tuple[str, ...]:
    """What else whatever includes Boost.Python's headers is compiled with."""
    return RENAMED if is_needed(python) else ()


def edited(text: str) -> str:
    """A source as Pythons after 3.11 want it: Py_TYPE and Py_SIZE are no longer assigned to, _Py_fopen is gone."""
    text = OF_PYTHON_2.sub(r"\1", text)
    for name in ("TYPE", "SIZE"):
        text = re.sub(rf"\bPy_{name}\(([^()]+)\)\s*=(?!=)\s*([^;#]+);", rf"Py_SET_{name}(\1, \2);", text)
    return re.sub(r"\b_Py_fopen\(", "fopen(", text)


def fetch_sources(downloads: Path, work: Path, stages: Stages) -> list[Path]:
    """Boost.Python's 27 files; of the 61 MB of Boost that they come in, nothing else is kept."""
    folder = downloads / "boost_python"
    record = folder / "complete.json"
    if kept := recorded_files(record):
        return kept
    folder.mkdir(parents=True, exist_ok=True)
    try:
        apt = PrivateApt(downloads, "deb-src", LIBRARY_RELEASE, stages)
        apt.run("source", "--download-only", "--tar-only", "boost1.74", cwd=work)
    except CommandFailed as error:
        raise cannot_download("Boost's source", stages) from error
    tarball = work / TARBALL
    if not tarball.is_file() or sha256_of(tarball) != SHA256:
        raise UserError(f"the mirror's Boost source is not the known one (sha256 {SHA256})")
    return record_files(record, extract(tarball, folder, work, stages))


def extract(tarball: Path, folder: Path, work: Path, stages: Stages) -> list[Path]:
    """The sources out of the tarball, by flat names: object/class.cpp becomes object_class.cpp."""
    texts = {}
    try:
        with tarfile.open(tarball) as archive:
            for member in archive:
                if SOURCES.search(member.name) and (stream := archive.extractfile(member)):
                    texts[member.name] = stream.read()
    except tarfile.CompressionError:  # a Python that was compiled without lzma
        run(["tar", "-xJf", str(tarball), "--wildcards", "*/libs/python/src/*.cpp"], stages.log, cwd=work)
        texts = {str(path): path.read_bytes() for path in work.rglob("*.cpp") if SOURCES.search(str(path))}
    files = []
    for name, text in texts.items():
        match = SOURCES.search(name)
        files.append(folder / f"{(match and match[1] or '').replace('/', '_')}{Path(name).name}")
        files[-1].write_bytes(text)
    return files


def compile_library(
    python: Interpreter, sources: Sequence[Path], headers: Iterable[Path], libraries: Path, work: Path, stages: Stages
) -> None:
    """Compile the library for `python` into the folder `libraries`, under the names that Debian would give it."""
    unit = work / "boost_python.cpp"
    for source in sources:
        (work / source.name).write_text(edited(source.read_text()))
    unit.write_text("".join(f'#include "{source.name}"\n' for source in sources))
    name = f"libboost_python{python.digits}.so"
    options = ["-shared", "-fPIC", "-O2", "-DNDEBUG", "-w", "-pthread", f"-ffile-prefix-map={work}=."]
    defined = ["-DBOOST_PYTHON_SOURCE", *flags(python)]
    folders = [f"-I{folder}" for folder in headers]
    target = libraries / f"{name}.{VERSION}"
    linked = [f"-Wl,-soname,{target.name}", "-o", str(target)]
    run(["g++", *options, *defined, *folders, str(unit), *linked], stages.log)
    (libraries / name).unlink(missing_ok=True)
    (libraries / name).symlink_to(target.name)
