"""Looks at a deployment whose partitions are to be changed: what that concerns, and what is in the way."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from app.deployment import Deployment
from app.recover import find_gaps
from app.repartition.closing import APPLIED
from app.repartition.leftovers import count_late
from app.repartition.record import Record, read_record
from state.migrations import schema
from state.view import KINDS
from stream.checkpoint import read_checkpoint
from stream.client import Client
from stream.errors import ConfigurationError
from stream.keys import Keys, partition_of
from stream.ownership import newer_schema


class Survey(msgspec.Struct, frozen=True):
    """What a change concerns."""

    before: int
    to: int
    wallets: int
    moving: int  # of them
    entities: dict[str, int]  # by kind of state
    late: int  # inputs that wait in partitions that were given up before
    begun: Record | None  # it was begun, and not finished
    problems: list[str]  # why it cannot be done now, in sentences


async def survey(deployment: Deployment, to: int) -> Survey:
    """
    Look, and change nothing.

    Raises:
        ConfigurationError: a change to another number was begun and is past its first switch, or a newer
            version wrote the state.
        TransportError: the server is away.

    """
    begun = await read_record(deployment.client, deployment.prefix)
    if begun is not None and begun.to != to:
        _check_can_be_taken_back(begun, to)
    before = deployment.partitions if begun is None else begun.before
    keys = [Keys(deployment.prefix, partition) for partition in range(before)]
    names: list[str] = []
    entities = dict.fromkeys(KINDS, 0)
    late = 0
    # Between two switches a wallet may be in either place; then nothing is counted.
    if begun is None or begun.phase == "copying":
        for one in keys:
            names += [name.decode() for name in await deployment.client.ask("HKEYS", one.state("wallets"))]
            for kind in KINDS:
                entities[kind] += int(await deployment.client.ask("HLEN", one.state(kind)))
        for one in deployment.given_up:
            late += await count_late(deployment.client, one, APPLIED)
    problems = await _problems(deployment, keys, to, late) if begun is None else []
    if twice := sorted({name for name, count in Counter(names).items() if count > 1}):
        problems.append(
            f"Wallet {twice[0]} is in more than one partition, as after a wallet_create that was sent to the "
            f"wrong one: remove its fields from state:* of all but {partition_of(twice[0], before)}."
        )
    return Survey(
        before=before,
        to=to,
        wallets=len(names),
        moving=sum(partition_of(name, before) != partition_of(name, to) for name in names),
        entities=entities,
        late=late,
        begun=begun,
        problems=problems,
    )


def _check_can_be_taken_back(begun: Record, to: int) -> None:
    if to == begun.before and begun.phase == "copying":
        return
    raise ConfigurationError(
        f"A change from {begun.before} to {begun.to} partitions was begun: finish it first, by "
        f"sluicegate repartition --partitions {begun.to} --yes."
    )


async def _problems(deployment: Deployment, keys: Sequence[Keys], to: int, late: int) -> list[str]:
    client = deployment.client
    found: list[str] = []
    holders: set[str] = set()
    waiting = letters = older = 0
    for one in keys:
        lease = await client.ask("GET", one.lease)
        holders.update([] if lease is None else [lease.decode().rpartition(" ")[0]])
        waiting += await count_late(client, one, APPLIED)
        letters += int(await client.ask("XLEN", one.dead)) - int(await client.ask("HLEN", one.handled))
        older += await _is_older(client, one)
    if holders:
        names = ", ".join(sorted(holders))
        found.append(f"Workers are at work ({names}): stop them once they have applied all input.")
    if to == deployment.partitions:
        return found
    if waiting:
        found.append(
            f"{waiting:,} inputs are not applied: stop the publishers, and let the workers apply the rest."
        )
    if letters > 0:
        found.append(f"{letters:,} dead letters are not handled: retry or drop them (sluicegate dead list).")
    if late:
        found.append(
            f"{late:,} inputs came late to partitions that were given up: bring them home first, by "
            f"sluicegate repartition --partitions {deployment.partitions} --yes, and let workers apply them."
        )
    if older:
        found.append(
            f"{older} partitions have state of an older version: let a worker of this one take them."
        )
    if await find_gaps(deployment):
        found.append("Input streams end before what was applied of them: see sluicegate recover.")
    return found


async def _is_older(client: Client, keys: Keys) -> bool:
    checkpoint = await read_checkpoint(client, keys, ())
    if checkpoint.schema > schema():
        raise ConfigurationError(newer_schema(checkpoint.schema, schema()))
    return checkpoint.epoch > 0 and checkpoint.schema < schema()
