"""
What was read is worked on, and what comes of it is committed.

Rules kept here:

1. Batches are worked on, and their outcomes committed, in the order in which they were given.
2. Working and committing overlap: while a commit is in flight the next batch is worked on, and the one after
   it is read. Commits never overlap each other.
3. A few entries that have nobody before them pass at once: their commit is on its way before the next look,
   which would cost them as much time as their work.
"""

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final, Self

import anyio
import anyio.lowlevel

from stream.processor import Processor
from stream.types import Entry, Outcome

_FEW: Final = 8  # entries whose work takes no longer than sending a look


class Pipeline:
    """
    Takes batches from one task.

    As a context it has to outlive that task, which must not hear of it when another task fails.
    """

    def __init__(
        self,
        processor: Processor,
        commit: Callable[[Outcome], Awaitable[None]],
        sent: Callable[[], Awaitable[None]],
    ) -> None:
        """``sent`` waits until a commit that began has left for the server."""
        self._processor = processor
        self._commit = commit
        self._sent = sent
        self._under_way = 0  # batches that are not worked on, and outcomes that are not committed
        self._batches_in, self._batches = anyio.create_memory_object_stream[list[Entry]](0)
        self._outcomes_in, self._outcomes = anyio.create_memory_object_stream[Outcome](0)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for end in (self._batches_in, self._batches, self._outcomes_in, self._outcomes):
            end.close()

    async def give(self, entries: list[Entry]) -> None:
        """Commit what comes of a batch, or wait until it is its turn to be worked on."""
        if len(entries) <= _FEW and not self._under_way:
            for outcome in self._processor.outcomes(entries):
                await self._commit(outcome)
            return
        self._under_way += 1
        await self._batches_in.send(entries)

    def end(self) -> None:
        """Note that no batch will be given any more."""
        self._batches_in.close()

    async def run(self) -> None:
        """Serve until no more is given and everything is committed. Raises as the commit does."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._work)
            async for outcome in self._outcomes:
                await self._commit(outcome)
                self._under_way -= 1

    async def _work(self) -> None:
        async for entries in self._batches:
            # The next look goes out, and all of a large commit: nothing leaves while this is worked on.
            await anyio.lowlevel.checkpoint()
            await self._sent()
            for outcome in self._processor.outcomes(entries):
                self._under_way += 1
                await self._outcomes_in.send(outcome)
            self._under_way -= 1
        self._outcomes_in.close()
