"""
Waits for room on a server that is full, in memory or on its disk.

Such a server refuses a write whole, so what is in memory stays right, and the same write is tried again.
"""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import anyio

from stream.errors import FullError
from stream.types import Observer

_PAUSE_FIRST_S: Final = 0.1
_PAUSE_MAX_S: Final = 5.0

T = TypeVar("T")


class Room:
    """What one partition wants to write, and the server has no room for."""

    def __init__(self, partition: int, observer: Observer) -> None:
        """Start with nothing that waits; the observer hears when that changes."""
        self._partition = partition
        self._observer = observer
        self._waiting = 0

    async def wait_for(
        self, write: Callable[[], Awaitable[T]], stop: anyio.Event, longest_s: float = _PAUSE_MAX_S
    ) -> T:
        """
        Write, again and again while the server is full, with pauses that grow to the longest.

        Raises `FullError` if the worker is to stop, and whatever else the write raises.
        """
        try:
            return await write()
        except FullError as error:
            refused = error
        self._waiting += 1
        try:
            return await self._again(write, stop, longest_s, refused)
        finally:
            self._waiting -= 1

    async def _again(
        self, write: Callable[[], Awaitable[T]], stop: anyio.Event, longest_s: float, refused: FullError
    ) -> T:
        pause_s = min(_PAUSE_FIRST_S, longest_s)
        while True:
            if stop.is_set():
                raise refused
            self._observer.stalled(self._partition, str(refused))
            with anyio.move_on_after(pause_s):
                await stop.wait()
            pause_s = min(2 * pause_s, longest_s)
            try:
                done = await write()
            except FullError as error:
                refused = error
            else:
                if self._waiting == 1:
                    self._observer.gets_on(self._partition)
                return done
