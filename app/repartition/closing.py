"""
Closes partitions, so that nobody works on them, and opens them again.

A partition is closed at the epoch that was read before the process noted itself in the deployment's record.
So one that was held up while another carried out the change closes nothing any more.
"""

from collections.abc import Mapping

import msgspec

from app.repartition import scripts
from app.repartition.record import Move
from handlers import INPUTS
from stream.checkpoint import Checkpoint, read_checkpoint
from stream.client import Argument, Client
from stream.errors import ConfigurationError, FencedError
from stream.keys import Keys

APPLIED = tuple(name for name in INPUTS if name != "clock")
"""Inputs that have to be applied before: ticks and plans come again from what is due and wanted."""


async def read_epochs(client: Client, prefix: str, partitions: int) -> dict[int, int]:
    """Read the epoch of each partition. Raises `TransportError`."""
    return {
        partition: (await read_checkpoint(client, Keys(prefix, partition), ())).epoch
        for partition in range(partitions)
    }


async def close(move: Move, epochs: Mapping[int, int], *, drained: bool) -> dict[int, Checkpoint]:
    """
    Close every partition and return their checkpoints, by which what is built is fenced.

    Raises:
        ConfigurationError: somebody works on one, or not all of its input is applied and it is to be
            ``drained``.
        FencedError: another process carries out the change.
        TransportError: the server is away.

    """
    owned: dict[int, Checkpoint] = {}
    for partition in move.all:
        keys = move.keys(partition)
        inputs = APPLIED if drained and partition < move.before else ()
        names = [keys.checkpoint, keys.lease, *map(keys.input, inputs)]
        words: list[Argument] = [move.run, move.to, epochs[partition], *inputs]
        reply = await move.client.run_durably(scripts.CLOSE, names, words)
        match reply[0]:
            case 0:
                text = f"{reply[1].decode()} works on partition {partition}: stop the workers."
                raise ConfigurationError(text)
            case -1:
                raise ConfigurationError(
                    f"{reply[1].decode()} has inputs that no worker has applied: stop the publishers, let "
                    "the workers apply the rest, stop them, and try again."
                )
            case -2:
                raise FencedError(f"partition {partition} has moved on")
        checkpoint = await read_checkpoint(move.client, keys, INPUTS)
        owned[partition] = msgspec.structs.replace(checkpoint, epoch=int(reply[1]), taking=move.run)
    return owned


async def reopen(move: Move, epochs: Mapping[int, int]) -> None:
    """Open what was closed and not switched; on others a worker may be at work. Raises `TransportError`."""
    for partition in range(move.before):
        keys = move.keys(partition)
        if await move.client.ask("HEXISTS", keys.checkpoint, "closed"):
            words: list[Argument] = [move.run, move.to, epochs[partition]]
            await move.client.run_durably(scripts.CLOSE, [keys.checkpoint, keys.lease], words)
    await open_(move, move.before)


async def open_(move: Move, partitions: int) -> None:
    """Open the first partitions, those that are not open already. Raises `TransportError`."""
    for partition in range(partitions):
        await move.client.run_durably(scripts.OPEN, [move.keys(partition).checkpoint], [move.run])
