"""Where a value lies along an axis, and which values get a tick."""

import math
from dataclasses import dataclass

# On 10,000 images chance alone moves an accuracy by 0.001: its axis shows at least ten times as much.
_LEAST_OF_A_SCORE = 0.01
# Values this far apart, as a ratio, are read on a logarithmic axis.
_FAR_APART = 3.0


@dataclass(frozen=True)
class Scale:
    """From `low` to `high`, which are not the same; both above zero where it is logarithmic."""

    low: float
    high: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """0 at the low end, 1 at the high one."""
        if self.logarithmic:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """Round numbers within it, three to ten of them where there are so many."""
        return self._decades() if self.logarithmic else self._steps()

    def _decades(self) -> list[float]:
        """Powers of ten; numbers between them as well where these are few."""
        decades = math.log10(self.high / self.low)
        parts = (1.0, 2.0, 3.0, 5.0, 7.0) if decades < 1.2 else (1.0, 2.0, 5.0) if decades < 2.5 else (1.0,)
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        every = [part * 10.0**power for power in powers for part in parts]
        return [value for value in every if self.low <= value <= self.high]

    def _steps(self) -> list[float]:
        step = 10.0 ** math.floor(math.log10((self.high - self.low) / 6))
        while (self.high - self.low) / step > 6:
            # 1, 2, 5, 10, …
            step *= 2.5 if f"{step:e}".startswith("2") else 2
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [round(count * step, 12) for count in range(first, last + 1)]


def of_counts(values: list[float]) -> Scale:
    """For synapses and their like: logarithmic where they are far apart, else from zero."""
    least, most = min(values), max(values)
    if least > 0 and most / least >= _FAR_APART:
        room = (most / least) ** 0.07
        return Scale(least / room, most * room, logarithmic=True)
    return Scale(0, 1.1 * most or 1)


def of_scores(values: list[float]) -> Scale:
    """For accuracy and its like: close around them, within 0 and 1."""
    least, most = min(values), max(values)
    span = max(1.2 * (most - least), _LEAST_OF_A_SCORE)
    low = max(0.0, min((least + most - span) / 2, 1 - span))
    return Scale(low, min(1.0, low + span))


def of_generations(last: int) -> Scale:
    """Whole numbers from 1, with room for half a generation on both sides."""
    return Scale(0.5, last + 0.5)
