"""KITTI's difficulties: how high, occluded and truncated an object may be to count as easy, moderate or hard."""

# Least height in pixels, most occlusion, most truncation.
DIFFICULTIES = {"easy": (40, 0, 0.15), "moderate": (25, 1, 0.30), "hard": (25, 2, 0.50)}


def difficulty(height: float, occlusion: float, truncation: float) -> str:
    """The easiest of "easy", "moderate" and "hard" that an object is, its height in pixels of the file; "" if none."""
    for name, (least, most_occluded, most_truncated) in DIFFICULTIES.items():
        if height >= least and occlusion <= most_occluded and truncation <= most_truncated:
            return name
    return ""
