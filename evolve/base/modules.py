"""Modules that a child process will import are found, without being loaded, where Python looks and in other folders."""

import importlib.util
from collections.abc import Iterable
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path


def find(name: str, folders: Iterable[Path] = ()) -> Path | None:
    """The file of module `name`, a package's __init__.py; None where neither Python nor `folders` have it.

    A module without a file, one that is built in or a folder alone, is told by the path ".".
    """
    first, *rest = name.split(".")
    spec = _anywhere(first, [str(folder) for folder in folders])
    for part in rest:
        within = spec.submodule_search_locations if spec else None
        spec = PathFinder.find_spec(f"{spec.name}.{part}", within) if spec and within else None
    return Path(spec.origin or ".") if spec else None


def _anywhere(name: str, folders: list[str]) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name) or PathFinder.find_spec(name, folders)
    except ValueError:  # no name at all, or a module that says nothing of where it is from
        return None
