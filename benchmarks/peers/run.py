"""Runs the peers, as far as they are installed, and holds what they did against what was to be done."""

import importlib.util
import subprocess
import sys
from typing import NamedTuple

import msgspec

from benchmarks.fleet import checksum, fold
from benchmarks.peers.account import Result
from benchmarks.server import TAG
from benchmarks.sizes import Sizes


class Peer(NamedTuple):
    """What else one could have used."""

    name: str
    what: str
    module: str
    words: tuple[str, ...]
    fills: str  # which of the sizes it works through
    times: float | None  # how many times as fast the worker is to be
    needs: str = "redis"

    @property
    def installed(self) -> bool:
        """Whether it can run here."""
        return importlib.util.find_spec(self.needs) is not None

    def rate(self, port: int, events: list[bytes], sizes: Sizes) -> float:
        """Let it do the first of the fills, and check that it did; fills a second."""
        some = events[: getattr(sizes, self.fills)]
        words = (f"benchmarks.peers.{self.module}", str(port), f"{TAG}:in:trade", str(len(some)), *self.words)
        process = subprocess.run([sys.executable, "-m", *words], capture_output=True, check=False)
        if process.returncode:
            raise SystemExit(f"{self.what} ended:\n{process.stderr.decode()}")
        found = msgspec.json.decode(process.stdout.splitlines()[-1], type=Result)
        if found.books is None:
            assert (found.count, found.times) == checksum(some), f"{self.what} did not read all"
        else:
            assert found.books == fold(some), f"{self.what} came to something else"
        return len(some) / found.seconds


PEERS = (
    Peer("redis_loop", "redis-py by hand, one MULTI per fill", "redis_loop", (), "loop", None),
    Peer("faststream", "FastStream one by one, stateless", "faststream", (), "slow", 100, "faststream"),
    Peer(
        "faststream_batches",
        "FastStream in batches, stateless",
        "faststream",
        ("batch",),
        "fast",
        5,
        "faststream",
    ),
    Peer("bytewax", "Bytewax one by one, in memory", "bytewax", ("1",), "fast", 1.2, "bytewax"),
    Peer("bytewax_batches", "Bytewax in batches, in memory", "bytewax", ("1000",), "fast", 1.2, "bytewax"),
)


def absent() -> list[str]:
    """Say which peers are left out, and why."""
    return [
        f"{peer.what}: left out, {peer.needs} is not installed (`pip install '.[bench]'`)."
        for peer in PEERS
        if not peer.installed
    ]
