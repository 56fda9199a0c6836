"""The servers that the laws are tried on: fakeredis, the real Valkey, and Redis 7 where it is installed."""

import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from stream.keys import Keys
from tests.contract.server import NO_REDIS, REDIS, SERVERS, Backend
from tests.contract.words import INPUTS


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """redis-py knows asyncio only."""
    return "asyncio"


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start the ``redis-server`` on PATH for the session, on a free loopback port."""
    if REDIS is None:
        pytest.skip(NO_REDIS)
    folder = tmp_path_factory.mktemp("redis")
    with ExitStack() as stack:
        for _ in range(10):
            port = free_port()
            server = stack.enter_context(RedisServer(REDIS, port, folder))
            if server.is_ready():  # another process may have taken the port first
                yield f"redis://127.0.0.1:{port}"
                return
        pytest.fail("redis-server does not start")


class RedisServer(subprocess.Popen[str]):
    """A server that ends with its context."""

    def __init__(self, binary: str, port: int, folder: Path) -> None:
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        super().__init__([binary, *options], stdout=subprocess.PIPE, text=True)

    def is_ready(self) -> bool:
        """Wait until it says that it is, or ends."""
        assert self.stdout is not None
        return any("Ready to accept connections" in line for line in self.stdout)

    def __exit__(self, *error: object) -> None:
        self.terminate()
        super().__exit__(None, None, None)


def free_port() -> int:
    """Find a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(params=SERVERS)
async def backend(request: pytest.FixtureRequest, anyio_backend: str) -> AsyncIterator[Backend]:  # noqa: ARG001  # for its loop
    """Give each server in turn."""
    urls = {"valkey": "server_url", "redis": "redis_url"}
    name: str = request.param
    url: Any = request.getfixturevalue(urls[name]) if name in urls else None
    found = Backend(name, url)
    yield found
    await found.close()


@pytest.fixture
def keys(prefix: str) -> Keys:
    """Give the keys of a partition of the test's own."""
    return Keys(prefix, 0)


@pytest.fixture
def names(keys: Keys) -> list[str]:
    """Give the input streams."""
    return [keys.input(name) for name in INPUTS]
