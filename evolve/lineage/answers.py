"""Test images that a generation was scored on are drawn as a person sees them: what the data layer did is undone.

They stand side by side in answers.png, in the order of the answers in metrics.json; no setting wants them kept: none.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from evolve.base import records
from evolve.base.errors import UserError
from evolve.datasets import Dataset
from evolve.datasets.own import mean_image
from evolve.lineage.workspace import Workspace
from evolve.network import phases
from evolve.runs import paths
from evolve.runs.score import Answer

_LARGEST = 96  # pixels of a side: a page with two dozen has to go into a mail
_PIXELS = ("Data", "ImageData")
_VALUES = "answers.npz"  # as Caffe's process writes them


def asked(workspace: Workspace, net: phases.Net) -> dict[str, str]:
    """What Caffe's process is told when it scores the generation, so that it keeps some images; nothing if it must not.

    Nor where several layers, or one that reads no images, feed the net, whose values are not known to be pixels.
    """
    sources = phases.image_layers(net, "TEST")
    shown = workspace.experiment.settings.dataset.show_images
    if not shown or len(sources) != 1 or sources[0].type not in _PIXELS:
        return {}
    return {"images": str(sources[0].top[0]), "output": _VALUES}


def drawn(workspace: Workspace, net: phases.Net, said: Mapping[str, Any]) -> list[Answer]:
    """Draws what Caffe's process kept; returns the answer that each got. None that cannot be drawn."""
    values = workspace.folder / _VALUES
    if not values.exists():
        return []
    with np.load(values) as file:
        images = file["images"]
    values.unlink()
    try:
        pixels = _pixels(images, net, workspace.dataset, workspace.folder)
    except UserError:
        return []
    _write(workspace.folder / paths.ANSWERS, [_tile(each, workspace.dataset.colours) for each in pixels])
    return [records.read(Answer, each, "answers") for each in said["answers"]]


def _pixels(images: NDArray[np.float32], net: phases.Net, dataset: Dataset, folder: Path) -> NDArray[np.uint8]:
    """0 to 255 of the values (N, channels, height, width) that the TEST net's data layer yielded. UserError."""
    given = phases.image_layers(net, "TEST")[0].transform_param
    _, channels, height, width = images.shape
    if channels not in (1, 3):
        raise UserError(f"expected images of 1 or 3 channels, got {channels}")
    mean = np.array(list(given.mean_value) or [0], np.float32).reshape(-1, 1, 1)
    if given.mean_file:
        whole = mean_image.read(folder / given.mean_file, dataset.shape)
        top, left = (whole.shape[1] - height) // 2, (whole.shape[2] - width) // 2
        mean = whole[:, top : top + height, left : left + width]
    return np.clip(np.rint(images / np.float32(given.scale) + mean), 0, 255).astype(np.uint8)


def _tile(pixels: NDArray[np.uint8], colours: str) -> Image.Image:
    """The picture of (channels, height, width), smaller if it is large."""
    channels = np.ascontiguousarray((pixels[::-1] if colours == "BGR" else pixels).transpose(1, 2, 0))
    image = Image.fromarray(channels[:, :, 0] if len(pixels) == 1 else channels)
    scale = min(1.0, _LARGEST / max(image.size))
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, Image.Resampling.LANCZOS) if scale < 1 else image


def _write(path: Path, tiles: list[Image.Image]) -> None:
    width, height = tiles[0].size
    sheet = Image.new(tiles[0].mode, (width * len(tiles), height))
    for number, tile in enumerate(tiles):
        sheet.paste(tile, (number * width, 0))
    sheet.save(path, "PNG")
