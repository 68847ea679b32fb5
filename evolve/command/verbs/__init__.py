"""A verb of the `cavefish` command is a file in a folder `verbs`, found by its name.

It says WHAT it does and which ARGUMENTS it knows, and has `run`. What a verb needs is imported when it runs: Caffe and
the figures take seconds to load. The Makefile finds the same files.
"""

import importlib
import pkgutil
from typing import Protocol, cast

from evolve.command.arguments import Arguments

# TensorRT's are its own: nothing here knows them, and without that package the others are all there is.
_PACKAGES = (__name__, "trt.verbs")


class Verb(Protocol):
    """The first one of the space-separated ARGUMENTS is required where `arguments` says what it is for."""

    WHAT: str
    ARGUMENTS: str

    def run(self, arguments: Arguments) -> int:
        """Exit status 0, or 2 where something is not sound. Raises UserError."""


def found() -> dict[str, Verb]:
    """Every verb by its name, in alphabetical order."""
    modules: dict[str, str] = {}
    for package in _PACKAGES:
        try:
            places = importlib.import_module(package).__path__
        except ModuleNotFoundError:
            continue
        modules |= {module.name: f"{package}.{module.name}" for module in pkgutil.iter_modules(places)}
    return {name: cast(Verb, importlib.import_module(modules[name])) for name in sorted(modules)}
