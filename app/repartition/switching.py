"""Switches partitions, each at one stroke, to the state that was built beside it."""

from app.repartition import scripts
from app.repartition.record import Move
from handlers import INPUTS, OUTPUTS
from state.migrations import schema
from state.view import KINDS
from stream.client import Argument
from stream.errors import FencedError


async def switch(move: Move) -> None:
    """
    Switch every partition that is not switched yet; one that is to be no more has no state then.

    Raises:
        FencedError: another process carries out the change.
        TransportError: the server is away, or full.

    """
    for partition in move.all:
        keys = move.keys(partition)
        names = [keys.checkpoint, keys.base, keys.base_repeats, keys.next_repeats]
        for kind in KINDS:
            names += [keys.state(kind), keys.next_state(kind), keys.base_state(kind)]
        names += map(keys.output, OUTPUTS)
        stays = int(partition < move.to)
        words: list[Argument] = [move.run, move.to, stays, schema(), len(KINDS), len(INPUTS)]
        reply = await move.client.run_durably(scripts.SWITCH, names, [*words, *INPUTS, *OUTPUTS])
        if not reply[0]:
            raise FencedError("another process changes the number of partitions")
