"""DetectNet's first and last generation as TensorRT's engines in 32, 16 and 8 bits, frames per second of each."""

import time
from importlib.util import find_spec
from typing import Any

from evolve.base.errors import UserError
from evolve.base.machine import Machine
from tests.gpu.session import Result, Session

FOLDER = "engines"  # of prepared folders, see trt/speed/prepared.py
MODULES = ("tensorrt_rtx", "tensorrt")
SECONDS = 1.5


def run(session: Session) -> Result:
    """Frames per second by generation and form; what TensorRT refuses, in its words."""
    generations = sorted((session.pack / FOLDER).glob("gen*"))
    if not generations or not any(map(find_spec, MODULES)):
        return {"skipped": f"{len(generations)} generations and no TensorRT, or none of both: pack --engines RUN"}
    from trt.speed.engines.tensorrt_ import TensorRt, TensorRtFloat, TensorRtInt8

    result: Result = {"device": session.gpu(), "fps": {}}
    for folder in generations:
        for form in (TensorRtFloat, TensorRt, TensorRtInt8):
            try:
                engine = form(Machine())
                engine.load(folder)
                result["fps"][f"{folder.name} {form.precision}"] = _fps(engine)
                result["tensorrt"] = engine.describe()
            except UserError as error:
                result["fps"][f"{folder.name} {form.precision}"] = str(error)
            session.in_time(result)
    return result


def _fps(engine: Any) -> float:
    for _ in range(10):
        engine.run()
    began, runs = time.perf_counter(), 0
    while time.perf_counter() - began < SECONDS:
        engine.run()
        runs += 1
    return runs / (time.perf_counter() - began)
