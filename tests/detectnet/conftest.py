"""Two LMDBs that belong together, as a detection data set has them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from detectnet_examples import image_datum, label_datum, label_of, store, street


@pytest.fixture
def pair(tmp_path: Path) -> Callable[[int], tuple[Path, Path]]:
    """``pair(7)`` writes two LMDBs of seven examples and returns their folders."""

    def write(count: int) -> tuple[Path, Path]:
        examples = [street(number) for number in range(count)]
        store(tmp_path / "images", {f"{n:08d}": image_datum(image) for n, (image, _) in enumerate(examples)})
        store(tmp_path / "labels", {f"{n:08d}": label_datum(label_of(each)) for n, (_, each) in enumerate(examples)})
        return tmp_path / "images", tmp_path / "labels"

    return write
