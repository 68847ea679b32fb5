"""HTML and SVG are put together as text so that nothing from a run can become markup by accident.

Whatever is a plain str is escaped; only what `element` and `join` return is markup, and goes through as it is.
"""

from collections.abc import Iterable
from html import escape
from typing import Any

# Elements that have no content and no end tag in HTML; SVG's are always closed.
_VOID = frozenset({"br", "img", "link", "meta"})


class Markup(str):
    """Text that is markup already."""


def element(tag: str, *content: str | None, **attributes: Any) -> Markup:
    """``<tag attributes>content</tag>``; None leaves a piece of content, or an attribute, out; True is a bare one.

    An underscore in an attribute's name is a hyphen, one at its end nothing: class_, aria_label.
    """
    written = "".join(
        f" {_name(name)}" if value is True else f' {_name(name)}="{escape(str(value))}"'
        for name, value in attributes.items()
        if value is not None and value is not False
    )
    end = "" if tag in _VOID else f"{join(content)}</{tag}>"
    return Markup(f"<{tag}{written}>{end}")


def join(pieces: Iterable[str | None], between: str = "") -> Markup:
    """Pieces of content one after the other, those that are plain text escaped."""
    escaped = [piece if isinstance(piece, Markup) else escape(piece) for piece in pieces if piece is not None]
    return Markup(escape(between).join(escaped))


def number(value: Any, shown: str) -> Markup:
    """A figure as a person reads it, with the one that the run's files have behind it."""
    return element("data", shown, value=str(value))


def section(title: str, *content: str | None, about: str = "") -> Markup:
    """A part of the page under its heading, found by its name in the address; `about` explains what it shows."""
    name = title.lower().replace(" ", "-")
    heading = element("h2", title, id=f"{name}-title")
    words = element("p", about, class_="about") if about else None
    return element("section", heading, words, *content, id=name, aria_labelledby=f"{name}-title")


def details(title: str, *content: str | None, opened: bool = False) -> Markup:
    """What is folded away until somebody asks for it."""
    return element("details", element("summary", title), *content, open=opened)


def _name(attribute: str) -> str:
    return attribute.rstrip("_").replace("_", "-")
