"""What the deployment's record says of a change of its partitions that was begun and not finished."""

from typing import Literal

import msgspec

from app.repartition import scripts
from stream.client import Argument, Client
from stream.errors import FencedError
from stream.keys import Keys, meta_key, partition_of

Phase = Literal["copying", "switching", "opening"]


class Record(msgspec.Struct, frozen=True):
    """A change, and how far it is. ``run`` is a token of the process that carries it out."""

    before: int
    to: int
    phase: Phase
    run: str


class Move(msgspec.Struct, frozen=True):
    """Where the keys of a change are, and where a wallet is to live."""

    client: Client
    prefix: str
    before: int
    to: int
    run: str
    window: int  # entries in which a repeat is recognised

    def keys(self, partition: int) -> Keys:
        """Keys of a partition."""
        return Keys(self.prefix, partition)

    @property
    def all(self) -> range:
        """Every partition that there is, or is to be."""
        return range(max(self.before, self.to))

    def home(self, wallet: str) -> int:
        """Partition that a wallet is to live in."""
        return partition_of(wallet, self.to)


async def read_record(client: Client, prefix: str) -> Record | None:
    """Read the record. Raises `TransportError`."""
    found = await client.ask("HGET", meta_key(prefix), "repartition")
    return None if found is None else msgspec.json.decode(found, type=Record)


async def note(
    client: Client, prefix: str, before: Record | None, after: Record | None, *fields: Argument
) -> None:
    """
    Write the record, with fields of the deployment, if it is what it was.

    Raises:
        FencedError: another process carries out a change.
        TransportError: the server is away.

    """
    record = before or after
    assert record is not None  # noqa: S101  # there is one before or after
    # Of what was begun when there were other partitions nothing may go on.
    partitions = record.to if record.phase == "opening" else record.before
    words: list[Argument] = [_text(before), _text(after), partitions, *fields]
    reply = await client.run_durably(scripts.NOTE, [meta_key(prefix)], words)
    if not reply[0]:
        raise FencedError("another process changes the number of partitions")


def _text(record: Record | None) -> bytes:
    return b"" if record is None else msgspec.json.encode(record)
