"""What facts about DetectNet say, one number at a time: the oracle of every module in evolve/detectnet."""

import colorsys
import math

import numpy as np


def coverage(objects, width, height, stride, classes, clip, scale=0.4, least=20.0, most=None, obj_norm=True):
    """Ground truth as nested lists [channel][row][column]; objects are (x, y, w, h, class), classes {src: dst}."""
    rows, columns = height // stride, width // stride
    maps = 1 + max(classes.values())
    grid = [[[0.0] * columns for _ in range(rows)] for _ in range(8 + maps)]
    for x, y, w, h, kind in objects:
        x1, y1, x2, y2 = x, y, x + w, y + h
        if clip:
            x1, y1, x2, y2 = max(x1, 0), max(y1, 0), min(x2, width), min(y2, height)
        if kind not in classes or x2 <= x1 or y2 <= y1:
            continue
        sides = []
        for side in (x2 - x1, y2 - y1):
            sides.append(min(side, max(least, scale * side)) if most is None else min(most, scale * side))
        middle = ((x1 + x2) / 2, (y1 + y2) / 2)
        left, right = middle[0] - sides[0] / 2, middle[0] + sides[0] / 2
        top, bottom = middle[1] - sides[1] / 2, middle[1] + sides[1] / 2
        for row in range(rows):
            for column in range(columns):
                cx, cy = column * stride, row * stride
                across = min(right, cx + stride) - max(left, cx)
                down = min(bottom, cy + stride) - max(top, cy)
                if across <= 0 or down <= 0 or across * down < 1e-4:
                    continue
                norm = stride * stride / (sides[0] * sides[1])
                cell = [1, x1 - cx, y1 - cy, x2 - cx, y2 - cy, 1 / (x2 - x1), 1 / (y2 - y1)]
                cell.append(norm if obj_norm else max(1, norm))
                cell += [1.0 if classes[kind] == number else 0.0 for number in range(maps)]
                for channel, value in enumerate(cell):
                    grid[channel][row][column] = value
    return grid


def hsv(pixel, hue, saturation):
    """A pixel (blue, green, red) 0..255, its hue turned by degrees and its saturation multiplied."""
    blue, green, red = (value / 255 for value in pixel)
    h, s, v = colorsys.rgb_to_hsv(red, green, blue)
    red, green, blue = colorsys.hsv_to_rgb((h + hue / 360) % 1, s * saturation, v)
    return [255 * blue, 255 * green, 255 * red]


def cubic(position):
    """The four taps around a position and their weights: Keys's kernel with a = -0.75, as OpenCV's INTER_CUBIC."""
    first = math.floor(position) - 1
    weights = []
    for tap in range(first, first + 4):
        d, a = abs(position - tap), -0.75
        if d <= 1:
            weights.append(((a + 2) * d - (a + 3)) * d * d + 1)
        else:
            weights.append(((a * d - 5 * a) * d + 8 * a) * d - 4 * a if d < 2 else 0.0)
    return [(first + number, weight) for number, weight in enumerate(weights)]


def resize(image, width, height):
    """A one-channel image [row][column], resized."""
    rows, columns = len(image), len(image[0])
    result = []
    for row in range(height):
        line = []
        for column in range(width):
            total = 0.0
            for y, v in cubic((row + 0.5) * rows / height - 0.5):
                for x, u in cubic((column + 0.5) * columns / width - 0.5):
                    total += v * u * image[min(max(y, 0), rows - 1)][min(max(x, 0), columns - 1)]
            line.append(total)
        result.append(line)
    return result


def crop(image, corner, width, height):
    """What of a one-channel image lies from `corner` (x, y) on, zeros beyond."""
    x, y = corner
    inside = range(len(image)), range(len(image[0]))
    return [
        [
            image[row + y][column + x] if row + y in inside[0] and column + x in inside[1] else 0.0
            for column in range(width)
        ]
        for row in range(height)
    ]


def to_even(value):
    """The nearest whole number, halves to the even one."""
    return round(float(value))


def groups(rectangles, threshold, eps):
    """groupRectangles of (x, y, w, h) as a list of (mean rectangle, members)."""
    label = labels(rectangles, eps)
    found = []
    for first in sorted(set(label)):
        members = [rectangle for rectangle, number in zip(rectangles, label, strict=True) if number == first]
        share = np.float32(1) / np.float32(len(members))  # OpenCV's mean, in 32 bits
        found.append(([to_even(np.float32(sum(side)) * share) for side in zip(*members, strict=True)], len(members)))
    kept = []
    for one, n1 in found:
        inside = False
        for other, n2 in found:
            if other is not one and n2 > threshold and within(one, other, eps) and (n2 > max(3, n1) or n1 < 3):
                inside = True
        if n1 > threshold and not inside:
            kept.append((one, n1))
    return kept


def labels(rectangles, eps):
    """For each rectangle the number of the first that it is like, or like one that is."""
    label = list(range(len(rectangles)))
    changed = True
    while changed:
        changed = False
        for i in range(len(rectangles)):
            for j in range(len(rectangles)):
                if label[j] > label[i] and i != j and alike(rectangles[i], rectangles[j], eps):
                    label[j] = label[i]
                    changed = True
    return label


def alike(one, other, eps):
    """Whether all four edges agree."""
    limit = eps * (min(one[2], other[2]) + min(one[3], other[3])) * 0.5
    pairs = [(one[0], other[0]), (one[1], other[1])]
    pairs += [(one[0] + one[2], other[0] + other[2]), (one[1] + one[3], other[1] + other[3])]
    return all(abs(a - b) <= limit for a, b in pairs)


def within(one, other, eps):
    """Whether a rectangle lies in another, with a margin."""
    dx, dy = to_even(other[2] * eps), to_even(other[3] * eps)
    return (
        one[0] >= other[0] - dx
        and one[1] >= other[1] - dy
        and one[0] + one[2] <= other[0] + other[2] + dx
        and one[1] + one[3] <= other[1] + other[3] + dy
    )


def iou(one, other):
    """Intersection over union of two boxes x1, y1, x2, y2."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    if across <= 0 or down <= 0:
        return 0.0
    area = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1])
    return across * down / (area - across * down)


def simplified(objects, detections, threshold):
    """(true positives, false positives, false negatives)."""
    used = set()
    for item in objects:
        for number, detection in enumerate(detections):
            if number not in used and iou(item, detection) >= threshold:
                used.add(number)
                break
    return len(used), len(detections) - len(used), len(objects) - len(used)


def average_precision(images, threshold, points):
    """AP of [(objects, detections with confidence)] over images; points 0, 11 or 40."""
    total = sum(len(objects) for objects, _ in images)
    scored = []
    for objects, detections in images:
        free = list(range(len(objects)))
        for detection in sorted(detections, key=lambda each: -each[4]):
            best = max(free, key=lambda number: iou(objects[number], detection), default=None)
            hit = best is not None and iou(objects[best], detection) >= threshold
            if hit:
                free.remove(best)
            scored.append((detection[4], hit))
    curve = []
    for level in sorted({score for score, _ in scored}, reverse=True):
        counted = [hit for score, hit in scored if score >= level]
        curve.append((sum(counted) / max(1, total), sum(counted) / len(counted)))

    def best_from(recall):
        return max((p for r, p in curve if r >= recall - 1e-9), default=0.0)

    if points == 11:
        return sum(best_from(number / 10) for number in range(11)) / 11
    if points:
        return sum(best_from((number + 1) / points) for number in range(points)) / points
    area, before = 0.0, 0.0
    for recall, _ in curve:
        area += (recall - before) * best_from(recall)
        before = recall
    return area
