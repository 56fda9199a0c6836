"""
A worker that appends no ticks of its own, for inputs that bring theirs: ``python -m tests.faults.quiet``.

Words: the server's URL, the prefix, the batch. It ends once every entry there is has been applied.
"""

import sys

import anyio

from app.config import Config
from app.connect import open_clients, open_redis
from handlers.fleet import Fleet
from stream.checkpoint import read_checkpoint
from stream.client import Client
from stream.keys import Keys
from stream.ownership import new_member
from stream.types import BatchDetails
from stream.worker import PartitionWorker, Settings


class _Watch:
    """Observes a worker, and has it stop once all is applied."""

    def __init__(self, waiting: int, stop: anyio.Event) -> None:
        self._waiting = waiting
        self._stop = stop

    def committed(self, details: BatchDetails) -> None:
        """Count what is done."""
        self._waiting -= details.entries
        if self._waiting <= 0:
            self._stop.set()

    def taken(self, partition: int, epoch: int) -> None:
        """Nothing to see."""

    def owned(self, partition: int, epoch: int) -> None:
        """Nothing to see."""

    def migrated(self, partition: int, before: int, after: int) -> None:
        """Nothing to see."""

    def lost(self, partition: int, reason: str) -> None:
        """Nothing to see."""

    def held(self, partition: int, holder: str) -> None:
        """Nothing to see."""

    def away(self, partition: int, error: str) -> None:
        """Nothing to see."""

    def rolled_back(self, partition: int, commits: int) -> None:
        """Nothing to see."""

    def stalled(self, partition: int, reason: str) -> None:
        """Nothing to see."""

    def gets_on(self, partition: int) -> None:
        """Nothing to see."""

    def trimmed(self, details: object) -> None:
        """Nothing to see."""

    def lag(self, partition: int, events: int, seconds: float) -> None:
        """Nothing to see."""


async def work(config: Config) -> None:
    """Work until nothing waits."""
    keys, fleet, stop = Keys(config.prefix, 0), Fleet(), anyio.Event()
    client = Client(open_redis(config))
    applied = (await read_checkpoint(client, keys, fleet.inputs)).applied
    there = [int(await client.ask("XLEN", keys.input(name))) for name in fleet.inputs]
    await client.close()
    watch = _Watch(sum(there) - sum(applied), stop)
    settings = Settings(batch=config.batch, clock=None)
    clients = open_clients(config, settings.block_ms)
    await PartitionWorker(keys, fleet, clients, new_member(config.worker_name), watch, settings).run(stop)


if __name__ == "__main__":
    url, prefix, batch = sys.argv[1:]
    anyio.run(work, Config(redis=url, prefix=prefix, batch=int(batch), name="quiet"))
