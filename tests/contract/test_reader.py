"""The laws of `stream.reader`: every entry behind the positions is given once, in looks of all streams."""

import anyio
import pytest
from redis.asyncio import Redis

from stream.checkpoint import Checkpoint, read_checkpoint
from stream.client import Client
from stream.errors import FencedError, TransportError
from stream.keys import Keys
from stream.ownership import Held, Ownership, new_member
from stream.reader import Reader
from stream.types import Entry
from tests.contract.proxy import proxy_of
from tests.contract.server import Backend, append, real_only
from tests.contract.words import INPUTS, word

pytestmark = pytest.mark.anyio


async def take(client: Client, keys: Keys) -> Checkpoint:
    """Take the partition, which makes the groups; return the checkpoint."""
    epoch = await Ownership(client, keys, INPUTS, new_member("reader"), 60_000).take()
    assert not isinstance(epoch, Held)
    return await read_checkpoint(client, keys, INPUTS)


def reader_of(client: Client, keys: Keys, checkpoint: Checkpoint, count: int = 10) -> Reader:
    """Make a reader that starts at the beginning."""
    return Reader(client, keys, INPUTS, checkpoint, count)


@pytest.fixture
async def reader(backend: Backend, keys: Keys) -> Reader:
    """Give a reader of a partition that was just taken."""
    client = backend.client()
    return reader_of(client, keys, await take(client, keys))


@pytest.fixture
def redis(backend: Backend) -> Redis:
    """Give a plain client."""
    return backend.redis()


def ids(look: list[list[Entry]]) -> list[list[bytes]]:
    """Tell the ids of a look, by stream."""
    return [[entry.id for entry in entries] for entries in look]


async def test_a_look_gives_what_each_stream_has(reader: Reader, redis: Redis, names: list[str]) -> None:
    """By stream, with the bytes of each event; the next look gives only what came since."""
    first = await append(redis, names[0], [b"a", b"b"])
    second = await append(redis, names[1], [b"c"])

    look = await reader.look([], None)

    assert look == [
        [Entry(0, first[0], b"a"), Entry(0, first[1], b"b")],
        [Entry(1, second[0], b"c")],
    ]
    assert await reader.look([], None) == [[], []]
    third = await append(redis, names[1], [b"d"])
    assert ids(await reader.look([], None)) == [[], third]


async def test_a_look_gives_at_most_count_of_each(
    backend: Backend, keys: Keys, redis: Redis, names: list[str]
) -> None:
    """The rest comes with the looks that follow, in order."""
    client = backend.client()
    reader = reader_of(client, keys, await take(client, keys), count=2)
    first = await append(redis, names[0], [b"a"] * 5)
    second = await append(redis, names[1], [b"b"] * 3)

    looks = [await reader.look([], None) for _ in range(3)]

    assert [ids(look) for look in looks] == [
        [first[:2], second[:2]],
        [first[2:4], second[2:]],
        [first[4:], []],
    ]


async def test_streams_that_are_skipped_are_left_for_later(
    reader: Reader, redis: Redis, names: list[str]
) -> None:
    """They give what they have when they are looked at again."""
    first = await append(redis, names[0], [b"a"])
    second = await append(redis, names[1], [b"b"])

    assert ids(await reader.look([0], None)) == [[], second]
    assert ids(await reader.look([1], None)) == [first, []]


async def test_an_event_is_found_among_other_fields(reader: Reader, redis: Redis, names: list[str]) -> None:
    """Other fields do not matter; without the field there is no event; an empty one is one."""
    await redis.xadd(names[0], {"other": "x", "event": "a"})
    await redis.xadd(names[0], {"other": "x"})
    await redis.xadd(names[0], {"event": b""})
    await redis.xadd(names[0], {"Event": "x"})

    look = await reader.look([], None)

    assert [entry.event for entry in look[0]] == [b"a", None, b"", None]


