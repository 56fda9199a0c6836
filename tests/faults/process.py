"""A worker in a process of its own, as an operator starts it."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import anyio

from app.config import Config
from app.replay import replay
from tests.faults.server import wait_until

ROOT: Final = Path(__file__).parents[2]


class WorkerProcess:
    """
    ``python -m app worker`` with settings from the environment.

    A context manager: what is still running at its end is killed, by its own process id.
    """

    def __init__(self, log: Path, more: Mapping[str, str] | None = None, /, **settings: object) -> None:
        """
        Start it.

        ``settings`` are those of `app.config.Config`, ``more`` is added to the environment; its log lines are
        appended to ``log``.
        """
        self._log = log
        self._read_from = log.stat().st_size if log.exists() else 0
        given = {"metrics_port": 0, **settings}
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("SLUICEGATE_")
        }
        environment |= more or {}
        environment |= {f"SLUICEGATE_{name.upper()}": str(value) for name, value in given.items()}
        with log.open("ab") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app", "worker"],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    # -- what is done to it --------------------------------------------------------------------------------

    def kill(self) -> None:
        """End it with SIGKILL, which nothing can prepare for."""
        assert self.process.poll() is None, f"it ended by itself:\n{self.text()}"
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Hold it still."""
        self.process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    def terminate(self, seconds: float = 30.0) -> int:
        """Ask it to end with SIGTERM and return its exit code."""
        self.process.terminate()
        return self.wait(seconds)

    def wait(self, seconds: float = 30.0) -> int:
        """Return its exit code once it has ended."""
        return self.process.wait(seconds)

    # -- what it says --------------------------------------------------------------------------------------

    def text(self) -> str:
        """Everything it wrote so far."""
        with self._log.open("rb") as file:
            file.seek(self._read_from)
            return file.read().decode(errors="replace")

    def sentences(self) -> list[str]:
        """Lines it wrote for a person, among those of its log."""
        return [line for line in self.text().splitlines() if not line.startswith("{")]

    def said(self, event: str, **members: Any) -> list[dict[str, Any]]:
        """Its log lines of an event, with these members."""
        lines = [json.loads(line) for line in self.text().splitlines() if line.startswith("{")]
        return [
            line
            for line in lines
            if line.get("event") == event and all(line.get(k) == v for k, v in members.items())
        ]

    def wait_for(
        self, event: str, *, times: int = 1, seconds: float = 30.0, **members: Any
    ) -> dict[str, Any]:
        """Wait for a log line, and return the last such line."""

        def is_there() -> bool:
            if len(self.said(event, **members)) >= times:
                return True
            assert self.process.poll() is None, f"it ended without saying {event!r}:\n{self.text()}"
            return False

        wait_until(is_there, seconds, f"log line {event!r} {members}; it said:\n{self.text()}")
        return self.said(event, **members)[-1]

    def metric(self, name: str, **labels: str) -> float | None:
        """One of its figures, as Prometheus would read it; None where it is not there."""
        lines = self.page("/metrics")[1].splitlines()
        wanted = {f'{label}="{value}"' for label, value in labels.items()}
        for line in lines:
            series, _, value = line.rpartition(" ")
            found, _, inside = series.partition("{")
            if found == name and set(filter(None, inside.rstrip("}").split(","))) == wanted:
                return float(value)
        return None

    def page(self, path: str) -> tuple[int, str]:
        """Status and text of what it answers over HTTP."""
        address = self.wait_for("metrics")["address"].removesuffix("/metrics") + path
        try:
            with urllib.request.urlopen(address, timeout=5) as reply:  # noqa: S310  # our own address
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


def is_applied(client: Any, tag: str = "{sluicegate:0}") -> bool:
    """Whether all fills of a partition are applied."""
    applied = client.hget(f"{tag}:checkpoint", "in:trade")
    return bool(applied == client.xinfo_stream(f"{tag}:in:trade")["last-generated-id"])


def wait_until_applied(
    client: Any, worker: WorkerProcess, tag: str = "{sluicegate:0}", seconds: float = 120
) -> None:
    """Wait for a worker, which has to live, until all fills of a partition are applied."""

    def there() -> bool:
        assert worker.process.poll() is None, f"it ended by itself:\n{worker.text()}"
        return is_applied(client, tag)

    wait_until(there, seconds, "all fills are applied")


def check_replay(url: str, partitions: int = 1) -> None:
    """`sluicegate replay` agrees: the same inputs give the same bytes of state and outputs."""
    assert anyio.run(replay, Config(redis=url, partitions=partitions), _no_progress) == []


def _no_progress(done: int, total: int) -> None:
    """Nobody watches."""
