"""The data sets by name: a new one is its own file and one line here."""


from evolve.base.errors import UserError
from evolve.base.spelling import nearest
from evolve.datasets.boxes import kitti, parse27k, streets, voc
from evolve.datasets.images import cifar10, digits, mnist, stl10
from evolve.datasets.source import DetectionSource, Source

SOURCES: dict[str, Source | DetectionSource] = {
    "mnist": mnist.SOURCE,
    "digits": digits.SOURCE,
    "stl10": stl10.SOURCE,
    "cifar10": cifar10.SOURCE,
    "parse27k": parse27k.SOURCE,
    "kitti": kitti.SOURCE,
    "voc": voc.SOURCE,
    "streets": streets.SOURCE,
}


def names() -> list[str]:
    """The names that ``prepare`` and ``prepare_detection`` know, in alphabetical order."""
    return sorted(SOURCES)


def channels(name: str) -> int:
    """Channels of an image of the data set of that name, known before it is there. UserError if there is none."""
    return _any(name).channels


def has_boxes(name: str) -> bool:
    """Whether the data set of that name is for detection. UserError if there is none."""
    return isinstance(_any(name), DetectionSource)


def class_names(name: str) -> tuple[str, ...]:
    """The classes that the detection data set of that name has of its own; none where only the user can know."""
    return detection_source(name).classes


def source(name: str) -> Source:
    """The source of that name, of images with one class each; UserError with the nearest known name if none."""
    found = _any(name)
    if isinstance(found, Source):
        return found
    raise UserError(f"data set '{name}': expected images with a class each, got images with boxes; choose another")


def detection_source(name: str) -> DetectionSource:
    """The source of that name, of images with boxes; UserError with the nearest known name if there is none."""
    found = _any(name)
    if isinstance(found, DetectionSource):
        return found
    raise UserError(f"data set '{name}': expected images with boxes, got images with a class each; choose another")


def _any(name: str) -> Source | DetectionSource:
    if name in SOURCES:
        return SOURCES[name]
    near = nearest(name, names())
    advice = f"write '{near}'" if near else "choose one of these"
    raise UserError(f"data set '{name}': expected one of {', '.join(names())}; {advice}")
