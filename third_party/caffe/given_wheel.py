"""CAFFE_WHEEL: a wheel that was built elsewhere, alone or as one of a folder's, in place of a build."""

from __future__ import annotations

from pathlib import Path

from interpreter import Interpreter
from stages import UserError


def given_wheel(given: str, python: Interpreter) -> Path:
    """The wheel of `given`, a file or a folder of them, that this interpreter loads. UserError if there is none."""
    place = Path(given).resolve()
    if not place.exists():
        raise UserError(f"CAFFE_WHEEL='{given}': no such file or folder")
    wheels = sorted(place.glob("caffe-*.whl")) if place.is_dir() else [place]
    fitting = [wheel for wheel in wheels if wheel.name.removesuffix(".whl").endswith(f"-{python.tag}")]
    if not fitting:
        there = ", ".join(wheel.name for wheel in wheels) or "no caffe-*.whl"
        raise UserError(
            f"CAFFE_WHEEL='{given}': expected a wheel for {python.tag}, got {there};\n"
            f"`make caffe-wheel PYTHON=python{python.version}` on a Debian makes one."
        )
    return max(fitting, key=lambda wheel: wheel.stat().st_mtime)
