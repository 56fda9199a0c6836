"""
Builds the state of the new partitions beside the old ones, and compares the two.

Whole hashes pass through memory, one kind after the other; of the last inputs only their identities.
"""

from collections import deque
from collections.abc import Mapping
from heapq import merge
from operator import itemgetter
from typing import Final

from app.repartition.record import Move
from handlers import INPUTS
from handlers.fleet import Fleet
from state.book import wallet_of
from state.view import KINDS, load_view
from stream.checkpoint import Checkpoint
from stream.client import Argument
from stream.errors import BrokenInvariantError
from stream.keys import Keys, partition_of
from stream.load import Seen, last_applied, remembered
from stream.migrate import stage

_NOTHING: Final[Mapping[bytes, bytes]] = {}


async def copy(move: Move, owned: Mapping[int, Checkpoint]) -> dict[str, int]:
    """
    Build the state of all new partitions, and the identities they are to recognise.

    Returns:
        How many fields there are of each kind.

    Raises:
        TransportError: the server is away, or full.
        FencedError: another process carries out the change.

    """
    counts: dict[str, int] = {}
    for kind in KINDS:
        fields = await _old(move, kind)
        counts[kind] = len(fields)
        by_home: dict[int, list[Argument]] = {partition: [] for partition in range(move.to)}
        for field, value in fields.items():
            by_home[move.home(wallet_of(kind, field.decode()))] += (field, value)
        for partition, flat in by_home.items():
            keys = move.keys(partition)
            await stage(move.client, keys, owned[partition], keys.next_state(kind), "HSET", flat)
    for partition, identities in (await _identities(move, owned)).items():
        keys = move.keys(partition)
        await stage(move.client, keys, owned[partition], keys.next_repeats, "RPUSH", identities)
    return counts


async def compare(move: Move) -> None:
    """
    Compare what was built with what it was built from.

    Raises:
        BrokenInvariantError: a field is missing, changed or in a wrong place, or a ledger does not balance;
            nothing was switched.
        TransportError: the server is away.

    """
    state: dict[int, dict[str, Mapping[bytes, bytes]]] = {partition: {} for partition in range(move.to)}
    for kind in KINDS:
        rest = await _old(move, kind)
        for partition, kinds in state.items():
            kinds[kind] = await move.client.hash(move.keys(partition).next_state(kind))
            for field, value in kinds[kind].items():
                name = field.decode()
                if rest.pop(field, None) != value or move.home(wallet_of(kind, name)) != partition:
                    raise _broken(f"{kind} {name} in partition {partition} is not what it was")
        if rest:
            raise _broken(f"{kind} {min(rest).decode()} was not copied")
    for kinds in state.values():
        for name, book in load_view(kinds).books.items():
            if total := sum(book.balance(account) for account in book.accounts()):
                raise _broken(f"the ledger of wallet {name} sums to {total} and not to zero")


async def check_switched(move: Move) -> None:
    """
    Check that every partition has the state that was built for it, and no other.

    Raises as `compare` does.
    """
    for partition in move.all:
        keys = move.keys(partition)
        for kind in KINDS:
            wanted = await move.client.hash(keys.base_state(kind)) if partition < move.to else _NOTHING
            if await move.client.hash(keys.state(kind)) != wanted:
                raise _broken(f"{kind} of partition {partition} are not what was built for it")


async def _old(move: Move, kind: str) -> dict[bytes, bytes]:
    """All fields of a kind, of all partitions there were; their wallets tell them apart."""
    found: dict[bytes, bytes] = {}
    for partition in range(move.before):
        fields = await move.client.hash(move.keys(partition).state(kind))
        if twice := found.keys() & fields.keys():
            raise _broken(f"{kind} {min(twice).decode()} is in partition {partition} and in another")
        found |= fields
    return found


async def _identities(move: Move, owned: Mapping[int, Checkpoint]) -> dict[int, list[Argument]]:
    """Identities of the last applied entries of each new partition, as if it had been one all along."""
    seen: list[list[Seen]] = []
    for partition in range(move.before):
        keys, fleet = Keys(move.prefix, partition), Fleet()
        seen.append(await last_applied(move.client, keys, fleet, owned[partition], move.window))
    homes: dict[int, deque[str]] = {partition: deque(maxlen=move.window) for partition in range(move.to)}
    for place, identity in merge(*seen, key=itemgetter(0)):  # entry ids of two partitions may be equal
        if identity is not None:
            # trade/alpha/…: an identity begins with what it is of, and whose.
            wallet = identity.split("/")[1]
            homes[partition_of(wallet, move.to)].append(remembered(place, identity, INPUTS))
    return {partition: list(found) for partition, found in homes.items()}


def _broken(what: str) -> BrokenInvariantError:
    return BrokenInvariantError(
        f"The partitions were not changed, for {what}. The deployment is closed and its state as it was: "
        "report this, and take the change back by asking for the number of partitions there are."
    )
