"""Caffe with CUDA compiled, linked and imported on a machine without a driver: there it computes what the CPU's does.

``python -m pytest -m bench -s tests/bench/test_cuda_build.py`` compiles it where the cache has none, for compute
capability 9.0 alone: some ten minutes of processor time.
"""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from evolve.training import gpu

ROOT = Path(__file__).resolve().parents[2]
FACTS = """
import caffe, ctypes, json
from evolve.training import gpu
print(json.dumps([caffe.__file__, gpu.facts(), hasattr(caffe._caffe.Blob, "_gpu_diff_ptr")]))
"""


def computed(program: list[str], **surroundings: str) -> str:
    """The last line that a program of this Python prints."""
    given = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "GLOG_minloglevel": "2", **surroundings}
    done = subprocess.run([sys.executable, *program], env=given, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


@pytest.mark.bench
def test_one_wheel_serves_machines_without_a_gpu(tmp_path: Path) -> None:
    build = ["third_party/caffe/build.py", "--python", sys.executable]
    wheel = Path(computed(build, CAFFE_CUDA="90", CAFFE_WHEEL=""))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    sizes = {path.name: path.stat().st_size for path in (tmp_path / "caffe").glob("*caffe.so*")}
    print(f"\n{wheel.name}: {wheel.stat().st_size:,} bytes; {sizes}")
    both = f"{tmp_path}:{ROOT}"
    told = computed(["-c", FACTS], PYTHONPATH=both)
    print(told)
    assert f'"{tmp_path}/caffe/__init__.py"' in told and '"cuda": true' in told and told.endswith(", true]")
    sixty = ["tests/machines/sixty_iterations.py"]
    with_cuda, of_cpu = computed(sixty, PYTHONPATH=both), computed(sixty)
    print(with_cuda)
    assert with_cuda == of_cpu
    if gpu._driver()[1] == []:
        refused = subprocess.run(
            [sys.executable, "-c", "from evolve.training import gpu; from evolve.base.machine import Machine\n"
             "gpu.refuse(Machine(gpu=0))"],
            env={**os.environ, "PYTHONPATH": both}, capture_output=True, text=True, cwd=ROOT,
        )  # fmt: skip
        print(refused.stderr.splitlines()[-1])
        assert "expected a GPU, got none" in refused.stderr
