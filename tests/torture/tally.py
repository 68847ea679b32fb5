"""What was tried, and how it ended: counted, printed as a table, written as csv."""

import csv
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

COLUMNS = ("what", "tried", "corrupt_generations", "resumed", "byte_identical")


@dataclass
class Tally:
    """Of each kind of trial how many there were, how many resumed, and how many came to the undisturbed run's bytes."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def add(self, what: str, corrupt: int = 0, resumed: bool = True, identical: bool = True, problem: str = "") -> None:
        """Counts a trial; `problem` says what was wrong with it, or with what it said."""
        counts = self.counts.setdefault(what, Counter())
        counts.update(tried=1, corrupt_generations=corrupt, resumed=int(resumed), byte_identical=int(identical))
        if problem:
            self.problems.append(f"{what}: {problem}")

    def merge(self, other: "Tally") -> None:
        """Takes another one's counts in."""
        for what, counts in other.counts.items():
            self.counts.setdefault(what, Counter()).update(counts)
        self.problems += other.problems

    def rows(self) -> list[dict[str, str | int]]:
        counted = sorted(self.counts.items())
        return [{"what": what} | {name: counts[name] for name in COLUMNS[1:]} for what, counts in counted]

    def text(self) -> str:
        """The table, a line each."""
        lines = [f"{'':58}" + "".join(f"{name:>21}" for name in COLUMNS[1:])]
        lines += [f"{row['what']:58}" + "".join(f"{row[name]:21,}" for name in COLUMNS[1:]) for row in self.rows()]
        return "\n".join(lines)

    def write(self, path: Path) -> None:
        """As csv."""
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".unfinished")
        with open(unfinished, "w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows())
        unfinished.rename(path)
