"""A deployment as its users see it: a server, a prefix, and the partitions that a worker recorded there."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import anyio
import msgspec

from app.config import Config
from app.connect import check_server, hide_password, open_redis
from stream.client import Client
from stream.errors import ConfigurationError
from stream.keys import Keys, meta_key, partition_of

_POLL_S: Final = 0.1


class Deployment(msgspec.Struct, frozen=True):
    """Where the keys of a deployment are."""

    client: Client
    prefix: str
    partitions: int
    earlier: tuple[int, ...] = ()  # how many there were before, in the order of time

    @property
    def all_keys(self) -> list[Keys]:
        """Keys of every partition."""
        return [Keys(self.prefix, partition) for partition in range(self.partitions)]

    def home(self, wallet: str) -> Keys:
        """Keys of the partition that a wallet lives in."""
        return Keys(self.prefix, partition_of(wallet, self.partitions))

    def homes(self, wallet: str) -> list[Keys]:
        """Keys of every partition that a wallet has lived in, of which the last is where it lives."""
        numbers = [partition_of(wallet, count) for count in (*self.earlier, self.partitions)]
        return [Keys(self.prefix, number) for number in reversed(dict.fromkeys(reversed(numbers)))]

    @property
    def given_up(self) -> list[Keys]:
        """Keys of the partitions that there were once and are no more."""
        numbers = range(self.partitions, max(self.earlier, default=0))
        return [Keys(self.prefix, number) for number in numbers]

    async def now_ms(self) -> int:
        """Return the server's time, by which it names entries. Raises `TransportError`."""
        seconds, micros = await self.client.ask("TIME")
        return int(seconds) * 1000 + int(micros) // 1000


@asynccontextmanager
async def open_deployment(config: Config, wait_s: float = 0.0) -> AsyncIterator[Deployment]:
    """
    Connect to a deployment.

    Args:
        config: names the server and the prefix; the number of partitions is the recorded one.
        wait_s: how long to wait for a worker that is only just starting.

    Raises:
        ConfigurationError: there is no server, or no worker has ever run there.
        TransportError: the server went away.

    """
    await check_server(config)
    client = Client(open_redis(config))
    try:
        yield Deployment(client, config.prefix, *await _recorded_partitions(client, config, wait_s))
    finally:
        await client.close()


async def _recorded_partitions(client: Client, config: Config, wait_s: float) -> tuple[int, tuple[int, ...]]:
    """How many there are, and how many there were before."""
    end = time.monotonic() + wait_s
    while True:
        recorded = await client.hash(meta_key(config.prefix))
        if b"partitions" in recorded:
            return int(recorded[b"partitions"]), tuple(map(int, recorded.get(b"earlier", b"").split()))
        if time.monotonic() >= end:
            raise ConfigurationError(
                f"No worker has run at {hide_password(config.redis)} with the prefix {config.prefix} yet: "
                "start one with sluicegate worker, or all of it with sluicegate up."
            )
        await anyio.sleep(_POLL_S)
