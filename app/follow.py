"""Follows streams of all partitions as one, in the order of their entry ids."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import anyio

from stream.client import Argument, Client, fields_of
from stream.order import parse_id

START: Final = b"0-0"
_CHUNK: Final = 500
_BLOCK_MS: Final = 1000
_POLL_S: Final = 0.1


class Found(NamedTuple):
    """One entry."""

    name: str  # of its stream
    id: bytes
    fields: Mapping[bytes, bytes]


async def ends_of(client: Client, names: Sequence[str]) -> dict[str, bytes]:
    """Last entry id of each stream. Raises `TransportError`."""
    ends: dict[str, bytes] = {}
    for name in names:
        last = await client.ask("XREVRANGE", name, "+", "-", "COUNT", 1)
        ends[name] = last[0][0] if last else START
    return ends


async def follow(client: Client, after: Mapping[str, bytes], *, wait: bool) -> AsyncIterator[list[Found]]:
    """
    Read what lies behind the given ids, in order.

    Args:
        client: a client whose timeout is above a second.
        after: by stream, the id to start behind.
        wait: go on for ever; else end where the streams end.

    Raises:
        TransportError: the server went away.
        ConfigurationError: a key is no stream.

    """
    positions = dict(after)
    groups = client.together(list(positions))
    block: list[Argument] = ["BLOCK", _BLOCK_MS] if wait and len(groups) == 1 else []
    while True:
        reply: list[Any] = []
        for names in groups:
            streams: list[Argument] = [*names, *(positions[name] for name in names)]
            reply += await client.ask("XREAD", "COUNT", _CHUNK, *block, "STREAMS", *streams) or []
        if not reply and not wait:
            return
        if not reply and not block:
            await anyio.sleep(_POLL_S)
        ready = _ready(reply)
        for found in ready:
            positions[found.name] = found.id
        if ready:
            yield ready


def _ready(reply: Sequence[tuple[bytes, Sequence[tuple[bytes, list[bytes]]]]]) -> list[Found]:
    """Entries that no entry still to be read can come before; the others are read again."""
    read = [[Found(name.decode(), one, fields_of(flat)) for one, flat in entries] for name, entries in reply]
    cut = [parse_id(entries[-1].id) for entries in read if len(entries) >= _CHUNK]
    horizon = min(cut, default=None)
    found = [entry for entries in read for entry in entries]
    if horizon is not None:
        found = [entry for entry in found if parse_id(entry.id) <= horizon]
    return sorted(found, key=_by_id)


def _by_id(found: Found) -> tuple[tuple[int, int], str]:
    return parse_id(found.id), found.name
