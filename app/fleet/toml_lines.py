"""Finds the line of a TOML file on which something stands, which the parser itself does not tell."""

import re
import tomllib
from collections.abc import Sequence
from typing import Any

Path = Sequence[str | int]
"""Keys and places in lists, from the root."""


def line_of(text: str, path: Path) -> int:
    """
    Return the line, from 1, of what stands at a path; for what is not there, of the last thing above it.

    A prefix of the lines is itself TOML where it ends with a statement, so the parser can be asked which
    lines bring the path into being.
    """
    # A prefix must not end in half a line break.
    lines = text.replace("\r\n", "\n").split("\n")
    while path and not _holds(lines, len(lines), path):
        path = path[:-1]
    if not path:
        return 1
    low, high = 0, len(lines)  # the path is not in the first `low` lines, and it is in the first `high`
    while high - low > 1:
        middle = (low + high) // 2
        if _holds(lines, middle, path):
            high = middle
        else:
            low = middle
    first = high
    while first > 1 and _parse(lines[: first - 1]) is None:
        first -= 1
    return _narrowed(lines, first, high, path)


def _holds(lines: Sequence[str], count: int, path: Path) -> bool:
    """Whether the statements that end within the first lines bring a path into being."""
    while (document := _parse(lines[:count])) is None:
        count -= 1
    found: Any = document
    for step in path:
        try:
            found = found[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _parse(lines: Sequence[str]) -> dict[str, Any] | None:
    try:
        return tomllib.loads("\n".join(lines))
    except tomllib.TOMLDecodeError:
        return None


def _narrowed(lines: Sequence[str], first: int, last: int, path: Path) -> int:
    """Line of the key itself within a statement over several lines."""
    if isinstance(path[-1], str):
        key = re.compile(rf"""(?:^|[\s{{,."'])({re.escape(path[-1])})["']?\s*=""")
        for number in range(first, last + 1):
            if key.search(lines[number - 1]):
                return number
    return first
