"""
Reads a partition's input streams, all in one look.

Rules kept here:

1. A look is one ``XREADGROUP … NOACK`` over the streams: one atomic sight of their ends. There is no pending
   list; the checkpoint is ours. What a look returns was received, all of it or nothing.
2. The group's cursor runs ahead of the checkpoint by what is in flight. When a reply may have been lost the
   reader goes on with a new group behind what was received. The old one is destroyed, because a read that was
   given up may still wait in the server, or be on its way there, and would take what comes next.
3. The group belongs to one epoch. NOGROUP means that the partition has changed hands, or that the group has
   to be made anew at the checkpoint; either way the worker takes the partition again. So it does when entries
   come a second time: a failover may take the cursor back and leave the checkpoint as it is.
"""

from collections.abc import Collection, Sequence
from typing import Final

from stream import scripts
from stream.checkpoint import Checkpoint
from stream.client import Argument, Client
from stream.entries import bytes_in, read_entries
from stream.errors import FencedError
from stream.keys import Keys
from stream.order import parse_id
from stream.portion import Portion
from stream.types import Entry

CONSUMER: Final = "worker"  # a group has one reader, so the name need not tell it apart


class Reader:
    """Reads what is behind a checkpoint. Needs a client of its own: a look may block."""

    def __init__(
        self,
        client: Client,
        keys: Keys,
        inputs: Sequence[str],
        checkpoint: Checkpoint,
        count: int,
    ) -> None:
        self._client = client
        self._streams = [keys.input(name) for name in inputs]
        self._index = {name.encode(): i for i, name in enumerate(self._streams)}
        self._keys = keys
        self._checkpoint = checkpoint
        self._rewinds = 0
        self._group = keys.group(checkpoint.epoch, checkpoint.taking)
        self._received = list(checkpoint.positions)
        self._portion = Portion(count)
        self.asked = self._portion.count  # entries of each stream that the last look asked for

    async def look(self, skip: Collection[int], block_ms: int | None) -> list[list[Entry]]:
        """
        Return what each stream has, ``asked`` entries of each before it is cut off.

        Args:
            skip: streams to leave out.
            block_ms: how long to wait for the first entry; None: do not wait.

        Raises:
            TransportError: the reply did not come, or the group is gone.
            FencedError: what was received came again.

        """
        self.asked = self._portion.count
        found = await self._ask(skip, block_ms)
        filled = [entries for entries in found if entries]
        if block_ms is not None and len(filled) == 1 and len(filled[0]) > 1:
            # Before 7.2 Redis answers a read that waited with the one stream that woke it, as far as it goes
            # by then. What the others got meanwhile may come before its later entries.
            later = await self._ask(skip, None)
            found = [[*entries, *more] for entries, more in zip(found, later, strict=True)]
        for stream, entries in enumerate(found):
            if entries:
                if parse_id(entries[0].id) <= parse_id(self._received[stream]):
                    raise FencedError("entries came a second time: a failover took back how far was read")
                self._received[stream] = entries[-1].id
        longest = max(map(len, found))
        if longest:
            size = sum(map(bytes_in, found))
            self._portion.got(longest, sum(map(len, found)), size)
        return found

    async def _ask(self, skip: Collection[int], block_ms: int | None) -> list[list[Entry]]:
        names = [name for i, name in enumerate(self._streams) if i not in skip]
        command: list[Argument] = ["XREADGROUP", "GROUP", self._group, CONSUMER, "COUNT", self.asked]
        if block_ms is not None:
            command += ["BLOCK", block_ms]
        command += ["NOACK", "STREAMS", *names, *[">"] * len(names)]
        reply = await self._client.ask(*command)
        found: list[list[Entry]] = [[] for _ in self._streams]
        for name, entries in reply or ():
            stream = self._index[name]
            found[stream] = read_entries(stream, entries)
        return found

    async def rewind(self) -> None:
        """
        Go on behind what was received, after a reply that may have been lost.

        Raises:
            FencedError: the partition has another owner.
            TransportError: the reply did not come, or the group is gone.

        """
        epoch, taking = self._checkpoint.epoch, self._checkpoint.taking
        group = self._keys.group(epoch, taking, self._rewinds + 1)
        arguments: list[Argument] = [taking, self._group, group, *self._received]
        names = [self._keys.checkpoint, *self._streams]
        reply = await self._client.run(scripts.REWIND, names, arguments)
        if not reply[0]:
            raise FencedError(f"epoch {epoch} ended, the partition is at epoch {int(reply[1])}")
        self._rewinds += 1
        self._group = group
