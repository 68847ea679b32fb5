"""Which data set a stranger's network was made for, as far as its files' names and its shape tell."""

import re
from dataclasses import dataclass, replace

from evolve.adoption.feeding import Feeding
from evolve.adoption.given import Given
from evolve.network.axes import ImageShape
from evolve.settings.changes import Changes

_ASKED = "as SET= has it"
OWN, DATABASES = "images", "lmdb"  # a folder of one's own images, or databases of them
_OF_OWN = {"folder", "train", "channels"}  # settings that tell of one's own: other data sets know theirs


@dataclass(frozen=True)
class DataSet:
    """A data set's name, an image's channels and (height, width) in it, 0 where any will do, and why it was taken."""

    name: str
    channels: int
    size: tuple[int, int]
    classes: int
    why: str = ""
    stand_in: str = ""  # what may be used, loudly, where it cannot be had
    folder: str = ""  # of one's own: what lies where
    train: str = ""
    test: str = ""
    mean_file: str = ""

    @property
    def is_asked(self) -> bool:
        """Whether SET= names it."""
        return self.why == _ASKED


# Words of the names that people give to databases, means and networks.
_NAMED = (
    (re.compile("cifar(?!-?_?100)"), DataSet("cifar10", 3, (32, 32), 10)),
    (re.compile("mnist"), DataSet("mnist", 1, (28, 28), 10, stand_in="digits")),
    (re.compile("stl-?_?10"), DataSet("stl10", 3, (32, 32), 10)),
)
UNKNOWN = DataSet(OWN, 0, (0, 0), 0)


def named(given: Given, feeding: Feeding) -> DataSet:
    """The data set that sources, mean files, the network's name or its file's tell of; `images` where none does."""
    words = [given.net.name, given.reading.path.name]
    for source in feeding.sources.values():
        words += [source.data_param.source, source.image_data_param.source, source.transform_param.mean_file]
    words += [source for layer in feeding.sources.values() for source in (layer.hdf5_data_param.source,)]
    for pattern, found in _NAMED:
        for word in words:
            if pattern.search(word.lower()):
                return replace(found, why=f"as '{word}' tells")
    return UNKNOWN


def asked(found: DataSet, changed: Changes, resized: tuple[int, int]) -> DataSet:
    """The data set that SET=, `changed`, names, else `found`; of the size and the channels that SET= says.

    What neither SET= nor the data set's name tells of its images is as `found` has it; one's own are as large as the
    network's layer makes them, `resized`, zeros where it makes none.
    """
    wanted = {change.path.removeprefix("dataset."): change.value for change in changed}
    own = OWN if wanted.keys() & _OF_OWN and found.name != DATABASES else found.name
    name = wanted.get("name", own)
    if name != found.name:
        usual = replace(UNKNOWN, name=name, channels=found.channels, size=found.size)
        found = next((known for _, known in _NAMED if known.name == name), usual)
    why = _ASKED if wanted.keys() & {"name", *_OF_OWN} else found.why
    side = int(wanted.get("image_size", 0))
    height, width = (side or int(wanted.get(each, 0)) for each in ("height", "width"))
    told = resized if all(resized) and (name == OWN or not all(found.size)) else found.size
    size = (height, width) if height and width else told
    return replace(found, channels=int(wanted.get("channels", 0)) or found.channels, size=size, why=why)


def of_shape(image: ImageShape, classes: int) -> DataSet:
    """The data set of images of about that size with so many classes; `images` where none is like it; in that size."""
    for _, found in _NAMED[:2]:
        near = found.size[0] <= image[1] <= found.size[0] + 6 and image[1] == image[2]
        if near and (image[0], classes) == (found.channels, found.classes):
            size = "x".join(map(str, image))
            return replace(found, size=image[1:], why=f"as images of {size} in {classes} classes")
    return replace(UNKNOWN, size=image[1:])
