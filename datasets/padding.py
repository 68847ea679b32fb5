"""Small images get a margin of zeros on all four sides, so that nets of several input sizes can read them."""

from evolve.errors import UserError


def margin(name: str, own_size: int, image_size: int, least: int, usual: int = 32) -> int:
    """The zeros to add on each side, in pixels, to make ``own_size`` into ``image_size``.

    Raises UserError if image_size is below ``least`` or the difference is odd: a margin that is wider on one
    side would shift every image by half a pixel. ``usual`` is a size to suggest.
    """
    difference = image_size - own_size
    if image_size < least or difference % 2:
        kind = "even" if own_size % 2 == 0 else "odd"
        raise UserError(
            f"data set '{name}': expected an {kind} image_size of at least {least}, got {image_size}; "
            f"{least} and {usual} are the usual ones"
        )
    return difference // 2
