"""What the user may want of images of their own: where they lie, and how they are to be stored."""

import os
from dataclasses import asdict, dataclass

from evolve.base.errors import UserError
from evolve.datasets.image_form import Levels

BGR = "BGR"  # as OpenCV has it, and whatever Caffe's tools made by it


@dataclass(frozen=True)
class Wish:
    """Paths are absolute, or "". ``width`` x ``height`` pixels, reached by ``fit`` (see ``picture_fit``).

    ``channels`` 1 or 3, 0 as the images are; three are stored in ``channel_order``, BGR or RGB, which records of
    databases that are not encoded have already. ``test_part`` of each class is split off to test on where there are no
    images for that, and ``split_seed`` decides on which, and on those to choose by, and in which order the rest is
    trained on: all runs' seeds share these. ``levels`` as in ``image_form``. Images that cannot be read are an error,
    or left out.
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
    split_seed: int = 1
    levels: Levels | None = None
    leave_out_unreadable: bool = False
    channel_order: str = BGR

    @property
    def red_first(self) -> bool:
        """Whether stored images have red first, and not blue."""
        return self.channel_order != BGR

    def words(self) -> dict[str, object]:
        """All that decides how images are stored, for names and hashes: what came later only where it is wished."""
        words = asdict(self)
        if not self.red_first:
            del words["channel_order"]
        return words

    def check_paths(self) -> None:
        """UserError for the first one that leads nowhere."""
        for path in filter(None, (self.folder, self.train, self.test)):
            if not os.path.exists(path):
                raise UserError(f"expected {path}, got no such folder or file; correct the path")
