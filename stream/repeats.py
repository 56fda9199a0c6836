"""
Recognises repeats among the last entries of a partition.

Nothing is written for it: the retained input is itself the record of what was applied. The window counts
entries, repeats and dead letters among them, so that a reload from the streams gives the same window, as does
what a worker hands over that lets go (`stream.handover`).
"""

from collections import deque
from typing import Final

DEFAULT_WINDOW: Final = 200_000


class Repeats:
    """Identities of the last ``window`` entries; dead letters have none, for they may be sent again."""

    def __init__(self, window: int = DEFAULT_WINDOW) -> None:
        self._window = window
        self._order: deque[str | None] = deque()
        self._seen: set[str] = set()
        self._more: dict[str, int] = {}  # how often an identity stands in the window beyond once

    def __contains__(self, identity: str) -> bool:
        return identity in self._seen

    def in_order(self) -> list[str | None]:
        """Return the window, to be added one by one to another."""
        return list(self._order)

    def add(self, identity: str | None) -> None:
        """Take the next entry into the window; None for one that nothing can repeat."""
        if identity is not None:
            known = len(self._seen)
            self._seen.add(identity)
            if len(self._seen) == known:
                self._more[identity] = self._more.get(identity, 0) + 1
        self._order.append(identity)
        if len(self._order) > self._window:
            self._forget(self._order.popleft())

    def _forget(self, identity: str | None) -> None:
        if identity is None:
            return
        more = self._more.pop(identity, 0) if self._more else 0
        if more > 1:
            self._more[identity] = more - 1
        elif not more:
            self._seen.discard(identity)
