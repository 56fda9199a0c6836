"""The change of the number of partitions, from its beginning or from where it was interrupted."""

from collections.abc import Callable, Mapping
from secrets import token_hex

import msgspec

from app.deployment import Deployment
from app.repartition.closing import close, open_, read_epochs, reopen
from app.repartition.copying import check_switched, compare, copy
from app.repartition.leftovers import bring_home
from app.repartition.record import Move, Record, note, read_record
from app.repartition.switching import switch
from stream.client import Argument
from stream.errors import ConfigurationError
from stream.keys import moved_key

Told = Callable[[str], None]
"""Told what is done next, in a few words."""


async def repartition(deployment: Deployment, to: int, window: int, told: Told) -> int:
    """
    Give a deployment another number of partitions, or finish what was begun of that.

    Args:
        deployment: at rest; what is in the way is in `app.repartition.survey`.
        to: how many it is to have.
        window: entries in which a repeat is recognised, as the workers have it.
        told: hears of each step.

    Returns:
        How many inputs that came meanwhile were brought to another partition.

    Raises:
        ConfigurationError: a worker has a partition, or has not applied all of its input.
        BrokenInvariantError: what was copied is not what it was; nothing was switched.
        FencedError: another process carries out the change.
        TransportError: the server went away; the same command goes on.

    """
    client, prefix = deployment.client, deployment.prefix
    found = await read_record(client, prefix)
    record = found or Record(deployment.partitions, to, "copying", "")
    epochs = await read_epochs(client, prefix, max(record.before, record.to))
    if record.phase != "opening":
        # From now on a process that was held up, and carried out the same, is refused.
        record = msgspec.structs.replace(record, run=token_hex(8))
        await note(client, prefix, found, record)
    move = Move(client, prefix, record.before, record.to, record.run, window)
    if record.phase == "copying":
        record = await _copy(move, record, epochs, told, fresh=found is None)
    elif record.phase == "switching":
        await close(move, epochs, drained=False)
    if record.phase == "switching":
        record = await _switch(move, record, deployment, told)
    return await _open(move, record, told)


async def take_back(deployment: Deployment) -> None:
    """
    Take back a change that has switched nothing yet.

    Raises:
        FencedError: another process carries it out.
        TransportError: the server went away; the same command goes on.

    """
    found = await read_record(deployment.client, deployment.prefix)
    assert found is not None  # noqa: S101  # who calls it has looked
    epochs = await read_epochs(deployment.client, deployment.prefix, found.before)
    record = msgspec.structs.replace(found, run=token_hex(8))
    await note(deployment.client, deployment.prefix, found, record)
    move = Move(deployment.client, deployment.prefix, record.before, record.to, record.run, 0)
    await reopen(move, epochs)
    await note(move.client, move.prefix, record, None)


async def bring_late_home(deployment: Deployment, told: Told) -> int:
    """Bring what came to partitions that were given up to where it belongs. Raises `TransportError`."""
    told("bringing late inputs home")
    count = 0
    for keys in deployment.given_up:
        count += await bring_home(deployment.client, keys, deployment.partitions)
    return count


async def _copy(move: Move, record: Record, epochs: Mapping[int, int], told: Told, *, fresh: bool) -> Record:
    told("closing partitions")
    try:
        # What comes while it is done is brought home.
        owned = await close(move, epochs, drained=fresh)
    except ConfigurationError:
        if fresh:
            await open_(move, move.before)
            await note(move.client, move.prefix, record, None)
        raise
    told("copying state")
    await copy(move, owned)
    told("comparing it")
    await compare(move)
    return await _go_on(move, record, msgspec.structs.replace(record, phase="switching"))


async def _switch(move: Move, record: Record, deployment: Deployment, told: Told) -> Record:
    told("switching partitions")
    await switch(move)
    await check_switched(move)
    earlier = " ".join(map(str, [*deployment.earlier, record.before]))
    after = msgspec.structs.replace(record, phase="opening")
    return await _go_on(move, record, after, "partitions", record.to, "earlier", earlier)


async def _open(move: Move, record: Record, told: Told) -> int:
    told("bringing home what came meanwhile")
    count = 0
    for partition in range(move.before):
        keys = move.keys(partition)
        # Where it was opened before it was interrupted, a worker that never ended may be at work again.
        if not await move.client.ask("EXISTS", keys.lease):
            count += await bring_home(move.client, keys, move.to)
    await open_(move, move.to)
    if move.to < move.before:
        await move.client.ask("HDEL", moved_key(move.prefix), *range(move.to, move.before))
    await note(move.client, move.prefix, record, None)
    return count


async def _go_on(move: Move, before: Record, after: Record, *fields: Argument) -> Record:
    await note(move.client, move.prefix, before, after, *fields)
    return after
