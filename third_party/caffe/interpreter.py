"""The Python that will load Caffe: what the build must know of it, and whether it can serve."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from stages import UserError

KNOWN = ("3.11", "3.12", "3.13", "3.14")  # that Boost.Python 1.74 was compiled for, with boost_python's edits
QUESTIONS = """
import json, sys, sysconfig
try:
    import numpy
    headers = numpy.get_include() if int(numpy.__version__.split(".")[0]) >= 2 else None
except ImportError:
    headers = None
print(json.dumps({
    "version": "%d.%d" % sys.version_info[:2],
    "implementation": sys.implementation.name,
    "platform": sysconfig.get_platform(),
    "include": sysconfig.get_paths()["include"],
    "numpy": headers,
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
}))
"""


@dataclass(frozen=True)
class Interpreter:
    """What the build must know of the Python that will load Caffe."""

    path: str
    version: str
    implementation: str
    platform: str
    include: str
    numpy: str | None  # NumPy's headers if it is 2 or newer: these serve NumPy 1.23 and later alike
    free_threaded: bool = False

    @property
    def digits(self) -> str:
        """The version as file names have it: 313."""
        return self.version.replace(".", "")

    @property
    def tag(self) -> str:
        """The wheel's compatibility tag."""
        python = f"cp{self.digits}{'t' if self.free_threaded else ''}"
        return f"{python}-{python}-{self.platform.replace('-', '_').replace('.', '_')}"

    @property
    def has_headers(self) -> bool:
        """Whether Python.h is there (Debian's python3 has it in another package)."""
        return (Path(self.include) / "Python.h").exists()


def ask_interpreter(path: str) -> Interpreter:
    """Run an interpreter and let it tell about itself. UserError, with its own last words, if it does not run."""
    advice = "give another one with --python."
    try:
        done = subprocess.run([path, "-c", QUESTIONS], capture_output=True, text=True, errors="replace")
    except OSError as error:
        raise UserError(f"'{path}' is not a Python that runs ({error.strerror}); {advice}") from error
    try:
        return Interpreter(path=path, **json.loads(done.stdout))
    except (ValueError, TypeError) as error:
        words = "\n".join(f"    {line}" for line in done.stderr.strip().splitlines()[-3:])
        raise UserError(f"'{path}' is not a Python that runs; {advice} It says\n{words or '    nothing'}") from error


def require_python(python: Interpreter) -> None:
    """UserError for an interpreter that no wheel can be built for."""
    kind = f"{python.implementation} {python.version}{', free-threaded' if python.free_threaded else ''}"
    if python.implementation != "cpython" or python.version not in KNOWN or python.free_threaded:
        raise UserError(
            f"'{python.path}' is {kind}; Caffe is built for CPython {KNOWN[0]} to {KNOWN[-1]}:\n"
            "PYTHON= one of these, or CAFFE_ROOT= your own build."
        )
