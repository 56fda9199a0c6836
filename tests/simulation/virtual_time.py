"""An event loop whose time passes only when nothing is left to do, and then at once."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import anyio

T = TypeVar("T")

EPOCH_MS: Final = 1_767_571_200_000  # what the servers' clocks show as a run begins: 2026-01-05 00:00 UTC


class _Selector(selectors.DefaultSelector):
    """Lets time pass instead of waiting."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        """Return at once, with the clock where it would be."""
        assert timeout is not None, "everything waits, and nothing will ever happen"
        self.now += max(timeout, 0.0)
        return []  # there are no sockets


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop without sockets or threads; every run of the same program is the same."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Seconds since the run began."""
        return self._virtual.now


class Clock:
    """Stands in for the module ``time`` where the engine looks at a clock."""

    @staticmethod
    def monotonic() -> float:
        """Seconds since the run began."""
        return asyncio.get_running_loop().time()

    perf_counter = monotonic

    @staticmethod
    def time_ns() -> int:
        """Wall time."""
        return EPOCH_MS * 1_000_000 + round(asyncio.get_running_loop().time() * 1e9)


def run(function: Callable[..., Awaitable[T]], *arguments: Any) -> T:
    """Run a coroutine function in virtual time."""
    return anyio.run(function, *arguments, backend_options={"loop_factory": VirtualLoop})
