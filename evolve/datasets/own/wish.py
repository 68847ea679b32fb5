"""What the user may want of images of their own: where they lie, and how they are to be stored."""

from dataclasses import dataclass

from evolve.datasets.image_form import Levels


@dataclass(frozen=True)
class Wish:
    """Paths are absolute, or "". ``width`` x ``height`` pixels, reached by ``fit`` (see ``picture_fit``).

    ``channels`` 1 or 3, 0 as the images are. ``test_part`` of each class is split off to test on where there are no
    images for that. ``levels`` as in ``image_form``. Images that cannot be read are an error, or left out.
    """

    folder: str = ""
    train: str = ""
    test: str = ""
    mean_file: str = ""
    width: int = 0
    height: int = 0
    fit: str = "resize"
    channels: int = 0
    test_part: float = 0.2
    levels: Levels | None = None
    leave_out_unreadable: bool = False
