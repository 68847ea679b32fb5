"""faults.c as a library, built once, that goes into a process by LD_PRELOAD."""

import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

SOURCE = Path(__file__).with_name("faults.c")


@functools.cache
def library() -> Path:
    """The built library. It lies in a folder of its own below the system's temporary one."""
    folder = Path(tempfile.mkdtemp(prefix="cavefish-torture-"))
    built = folder / "faults.so"
    compiler = shutil.which("cc") or "gcc"
    subprocess.run(
        [compiler, "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", SOURCE, "-o", built, "-ldl"], check=True
    )
    return built
