"""Caffe runs in a child process: a failed CHECK kills the child, and the parent says what it was about.

The child is evolve.training.worker; what Caffe logs goes to a file. It runs with one BLAS thread.
"""

import re
from pathlib import Path
from typing import Any

from evolve.base import caffe_messages
from evolve.base.child import Died, Reporter, Serving
from evolve.base.errors import MachineError, UserError
from evolve.base.machine import USUAL, Machine
from evolve.base.prototxt_text import line_of

_CHECK = re.compile(r"^F\d+ [\d:.]+\s+\d+ (?P<source>\S+?)\] (?P<text>.*)$", re.MULTILINE)
# Names may have blanks.
_LAYER = re.compile(r"\] (?:Creating [Ll]ayer|Setting up) (.+)$", re.MULTILINE)
_NAMED = re.compile(r"(?:layer '|for layer )([^'\n]+)")
_WRITING = "SerializeToOstream"
# In CUDA's words, Caffe's of its own memory, and the system's of whatever LMDB asks it for.
_REFUSED = re.compile(
    "out of memory|host allocation of size|Cannot allocate memory|Too many open files|Input/output error|No space left"
)
# Caffe prints why it cannot make a Python layer, and then hands on an error that says nothing.
_UNSAID = "returned NULL without setting an exception"
_TRACEBACK = "Traceback (most recent call last):\n"
_IN_FILE = re.compile(r'^  File "([^"]+)", line (\d+)', re.MULTILINE)
_OF_PYTHON = re.compile(r"Python's (?:\S+\.)?(\w+): ")
_READY = "Network initialization done."


class CaffeError(UserError):
    """Caffe refused or failed: its own words, with the file and the layer that it was at."""


class CaffeKilled(CaffeError, MachineError):
    """Its process was killed, stood still, or was refused something by the machine: another time it may live."""


class CaffeProcess(Serving):
    """A Caffe of its own to call tasks on; use it as a context, which ends it.

    `folder` is its working directory, against which Caffe resolves relative paths; `log` gets its stderr;
    `prototxt` is the user's own file, in which errors name the line of the layer; another one may take its place.
    Modules of Python layers may lie beside it.
    """

    def __init__(self, folder: Path, log: Path, prototxt: Path, machine: Machine = USUAL) -> None:
        caffe_messages.expect_caffe()
        self.prototxt = prototxt
        super().__init__(
            "evolve.training.worker",
            called="Caffe's process",
            log=log,
            folder=folder,
            machine=machine,
            modules=[prototxt.parent.resolve()] if prototxt.is_file() else [],
            more={"GLOG_minloglevel": "0", "GLOG_logtostderr": "1"},
        )

    def answer(self, report: Reporter = lambda progress: None) -> dict[str, Any]:
        """The answer of one of worker's tasks. Raises CaffeError, or MachineError where the disk refused."""
        try:
            return super().answer(report)
        except Died as end:
            raise self._explained(end) from None
        except MachineError:
            raise
        except UserError as error:
            raise CaffeError(self._placed(str(error))) from None

    def _placed(self, words: str) -> str:
        """The words of an exception, with the Python layer that it is of."""
        if _UNSAID in words:
            printed = self.said().rpartition(_TRACEBACK)[0].rstrip()
            files = _IN_FILE.findall(printed.rpartition(_TRACEBACK)[2])
            where = f" ({Path(files[-1][0]).name}:{files[-1][1]})" if files else ""
            return f"{_place('', self.said(), self.prototxt)}Python: {printed.splitlines()[-1]}{where}"
        python = _OF_PYTHON.match(words)
        return f"{_place_of_python(python[1], self.said(), self.prototxt)}{words}" if python else words

    def _explained(self, end: Died) -> CaffeError:
        text = self.said()
        check = _CHECK.findall(text)
        if not check:
            return CaffeKilled(f"{end}, and the same command resumes" if end.stood_still else str(end))
        source, words = check[-1]
        if _WRITING in words:
            return CaffeKilled(
                f"Caffe could not write a file ({source}): see whether the disk is full, failing, or not yours to "
                "write to; nothing committed is lost, and the same command resumes"
            )
        told = f"{_place(words, text, self.prototxt)}Caffe: {words} ({source})"
        if _REFUSED.search(words):
            return CaffeKilled(f"{told}; fewer at a time, or smaller batches, need less; the same command resumes")
        return CaffeError(told)


def _place(words: str, log: str, prototxt: Path) -> str:
    """``file:line: layer 'x': `` of the layer that Caffe's words name, or that it was setting up, or nothing."""
    layers = _NAMED.findall(words) or _set_up(log)
    if not layers or not prototxt.is_file():
        return ""
    text = prototxt.read_text(encoding="utf-8", errors="replace")
    return f"{prototxt}:{line_of(text, layers[-1])}: layer '{layers[-1]}': "


def _place_of_python(name: str, log: str, prototxt: Path) -> str:
    """The same of the one Python layer of class `name`; of several, of the one that Caffe was setting up."""
    if not prototxt.is_file():
        return ""
    of_class = re.compile(rf"""\blayer\s*:\s*["']{name}["']""")
    layers = re.split(r"\blayers?\s*\{", prototxt.read_text(encoding="utf-8", errors="replace"))
    named = [re.search(r"""\bname\s*:\s*["']([^"']+)""", layer) for layer in layers if of_class.search(layer)]
    names = {match[1] for match in named if match}
    likely = names if len(names) == 1 else names & set(_set_up(log)[-1:])
    return _place(f"layer '{next(iter(likely))}'", log, prototxt) if likely else f"{prototxt}: "


def _set_up(log: str) -> list[str]:
    """The layers of a net that Caffe was setting up when its log ended."""
    return _LAYER.findall(log.rpartition(_READY)[2])
