"""A server that goes back in time, as one does after a failover: a worker notices, and goes on from there."""

from typing import Any

import pytest
from redis.asyncio import Redis

from stream.errors import ConfigurationError
from stream.keys import Keys
from tests.contract.server import Backend, append, hash_of, real_only
from tests.contract.serving import expect_exactly_once, serving
from tests.contract.test_ownership import claim
from tests.contract.words import words

pytestmark = pytest.mark.anyio


async def _copy(redis: Redis, keys: Keys) -> dict[bytes, Any]:
    """Copy everything of a partition."""
    return {key: await redis.dump(key) async for key in redis.scan_iter(f"{keys.tag}:*", count=1000)}


@real_only
async def test_commits_that_were_taken_back(backend: Backend, keys: Keys, names: list[str]) -> None:
    """Input, state, outputs and checkpoint are as they were before; what is published again is applied."""
    redis = backend.redis()
    async with serving(backend, keys) as running:
        watcher = running.watcher
        await append(redis, names[0], words(100))
        await watcher.until(lambda: watcher.entries == 100)
        before = await _copy(redis, keys)
        commits = int((await hash_of(redis, keys.checkpoint))[b"seq"])
        await append(redis, names[0], words(200, 100))
        await watcher.until(lambda: watcher.entries == 300)
        lost = int((await hash_of(redis, keys.checkpoint))[b"seq"]) - commits

        async with redis.pipeline(transaction=True) as pipeline:
            for key, value in before.items():
                pipeline.restore(key, 0, value, replace=True)
            await pipeline.execute()
        await append(redis, names[0], words(200, 100))
        await watcher.until(lambda: bool(watcher.rollbacks) and watcher.entries >= 500)

        assert watcher.rollbacks == [lost]
    await expect_exactly_once(redis, keys)


@real_only
@pytest.mark.parametrize("how", ["deleted", "an older copy"])
async def test_a_stream_that_ends_before_the_checkpoint(
    backend: Backend, keys: Keys, names: list[str], how: str
) -> None:
    """The worker ends and says so, and nothing is changed: no group is made, the epoch stays."""
    redis = backend.redis()
    await append(redis, names[0], words(10))
    older: Any = await redis.dump(names[0])
    await append(redis, names[0], words(10, 10))
    async with serving(backend, keys) as running:
        await running.watcher.until(lambda: running.watcher.entries == 20)
    before = await hash_of(redis, keys.checkpoint)
    await redis.delete(names[0])
    if how == "an older copy":
        await redis.restore(names[0], 0, older)

    with pytest.raises(ConfigurationError, match=r"in:word ends at .*sluicegate recover"):
        await claim(backend, keys, "second").take()

    assert await hash_of(redis, keys.checkpoint) == before
    assert await redis.exists(names[0]) == (how == "an older copy")
