"""A duration in words, as long as a person needs them."""


def duration(seconds: float) -> str:
    """42 s, 13 min, 2 h 5 min."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
