"""What a detector saw, first and last generation: the pictures that the run itself wrote."""

from pathlib import Path

from evolve import paths
from evolve.figures.measured import Measured
from evolve.figures.report import pictures
from evolve.figures.report.markup import Markup, element, section

# A picture as written by the run, or smaller: a page of two has to go into a mail.
_WIDTH = 1280
_LARGEST = 400_000


def detections(folder: Path, run: Measured) -> Markup | None:
    """The section with one picture or two; None where the run wrote none."""
    numbers = [made["generation"] for made in run.generations]
    there = [number for number in numbers if _path(folder, number).is_file()]
    shown = [_picture(_path(folder, number), number) for number in dict.fromkeys([*there[:1], *there[-1:]])]
    found = [each for each in shown if each]
    about = "Validation images with what is labelled and what was found; confidence is the logarithm of a box's votes."
    return section("Detections", *found, about=about) if found else None


def _path(folder: Path, number: int) -> Path:
    return paths.generation(folder, number) / paths.DETECTIONS


def _picture(path: Path, number: int) -> Markup | None:
    try:
        address, width, height = pictures.photograph(path.read_bytes(), _WIDTH, _LARGEST)
    except OSError:
        return None
    words = f"Validation images with labelled and detected boxes at generation {number}"
    image = element("img", src=address, width=width, height=height, alt=words)
    return element("figure", image, element("figcaption", f"generation {number}"), class_="wide")
