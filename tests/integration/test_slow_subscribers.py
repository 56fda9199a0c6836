"""Subscribers that read slowly or not at all slow down neither a worker nor who reads as it comes."""

import socket
import time
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any

from tests.faults.checker import OUTPUTS, check_partition, stream
from tests.faults.conftest import random
from tests.faults.load import Load, make_load
from tests.faults.process import WorkerProcess, wait_until_applied
from tests.faults.publishing import publish
from tests.faults.server import Server, now_ms, wait_until
from tests.support.thread import Thread

__all__ = ["random"]  # a fixture

MEBIBYTE = 1 << 20
LIMIT = 32 * MEBIBYTE
LIMITS = f"normal {LIMIT} 0 0"  # as in docs/operations.md, with a smaller figure
FILLS = 3000


def test_slow_subscribers_slow_nobody(random: Random, tmp_path: Path) -> None:
    """
    Beside a slow subscriber and two that stopped in the middle of a reply, others take as long as alone.

    Who reads normally gets every output, once, in order, and is done when the worker is. Who reads a
    hundredth of it gets what comes first. Who stopped keeps one reply in the server's memory; who asks for
    more and more without reading is cut off at the limit, and it alone.
    """
    config = {"appendonly": "no", "client-output-buffer-limit": LIMITS}
    with Server(tmp_path / "valkey", config) as server:
        client = server.client()
        now = now_ms(client)
        load = make_load(
            random, wallets=["alpha", "beta"], agents=20, fills=FILLS, now_ms=now, conflation="0s"
        )
        alone_s = trade(server, "alone", load, tmp_path)
        outputs = client.xlen("{alone:0}:out:wallet")
        with (
            Buffers(server) as buffers,
            Deaf(server, "stopped", asks=1) as stopped,
            Deaf(server, "greedy", asks=1000) as greedy,
            Reader(server, "beside", count=1, pause_s=100 * alone_s / outputs) as slow,
        ):
            beside_s = trade(server, "beside", load, tmp_path)
            wait_until(lambda: greedy.was_cut_off, 30, "the server cuts it off")
            assert not stopped.was_cut_off
            assert unsent(client, "stopped") > MEBIBYTE, "it has not stopped in the middle of a reply"
        check_partition(client, prefix="beside")
        everything = [entry_id for entry_id, _ in stream(client, "{beside:0}:out:wallet")]
        read = slow.read["out:wallet"]
        print(  # noqa: T201  # figures
            f"{alone_s:.2f} s alone, {beside_s:.2f} s beside; {len(read)} of {len(everything)} read slowly; "
            f"at most {buffers.most >> 20} MiB in buffers"
        )
        assert 0 < len(read) < len(everything) / 2
        assert read == everything[: len(read)]
        assert beside_s < 3 * alone_s + 1
        assert buffers.most < 2 * LIMIT


def trade(server: Server, prefix: str, load: Load, folder: Path) -> float:
    """Have a worker apply a load while one reads all that comes out, and return the seconds it takes both."""
    client, tag = server.client(), f"{{{prefix}:0}}"
    publish(client, load, tag)
    with (
        Reader(server, prefix, count=1000) as reader,
        WorkerProcess(folder / f"{prefix}.log", redis=server.url, prefix=prefix, batch=250) as worker,
    ):
        worker.wait_for("partition owned")
        start = time.monotonic()
        wait_until_applied(client, worker, tag)
        worker_s = time.monotonic() - start
        wait_until(lambda: reader.has_all(client), 30, "everything is read")
        reader_s = time.monotonic() - start
        assert worker.terminate() == 0
        wait_until(lambda: reader.has_all(client), 5, "so is what it says at its end")
    assert reader_s < 2 * worker_s + 1
    for name in OUTPUTS:
        assert reader.read[name] == [entry_id for entry_id, _ in stream(client, f"{tag}:{name}")], name
    return reader_s


class Reader(Thread):
    """A subscriber that reads the outputs of a prefix from their beginning."""

    def __init__(self, server: Server, prefix: str, *, count: int, pause_s: float = 0.0) -> None:
        """``count`` is how many it reads at once of each stream, ``pause_s`` how long it then waits."""
        super().__init__(pause_s)
        self._client = server.client()
        self._tag = f"{{{prefix}:0}}:"
        self._count = count
        self.read: dict[str, list[bytes]] = {name: [] for name in OUTPUTS}

    def step(self) -> None:
        """Read what there is."""
        after = {self._tag + name: ids[-1] if ids else b"0-0" for name, ids in self.read.items()}
        for key, entries in self._client.xread(after, count=self._count, block=50):
            name = key.decode().removeprefix(self._tag)
            self.read[name] += [entry_id for entry_id, _ in entries]

    def has_all(self, client: Any) -> bool:
        """Whether it has read all there is by now."""
        return all(len(ids) == client.xlen(self._tag + name) for name, ids in self.read.items())


class Deaf(Thread):
    """A subscriber that asks for all there is of the prefix ``alone``, and never reads what it gets."""

    def __init__(self, server: Server, name: str, asks: int) -> None:
        """Ask so many times."""
        super().__init__(0.05)
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.connect(("127.0.0.1", server.port))
        self._socket.sendall(f"CLIENT SETNAME {name}\r\n".encode())
        self._asks = asks
        self.was_cut_off = False

    def step(self) -> None:
        """Ask once more."""
        if self._asks and not self.was_cut_off:
            self._asks -= 1
            try:
                self._socket.sendall(b"XREAD STREAMS {alone:0}:out:wallet 0-0\r\n")
            except ConnectionError:
                self.was_cut_off = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._socket.close()


class Buffers(Thread):
    """Watches how much the server keeps of replies that its clients have not read."""

    def __init__(self, server: Server) -> None:
        """Begin with nothing."""
        super().__init__(0.01)
        self._client = server.client()
        self.most = 0  # bytes

    def step(self) -> None:
        """Look once."""
        self.most = max(self.most, sum(int(one["omem"]) for one in self._client.client_list()))


def unsent(client: Any, name: str) -> int:
    """Bytes that the server keeps for a client of this name."""
    (found,) = (one for one in client.client_list() if one["name"] == name)
    return int(found["omem"])
