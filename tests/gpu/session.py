"""A session is what each step of the GPU script has: pack, scratch folder, its seconds, and the way to the GPU."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evolve.base.machine import Machine

Result = dict[str, Any]


class NeedsGpu(Exception):
    """A step is as far as it comes without a driver; the text says what is missing."""


class TimeIsUp(Exception):
    """A step has used its seconds."""


@dataclass(frozen=True)
class Session:
    """`dry`: each step does as little as shows that it can, on the processor, and stops where it would need a GPU."""

    pack: Path
    scratch: Path
    seconds: float
    dry: bool = False
    began: float = field(default_factory=time.monotonic)

    def gpu(self) -> str:
        """Has Caffe compute on the GPU from now on; its name. NeedsGpu where there is none, or in a dry run."""
        from evolve.training import gpu

        why = gpu.missing(0, **gpu.facts())
        if why or self.dry:
            raise NeedsGpu(why or "there is one, and this is a dry run")
        machine = Machine(gpu=0)
        # As a parent of the product's own tells its child: where masks are applied, for one, hangs on it.
        os.environ.update(machine.environment(os.environ))
        return gpu.begin(machine)

    def left(self) -> float:
        """Seconds until this step should be done."""
        return self.seconds - (time.monotonic() - self.began)

    def in_time(self, progress: Any = None) -> None:
        """TimeIsUp, with what `progress` says, once there are none left."""
        if self.left() <= 0:
            raise TimeIsUp(str(progress))


Step = Callable[[Session], Result]
