"""One server of those that the laws are tried on, and what a test sees and does there past the engine."""

from collections.abc import Sequence
from typing import Any, Final

import pytest
from fakeredis import FakeAsyncRedis, FakeServer
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from stream.client import Client
from stream.keys import Keys
from stream.types import Entry
from tests.contract.words import INPUTS
from tests.support.programs import EACH, Program

SERVERS: Final = [pytest.param(None, id="fakeredis"), *EACH]

real_only = pytest.mark.parametrize("backend", EACH, indirect=True)


class Backend:
    """A server: fakeredis where there is no program."""

    def __init__(self, program: Program | None, url: str | None) -> None:
        self.program = program
        self.url = url
        self._fake = FakeServer()
        self._opened: list[Redis] = []

    def redis(self, client_name: str | None = None, url: str | None = None) -> Redis:
        """Open a plain client: it speaks RESP2, and neither decodes nor retries."""
        if self.url is None:
            found: Redis = FakeAsyncRedis(server=self._fake, protocol=2)
        else:
            retry = Retry(NoBackoff(), 0)
            found = Redis.from_url(
                url or self.url, protocol=2, retry=retry, socket_timeout=20, client_name=client_name
            )
        self._opened.append(found)
        return found

    def client(self, url: str | None = None) -> Client:
        """Open a client as the engine has it."""
        return Client(self.redis(url=url))

    async def close(self) -> None:
        """Close every client."""
        for redis in self._opened:
            await redis.aclose()


async def append(redis: Redis, stream: str, events: Sequence[bytes]) -> list[bytes]:
    """Append events, each by a command of its own, in one round trip; return the ids."""
    pipeline = redis.pipeline(transaction=False)
    for event in events:
        pipeline.xadd(stream, {"event": event})
    ids: list[bytes] = await pipeline.execute()
    return ids


async def stream_of(redis: Redis, key: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """Read a whole stream."""
    found: Any = await redis.xrange(key)
    return list(found)


async def hash_of(redis: Redis, key: str) -> dict[bytes, bytes]:
    """Read a whole hash."""
    found: Any = await redis.hgetall(key)
    return dict(found)


async def entries_of(redis: Redis, keys: Keys) -> list[Entry]:
    """Read all entries of the input streams."""
    return [
        Entry(stream, entry_id, fields.get(b"event"))
        for stream, name in enumerate(INPUTS)
        for entry_id, fields in await stream_of(redis, keys.input(name))
    ]


async def kill(redis: Redis, name: str) -> None:
    """Cut all connections of a name."""
    for client in await redis.client_list():
        if client["name"] == name:
            await redis.execute_command("CLIENT", "KILL", "ID", client["id"])
