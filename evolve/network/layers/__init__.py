"""Caffe's layer types, each registered once with all that Cavefish knows of it; a file for each family.

A layer of your own evolves once Cavefish knows its type. In a file layer_types.py beside the network's prototxts:

    from evolve.network.layers import LayerType, register

    register(LayerType("Softsign", constant=lambda given: [given.first / (1 + abs(given.first))]))

`LayerType` says what can be told, and what holds where nothing is. For a Python layer `name` is its class and `module`
its Python module, which Caffe looks for on PYTHONPATH and beside the network's prototxts. The file is run whenever
these are read, or those of a run, which keeps a copy. What is registered may not have the name of another type.
"""

import importlib.util
from pathlib import Path

from evolve.base.errors import UserError
from evolve.network.axes import Layer
from evolve.network.layers import (
    activations,
    detectnet,
    joining,
    losses,
    normalisation,
    pooling,
    recurrent,
    reshaping,
    sources,
    weighted,
)
from evolve.network.layers.layer_type import LayerType, Resizing, UnknownLayer
from evolve.network.layers.learned import LearnedBlob, nothing

__all__ = [
    "LayerType", "LearnedBlob", "Resizing", "UnknownLayer", "kind", "known", "load_beside", "nothing", "of", "register",
]  # fmt: skip

BESIDE = "layer_types.py"

_FAMILIES = (activations, pooling, normalisation, joining, reshaping, weighted, recurrent, losses, sources, detectnet)
_TYPES: dict[str, LayerType] = {}
_loaded: set[bytes] = set()  # the files' texts


def register(layer_type: LayerType) -> None:
    """Makes a type known under its name. UserError if there is one of that name."""
    if layer_type.name in _TYPES:
        raise UserError(f"layer type '{layer_type.name}': expected a type that is not known yet; name it otherwise")
    _TYPES[layer_type.name] = layer_type


def known() -> dict[str, LayerType]:
    """All types by name."""
    return dict(_TYPES)


def of(layer: Layer) -> LayerType | None:
    """The type of a layer; None for one that is not known."""
    found = _TYPES.get(layer.python_param.layer if layer.type == "Python" else layer.type)
    module = layer.python_param.module if layer.type == "Python" else ""
    return found if found and found.module == module else None


def kind(layer: Layer) -> str:
    """The name of a layer's type; of a Python layer that is known, its class."""
    found = of(layer)
    return found.name if found else str(layer.type)


def load_beside(*folders: Path) -> None:
    """Runs the layer_types.py of the first of `folders` that has one; one text once, wherever a copy of it lies.

    UserError, naming the file, for what it cannot do.
    """
    path = next((path for folder in folders if (path := (folder / BESIDE).resolve()).is_file()), None)
    if path is None:
        return
    try:
        text = path.read_bytes()
        if text in _loaded:
            return
        spec = importlib.util.spec_from_file_location(f"layer_types_of_{path.parent.name}", path)
        assert spec and spec.loader
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    except Exception as error:
        raise UserError(f"{path}: {error or type(error).__name__}; mend the file, or take it away") from error
    _loaded.add(text)


for _family in _FAMILIES:
    for _layer_type in _family.TYPES:
        register(_layer_type)
