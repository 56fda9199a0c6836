"""
FastStream: a subscriber of the stream with a consumer group, one by one or, with `batch`, a thousand at once.

It keeps no state: a fill is decoded and counted. Decoding is msgspec's, as everywhere here, in place of
FastStream's own, so that each fill is decoded once.
"""

import asyncio
import logging
import os
import time
from typing import Any

from faststream.redis import RedisBroker, StreamSub

from benchmarks.fleet import decode
from benchmarks.peers.account import Job, Result, job, tell

_LOOK = 1000  # entries to a read


class Counter:
    """Counts fills, and knows when they were all there."""

    def __init__(self, count: int) -> None:
        self.wanted, self.count, self.times = count, 0, 0
        self.start = self.end = 0.0
        self.done = asyncio.Event()

    def add(self, times: list[int]) -> None:
        """Count fills, by their times; what comes after the last is not ours to count."""
        if self.done.is_set():
            return
        self.count += len(times)
        self.times += sum(times)
        if self.count >= self.wanted:
            self.end = time.perf_counter()
            self.done.set()


async def work(asked: Job, *, batch: bool) -> Result:
    """Count the fills."""
    broker = RedisBroker(f"redis://127.0.0.1:{asked.port}", logger=logging.getLogger("quiet"))
    counter = Counter(asked.wanted)

    async def one(fill: Any) -> None:  # noqa: ANN401  # what FastStream passes on and awaits
        counter.add([fill.timestamp])

    async def many(fills: Any) -> None:  # noqa: ANN401  # as above
        counter.add([fill.timestamp for fill in fills])

    async def decode_one(message: Any) -> Any:  # noqa: ANN401  # as above
        return decode(message.raw_message["data"][b"event"])

    async def decode_many(message: Any) -> Any:  # noqa: ANN401  # as above
        return [decode(fields[b"event"]) for fields in message.raw_message["data"]]

    group = f"peer.{os.getpid()}"  # its own: it reads from the beginning
    stream = StreamSub(
        asked.stream, group=group, consumer="peer", last_id="0", batch=batch, max_records=_LOOK
    )
    subscriber = broker.subscriber(stream=stream, decoder=decode_many if batch else decode_one)
    subscriber(many if batch else one)
    counter.start = time.perf_counter()
    async with broker:
        await broker.start()
        await counter.done.wait()
    return Result(counter.end - counter.start, counter.count, counter.times)


if __name__ == "__main__":
    _asked, _rest = job()
    tell(asyncio.run(work(_asked, batch="batch" in _rest)))
