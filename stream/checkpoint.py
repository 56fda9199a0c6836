"""How far a partition is: epoch, taking, owner, sequence of commits, and per input stream the position."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from stream.client import Client
from stream.keys import Keys

START: Final = b"0-0"


class Checkpoint(msgspec.Struct):
    """What the checkpoint hash says."""

    epoch: int
    taking: str  # of the epoch: a failover may take an epoch back, and then its number comes again
    owner: str
    seq: int
    positions: list[bytes]  # last applied entry id, by input stream
    applied: list[int]  # entries taken since the partition began, by input stream
    schema: int = 1  # of the stored state


def fields(
    inputs: Sequence[str], positions: Sequence[bytes], applied: Sequence[int]
) -> list[str | bytes | int]:
    """Fields and values of the hash for these positions."""
    flat: list[str | bytes | int] = []
    for name, position, count in zip(inputs, positions, applied, strict=True):
        flat += [f"in:{name}", position, f"in:{name}:applied", count]
    return flat


async def read_checkpoint(client: Client, keys: Keys, inputs: Sequence[str]) -> Checkpoint:
    """Read the checkpoint; a partition that never was has epoch 0. Raises `TransportError`."""
    return parse_checkpoint(await client.hash(keys.checkpoint), inputs)


async def read_base(client: Client, keys: Keys, inputs: Sequence[str]) -> Checkpoint | None:
    """
    Read at which positions a partition began; None where it began with nothing, as the first ones do.

    What lies before them in its streams is of wallets as they were divided before. Raises `TransportError`.
    """
    stored = await client.hash(keys.base)
    return parse_checkpoint(stored, inputs) if stored else None


def parse_checkpoint(stored: Mapping[bytes, bytes], inputs: Sequence[str]) -> Checkpoint:
    """Checkpoint of a hash that was read."""
    return Checkpoint(
        epoch=int(stored.get(b"epoch", 0)),
        taking=stored.get(b"taking", b"").decode(),
        owner=stored.get(b"owner", b"").decode(),
        seq=int(stored.get(b"seq", 0)),
        positions=[stored.get(f"in:{name}".encode(), START) for name in inputs],
        applied=[int(stored.get(f"in:{name}:applied".encode(), 0)) for name in inputs],
        schema=int(stored.get(b"schema", 1)),
    )
