"""A server whose disk gets full, and has room again."""

import resource
import subprocess
from pathlib import Path
from typing import Final, Literal

from tests.faults.server import Server
from tests.support.programs import PROGRAMS, Program

Kind = Literal["file size", "file system"]
"""A limit on the size of files, which the server takes for a full disk; or a small file system of its own."""

_DISK: Final = 16 << 20
_MOUNT: Final = 'mount -t tmpfs -o size=$2 none "$1" && shift 2 && exec "$@"'
_ANY: Final = resource.RLIM_INFINITY


class SmallDisk(Server):
    """
    A server on a disk that can be filled up.

    The small file system lives as long as the server; it needs a user namespace, or root.
    """

    def __init__(
        self, folder: Path, kind: Kind, fsync: str = "everysec", program: Program = PROGRAMS[0]
    ) -> None:
        self._data = folder / "data"
        self._data.mkdir(parents=True)
        self._kind = kind
        before = _mounted(self._data) if kind == "file system" else []
        config = {"dir": str(self._data), "appendfsync": fsync}
        super().__init__(folder, config, program=program, before=before)

    def fill(self, room: int) -> None:
        """Leave so many bytes on the disk."""
        if self._kind == "file system":
            there = self._inside
            used = sum(path.stat().st_size for path in there.rglob("*") if path.is_file())
            (there / "filler").write_bytes(bytes(_DISK - used - room))
        else:
            log = max((self._data / "appendonlydir").glob("*.incr.aof"))
            resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (log.stat().st_size + room, _ANY))

    def make_room(self) -> None:
        """Leave as many as it takes."""
        if self._kind == "file system":
            (self._inside / "filler").unlink()
        else:
            resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (_ANY, _ANY))

    @property
    def _inside(self) -> Path:
        """The folder of its data as the server sees it."""
        return Path(f"/proc/{self.pid}/root{self._data}")


def may_mount(folder: Path) -> bool:
    """Whether a file system may be mounted here, out of everybody else's sight."""
    try:
        return subprocess.run([*_mounted(folder), "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def _mounted(folder: Path) -> list[str]:
    """Words that mount a small file system over a folder, for the words that follow."""
    return ["unshare", "-rm", "sh", "-c", _MOUNT, "sh", str(folder), str(_DISK)]
