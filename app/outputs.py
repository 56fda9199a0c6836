"""
Reads what wallets said, wherever that is: where they live, and where they lived before.

Output streams of several partitions are read as one, in the order of entry ids. A wallet that was moved said
nothing meanwhile, so its own events come in the order in which they were said.
"""

from collections.abc import AsyncIterator, Mapping
from heapq import heapify, heappop, heapreplace
from typing import NamedTuple

from stream.client import Client, fields_of
from stream.keys import FIELD
from stream.order import parse_id

END = b"+"


class Said(NamedTuple):
    """One entry of an output stream."""

    id: bytes
    event: bytes


async def said(client: Client, ends: Mapping[str, bytes], page: int) -> AsyncIterator[Said]:
    """
    Read streams from their beginning.

    Args:
        client: any.
        ends: by stream, the last id to read; `END`: all there is.
        page: entries of a stream in one reply.

    Raises:
        TransportError: the server is away.

    """
    heads: list[tuple[tuple[int, int], int, Said]] = []
    streams = [_one(client, name, end, page) for name, end in ends.items()]
    for number, stream in enumerate(streams):
        async for one in stream:
            heads.append((parse_id(one.id), number, one))
            break
    heapify(heads)
    while heads:
        _, number, head = heads[0]
        yield head
        async for one in streams[number]:
            heapreplace(heads, (parse_id(one.id), number, one))
            break
        else:
            heappop(heads)


async def _one(client: Client, name: str, end: bytes, page: int) -> AsyncIterator[Said]:
    start = b"-"
    while reply := await client.ask("XRANGE", name, start, end, "COUNT", page):
        for entry_id, flat in reply:
            yield Said(entry_id, fields_of(flat).get(FIELD, b""))
        if len(reply) < page:
            return
        start = b"(" + reply[-1][0]
