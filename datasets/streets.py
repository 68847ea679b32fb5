"""Streets that never were: drawn people walk, stand and hide behind each other, in Parse-27k's layout.

Parse-27k is given out on request only, so this stands in for it: drawn once with NumPy and OpenCV by a seed, written
as annotations.sqlite3 and sequences/, and read by Parse-27k's own loader. Statues, dummies, coats on rails and other
lookalikes make sure that neither shape nor colour alone will do. A box holds all of a body that the frame holds,
hidden parts as well; people of whom less than 30 % can be seen are not in the picture at all.
"""

from pathlib import Path

from evolve.base.errors import UserError
from evolve.base.files import check_space, refusals, replacing, turn
from evolve.base.progress import Report
from evolve.datasets import Detection, DetectionSource, Photos, parse27k_layout
from evolve.datasets.streets.recording import LEAST, record

FRAMES = 2000
SIZE = 640, 384
SMALLEST = 160, 96  # pixels: below that nobody can be told from a bollard
FRAME_BYTES = 0.25  # of a JPEG, for each pixel, at most


def load(*, wanted: Detection, seed: int, raw: Path, report: Report) -> Photos:
    """The recording of that many frames of that size and seed, drawn first if it is not there yet."""
    frames, width, height = _form(wanted)
    if frames < LEAST or width < SMALLEST[0] or height < SMALLEST[1]:
        raise UserError(
            f"data set 'streets': expected at least {LEAST} frames of at least {SMALLEST[0]}x{SMALLEST[1]}, got "
            f"{frames} of {width}x{height}; choose more"
        )
    folder = _folder(wanted, seed, raw)
    if not (folder / parse27k_layout.DATABASE).exists():
        needed = int(frames * width * height * FRAME_BYTES)
        with turn(folder, report), refusals(folder, needed):
            if not (folder / parse27k_layout.DATABASE).exists():
                check_space(folder, needed)
                with replacing(folder, report) as unfinished:
                    record(unfinished, frames, width, height, seed, report)
                report(f"streets: {frames} frames of {width}x{height} drawn into {folder}")
    return parse27k_layout.read(folder)


def find(*, wanted: Detection, seed: int, raw: Path) -> Path | None:
    """The recording's folder, if it was drawn before."""
    folder = _folder(wanted, seed, raw)
    return folder if (folder / parse27k_layout.DATABASE).exists() else None


def _folder(wanted: Detection, seed: int, raw: Path) -> Path:
    frames, width, height = _form(wanted)
    return raw / f"streets-{frames}-{width}x{height}-seed{seed}"


def _form(wanted: Detection) -> tuple[int, int, int]:
    return wanted.frames or FRAMES, wanted.frame_width or SIZE[0], wanted.frame_height or SIZE[1]


SOURCE = DetectionSource(
    "streets drawn by Cavefish",
    (parse27k_layout.CLASS,),
    (),
    find,
    parse27k_layout.state,
    load,
    uses=frozenset({"frames", "frame_width", "frame_height"}),
    has_no_others=True,
    notice="these streets and people are drawn, not photographed: no figure of theirs says anything about Parse-27k",
)
