"""
Brings the stored state of a partition from the schema of an older version to that of ours, once.

Rules kept here:

1. What was stored stays as it is until all of the new is there. It is built beside it, and a script that
   compares epoch and taking puts it in place and notes the schema; so a kill at any moment leaves the state
   as it was, or migrated.
2. The same script keeps the checkpoint and every hash of the state as they were, under the older schema's
   number: together they are the partition at that commit.
"""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Final

from stream import scripts
from stream.checkpoint import Checkpoint
from stream.client import Argument, Client
from stream.errors import FencedError
from stream.keys import Keys
from stream.types import Application, Changes

_PIECE: Final = 1000  # fields, or elements of a list, that are written at once


async def migrate(client: Client, keys: Keys, application: Application, owned: Checkpoint) -> None:
    """
    Migrate the state of a partition under the ownership of a checkpoint.

    Raises:
        TransportError: the server is away, or full.
        FencedError: the partition has another owner.

    """
    stored = {kind: await client.hash(keys.state(kind)) for kind in application.kinds}
    changes = application.migrate(owned.schema, stored)
    names = [keys.checkpoint, keys.backup(owned.schema, "checkpoint")]
    anew: list[Argument] = []
    for kind, fields in stored.items():
        changed = changes.get(kind)
        if changed is not None:
            await stage(client, keys, owned, keys.next_state(kind), "HSET", _flat(fields, changed))
        names += [keys.state(kind), keys.next_state(kind), keys.backup(owned.schema, f"state:{kind}")]
        anew.append(int(changed is not None))
    arguments: list[Argument] = [owned.epoch, owned.taking, application.schema, *anew]
    _check(await client.run_durably(scripts.MIGRATE, names, arguments), owned)


async def stage(
    client: Client, keys: Keys, owned: Checkpoint, key: str, command: str, arguments: Iterable[Argument]
) -> None:
    """
    Build a key of a partition from nothing, by HSET or RPUSH with so many arguments, under an ownership.

    Raises as `migrate` does.
    """
    names = [keys.checkpoint, key]
    ownership: list[Argument] = [owned.epoch, owned.taking]
    _check(await client.run(scripts.STAGE, names, [*ownership, "DEL"]), owned)
    flat = list(arguments)
    for start in range(0, len(flat), 2 * _PIECE):
        piece = flat[start : start + 2 * _PIECE]
        _check(await client.run(scripts.STAGE, names, [*ownership, command, *piece]), owned)


def _flat(fields: Mapping[bytes, bytes], changed: Changes) -> Iterable[Argument]:
    """Fields and values of a hash after some of them changed."""
    after = {name.decode(): value for name, value in fields.items()} | changed.written
    return chain.from_iterable((name, after[name]) for name in after if name not in changed.removed)


def _check(reply: list[int], owned: Checkpoint) -> None:
    if not reply[0]:
        raise FencedError(f"epoch {owned.epoch} ended, the partition is at epoch {int(reply[1])}")
