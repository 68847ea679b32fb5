"""The letters on pictures are Matplotlib's own, found without loading Matplotlib."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest

from evolve.base import lettering

WANTED = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


def test_it_is_matplotlibs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Path(str(lettering.font(13).path)).samefile(WANTED) and lettering.font(13).size == 13
    # Debian's own has its data elsewhere.
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert lettering._file().samefile(WANTED)


def test_matplotlib_is_not_loaded_for_it() -> None:
    program = "import sys; from evolve.base import lettering; lettering.font(20); print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
