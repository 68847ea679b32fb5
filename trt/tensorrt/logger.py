"""The logger gathers TensorRT's own words when it refuses, freed of what only says that there is no driver."""

import re
from typing import Any

# Of a machine without a driver: such lines appear beside real messages, and are not the fault.
_STRAY = re.compile(
    r"cudaError 35|CUDA driver version is insufficient|Thread context has not been set"
    r"|CUDA initialization failure with error: (35|100)\b"
)
# Where TensorRT's sources say something, and what they call themselves.
_WHERE = re.compile(r"^(\w+::\w+: |\[[\w.]+::[\w:]+\] |\w+\.cpp:\d+: )?(Error Code \d+: )?")
_FRAME = re.compile(r"While parsing node number|--- (Begin|End) node ---|^(ERROR:|Node name:|input:|Invalid Node -) ")

_loggers: dict[Any, Any] = {}  # its ILogger -> ours, one a process: TensorRT keeps the first that it is given


def of(module: Any) -> Any:
    """The logger of this process, empty: its `said` fills with what TensorRT calls an error, in order."""
    if module.ILogger not in _loggers:
        _loggers[module.ILogger] = _new(module)
    ours = _loggers[module.ILogger]
    ours.said.clear()
    return ours


def in_its_words(said: list[str]) -> str:
    """The first line that tells the fault, without where in TensorRT's sources it was found; empty if none does."""
    lines = [line.strip() for text in said for line in text.splitlines()]
    told = [line for line in lines if line and not _STRAY.search(line)]
    plain = [_WHERE.sub("", line) for line in told]
    return next((line for line in plain if line and not _FRAME.search(line)), plain[0] if plain else "")


def only_no_driver(said: list[str]) -> bool:
    """Whether all that was said is that there is no driver, or none that serves."""
    return bool(said) and not in_its_words(said)


def _new(module: Any) -> Any:
    class Complaints(module.ILogger):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            module.ILogger.__init__(self)
            self.said: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            if severity in (module.ILogger.INTERNAL_ERROR, module.ILogger.ERROR):
                self.said.append(message)

    return Complaints()
