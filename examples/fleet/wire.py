"""
The wire, as seen by any program that is not sluicegate: keys, entries in, events out.

Nothing here or in the bots imports sluicegate's code: docs/wire.md is all there is to know, and a bot in
another language would do the same with its own Redis client.
"""

import binascii
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Self

import msgspec
from redis import Redis

INPUTS: Final = ("trade", "balance", "goal", "command", "clock")
OUTPUTS: Final = ("allocation", "rebalance", "emergency", "wallet")

_POLL_SECONDS: Final = 0.002


class Event(msgspec.Struct):
    """An output event: CloudEvents 1.0, `data` left undecoded until someone wants it."""

    id: str
    source: str
    type: str
    data: msgspec.Raw
    time: str = ""

    @property
    def name(self) -> str:
        """The event's name without the product and version around it."""
        return self.type.split(".")[1]

    @property
    def wallet(self) -> str:
        """The wallet it is about."""
        return self.source.rpartition("/")[2]

    @property
    def cause(self) -> str:
        """The input entry that caused it: its id without the number within."""
        return self.id.rpartition("/")[0]


def partition_of(wallet: str, partitions: int) -> int:
    """Find a wallet's partition: CRC16/XMODEM, the checksum that Redis Cluster spreads its keys by."""
    return binascii.crc_hqx(wallet.encode(), 0) % partitions


class Wire:
    """The streams and state of the partition that one wallet lives in."""

    def __init__(self, client: Redis, prefix: str, partition: int) -> None:
        # Any: redis-py's own annotations allow str, bytes and an awaitable for every reply; ours are bytes.
        self.client: Any = client
        self._tag = f"{{{prefix}:{partition}}}"

    @classmethod
    def connect(cls, url: str, wallet: str, prefix: str = "sluicegate") -> Self:
        """Connect to the server and find the wallet's partition. Raises redis errors."""
        # RESP2 spelt out: the shape of XREAD's reply depends on it.
        client = Redis.from_url(url, protocol=2)
        partitions = int(client.hget(f"{prefix}:meta", "partitions") or 1)
        return cls(client, prefix, partition_of(wallet, partitions))

    def key(self, name: str) -> str:
        """Spell a key in full, such as `in:trade`."""
        return f"{self._tag}:{name}"

    def publish(self, stream: str, events: Iterable[Mapping[str, Any]]) -> str | None:
        """Append events in one round trip; returns the last entry's id, or None if there were none."""
        pipe = self.client.pipeline(transaction=False)
        for event in events:
            pipe.xadd(self.key(stream), {"event": msgspec.json.encode(event)})
        ids = pipe.execute()
        return ids[-1].decode() if ids else None

    def applied(self, stream: str, entry: str) -> bool:
        """Whether the entry, and so all before it, has been applied: its outputs are there to read."""
        position = self.client.hget(self.key("checkpoint"), stream)
        return position is not None and _order(position.decode()) >= _order(entry)

    def wait_applied(self, stream: str, entry: str, late: Callable[[float], None]) -> None:
        """Wait as long as it takes; `late` hears every five seconds how long it has been."""
        start = time.monotonic()
        reported = 0.0
        while not self.applied(stream, entry):
            time.sleep(_POLL_SECONDS)
            waited = time.monotonic() - start
            if waited - reported >= 5:
                reported = waited
                late(waited)

    def ready(self) -> bool:
        """Whether a worker owns the partition."""
        return bool(self.client.hexists(self.key("checkpoint"), "epoch"))

    def all_applied(self) -> bool:
        """Whether everything in the input streams has been applied."""
        for stream in INPUTS:
            last = self.client.xrevrange(self.key(f"in:{stream}"), count=1)
            if last and not self.applied(f"in:{stream}", last[0][0].decode()):
                return False
        return True


class Follower:
    """Reads output streams from their beginning, each event once."""

    def __init__(self, wire: Wire, streams: Iterable[str], count: int = 2_000) -> None:
        self._client = wire.client
        self._positions = {wire.key(f"out:{stream}").encode(): b"0" for stream in streams}
        self._count = count
        self._decode = msgspec.json.Decoder(Event).decode

    def read(self) -> list[Event]:
        """Return what has come since the last call, at most `count` a stream; never waits."""
        events = []
        for stream, entries in self._client.xread(self._positions, count=self._count):
            events += [self._decode(fields[b"event"]) for _, fields in entries]
            self._positions[stream] = entries[-1][0]
        return events


def _order(entry: str) -> tuple[int, int]:
    milliseconds, _, sequence = entry.partition("-")
    return int(milliseconds), int(sequence or 0)
