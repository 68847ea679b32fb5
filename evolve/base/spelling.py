"""The name that somebody meant is the known one most like what they wrote, if any is like it."""

from collections.abc import Iterable
from difflib import SequenceMatcher

_LIKE = 0.5  # of difflib's likeness, 0 to 1


def nearest(written: str, known: Iterable[str], likeness: float = _LIKE) -> str:
    """The known name that is most like `written`, whatever its capitals; "" where none is like it.

    Of dotted names the last part must be like the other's, and counts as much as the whole. Of equals the first one in
    the alphabet.
    """

    def unlike(each: str) -> tuple[float, float, str]:
        last = _ratio(_last(each).lower(), _last(written).lower())
        whole = _ratio(each.lower(), written.lower())
        return -(last + whole) / 2, -_ratio(each, written), each

    near = [each for each in known if _ratio(_last(each).lower(), _last(written).lower()) >= likeness]
    return min(near, key=unlike, default="")


def did_you_mean(written: str, known: Iterable[str], otherwise: str, quoted: str = "{}") -> str:
    """``did you mean X?``, X as `quoted` has it; `otherwise` where no known name is like the one written."""
    near = nearest(written, known)
    return f"did you mean {quoted.format(near)}?" if near else otherwise


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _ratio(name: str, written: str) -> float:
    return SequenceMatcher(None, name, written).ratio()
