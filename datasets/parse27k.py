"""Parse-27k: street scenes from eight drives with a box around every pedestrian (vision.rwth-aachen.de/page/parse27k).

It is given out on request only, so nothing is downloaded.
"""

from pathlib import Path

from evolve.base.progress import Report
from evolve.datasets import Detection, DetectionSource, Photos, parse27k_layout
from evolve.datasets.annotation_files import folder_with, missing
from evolve.datasets.parse27k_layout import CLASS, DATABASE


def load(*, wanted: Detection, seed: int, raw: Path, report: Report) -> Photos:
    """All frames of Image with their pedestrians; UserError for a database that is not Parse-27k's."""
    root = find(wanted=wanted, seed=seed, raw=raw)
    if root is None:
        raise missing("Parse-27k", DATABASE, "parse27k", raw, "ask its authors for it")
    return parse27k_layout.read(root)


def find(*, wanted: Detection, seed: int, raw: Path) -> Path | None:
    """The folder that holds annotations.sqlite3."""
    return folder_with(DATABASE, "parse27k", raw)


SOURCE = DetectionSource(
    "Parse-27k", (CLASS,), (), find, parse27k_layout.state, load, has_no_others=True, shared=True
)  # fmt: skip
