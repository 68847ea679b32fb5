"""Caffe's protobuf messages are loaded when one is first wanted, and without Caffe's C++ library.

``import caffe`` loads libcaffe, whose failed checks abort the whole interpreter; the process that holds a
lineage must survive those, so it loads the generated ``caffe/proto/caffe_pb2.py`` alone. The messages are
those of whichever Caffe is installed: BVLC's or NVIDIA's. Where none is, networks and solvers are read by
Cavefish's own messages, which say the same of BVLC's layers; nothing can be trained then.
"""

import importlib.util
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

from evolve.base.errors import UserError

SEEDS = 2**32  # of Caffe's random numbers: it takes a solver's random_seed modulo this

_NAME = "caffe.proto.caffe_pb2"
_NO_CAFFE = "Caffe is not installed for this Python; `make` builds it, or set CAFFE_ROOT to your own build"


_ONCE = threading.Lock()  # messages can be registered only once, whichever thread wants them first


class _Messages:
    """The module of the messages, loaded with the first of them."""

    _module: ModuleType | None = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self._module is None:
            with _ONCE:
                self._module = self._module or _load()
        if not hasattr(self._module, name) and self._module.__name__ != _NAME:
            raise UserError(_NO_CAFFE)
        return getattr(self._module, name)


def package() -> Path | None:
    """The folder of this Python's Caffe; None where it has none."""
    spec = importlib.util.find_spec("caffe")
    places = (spec.submodule_search_locations if spec else None) or []
    return next((Path(place) for place in places), None)


def expect_caffe() -> None:
    """UserError where this Python has no Caffe."""
    if package() is None:
        raise UserError(_NO_CAFFE)


def _load() -> ModuleType:
    if _NAME in sys.modules:
        return sys.modules[_NAME]
    folder = package()
    if folder is None:
        return _own()
    path = folder / "proto" / "caffe_pb2.py"
    spec = importlib.util.spec_from_file_location(_NAME, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise UserError(f"{path}: expected Caffe's generated messages; build pycaffe there (`make pycaffe`)")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    # A later `import caffe` in this process must find this module: the messages can be registered only once.
    sys.modules[_NAME] = module
    return module


def _own() -> ModuleType:
    from evolve.proto import caffe_network_pb2

    print(f"cavefish: {_NO_CAFFE}; until then networks are read, nothing is trained or compared", file=sys.stderr)
    return caffe_network_pb2


caffe_pb2: Any = _Messages()
