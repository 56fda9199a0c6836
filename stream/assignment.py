"""
Which partitions a worker should have, given who is there and who has what.

Rules kept here:

1. Every worker has its fair share: as many as any other, or one more.
2. Who has a partition keeps it unless it has too many, or an operator moved it elsewhere.
3. Every worker comes to the same result from the same sight, so nobody has to lead. Sights that differ for a
   moment do no harm: the epoch of a partition decides who may write, and the next sight corrects.
"""

from collections.abc import Mapping, Sequence

import msgspec


class Assignment(msgspec.Struct, frozen=True):
    """What one worker should do now."""

    take: list[int]  # partitions that are free
    release: list[int]  # partitions that it has


def name_of(member: str) -> str:
    """Name of a member: what comes before its token."""
    return member.rpartition(" ")[0]


def assign(
    me: str, members: Sequence[str], holders: Mapping[int, str | None], moved: Mapping[int, str]
) -> Assignment:
    """
    Tell a worker what to take and what to release.

    Args:
        me: this worker, one of the members.
        members: the workers that are there, as name and token.
        holders: who has each partition; None: nobody. One that is not there may still have a lease.
        moved: partitions that an operator gave to a worker, by its name; of no effect while it is not there.

    """
    meant = {partition: _member(name, members, holders.get(partition)) for partition, name in moved.items()}
    held = {member: [p for p, holder in sorted(holders.items()) if holder == member] for member in members}
    share = _shares(held, len(holders))[me]
    release = [p for p in held[me] if _elsewhere(meant.get(p), me)]
    kept = [p for p in held[me] if p not in release]
    if len(kept) > share:
        spare = [p for p in kept if meant.get(p) != me]
        release += spare[share - len(kept) :]
    free = [p for p, holder in sorted(holders.items()) if holder is None]
    given = [p for p in free if meant.get(p) == me]
    open_to_all = [p for p in free if meant.get(p) is None]
    # Each begins at another place, so that they rarely try the same one.
    first = len(open_to_all) * sorted(members).index(me) // len(members)
    room = max(share - len(kept) - len(given), 0)
    return Assignment(given + (open_to_all[first:] + open_to_all[:first])[:room], sorted(release))


def _shares(held: Mapping[str, Sequence[int]], partitions: int) -> dict[str, int]:
    """Fair share of each member; who has more already gets what does not divide."""
    least, more = divmod(partitions, len(held))
    order = sorted(held, key=lambda member: (-len(held[member]), member))
    return {member: least + (place < more) for place, member in enumerate(order)}


def _member(name: str, members: Sequence[str], holder: str | None) -> str | None:
    """Member of a name: the holder if it has the name; None where none is there."""
    named = [member for member in members if name_of(member) == name]
    return holder if holder in named else min(named, default=None)


def _elsewhere(member: str | None, me: str) -> bool:
    return member is not None and member != me
