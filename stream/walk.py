"""Walks through the input streams of a partition as one, in the one order, without a consumer group."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from stream.checkpoint import START
from stream.client import Client
from stream.entries import read_entries
from stream.keys import Keys
from stream.order import order_key
from stream.types import Entry

END: Final = b"+"
_CHUNK: Final = 5_000


async def walk(
    client: Client, keys: Keys, inputs: Sequence[str], after: Sequence[bytes], ends: Sequence[bytes]
) -> AsyncIterator[list[Entry]]:
    """
    Read entries in batches.

    Args:
        client: any.
        keys: of the partition.
        inputs: names of its input streams.
        after: of each stream, the id to begin behind.
        ends: of each stream, the last id to read; `END`: all there is.

    Raises:
        TransportError: the server is away.

    """
    behind = list(after)
    held: list[list[Entry]] = [[] for _ in inputs]
    open_streams = {stream for stream in range(len(inputs)) if ends[stream] != START}
    while open_streams or any(held):
        for stream in sorted(open_streams):
            if held[stream]:
                continue
            start = b"(" + behind[stream]
            name = keys.input(inputs[stream])
            reply = await client.ask("XRANGE", name, start, ends[stream], "COUNT", _CHUNK)
            held[stream] = read_entries(stream, reply)
            if len(reply) < _CHUNK:
                open_streams.discard(stream)
            if reply:
                behind[stream] = reply[-1][0]
        # A stream with more behind its last entry is known only up to that.
        horizon = min((order_key(held[s][-1]) for s in open_streams if held[s]), default=None)
        merged = sorted((entry for entries in held for entry in entries), key=order_key)
        ready = [entry for entry in merged if horizon is None or order_key(entry) <= horizon]
        taken = [0] * len(inputs)
        for entry in ready:
            taken[entry.stream] += 1
        held = [entries[count:] for entries, count in zip(held, taken, strict=True)]
        if ready:
            yield ready
