"""
How many entries to ask for, so that a reply stays within some megabytes whatever the entries' size.

A server counts entries, not bytes, and one may have a mebibyte. So the first reply is small, each may be
twice the one before, and none is more than what is wanted in bytes by the mean size of the one before.
"""

from typing import Final

REPLY_BYTES: Final = 16 << 20
_FIRST: Final = 16


class Portion:
    """Grows while replies are cut off, and shrinks with entries that are few or large."""

    def __init__(self, most: int) -> None:
        """Never ask for more than ``most``."""
        self._most = most
        self.count = min(_FIRST, most)

    def got(self, longest: int, entries: int, size: int) -> None:
        """
        Learn from a reply.

        Args:
            longest: entries of the stream that had most.
            entries: of all streams.
            size: bytes of all of them.

        """
        if entries:
            in_bytes = REPLY_BYTES * entries // max(size, 1)
            self.count = max(min(max(2 * longest, _FIRST), in_bytes, self._most), 1)
