"""A real server on loopback with an append-only file, which can go away and come back on its port."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from random import SystemRandom
from types import TracebackType
from typing import Any, Final, Self

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from tests.support.programs import PROGRAMS, Program

_START_S: Final = 30.0
_NOTHING: Final = '""'  # in a configuration file


class Server:
    """A server with its data in a folder. A context manager: it runs inside."""

    def __init__(
        self,
        folder: Path,
        config: Mapping[str, str] | None = None,
        password: str = "",
        program: Program = PROGRAMS[0],
        before: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """``before`` are words before those of the server, ``environment`` is added to our own."""
        folder.mkdir(exist_ok=True)
        self.port = free_port()
        self._folder = folder
        self._program = program
        self._before = before
        self._environment = {**os.environ, **(environment or {})}
        self._password = password
        self._process: subprocess.Popen[bytes] | None = None
        self._settings = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "dir": str(folder),
            "save": "",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "requirepass": password,
            **(config or {}),
        }

    @property
    def url(self) -> str:
        """Where it is, with the password if it asks for one."""
        credentials = f":{self._password}@" if self._password else ""
        return f"redis://{credentials}127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None, "it does not run"
        return self._process.pid

    def client(self) -> Any:
        """Make a client that neither decodes nor retries."""
        return redis.Redis.from_url(self.url, protocol=2, retry=Retry(NoBackoff(), 0), socket_timeout=30)

    def start(self) -> None:
        """Start it, again if need be, with what its append-only file holds."""
        assert self._process is None, "it runs"
        lines = [f"{name} {value or _NOTHING}" for name, value in self._settings.items()]
        file = self._folder / "server.conf"
        file.write_text("\n".join(lines), encoding="utf-8")
        with (self._folder / "server.log").open("ab") as log:
            words = [*self._before, self._program.path, str(file)]
            # Python ignores SIGXFSZ, and the server shall too: then it gets an error, as with a full disk.
            self._process = subprocess.Popen(
                words, env=self._environment, stdout=log, stderr=log, restore_signals=False
            )
        try:
            wait_until(self._answers, _START_S, f"{self._program.name} is up; see {log.name}")
        except AssertionError:
            self.kill()
            raise

    def stop(self) -> None:
        """Have it end in order."""
        assert self._process is not None, "it does not run"
        self._process.terminate()
        self._process.wait(20)
        self._process = None

    def kill(self) -> None:
        """End it with SIGKILL, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def hold(self) -> None:
        """Hold it still, as a machine that hangs; its connections stay."""
        assert self._process is not None, "it does not run"
        self._process.send_signal(signal.SIGSTOP)

    def release(self) -> None:
        """Let it go on."""
        assert self._process is not None, "it does not run"
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def _answers(self) -> bool:
        assert self._process is not None
        code = self._process.poll()
        assert code is None, f"{self._program.name} ended with {code}:\n{self._log()}"
        with suppress(RedisError), self.client() as client:
            return bool(client.ping())
        return False

    def _log(self) -> str:
        return (self._folder / "server.log").read_text(errors="replace")[-2000:]


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
