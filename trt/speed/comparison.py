"""An engine is timed only if its outputs are pycaffe's on the same input; only then its speed means anything."""

from pathlib import Path

import numpy as np

from evolve.base.errors import UserError

SIMULATION = "32-bit arithmetic"  # what an engine with whole numbers is compared with

# Relative to a blob's largest value, by the precision of weights and arithmetic. A rounding to 16 bits is 2^-11 of a
# number, and a deep network adds up many; bfloat16's is 2^-8. In eight bits it is relative to the same whole numbers
# in 32-bit arithmetic, from which one may differ by a step where it lies between two.
LARGEST = {"f32": 1e-3, "f16": 5e-2, "bf16": 2e-1, "int8": 1e-1}

# Of values that are all next to nothing, as where no cell of a coverage map is covered, no digit counts.
_NEXT_TO_NOTHING = 0.01


def difference(outputs: Path, expected: Path) -> float:
    """The largest difference of any output, relative to the largest value of pycaffe's, or to 0.01 if that is less.

    Both are .npz files of blobs by name; nan is infinitely different. UserError if blobs are missing.
    """
    with np.load(outputs) as made, np.load(expected) as wanted:
        missing = sorted(set(wanted) - set(made))
        if missing:
            raise UserError(f"{outputs.stem}: expected the outputs of pycaffe, got none called {', '.join(missing)}")
        return max(_difference(made[name], wanted[name]) for name in wanted)


def agrees(found: float, precision: str) -> bool:
    """Whether a difference is what that precision accounts for, and the network the same one."""
    return found <= LARGEST[precision]


def _difference(made: np.ndarray, wanted: np.ndarray) -> float:
    if made.shape != wanted.shape:
        return float("inf")
    scale = max(float(np.abs(wanted).max()), _NEXT_TO_NOTHING)
    worst = float(np.abs(made - wanted).max()) / scale
    return worst if worst == worst else float("inf")
