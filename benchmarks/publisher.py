"""Fills a second that one process appends with `stream.publisher`."""

import asyncio
import time

from app.config import Config
from app.connect import open_redis
from benchmarks.figures import Found, Row
from benchmarks.fleet import Fleet, fills
from benchmarks.server import TAG, Prepared, serving
from benchmarks.sizes import Sizes
from stream.client import Client
from stream.publisher import Publisher

_STREAM = f"{TAG}:in:trade"


def measure(sizes: Sizes, prepared: Prepared) -> Found:  # noqa: ARG001  # nobody has to be there
    """Publish the same fills to a server of its own, several times."""
    events = fills(Fleet(), sizes.published, 0)
    rates = []
    for _ in range(sizes.runs):
        with serving() as port:
            rates.append(asyncio.run(_rate(port, events)))
    row = Row("published_per_second", "one process publishes", "fills/s", rates, 200_000)
    return Found("publisher", "Publishing", [row])


async def _rate(port: int, events: list[bytes]) -> float:
    client = Client(open_redis(Config(redis=f"redis://127.0.0.1:{port}/0")))
    try:
        start = time.perf_counter()
        count = await Publisher(client).publish(_STREAM, events)
        taken = time.perf_counter() - start
        assert await client.ask("XLEN", _STREAM) == count == len(events)
    finally:
        await client.close()
    return count / taken
