"""`cavefish` commands that a test starts, kills and reads: forked from a zygote, or as a user starts them."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from tests.torture import preload

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit status, negative for a signal, and all that it said."""

    status: int
    said: str

    @property
    def last_line(self) -> str:
        return (self.said.strip().splitlines() or [""])[-1]


@dataclass
class Running:
    """A command at work; `output` is where what it says goes."""

    pid: int
    process: "subprocess.Popen[str]"
    output: Path
    forked: bool

    def ended(self) -> Ended:
        """Waits for its end."""
        if self.forked:
            assert self.process.stdout
            status = os.waitstatus_to_exitcode(int(self.process.stdout.readline()))
        else:
            status = self.process.wait()
        return Ended(status, self.output.read_text(errors="replace"))

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Sends it a signal, if it is still there."""
        _send(self.pid, number)

    def worker(self) -> int:
        """The pid of the process that its Caffe runs in; 0 while there is none."""
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == self.pid and fields[0] not in "ZX":
                return int(folder.name)
        return 0

    def wait_for(self, path: Path) -> None:
        """Returns once `path` is there; AssertionError if the command ends before."""
        while not path.exists():
            assert (Path("/proc") / str(self.pid) / "exe").exists(), f"{self.pid} ended without {path}"
            time.sleep(0.002)

    def kill_worker(self, number: int = signal.SIGKILL) -> bool:
        """Whether there was one to send the signal to."""
        pid = self.worker()
        return bool(pid) and _send(pid, number)


def _send(pid: int, number: int) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


@dataclass(eq=False)
class Commands:
    """A context whose `start` runs ``cavefish <words>`` in `folder`. With `forked`, one at a time, from a zygote."""

    forked: bool = True
    _zygote: "subprocess.Popen[str] | None" = field(default=None, init=False)

    def __enter__(self) -> "Commands":
        if self.forked:
            self._zygote = subprocess.Popen(
                [sys.executable, "-m", "tests.torture.zygote"], cwd=ROOT, env=environment(), text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._zygote:
            self._zygote.kill()
            self._zygote.communicate()

    def start(self, folder: Path, *words: str, **variables: str) -> Running:
        """The command at work; `variables` are faults.c's and others of its environment."""
        output = folder / f"output-{id(self)}"
        # Whoever is killed at once has said nothing.
        output.write_text("")
        if self._zygote:
            assert self._zygote.stdin and self._zygote.stdout
            job = {"words": words, "folder": str(folder), "environment": variables, "output": str(output)}
            self._zygote.stdin.write(json.dumps(job) + "\n")
            self._zygote.stdin.flush()
            return Running(int(self._zygote.stdout.readline()), self._zygote, output, True)
        command = [sys.executable, "-m", "evolve.command.command", *words]
        with open(output, "ab") as to:
            process = subprocess.Popen(
                command, cwd=folder, env=environment() | variables, text=True,
                stdin=subprocess.DEVNULL, stdout=to, stderr=to,
            )  # fmt: skip
        return Running(process.pid, process, output, False)

    def run(self, folder: Path, *words: str, **variables: str) -> Ended:
        """The same to its end."""
        return self.start(folder, *words, **variables).ended()


def environment() -> dict[str, str]:
    """No download, and faults.c at hand."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("CAVEFISH_", "TORTURE_"))}
    return own | {
        "CAVEFISH_OFFLINE": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
        "GLOG_minloglevel": "0", "GLOG_logtostderr": "1", "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1",
        "LD_PRELOAD": str(preload.library()),
    }  # fmt: skip
