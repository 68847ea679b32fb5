"""Caffe's protobuf messages are loaded without Caffe's C++ library.

``import caffe`` loads libcaffe, whose failed checks abort the whole interpreter; the process that holds a
lineage must survive those, so it loads the generated ``caffe/proto/caffe_pb2.py`` alone. The messages are
those of whichever Caffe is installed: BVLC's or NVIDIA's.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from evolve.base.errors import UserError

_NAME = "caffe.proto.caffe_pb2"


def _load() -> ModuleType:
    if _NAME in sys.modules:
        return sys.modules[_NAME]
    package = importlib.util.find_spec("caffe")
    if package is None or not package.submodule_search_locations:
        raise UserError(
            "Caffe is not installed for this Python; `make` builds it, or set CAFFE_ROOT to your own build"
        )
    path = Path(package.submodule_search_locations[0]) / "proto" / "caffe_pb2.py"
    spec = importlib.util.spec_from_file_location(_NAME, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise UserError(f"{path}: expected Caffe's generated messages; build pycaffe there (`make pycaffe`)")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    # A later `import caffe` in this process must find this module: the messages can be registered only once.
    sys.modules[_NAME] = module
    return module


caffe_pb2: Any = _load()
