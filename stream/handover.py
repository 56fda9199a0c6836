"""
The window of repeats, handed from a worker that lets a partition go to the one that takes it next.

To read it back from the streams takes most of a start; and who lets go cleanly has it at hand.

Rules kept here:

1. It is written by the very script that ends the lease, and only at the commit and under the taking that it
   says. Who dies leaves none, and a server that is full gets none: then the streams are read.
2. It is believed by who takes the partition right behind that taking, at that commit, with a window as long,
   where the last applied entry of each stream is still there. So it is not after a crash, a failover, another
   owner, a recovery, a change of the number of partitions, or where streams were restored from elsewhere.
3. It is removed once it was read, and goes by itself where nobody comes for a day.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from stream.checkpoint import START, Checkpoint
from stream.client import Client
from stream.keys import Keys

FORMAT: Final = 1
"""Of what is handed over; another where it, or what an application tells makes a repeat, becomes another."""

KEPT_MS: Final = 86_400_000


class Window(msgspec.Struct, array_like=True, frozen=True):
    """A window as it is handed over, in MessagePack."""

    format: int
    taking: str  # of the worker that let go
    seq: int  # of its last commit
    size: int  # entries in which a repeat is recognised
    inputs: list[str]
    positions: list[bytes]  # last applied entry id, by input stream
    starts: list[bytes] | None  # lowest id of each stream that may be in it; None: not known
    identities: list[str | None]  # of its entries, in order; None for one that nothing repeats


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Window).decode


def packed(window: Window) -> bytes:
    """Return a window as it is stored."""
    return _encode(window)


async def receive(
    client: Client,
    keys: Keys,
    inputs: Sequence[str],
    checkpoint: Checkpoint,
    base: Checkpoint | None,
    former: str,
    size: int,
) -> Window | None:
    """
    Return the window that the owner before left, whose taking was ``former``; None: read the streams.

    Raises `TransportError`.
    """
    stored = await client.ask("GET", keys.window)
    if stored is None:
        return None
    await client.ask("DEL", keys.window)
    try:
        window = _decode(stored)
    except msgspec.DecodeError:
        return None
    found = (window.format, window.taking, window.seq, window.size, window.inputs, window.positions)
    if found != (FORMAT, former, checkpoint.seq, size, list(inputs), checkpoint.positions):
        return None
    return window if await _are_there(client, keys, inputs, checkpoint, base) else None


async def _are_there(
    client: Client, keys: Keys, inputs: Sequence[str], checkpoint: Checkpoint, base: Checkpoint | None
) -> bool:
    """Whether the last applied entry of each stream is there, which trimming keeps."""
    begun = [START] * len(inputs) if base is None else base.positions
    last = [
        ("XREVRANGE", keys.input(name), at, at)
        for name, at, start in zip(inputs, checkpoint.positions, begun, strict=True)
        if at != start
    ]
    return not last or all(await client.ask_all(last))
