"""The names of keys, which are a promise to everyone outside."""

from binascii import crc_hqx

import pytest

from stream.keys import DEFAULT_PREFIX, FIELD, Keys, meta_key, partition_of


def test_partitions_go_by_the_check_sum_of_redis_cluster() -> None:
    """CRC16/XMODEM has 0x31C3 as its check value, as the Redis Cluster specification says."""
    assert crc_hqx(b"123456789", 0) == 0x31C3
    assert partition_of("123456789", 65_536) == 0x31C3
    assert partition_of("123456789", 7) == 0x31C3 % 7


def test_the_only_partition_takes_everything() -> None:
    """Whatever the name, even none."""
    assert {partition_of(name, 1) for name in ("", "alpha", "wället", "x" * 64)} == {0}


def test_partitions_are_all_used() -> None:
    """A few hundred names leave none of eight empty."""
    assert {partition_of(f"wallet-{n}", 8) for n in range(300)} == set(range(8))


def test_keys_are_named_as_the_wire_says() -> None:
    """Each with the hash tag of its partition."""
    keys = Keys(DEFAULT_PREFIX, 3)

    assert keys.input("trade") == "{sluicegate:3}:in:trade"
    assert keys.output("wallet") == "{sluicegate:3}:out:wallet"
    assert keys.dead == "{sluicegate:3}:dead"
    assert keys.handled == "{sluicegate:3}:dead:handled"
    assert keys.state("wallets") == "{sluicegate:3}:state:wallets"
    assert keys.checkpoint == "{sluicegate:3}:checkpoint"
    assert keys.lease == "{sluicegate:3}:lease"
    assert keys.window == "{sluicegate:3}:window"
    assert meta_key(DEFAULT_PREFIX) == "sluicegate:meta"
    assert FIELD == b"event"


@pytest.mark.parametrize(
    ("epoch", "rewinds", "name"),
    [(7, 0, "sluicegate.7.42"), (7, 1, "sluicegate.7.42.1"), (71, 12, "sluicegate.71.42.12")],
)
def test_a_group_belongs_to_a_taking_and_a_rewind(epoch: int, rewinds: int, name: str) -> None:
    """No two of them share a name."""
    assert Keys(DEFAULT_PREFIX, 3).group(epoch, "42", rewinds) == name


@pytest.mark.parametrize("prefix", ["sluicegate", "a", "staging:sluicegate"])
def test_all_keys_of_a_partition_share_one_hash_tag(prefix: str) -> None:
    """So Redis Cluster keeps them in one slot, where one script can write them all."""
    keys = Keys(prefix, 12)
    names = [keys.input("a"), keys.output("b"), keys.state("c"), keys.dead, keys.handled]
    names += [keys.checkpoint, keys.lease, keys.window]

    assert {hash_tag(name) for name in names} == {f"{prefix}:12"}
    assert len(set(names)) == len(names)


def hash_tag(name: str) -> str:
    """Find what Redis Cluster hashes: between the first { and the first } after it, if anything is."""
    start = name.index("{")
    return name[start + 1 : name.index("}", start)]
