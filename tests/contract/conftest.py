"""The servers that the laws are tried on: fakeredis, the real Valkey, and Redis 7 where it is installed."""

import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from stream.keys import Keys
from tests.contract.server import Backend
from tests.contract.words import INPUTS

SERVERS: Final = ("fakeredis", "valkey", "redis")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """redis-py knows asyncio only."""
    return "asyncio"


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start the ``redis-server`` on PATH for the session."""
    binary = shutil.which("redis-server")
    if binary is None:
        pytest.skip("no redis-server on PATH")
    folder: Path = tmp_path_factory.mktemp("redis")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with subprocess.Popen([binary, *options], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            for line in server.stdout:
                if "Ready to accept connections" in line:
                    break
            else:
                pytest.fail("redis-server did not start")
            yield f"redis://127.0.0.1:{port}"
        finally:
            server.terminate()


@pytest.fixture(params=SERVERS)
async def backend(request: pytest.FixtureRequest, anyio_backend: str) -> AsyncIterator[Backend]:  # noqa: ARG001
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