async def test_a_signature_is_carried_beside_the_event(
    reader: Reader, redis: Redis, names: list[str]
) -> None:
    """In either order of the fields; what it is worth is not the reader's affair."""
    await redis.xadd(names[0], {"event": b"a", "signature": b"\xff"})
    await redis.xadd(names[0], {"signature": b"s", "other": b"x", "event": b"b"})
    await redis.xadd(names[0], {"signature": b"s"})

    look = await reader.look([], None)

    assert [(one.event, one.signature) for one in look[0]] == [(b"a", b"\xff"), (b"b", b"s"), (None, b"s")]


async def test_a_look_that_waits_comes_back_empty_after_its_time(reader: Reader) -> None:
    """Nothing came: that is no error."""
    assert await reader.look([], 20) == [[], []]


@real_only
async def test_a_look_that_waits_is_woken_by_an_entry_of_any_stream(
    reader: Reader, redis: Redis, names: list[str]
) -> None:
    """
    Long before its time is over.

    Not on fakeredis: there a blocked read of a group is not woken by an append from another client.
    """
    for name in names:
        async with anyio.create_task_group() as tasks:
            found: list[list[list[Entry]]] = []

            async def wait() -> None:
                found.append(await reader.look([], 15_000))

            tasks.start_soon(wait)
            await until_blocked(redis, 1)
            with anyio.fail_after(5):
                [entry_id] = await append(redis, name, [b"a"])
        assert [entry_id] in ids(found[0])


@real_only
async def test_a_look_that_waited_sees_all_streams_at_one_moment(
    reader: Reader, redis: Redis, names: list[str]
) -> None:
    """
    Also when one transaction wakes it with entries of several streams, of several milliseconds.

    Redis before 7.2 answers a read that waited with the one stream that woke it; the others' entries lie
    between. Not on fakeredis: there a blocked read is not woken by an append from another client.
    """
    found: list[list[list[Entry]]] = []

    async def wait() -> None:
        found.append(await reader.look([], 15_000))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await until_blocked(redis, 1)
        pipeline = redis.pipeline(transaction=True)
        for stream, entry_id in [(0, "100-0"), (1, "101-0"), (0, "102-0"), (1, "102-0")]:
            pipeline.xadd(names[stream], {"event": b"a"}, id=entry_id)
        await pipeline.execute()

    assert ids(found[0]) == [[b"100-0", b"102-0"], [b"101-0", b"102-0"]]
    assert await reader.look([], None) == [[], []]


async def until_blocked(redis: Redis, count: int) -> None:
    """Wait until as many clients of the server wait for an entry."""
    with anyio.fail_after(10):
        while (await redis.info("clients"))["blocked_clients"] < count:  # noqa: ASYNC110  # the server sends no event
            await anyio.sleep(0.002)


async def test_after_a_rewind_the_entries_of_a_lost_reply_are_given_again(
    backend: Backend, keys: Keys, reader: Reader, redis: Redis, names: list[str]
) -> None:
    """Those and all later ones, and none that was received."""
    received = await append(redis, names[0], [b"a", b"b"])
    assert ids(await reader.look([], None)) == [received, []]
    lost = await append(redis, names[0], [b"c"]) + await append(redis, names[1], [b"d"])
    # Another reads them with the same group, as the server does for a reply that is lost on its way.
    thief = reader_of(backend.client(), keys, await read_checkpoint(backend.client(), keys, INPUTS))
    assert ids(await thief.look([], None)) == [lost[:1], lost[1:]]
    assert await reader.look([], None) == [[], []]

    await reader.rewind()

    later = await append(redis, names[1], [b"e"])
    assert ids(await reader.look([], None)) == [lost[:1], [lost[1], *later]]


async def test_rewinds_may_follow_each_other(reader: Reader, redis: Redis, names: list[str]) -> None:
    """A second one is as good as the first, before and after a look."""
    await reader.rewind()
    await reader.rewind()
    appended = await append(redis, names[0], [b"a"])

    assert ids(await reader.look([], None)) == [appended, []]
    await reader.rewind()
    assert ids(await reader.look([], None)) == [[], []]


