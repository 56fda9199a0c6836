"""Two workers of one partition, and everything that can get in their way at once."""

from collections.abc import Sequence
from random import Random

import anyio
import pytest
from redis.asyncio import Redis

from stream.keys import Keys
from tests.contract.server import Backend, kill, real_only
from tests.contract.serving import Running, expect_exactly_once, serving, until_applied
from tests.contract.words import words

pytestmark = pytest.mark.anyio


class Troubles:
    """Everything that can get in the way of two workers, to be drawn from."""

    def __init__(self, redis: Redis, keys: Keys, workers: Sequence[Running], random: Random) -> None:
        self._redis = redis
        self._keys = keys
        self._workers = workers
        self._random = random

    async def cut(self) -> None:
        """Cut all connections of one."""
        await kill(self._redis, self._random.choice(["first", "second"]))

    async def fail(self) -> None:
        """Let a commit of one fail."""
        self._random.choice(self._workers).writing.fates.append(self._random.choice(["lost", "unsent"]))

    async def hold(self) -> None:
        """Hold one still."""
        self._random.choice(self._workers).writing.everything.shut()

    async def let_go(self) -> None:
        """Let one go on."""
        self._random.choice(self._workers).writing.everything.open()

    async def end_lease(self) -> None:
        """Let the lease lapse before its time."""
        await self._redis.delete(self._keys.lease)

    async def rest(self) -> None:
        """Let them work for a while."""
        await anyio.sleep(self._random.uniform(0, 0.1))

    async def none(self) -> None:
        """Do nothing."""

    async def draw(self) -> None:
        """Make one of them, or none."""
        choices = [self.cut, self.fail, self.hold, self.let_go, self.let_go, self.end_lease, self.rest]
        await self._random.choice([*choices, *[self.none] * 4])()

    def end(self) -> None:
        """End them all."""
        for worker in self._workers:
            worker.writing.fates.clear()
            worker.writing.everything.open()


@pytest.mark.parametrize("seed", range(2))
@real_only
async def test_everything_at_once(backend: Backend, keys: Keys, names: list[str], seed: int) -> None:
    """
    Two workers of one partition under bursts, cut connections, failing commits and stops, in a random order.

    Not on fakeredis, which has no connections to cut.
    """
    redis = backend.redis()
    random = Random(seed)
    sent = 0
    async with (
        serving(backend, keys, owner="first", batch=40, lease_ms=400) as first,
        serving(backend, keys, owner="second", batch=25, lease_ms=400) as second,
    ):
        troubles = Troubles(redis, keys, [first, second], random)
        for _ in range(60):
            pipeline = redis.pipeline(transaction=random.random() < 0.5)
            burst = words(random.choice([1, 3, 70, 150]), sent)
            for event in burst:
                pipeline.xadd(random.choice(names), {"event": event})
            await pipeline.execute()
            sent += len(burst)
            await troubles.draw()
        troubles.end()
        await until_applied(redis, keys, sent)

    await expect_exactly_once(redis, keys)
