"""A partition worker under test: run it, watch it, get in its way, and see what it left."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio
import msgspec
from redis.asyncio import Redis

from stream import scripts
from stream.checkpoint import parse_checkpoint
from stream.client import Argument, Client
from stream.errors import TransportError
from stream.keys import Keys
from stream.link import Command
from stream.ownership import new_member
from stream.server import Key
from stream.types import BatchDetails, Trimmed
from stream.worker import Clients, PartitionWorker, Settings
from tests.contract.server import Backend, entries_of, hash_of, stream_of
from tests.contract.words import INPUTS, WordCounter, fold

PATIENCE_S: Final = 20.0


class Watcher:
    """Hears what a worker does, and lets a test wait for it."""

    def __init__(self) -> None:
        self.batches: list[BatchDetails] = []
        self.takings: list[int] = []
        self.epochs: list[int] = []
        self.losses: list[str] = []
        self.holders: dict[int, str] = {}
        self.rollbacks: list[int] = []
        self.stalls: list[str] = []
        self.rounds: list[Trimmed] = []
        self.lags: list[tuple[int, float]] = []
        self._changed = anyio.Event()

    @property
    def entries(self) -> int:
        """Entries in committed batches."""
        return sum(batch.entries for batch in self.batches)

    def committed(self, details: BatchDetails) -> None:
        """Note a batch."""
        self.batches.append(details)
        self._change()

    def taken(self, partition: int, epoch: int) -> None:  # noqa: ARG002  # there is one
        """Note a taking."""
        self.takings.append(epoch)
        self._change()

    def owned(self, partition: int, epoch: int) -> None:  # noqa: ARG002  # there is one
        """Note that a taking was loaded."""
        self.epochs.append(epoch)
        self._change()

    def migrated(self, partition: int, before: int, after: int) -> None:
        """There is nothing to migrate."""

    def lost(self, partition: int, reason: str) -> None:  # noqa: ARG002  # there is one
        """Note a loss."""
        self.losses.append(reason)
        self._change()

    def held(self, partition: int, holder: str) -> None:
        """Note that another holds it."""
        self.holders[partition] = holder
        self.lost(partition, f"{holder} holds it")

    def away(self, partition: int, error: str) -> None:
        """Note that the server is away."""
        self.lost(partition, error)

    def rolled_back(self, partition: int, commits: int) -> None:  # noqa: ARG002  # there is one
        """Note that commits are gone."""
        self.rollbacks.append(commits)
        self._change()

    def stalled(self, partition: int, reason: str) -> None:  # noqa: ARG002  # there is one
        """Note that the server refuses to write."""
        self.stalls.append(reason)
        self._change()

    def gets_on(self, partition: int) -> None:  # noqa: ARG002  # there is one
        """Note that it takes writes again."""
        self.stalls.append("")
        self._change()

    def trimmed(self, details: Trimmed) -> None:
        """Note a round of trimming."""
        self.rounds.append(details)
        self._change()

    def lag(self, partition: int, events: int, seconds: float) -> None:  # noqa: ARG002  # there is one
        """Note a lag."""
        self.lags.append((events, seconds))
        self._change()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds, looking each time anything was heard."""
        with anyio.fail_after(PATIENCE_S):
            while not condition():
                await self._changed.wait()

    def _change(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


class Gate:
    """Lets through, or holds until it is opened."""

    def __init__(self) -> None:
        self._open = anyio.Event()
        self._open.set()

    def shut(self) -> None:
        """Hold whatever comes."""
        if self._open.is_set():
            self._open = anyio.Event()

    def open(self) -> None:
        """Let everything through."""
        self._open.set()

    async def passed(self) -> None:
        """Wait until it is open."""
        await self._open.wait()


class FaultyClient(Client):
    """
    A client that can be made to fail, and held still as SIGSTOP would.

    ``fates`` says of each commit to come: ``lost`` is carried out but its reply is not heard, ``unsent``
    never arrives, ``fine`` goes through. Of the reads to come that bring entries, ``losses`` replies are not
    heard. While ``away`` is set nothing arrives at all.
    """

    def __init__(self, redis: Redis) -> None:
        super().__init__(redis)
        self.fates: list[str] = []
        self.losses = 0
        self.away = False
        self.everything = Gate()
        self.commits = Gate()

    async def ask(self, *command: Argument) -> Any:
        """Send one command."""
        await self._pass()
        reply = await super().ask(*command)
        if self.losses and command[0] == "XREADGROUP" and reply:
            self.losses -= 1
            raise TransportError("the connection broke before the reply came")
        return reply

    async def ask_about(self, key: Key, *command: Argument) -> Any:
        """Send a command that names no key."""
        await self._pass()
        return await super().ask_about(key, *command)

    async def ask_all(self, commands: Sequence[Command]) -> list[Any]:
        """Send commands together."""
        await self._pass()
        return await super().ask_all(commands)

    async def run(self, script: str, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """Run a script."""
        await self._pass()
        if script != scripts.COMMIT:
            return await super().run(script, keys, arguments)
        await self.commits.passed()
        fate = self.fates.pop(0) if self.fates else "fine"
        if fate == "unsent":
            raise TransportError("the connection broke before the commit was sent")
        reply = await super().run(script, keys, arguments)
        if fate == "lost":
            raise TransportError("the connection broke before the reply came")
        return reply

    async def _pass(self) -> None:
        await self.everything.passed()
        if self.away:
            raise TransportError("the server is away")


class Running:
    """A worker that runs, and all that a test needs of it."""

    def __init__(self, backend: Backend, keys: Keys, owner: str, settings: Settings) -> None:
        self.application = WordCounter()
        self.watcher = Watcher()
        self.writing = FaultyClient(backend.redis(owner))
        self.reading = FaultyClient(backend.redis(owner))
        self.stop = anyio.Event()
        self.ended = anyio.Event()
        clients = Clients(self.reading, self.writing)
        member = new_member(owner)
        self.worker = PartitionWorker(keys, self.application, clients, member, self.watcher, settings)

    async def run(self) -> None:
        """Run to the end."""
        await self.worker.run(self.stop)
        self.ended.set()

    async def finish(self) -> None:
        """Ask it to stop, and wait for it."""
        self.stop.set()
        with anyio.fail_after(PATIENCE_S):
            await self.ended.wait()


@asynccontextmanager
async def serving(
    backend: Backend, keys: Keys, *, owner: str = "first", **settings: Any
) -> AsyncIterator[Running]:
    """Run a worker, by default with short leases and waits; stop it in the end."""
    chosen = {"batch": 100, "block_ms": 50, "lease_ms": 3000, "window": 10_000, "away_s": 30.0, **settings}
    running = Running(backend, keys, owner, Settings(**chosen))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(running.run)
        yield running
        await running.finish()


async def until_applied(redis: Redis, keys: Keys, count: int) -> None:
    """
    Wait until the checkpoint counts so many entries.

    The server is asked: a worker does not hear of its own commit if the reply was cut off, nor of another's.
    """
    with anyio.fail_after(PATIENCE_S):
        while True:
            checkpoint = parse_checkpoint(await hash_of(redis, keys.checkpoint), INPUTS)
            if sum(checkpoint.applied) >= count:
                return
            await anyio.sleep(0.02)


async def expect_exactly_once(redis: Redis, keys: Keys) -> None:
    """State is the fold of the input in order, each count came out once, the checkpoint is at the end."""
    entries = await entries_of(redis, keys)
    counts, chain = fold(entries)
    assert await hash_of(redis, keys.state("counts")) == counts
    assert await redis.hget(keys.state("chain"), "digest") == chain

    events = [
        msgspec.json.decode(fields[b"event"]) for _, fields in await stream_of(redis, keys.output("count"))
    ]
    ids = [event["id"] for event in events]
    causes = [f"{keys.partition}/in:{INPUTS[entry.stream]}/{entry.id.decode()}/0" for entry in entries]
    assert len(set(ids)) == len(ids) == sum(int(count) for count in counts.values())
    assert set(ids) <= set(causes)

    checkpoint = parse_checkpoint(await hash_of(redis, keys.checkpoint), INPUTS)
    per_stream = [[entry.id for entry in entries if entry.stream == stream] for stream in range(len(INPUTS))]
    assert checkpoint.positions == [ids[-1] if ids else b"0-0" for ids in per_stream]
    assert checkpoint.applied == [len(ids) for ids in per_stream]
