"""A worker loses commits, replies, connections and groups, and no entry."""

from random import Random

import pytest

from stream.keys import Keys
from tests.contract.server import Backend, append, hash_of, kill, real_only
from tests.contract.serving import expect_exactly_once, serving, until_applied
from tests.contract.words import word, words

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("fate", ["lost", "unsent"])
async def test_each_entry_counts_once_whatever_becomes_of_a_commit(
    backend: Backend, keys: Keys, names: list[str], fate: str
) -> None:
    """A commit whose reply was lost has landed; one that never arrived is done again; neither shows."""
    redis = backend.redis()
    await append(redis, names[0], words(1500))

    async with serving(backend, keys, batch=50) as running:
        running.writing.fates += ["fine", fate, "fine", fate, "fine", "fine", fate]
        await running.watcher.until(lambda: running.watcher.entries == 1500)

    await expect_exactly_once(redis, keys)
    assert len(running.watcher.epochs) == (1 if fate == "lost" else 4)


@real_only
async def test_dropped_connections_lose_nothing_and_double_nothing(
    backend: Backend, keys: Keys, names: list[str]
) -> None:
    """
    Whatever was in flight when the server cut all connections of the worker.

    Not on fakeredis, which has no connections.
    """
    redis = backend.redis()
    generator = Random(2)

    async def publish() -> None:
        for first in range(0, 3000, 20):
            await append(redis, names[generator.randrange(2)], words(20, first))
            if generator.random() < 0.1:
                await kill(redis, "first")

    async with serving(backend, keys, batch=30) as running:
        await running.watcher.until(lambda: bool(running.watcher.epochs))
        await publish()
        await until_applied(redis, keys, 3000)

    await expect_exactly_once(redis, keys)


async def test_a_lost_reply_to_a_read_is_read_again(backend: Backend, keys: Keys, names: list[str]) -> None:
    """Without loading everything again; the entries in it are neither lost nor doubled."""
    redis = backend.redis()
    async with serving(backend, keys, batch=20) as running:
        for n in range(5):
            running.reading.losses = 1
            await append(redis, names[n % 2], words(50, 50 * n))
            await running.watcher.until(lambda: running.watcher.entries == 50 * (n + 1))
            assert running.reading.losses == 0
        assert running.watcher.epochs == [1]

    await expect_exactly_once(redis, keys)


async def test_replies_lost_in_a_row_end_in_loading_again(
    backend: Backend, keys: Keys, names: list[str]
) -> None:
    """There is always the one recovery."""
    redis = backend.redis()
    async with serving(backend, keys, batch=20) as running:
        await running.watcher.until(lambda: running.watcher.epochs == [1])
        running.reading.losses = 3
        await append(redis, names[0], words(50))
        await running.watcher.until(lambda: running.watcher.entries == 50)
        assert running.watcher.epochs == [1, 2]

    await expect_exactly_once(redis, keys)


async def test_a_group_that_is_gone_is_made_again_at_the_checkpoint(
    backend: Backend, keys: Keys, names: list[str]
) -> None:
    """Somebody destroyed it: the worker takes the partition again and goes on where it was."""
    redis = backend.redis()
    async with serving(backend, keys) as running:
        await append(redis, names[0], words(100))
        await running.watcher.until(lambda: running.watcher.entries == 100)
        taking = (await hash_of(redis, keys.checkpoint))[b"taking"].decode()
        await redis.xgroup_destroy(names[0], keys.group(1, taking))
        await append(redis, names[0], words(100, 100))
        await running.watcher.until(lambda: running.watcher.entries == 200)
        assert running.watcher.epochs == [1, 2]
        assert running.watcher.losses

    await expect_exactly_once(redis, keys)


async def test_entries_that_come_a_second_time_are_applied_once(
    backend: Backend, keys: Keys, names: list[str]
) -> None:
    """A failover may take back how far the group read and leave the checkpoint: nothing is counted twice."""
    redis = backend.redis()
    async with serving(backend, keys) as running:
        await append(redis, names[0], words(3))
        await until_applied(redis, keys, 3)
        for group in await redis.xinfo_groups(names[0]):
            await redis.xgroup_setid(names[0], group["name"].decode(), "0")
        await append(redis, names[0], [word("later", "a")])
        await running.watcher.until(lambda: len(running.watcher.epochs) == 2)
        await until_applied(redis, keys, 4)

    await expect_exactly_once(redis, keys)
