"""EXIF can say that an image lies on its side or on its head: whether boxes were drawn before or after it was turned.

Some tools show an image as it is stored and some as it is meant. The size in the annotations tells which, unless both
ways are as wide: then nobody can know, and nobody guesses.
"""

from evolve.base.errors import UserError
from evolve.datasets import image_file
from evolve.datasets.detection import Detection, Photo

_UPRIGHT = 1


def turned(photo: Photo, wanted: Detection) -> bool | None:
    """Whether the photograph is to be turned as its EXIF says; None where that says nothing of turning.

    UserError where it is unclear and ``wanted.orientation`` does not decide it.
    """
    orientation, stored, upright = image_file.lying(photo.file)
    if orientation == _UPRIGHT:
        return None
    if photo.size and stored != upright:
        # Neither's size is said to be another image's when that is turned.
        return photo.size != stored
    if not photo.boxes or wanted.orientation != "ask":
        return wanted.orientation != "leave"
    tells = f"annotations say {photo.size[0]}x{photo.size[1]} either way" if photo.size else "annotations say no size"
    raise UserError(
        f"{photo.where}: expected to know which way up {photo.file} was when its boxes were drawn, got EXIF "
        f"orientation {orientation}, and {tells}; set orientation: TURN for as it is shown, LEAVE for as it is stored"
    )
