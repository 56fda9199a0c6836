"""Loads a partition at its checkpoint: state, and the window of repeats from the streams themselves."""

from collections.abc import Sequence
from itertools import chain
from typing import Final

import anyio.lowlevel

from stream.checkpoint import Checkpoint
from stream.client import Client, fields_of
from stream.keys import FIELD, Keys
from stream.order import order_key, parse_id
from stream.processor import Processor, remember
from stream.repeats import Repeats
from stream.types import Application, Entry

_CHUNK: Final = 10_000  # entries a reply; keeps replies at a few megabytes


async def load(
    client: Client, keys: Keys, application: Application, checkpoint: Checkpoint, window: int
) -> Processor:
    """
    Return a processor that goes on from the checkpoint; the application's state is loaded into it.

    Raises:
        TransportError: the server is away.
        ConfigurationError: a key has another type than it should.

    """
    state = {kind: await client.hash(keys.state(kind)) for kind in application.kinds}
    tail = await _tail(client, keys, application.inputs, checkpoint.positions, window)
    dead = await _dead(client, keys, tail[0]) if tail else set()
    application.load(state)
    repeats = Repeats(window)
    for first in range(0, len(tail), _CHUNK):
        remember(application, repeats, tail[first : first + _CHUNK], dead)
        await anyio.lowlevel.checkpoint()  # decoding takes long; meanwhile the lease has to be renewed
    return Processor(keys, application, repeats, checkpoint.positions, checkpoint.applied)


async def _tail(
    client: Client, keys: Keys, inputs: Sequence[str], positions: Sequence[bytes], window: int
) -> list[Entry]:
    """Last ``window`` applied entries over all input streams, in order."""
    tails = [
        await _stream_tail(client, keys.input(name), stream, position, window)
        for stream, (name, position) in enumerate(zip(inputs, positions, strict=True))
    ]
    return sorted(chain.from_iterable(tails), key=order_key)[-window:]


async def _stream_tail(client: Client, name: str, stream: int, position: bytes, window: int) -> list[Entry]:
    found: list[Entry] = []
    end = position
    while len(found) < window and end != b"(0-0":
        reply = await client.ask("XREVRANGE", name, end, "-", "COUNT", _CHUNK)
        found += [Entry(stream, entry_id, fields_of(values).get(FIELD)) for entry_id, values in reply]
        if len(reply) < _CHUNK:
            break
        end = b"(" + found[-1].id
    return found[:window]


async def _dead(client: Client, keys: Keys, oldest: Entry) -> set[tuple[str, bytes]]:
    """Stream and id of the dead letters at and behind an entry."""
    found: set[tuple[str, bytes]] = set()
    end = b"+"
    while True:
        reply = await client.ask("XREVRANGE", keys.dead, end, "-", "COUNT", _CHUNK)
        letters = [fields_of(values) for _, values in reply]
        found.update((letter[b"stream"].decode(), letter[b"id"]) for letter in letters)
        # Dead letters are appended in the order of their entries.
        if len(reply) < _CHUNK or parse_id(letters[-1][b"id"]) < parse_id(oldest.id):
            return found
        end = b"(" + reply[-1][0]
