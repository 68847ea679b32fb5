"""A scratch checkout: the real Makefile and set-up, with stand-ins for pip, Caffe and interpreters."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# `python -m venv` finds this one first: it makes an interpreter that writes down what it is asked to do.
VENV = """
import pathlib, shutil, sys
folder = pathlib.Path(sys.argv[-1])
if "--clear" in sys.argv and folder.exists():
    shutil.rmtree(folder)
(folder / "bin").mkdir(parents=True)
(folder / "pyvenv.cfg").write_text("")
(folder / "bin/cavefish").write_text("")
shutil.copy("interpreter", folder / "bin/python")
"""
INTERPRETER = """#!/bin/sh
printf '%s\\n' "$*" >> asked
case "$1 $2 $3" in
*/build.py*) case "$1" in
  third_party/*) echo caffe.whl ;;
  *) [ -z "$FAST_LIBRARY" ] || { touch "$FAST_LIBRARY"; echo "$FAST_LIBRARY"; } ;;
  esac ;;
"-m pip install") sleep "${PIP_SECONDS:-0}"; exit "${PIP_STATUS:-0}" ;;
third_party/environment.py*) exec "$REAL_PYTHON" "$@" ;;
*/bin/cavefish*) shift; printf '[%s]\\n' "$@"; echo "PYTHONPATH=$PYTHONPATH" ;;
esac
"""


class Checkout:
    """A copy of the set-up below one folder, whatever its name holds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        shutil.copy(ROOT / "Makefile", folder)
        shutil.copytree(ROOT / "third_party", folder / "third_party", ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "fastcaffe/src").mkdir(parents=True)
        (folder / "fastcaffe/build.py").write_text("")
        (folder / "fastcaffe/src/layer.cpp").write_text("")
        (folder / "setup.py").write_text("")
        for verbs in ("evolve/command/verbs", "trt/verbs"):
            shutil.copytree(ROOT / verbs, folder / verbs, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "venv.py").write_text(VENV)
        (folder / "interpreter").write_text(INTERPRETER)
        (folder / "interpreter").chmod(0o755)

    def make(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """`make` with these words, as a user would run it; a Caffe is given, so that no compiler is needed."""
        return subprocess.run(["make", *words], **self.options(environment), capture_output=True, timeout=600)

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """`make` in the background, its errors in a pipe."""
        return subprocess.Popen(["make", *words], **self.options(environment), stderr=subprocess.PIPE)

    def options(self, environment: Mapping[str, str]) -> dict:
        """Where and in which environment a command runs."""
        wheel = self.folder.parent / "wheels"
        wheel.mkdir(exist_ok=True)
        tag = f"cp3{sys.version_info[1]}"
        (wheel / f"caffe-1.0+99bd997.00000000-{tag}-{tag}-linux_x86_64.whl").write_bytes(b"")
        own = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "REAL_PYTHON": sys.executable}
        given = {"PYTHON": sys.executable, "CAFFE_WHEEL": str(wheel), **own, **environment}
        return {"cwd": self.folder, "env": {name: value for name, value in given.items() if value}, "text": True}

    def asked(self) -> list[str]:
        """What the environment's interpreter was asked to do, a line each."""
        path = self.folder / "asked"
        return path.read_text().splitlines() if path.exists() else []
