"""
Elements of SVG and HTML.

What is put into an element is escaped unless it is an element itself, so text from outside stays text.
"""

from collections.abc import Iterable
from html import escape


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def element(name: str, *children: str, **attributes: object) -> Markup:
    """
    Make an element.

    Args:
        name: of the tag.
        children: markup, or text, which is escaped.
        attributes: ``class_`` is class, ``stroke_width`` is stroke-width; those that are None are left out.

    """
    words = [name]
    for key, value in attributes.items():
        if value is not None:
            text = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
            words.append(f'{key.rstrip("_").replace("_", "-")}="{escape(text)}"')
    return Markup(f"<{' '.join(words)}>{join(children)}</{name}>")


def join(parts: Iterable[str]) -> Markup:
    """Put markup and text, which is escaped, one after the other."""
    return Markup("".join(part if isinstance(part, Markup) else escape(part) for part in parts))
