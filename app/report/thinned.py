"""Series of any length in bounded memory."""

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Thinned(Generic[T]):
    """
    Rows by time, at most so many of them.

    Time is cut into stretches of one length, and of each the rows are made one. When there are too many, the
    length doubles. The time of the last row is always there.
    """

    def __init__(self, most: int, merge: Callable[[T, T], T]) -> None:
        """``merge`` makes one of an earlier and a later row; `most` is at least 2."""
        self._most, self._merge = most, merge
        self._length_ms = 1
        self._rows: dict[int, tuple[int, T]] = {}  # by stretch: time of the last row in it, and the row

    def add(self, at: int, row: T) -> None:
        """Add a row of a time in milliseconds, not before the last one's."""
        self._put(at, row)
        while len(self._rows) > self._most:
            self._length_ms *= 2
            rows, self._rows = self._rows, {}
            for time, one in rows.values():
                self._put(time, one)

    def _put(self, at: int, row: T) -> None:
        stretch = at // self._length_ms
        known = self._rows.get(stretch)
        self._rows[stretch] = at, (row if known is None else self._merge(known[1], row))

    @property
    def rows(self) -> list[tuple[int, T]]:
        """Rows with their times, oldest first."""
        return list(self._rows.values())
