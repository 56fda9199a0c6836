"""Brings inputs that came to a place their wallet does not live in any more to where it lives."""

from typing import Final

from app.addressee import addressee
from app.repartition import scripts
from handlers import INPUTS
from stream.checkpoint import read_checkpoint
from stream.client import Argument, Client
from stream.errors import MalformedError
from stream.keys import Keys, partition_of
from stream.types import Entry
from stream.walk import END, walk

_PIECE: Final = 100  # entries brought at once


async def bring_home(client: Client, source: Keys, partitions: int) -> int:
    """
    Bring what waits in a partition, and is not of a wallet that lives there, to where it is.

    Nobody may work on the partition meanwhile. Entries of one wallet keep their order.

    Returns:
        How many entries were appended elsewhere.

    Raises:
        TransportError: the server is away; to begin again brings nothing twice.

    """
    checkpoint = await read_checkpoint(client, source, INPUTS)
    count = 0
    async for entries in walk(client, source, INPUTS, checkpoint.positions, [END] * len(INPUTS)):
        strays = [
            (home, entry) for entry in entries if (home := _home(entry, source, partitions)) is not None
        ]
        for home in sorted({home for home, _ in strays}):
            count += await _send(
                client, source, Keys(source.prefix, home), [e for h, e in strays if h == home]
            )
        await _drop(client, source, [entry for _, entry in strays])
    return count


def _home(entry: Entry, source: Keys, partitions: int) -> int | None:
    """Partition that an entry is to be brought to; None: it stays."""
    try:
        wallet = addressee(entry.event or b"")
    except MalformedError:
        wallet = None  # it becomes a dead letter, here or where there is somebody to say so
    else:
        if wallet is None and INPUTS[entry.stream] == "clock":
            return None  # what is due is due there too, and a tick will say so
    home = source.partition % partitions if wallet is None else partition_of(wallet, partitions)
    return None if home == source.partition else home


async def _send(client: Client, source: Keys, target: Keys, entries: list[Entry]) -> int:
    names = [target.base, *map(target.input, INPUTS)]
    count = 0
    for start in range(0, len(entries), _PIECE):
        words: list[Argument] = []
        for entry in entries[start : start + _PIECE]:
            cursor = f"from:{source.partition}/in:{INPUTS[entry.stream]}"
            words += (cursor, entry.id, 1 + entry.stream, entry.event or b"", entry.signature or b"")
        count += int(await client.run_durably(scripts.SEND, names, words))
    return count


async def _drop(client: Client, source: Keys, entries: list[Entry]) -> None:
    for stream, name in enumerate(INPUTS):
        ids = [entry.id for entry in entries if entry.stream == stream]
        names = [source.checkpoint, source.base, source.input(name)]
        for start in range(0, len(ids), _PIECE):
            await client.run_durably(scripts.DROP, names, [f"in:{name}", *ids[start : start + _PIECE]])


async def count_late(client: Client, source: Keys, streams: tuple[str, ...]) -> int:
    """Count entries of these inputs that wait in a partition, ten thousand of each at the most."""
    checkpoint = await read_checkpoint(client, source, streams)
    count = 0
    for name, at in zip(streams, checkpoint.positions, strict=True):
        count += len(await client.ask("XRANGE", source.input(name), b"(" + at, "+", "COUNT", 10_000))
    return count
