"""Thousands of images do not fit into memory: every so manieth is kept to be drawn, and some that are wrong."""

from trt.inference.pictures import Bytes

KEPT = 1000  # images in a row from which those to be drawn are chosen; half as many that are wrong beside them


class Shown:
    """Takes images one by one; how many there will be is not known, and each costs the same."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept, self._stride = kept, 1
        self._regular: dict[int, tuple[Bytes, bool]] = {}  # by number: every stride-th, and whether it is wrong
        self._wrong: dict[int, Bytes] = {}  # the first of the others that are, in order

    def add(self, number: int, pixels: Bytes, wrong: bool) -> None:
        """Image `number`, each larger than the one before."""
        while number >= self._kept * self._stride:
            self._thin()
        if number % self._stride == 0:
            self._regular[number] = pixels, wrong
        elif wrong and len(self._wrong) < self._kept // 2:
            self._wrong[number] = pixels

    def pixels(self, number: int) -> Bytes | None:
        """Those of image `number`, where it was kept."""
        return self._regular[number][0] if number in self._regular else self._wrong.get(number)

    def _thin(self) -> None:
        """Doubles the stride: of those left out, wrong ones take their places among the others that are wrong."""
        self._stride *= 2
        gone = {number: self._regular.pop(number) for number in list(self._regular) if number % self._stride}
        also = {number: pixels for number, (pixels, wrong) in gone.items() if wrong}
        self._wrong = dict(sorted({**self._wrong, **also}.items())[: self._kept // 2])
