"""How many there are is said in the words for one where it is one: "1 box is small", "2 boxes are small"."""


def counted(count: float, one: str, several: str = "") -> str:
    """``count`` and the words behind it; ``several`` is ``one`` with an s where it is not given.

    2.0 is 2.
    """
    return f"{f'{count:,}'.removesuffix('.0')} {one if count == 1 else several or one + 's'}"
