"""What ClusterDetections and ClusterGroundtruth are told: numbers in a param_str, in NVIDIA's order."""

from dataclasses import dataclass

from evolve.base.errors import UserError

MAX_BOXES = 50  # a class and image

_NAMES = ("W", "H", "stride", "coverage threshold", "group threshold", "eps", "minimum height")


@dataclass(frozen=True)
class Clustering:
    """Lengths in pixels; a group counts if it has more than `group_threshold` members."""

    image_size_x: int
    image_size_y: int
    stride: int
    coverage_threshold: float
    group_threshold: int
    eps: float
    min_height: float
    classes: int = 1
    max_boxes: int = MAX_BOXES
    legacy: bool = False

    @property
    def grid(self) -> tuple[int, int]:
        """(rows, columns) of cells."""
        return self.image_size_y // self.stride, self.image_size_x // self.stride


def parse(param_str: str, where: str = "param_str") -> Clustering:
    """Reads "W, H, stride, coverage threshold, group threshold, eps, minimum height[, classes[, boxes]][, legacy]".

    As NVIDIA's layer has it; a last word `corners` or `legacy` says how boxes are grouped. UserError for anything else.
    """
    words = [word.strip() for word in param_str.split(",")]
    style = words.pop() if words[-1] in ("corners", "legacy") else "corners"
    if not len(_NAMES) <= len(words) <= len(_NAMES) + 2:
        raise UserError(
            f"{where}: expected '{', '.join(_NAMES)}', then classes, boxes, corners or legacy if needed, "
            f"got '{param_str}'"
        )
    numbers = [_number(word, where) for word in words]
    width, height, stride, classes, boxes = map(int, (*numbers[:3], *numbers[7:], *(1, MAX_BOXES)[len(numbers) - 7 :]))
    if min(width, height, stride, classes, boxes) < 1 or width % stride or height % stride:
        raise UserError(f"{where}: expected W and H to be multiples of the stride, and 1 or more, got '{param_str}'")
    threshold, members, eps, least = numbers[3:7]
    return Clustering(
        width, height, stride, threshold, int(members), eps, least, classes, boxes, legacy=style == "legacy"
    )


def parse_ground_truth(param_str: str, where: str = "param_str") -> Clustering:
    """Reads "W, H, stride[, classes[, boxes]]", ClusterGroundtruth's; the rest of ClusterDetections' plays no part."""
    words = param_str.split(",")
    if not 3 <= len(words) <= 5:
        raise UserError(f"{where}: expected 'W, H, stride', then classes, boxes if needed, got '{param_str}'")
    return parse(",".join([*words[:3], "1", "0", "0", "0", *words[3:]]), where)


def _number(word: str, where: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise UserError(f"{where}: expected a number, got '{word}'") from None
