"""Which machine the figures are of: processor, GPU, driver, CUDA's libraries, and what Caffe says of itself."""

import os
import subprocess

from tests.bench.speed.machine import description
from tests.gpu.session import Result, Session

QUERY = "name,driver_version,compute_cap,memory.total,clocks.sm,clocks.max.sm,power.limit"


def run(session: Session) -> Result:
    """As texts."""
    from evolve.training import gpu, versions

    result: Result = {"machine": description({}), "load": os.getloadavg(), "versions": versions.versions()}
    result |= gpu.facts()
    result["device"] = session.gpu()
    try:
        told = subprocess.run(["nvidia-smi", f"--query-gpu={QUERY}", "--format=csv"], capture_output=True, text=True)
        result["nvidia-smi"] = told.stdout.splitlines()
    except OSError as error:
        result["nvidia-smi"] = str(error)
    return result
