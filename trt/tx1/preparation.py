"""An image becomes what a generation saw in training, as preparation.json says. Python 3.6, numpy and OpenCV.

That is stored as the data set stores images, then read as the net's data layer does: `make classify` does the same.
"""

import json
import os

import cv2
import numpy


def known(folder, generation):
    """How `generation`, a number, has its images; None where nobody said."""
    path = os.path.join(folder, "preparation.json")
    if not os.path.exists(path):
        return None
    with open(path) as file:
        return json.load(file).get(str(generation))


def read(path, given):
    """(channels, height, width) float32 of the image in a file; ValueError where there is none."""
    pixels = _opaque(path, given["channels"] == 1)
    if pixels is None:
        raise ValueError("%s: expected an image that OpenCV reads" % path)
    try:
        return prepared(pixels, given)
    except ValueError as error:
        raise ValueError("%s: %s" % (path, error)) from None


def _opaque(path, grey):
    """(H, W), if `grey`, or (H, W, 3) of the image in a file, white behind what is transparent; None of no image."""
    pixels = cv2.imread(path, cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.shape[2:] != (4,):
        # As it is stored it has no transparent parts; read so, it is turned as its EXIF says.
        return cv2.imread(path, cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR)
    if pixels.dtype == numpy.uint16:
        pixels = pixels // 256
    seen = pixels[:, :, 3:].astype(numpy.uint16)
    pixels = ((pixels[:, :, :3] * seen + 255 * (255 - seen) + 127) // 255).astype(numpy.uint8)
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY) if grey else pixels


def prepared(pixels, given):
    """The same of pixels (H, W) or (H, W, 3), blue first, of any size; ValueError where `pad` has no room for them."""
    height, width = given["height"], given["width"]
    own, zeros = (pixels.shape[1], pixels.shape[0]), 2 * (given["margin"] or 0)
    smaller = given["margin"] is None and own[0] <= width and own[1] <= height
    if own != (width, height) and not smaller:
        pixels = _fitted(pixels, (width - zeros, height - zeros), given["fit"])
    stored = _within_zeros(pixels, (width, height)).reshape(height, width, given["channels"])
    if given["colours"] != "BGR":
        stored = stored[:, :, ::-1]
    mean = numpy.array(given["mean"], numpy.float32)
    values = (stored.transpose(2, 0, 1).astype(numpy.float32) - mean) * numpy.float32(given["scale"])
    crop = given["crop"]
    if not crop:
        return values
    top, left = (height - crop) // 2, (width - crop) // 2
    return values[:, top:top + crop, left:left + crop]


def _fitted(pixels, size, fit):
    height, width = pixels.shape[:2]
    if fit == "crop":
        wide = min(width, max(1, round(height * size[0] / size[1])))
        high = min(height, max(1, round(width * size[1] / size[0])))
        left, top = (width - wide) // 2, (height - high) // 2
        return _resized(numpy.ascontiguousarray(pixels[top:top + high, left:left + wide]), size)
    if fit == "pad":
        if width > size[0] or height > size[1]:
            raise ValueError("expected an image of at most %dx%d to pad, got %dx%d" % (size + (width, height)))
        return _within_zeros(pixels, size)
    if fit == "letterbox":
        scale = min(size[0] / width, size[1] / height)
        wide, high = (min(size[k], max(1, round((width, height)[k] * scale))) for k in (0, 1))
        return _within_zeros(_resized(pixels, (wide, high)), size)
    return _resized(pixels, size)


def _resized(pixels, size):
    """Averaged where it shrinks, bilinear where it grows."""
    if (pixels.shape[1], pixels.shape[0]) == tuple(size):
        return pixels
    shrinks = size[0] < pixels.shape[1] or size[1] < pixels.shape[0]
    return cv2.resize(pixels, tuple(size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _within_zeros(pixels, size):
    whole = numpy.zeros((size[1], size[0]) + pixels.shape[2:], numpy.uint8)
    left, top = (size[0] - pixels.shape[1]) // 2, (size[1] - pixels.shape[0]) // 2
    whole[top:top + pixels.shape[0], left:left + pixels.shape[1]] = pixels
    return whole
