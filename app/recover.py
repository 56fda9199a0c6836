"""
Goes on where input streams end before the checkpoint: after one was deleted or restored from an older copy.

Rules kept here:

1. State and outputs are left as they are: what was applied stays applied.
2. The position of such a stream goes back to its end, so that whatever is appended next is applied. What lay
   between is not in the stream any more, and cannot be applied twice.
3. Nothing is done while a worker has the partition.
"""

from collections.abc import Sequence

import msgspec

from app.deployment import Deployment
from handlers import INPUTS
from stream import scripts
from stream.checkpoint import read_checkpoint
from stream.client import Client, fields_of
from stream.errors import ConfigurationError
from stream.keys import Keys
from stream.order import parse_id


class Gap(msgspec.Struct, frozen=True):
    """One stream that ends before what was applied of it."""

    partition: int
    stream: str
    end: str
    position: str
    applied: int  # entries, since the partition began
    kept: int  # entries that the stream has now


async def find_gaps(deployment: Deployment) -> list[Gap]:
    """Look at every input stream. Raises `TransportError`."""
    found = [await _gaps_of(deployment.client, keys) for keys in deployment.all_keys]
    return [gap for gaps in found for gap in gaps]


async def _gaps_of(client: Client, keys: Keys) -> list[Gap]:
    checkpoint = await read_checkpoint(client, keys, INPUTS)
    gaps: list[Gap] = []
    for name, position, applied in zip(INPUTS, checkpoint.positions, checkpoint.applied, strict=True):
        end, kept = await _end_of(client, keys.input(name))
        if parse_id(end) < parse_id(position):
            gaps.append(Gap(keys.partition, f"in:{name}", end.decode(), position.decode(), applied, kept))
    return gaps


async def _end_of(client: Client, stream: str) -> tuple[bytes, int]:
    if not await client.ask("EXISTS", stream):
        return b"0-0", 0
    info = fields_of(await client.ask("XINFO", "STREAM", stream))
    return info[b"last-generated-id"], int(info[b"length"])


async def close_gaps(deployment: Deployment, gaps: Sequence[Gap]) -> None:
    """
    Set the positions of these streams back to where they end.

    Raises:
        ConfigurationError: a worker has one of the partitions.
        TransportError: the server went away; looking again shows what is left to do.

    """
    for partition in sorted({gap.partition for gap in gaps}):
        keys = Keys(deployment.prefix, partition)
        names = [keys.checkpoint, keys.lease, *map(keys.input, INPUTS)]
        reply = await deployment.client.run(scripts.RECOVER, names, list(INPUTS))
        if not reply[0]:
            raise ConfigurationError(
                f"{reply[1].decode()} has partition {partition}: stop the workers, wait for the lease to "
                "lapse, and try again."
            )