@real_only
async def test_a_read_that_its_client_has_given_up_takes_nothing_from_the_next(
    backend: Backend, keys: Keys, redis: Redis, names: list[str]
) -> None:
    """
    The server still waits for an entry on a connection that is dead on the client's side only.

    Whatever it would be answered must be given to the reader that goes on. Not on fakeredis, which has no
    connections.
    """
    assert backend.url is not None
    checkpoint = await take(backend.client(), keys)
    async with proxy_of(backend.url) as proxy, anyio.create_task_group() as tasks:
        client = Client(backend.redis(url=proxy.url))
        reader = reader_of(client, keys, checkpoint)

        async def wait() -> None:
            with pytest.raises(TransportError):
                await reader.look([], 15_000)
            await client.drop()
            await reader.rewind()
            assert ids(await reader.look([], None)) == [[], []]

            appended = await append(redis, names[0], [b"a", b"b"])

            assert ids(await reader.look([], None)) == [appended, []]

        tasks.start_soon(wait)
        await until_blocked(redis, 1)
        await proxy.cut()


async def test_a_look_for_a_group_that_is_gone_fails(
    backend: Backend, keys: Keys, reader: Reader, redis: Redis, names: list[str]
) -> None:
    """Another has taken the partition, so its groups are gone; nothing is read past it."""
    await append(redis, names[0], [b"a"])
    await take(backend.client(), keys)

    with pytest.raises(TransportError, match="NOGROUP"):
        await reader.look([], None)


async def test_what_was_received_is_not_received_again(
    backend: Backend, keys: Keys, redis: Redis, names: list[str]
) -> None:
    """A failover may take back how far a group read: then the partition is taken again."""
    checkpoint = await take(backend.client(), keys)
    reader = reader_of(backend.client(), keys, checkpoint)
    for name in names:
        await append(redis, name, [b"a", b"b"])
    await reader.look([], None)
    await redis.xgroup_setid(names[1], keys.group(checkpoint.epoch, checkpoint.taking), "0")
    await append(redis, names[0], [b"c"])

    with pytest.raises(FencedError, match="second time"):
        await reader.look([], None)


async def test_a_rewind_of_an_epoch_that_is_over_is_fenced(
    backend: Backend, keys: Keys, reader: Reader, redis: Redis, names: list[str]
) -> None:
    """And leaves no group behind."""
    checkpoint = await take(backend.client(), keys)

    with pytest.raises(FencedError):
        await reader.rewind()

    for name in names:
        groups = await redis.xinfo_groups(name)
        group = keys.group(checkpoint.epoch, checkpoint.taking)
        assert [one["name"] for one in groups] == [group.encode()]


async def test_a_taking_leaves_no_group_of_a_rewind_behind(
    backend: Backend, keys: Keys, reader: Reader, redis: Redis, names: list[str]
) -> None:
    """However often replies were lost, the next epoch's group is the only one of ours; others' stay."""
    await redis.xgroup_create(names[0], f"{keys.prefix}.audit", "0")
    await reader.rewind()
    await reader.rewind()

    checkpoint = await take(backend.client(), keys)

    found = [{group["name"] for group in await redis.xinfo_groups(name)} for name in names]
    group = keys.group(checkpoint.epoch, checkpoint.taking).encode()
    assert found == [{group, f"{keys.prefix}.audit".encode()}, {group}]


async def test_there_is_no_pending_list(reader: Reader, redis: Redis, names: list[str]) -> None:
    """Nothing has to be acknowledged, and nothing grows."""
    await append(redis, names[0], [word(f"w{n}", "a") for n in range(5)])
    await reader.look([], None)

    [group] = await redis.xinfo_groups(names[0])
    assert group["pending"] == 0
