"""What docs/python.md promises works as it stands there, and the notebook of it too."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from recipes import ROOT

PAGE = (ROOT / "docs/python.md").read_text(encoding="utf-8")
NOTEBOOK = json.loads((ROOT / "docs/evolve.ipynb").read_text(encoding="utf-8"))
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
CELLS = ["".join(cell["source"]) + "\n" for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


def run(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The program, in `folder`, as someone would run it there."""
    # A Caffe of another test's may be at work: one core is enough.
    return subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "agg"},
    )  # fmt: skip


def test_it_runs(tmp_path: Path) -> None:
    """The notebook's cells in turn; those that are not on the page leave nothing behind that its blocks could need."""
    cells = [(cell, cell in BLOCKS) for cell in CELLS]
    program = f"page = {{}}\nfor cell, on_page in {cells!r}:\n    exec(cell, page if on_page else dict(page))\n"
    done = run(program, tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs/lenet").is_dir() and (tmp_path / "net.onnx").stat().st_size > 1000
    assert {file.name for file in (tmp_path / "smaller").iterdir()} >= {"weights.caffemodel"}
    first, second = (line.split() for line in re.findall(r"^[12] \d+ \d+ 0?\.\d+$", done.stdout, re.MULTILINE))
    assert int(second[1]) < int(first[1]) and float(first[3]) > 0.5


def test_the_notebook_has_the_pages_code() -> None:
    assert len(BLOCKS) == 5
    assert [cell for cell in CELLS if "matplotlib" not in cell] == BLOCKS


def test_every_promised_name_has_type_hints() -> None:
    names = re.findall(r"^from ([\w.]+) import ([\w, ]+)$", "\n".join(BLOCKS), re.MULTILINE)
    program = "import inspect, typing\n" + "".join(
        f"from {module} import {name}\n" for module, every in names for name in every.split(", ")
    )
    program += (
        "from trt.onnx.export import export as e\n"
        "for f in (evolve, Run.read, weights.read, count_table.show, folding.fold, shrinking.shrink, e):\n"
        "    named = set(inspect.signature(f).parameters) - {'cls'}\n"
        "    assert named | {'return'} == set(typing.get_type_hints(f)), f\n"
    )
    done = run(program, ROOT)
    assert done.returncode == 0, done.stderr
