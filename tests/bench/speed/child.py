"""An engine's own process: `python -m tests.bench.speed.child ENGINE FOLDER THREADS`.

Requests come in and answers go out as JSON lines. Between them it waits for its pipe, and uses no core.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any


def _engine(name: str, folder: Path, threads: int) -> Any:
    if name in ("stock", "fast"):
        from tests.bench.speed.caffe_engine import CaffeEngine

        return CaffeEngine(folder, threads, fast=name == "fast")
    if name.startswith("pytorch"):
        from tests.bench.speed.torch_engine import TorchEngine

        return TorchEngine(folder, threads, channels_last=name == "pytorch-channels-last")
    from tests.bench.speed import onnx_engines

    engines = {"onnxruntime": onnx_engines.OnnxRuntimeEngine, "openvino": onnx_engines.OpenVinoEngine}
    return engines[name](folder, threads)


def main() -> None:
    # What libraries print must not get between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    engine = _engine(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"answer": getattr(engine, request["do"])(**request["with"])}
        except AssertionError as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
