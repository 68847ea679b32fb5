"""Test images that are classified wrong, and right, are shown with what they are and what they were taken for."""

from pathlib import Path

from PIL import Image

from evolve.figures.report import pictures
from evolve.figures.report.markup import Markup, element, section
from evolve.figures.run import Run
from evolve.runs import paths
from evolve.runs.score import Answer

_SIDE = 72  # pixels on the page, of what is smaller


def answers(folder: Path, run: Run) -> Markup | None:
    """The section of the last generation; None where it kept no images, or they cannot be read."""
    known = run.last.score.answers
    try:
        tiles = _tiles(paths.generation(folder, run.last.generation) / paths.ANSWERS, len(known)) if known else []
    except OSError:
        return None
    shown = list(zip(known, tiles, strict=True))
    wrong, right = (_group([pair for pair in shown if pair[0].right == told]) for told in (False, True))
    parts = [
        *([element("h3", "Wrong, and sure of it"), wrong] if wrong else []),
        *([element("h3", "Right, and least sure"), right] if right else []),
    ]
    about = (
        f"Test images of generation {run.last.generation}, of every class first the one with the highest probability "
        "of a wrong answer, or the lowest of the right one."
    )
    return section("Right and wrong", *parts, about=about) if parts else None


def _tiles(path: Path, count: int) -> list[Image.Image]:
    """The pictures that stand side by side in the file. OSError where there are not so many."""
    with Image.open(path) as whole:
        width, height = whole.width // count, whole.height
        if not width or whole.width % count:
            raise OSError(f"{path}: expected {count} pictures side by side")
        return [whole.crop((k * width, 0, (k + 1) * width, height)) for k in range(count)]


def _group(shown: list[tuple[Answer, Image.Image]]) -> Markup | None:
    if not shown:
        return None
    return element("div", *(_figure(*each) for each in shown), class_="answers")


def _figure(answer: Answer, tile: Image.Image) -> Markup:
    share = f"{answer.probability:.3f}"
    told = "right" if answer.right else f"taken for {answer.answer}"
    scale = max(1, round(_SIDE / max(tile.size)))
    image = element(
        "img", src=pictures.of_image(tile), width=scale * tile.width, height=scale * tile.height,
        alt=f"Test image {answer.image + 1:,}: {answer.label}, {told}, probability {share}",
    )  # fmt: skip
    words = element("figcaption", element("strong", answer.label), "" if answer.right else f" as {answer.answer}",
                    element("br"), share)  # fmt: skip
    return element("figure", image, words)
