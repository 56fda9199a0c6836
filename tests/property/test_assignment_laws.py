"""The laws of `stream.assignment`: however workers come and go, all settles, and little moves."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from stream.assignment import assign

Holders = dict[int, str | None]

NAMES = st.integers(1, 6).map(lambda count: [f"worker-{n} token{n}" for n in range(count)])


def settle(members: list[str], holders: Holders, moved: Mapping[int, str], rounds: int = 60) -> int:
    """Have everybody act on what they see, one after the other, until nothing changes; count the rounds."""
    for done in range(rounds):
        before = dict(holders)
        for me in members:
            wanted = assign(me, members, dict(holders), moved)
            for partition in wanted.release:
                assert holders[partition] == me, "only what one has can be released"
                holders[partition] = None
            for partition in wanted.take:
                assert holders[partition] is None, "only what is free can be taken"
                holders[partition] = me
        if holders == before:
            return done
    raise AssertionError("it does not settle")


def counts(members: list[str], holders: Holders) -> list[int]:
    """How many each has."""
    return sorted(sum(holder == member for holder in holders.values()) for member in members)


@given(members=NAMES, partitions=st.integers(1, 24), data=st.data())
def test_everybody_ends_with_a_fair_share(members: list[str], partitions: int, data: st.DataObject) -> None:
    """Wherever it begins: every partition has a worker, and no worker two more than another."""
    holders: Holders = {p: data.draw(st.sampled_from([*members, None])) for p in range(partitions)}

    settle(members, holders, {})

    assert None not in holders.values()
    found = counts(members, holders)
    assert found[-1] - found[0] <= 1


@given(members=NAMES, partitions=st.integers(1, 24))
def test_one_that_joins_takes_no_more_than_its_share(members: list[str], partitions: int) -> None:
    """What moves is exactly what the newcomer gets."""
    holders: Holders = dict.fromkeys(range(partitions))
    settle(members, holders, {})
    before = dict(holders)

    settle([*members, "newcomer x"], holders, {})

    changed = {p for p in holders if holders[p] != before[p]}
    assert {holders[p] for p in changed} <= {"newcomer x"}
    assert len(changed) == partitions // (len(members) + 1)


@given(members=NAMES, partitions=st.integers(1, 24))
def test_of_one_that_left_only_its_own_moves(members: list[str], partitions: int) -> None:
    """The others keep what they have."""
    holders: Holders = dict.fromkeys(range(partitions))
    settle(["leaver x", *members], holders, {})
    kept = {p: holder for p, holder in holders.items() if holder != "leaver x"}
    holders = {p: kept.get(p) for p in holders}

    settle(members, holders, {})

    assert {p: holders[p] for p in kept} == kept


@given(members=NAMES, partitions=st.integers(1, 24), data=st.data())
def test_what_an_operator_moved_stays_there(members: list[str], partitions: int, data: st.DataObject) -> None:
    """And everything else still has a worker; a worker that is not there has no say."""
    names = [member.partition(" ")[0] for member in members]
    numbers = st.integers(0, partitions - 1)
    moved = data.draw(st.dictionaries(numbers, st.sampled_from([*names, "nobody"])))
    holders: Holders = dict.fromkeys(range(partitions))

    settle(members, holders, moved)

    assert None not in holders.values()
    for partition, name in moved.items():
        holder = holders[partition]
        assert holder is not None
        assert name == "nobody" or holder.startswith(f"{name} ")


@given(members=NAMES, partitions=st.integers(1, 24))
def test_nobody_takes_what_a_dead_worker_may_still_have(members: list[str], partitions: int) -> None:
    """Its leases have to lapse first; and whoever has its share already gives nothing up for it."""
    holders: Holders = {p: "dead x" if p % 2 else None for p in range(partitions)}

    settle(members, holders, {})

    assert all(holders[p] == "dead x" for p in range(1, partitions, 2))


def test_two_of_one_name_share_what_is_moved_to_it() -> None:
    """Both answer to the name; who has it keeps it."""
    members = ["twin a", "twin b", "other c"]

    assert assign("twin b", members, {0: "twin b"}, {0: "twin"}).release == []
    assert assign("other c", members, {0: "other c"}, {0: "twin"}).release == [0]
    assert assign("twin a", members, {0: None}, {0: "twin"}).take == [0]
    assert assign("twin b", members, {0: None}, {0: "twin"}).take == []
