"""The laws of `stream.service`: partitions spread over workers that come, go and die."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import anyio
import pytest

from stream.client import Client
from stream.keys import Keys, moved_key, workers_key
from stream.membership import Membership
from stream.ownership import new_member
from stream.service import Service
from stream.worker import Clients, PartitionWorker, Settings
from tests.contract.server import Backend, append, real_only
from tests.contract.serving import PATIENCE_S, Watcher
from tests.contract.words import INPUTS, WordCounter, word

# fakeredis does not let several blocked reads wait: the workers would only ever read.
pytestmark = [pytest.mark.anyio, real_only]

PARTITIONS = 5
LEASE_MS = 1500


class Worker:
    """One worker process, as far as the engine goes."""

    def __init__(self, backend: Backend, prefix: str, name: str) -> None:
        self.member = new_member(name)
        self.watchers = [Watcher() for _ in range(PARTITIONS)]
        self.watcher = Watcher()  # of partitions that it leaves to others
        self.stop = anyio.Event()
        settings = Settings(batch=10, block_ms=50, lease_ms=LEASE_MS, window=100)
        workers = {
            partition: PartitionWorker(
                Keys(prefix, partition),
                WordCounter(),
                Clients(backend.client(), backend.client()),
                self.member,
                self.watchers[partition],
                settings,
            )
            for partition in range(PARTITIONS)
        }
        self.service = Service(backend.client(), prefix, self.member, workers, self.watcher, LEASE_MS, 30.0)


@asynccontextmanager
async def working(backend: Backend, prefix: str, name: str) -> AsyncIterator[Worker]:
    """Run a worker, and let it leave in the end."""
    worker = Worker(backend, prefix, name)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(worker.service.run, worker.stop)
        yield worker
        worker.stop.set()


class Sight:
    """Who has which partition, as the server knows it."""

    def __init__(self, client: Client, prefix: str) -> None:
        self._client = client
        self._prefix = prefix

    async def names(self) -> list[str]:
        """Name of each partition's holder; empty where nobody is."""
        leases = [await self._client.ask("GET", Keys(self._prefix, p).lease) for p in range(PARTITIONS)]
        return [(lease or b"").decode().partition(" ")[0] for lease in leases]

    async def until(self, *counts: int, at: Mapping[int, str] | None = None) -> list[str]:
        """Wait until so many are with one worker each, some with a certain one; return who has which."""
        with anyio.fail_after(PATIENCE_S):
            while True:
                names = await self.names()
                spread = sorted(names.count(name) for name in set(names)) == sorted(counts)
                if spread and "" not in names and all(names[p] == name for p, name in (at or {}).items()):
                    return names
                await anyio.sleep(0.02)


@pytest.fixture
def sight(backend: Backend, prefix: str) -> Sight:
    """Look from outside."""
    return Sight(backend.client(), prefix)


async def test_one_worker_has_them_all(backend: Backend, prefix: str, sight: Sight) -> None:
    """And none once it has left, which it does at once."""
    async with working(backend, prefix, "only"):
        assert await sight.until(PARTITIONS) == ["only"] * PARTITIONS

    assert await sight.names() == [""] * PARTITIONS
    assert await backend.client().ask("ZCARD", workers_key(prefix)) == 0


async def test_a_worker_that_joins_gets_its_share_and_the_rest_goes_on(
    backend: Backend, prefix: str, sight: Sight
) -> None:
    """Two of five move; of the other three the epoch stays, and they are served all the while."""
    async with working(backend, prefix, "first") as first:
        await sight.until(PARTITIONS)
        async with working(backend, prefix, "second"):
            names = await sight.until(3, 2)

            stayed = [p for p, name in enumerate(names) if name == "first"]
            for partition in stayed:
                watcher = first.watchers[partition]
                await append(backend.redis(), Keys(prefix, partition).input(INPUTS[0]), [word("w", "a")])
                await watcher.until(lambda: watcher.entries == 1)
            assert [first.watchers[p].epochs for p in stayed] == [[1]] * 3
        assert await sight.until(PARTITIONS) == ["first"] * PARTITIONS


async def test_a_worker_knows_who_has_what_it_leaves_to_others(
    backend: Backend, prefix: str, sight: Sight
) -> None:
    """Of each it hears: its own are owned, the others held, so nothing is wrong."""
    async with working(backend, prefix, "first") as first, working(backend, prefix, "second") as second:
        names = await sight.until(3, 2)
        for me, worker in (("first", first), ("second", second)):
            other = "second" if me == "first" else "first"
            theirs = [p for p, name in enumerate(names) if name == other]
            worker.watcher.holders.clear()
            await worker.watcher.until(lambda: len(worker.watcher.holders) >= len(theirs))
            assert worker.watcher.holders == dict.fromkeys(theirs, other)


async def test_a_dead_workers_partitions_are_taken_when_its_leases_lapse(
    backend: Backend, prefix: str, sight: Sight
) -> None:
    """Nobody waits for it longer than that."""
    async with working(backend, prefix, "survivor"):
        async with anyio.create_task_group() as tasks:
            victim = Worker(backend, prefix, "victim")
            tasks.start_soon(victim.service.run, victim.stop)
            await sight.until(3, 2)
            tasks.cancel_scope.cancel()  # it releases nothing, as one that is killed

        start = anyio.current_time()
        await sight.until(PARTITIONS)
        assert anyio.current_time() - start < 3 * LEASE_MS / 1000


async def test_who_died_as_the_clock_was_stepped_back_is_not_believed_for_longer(
    backend: Backend, prefix: str, sight: Sight
) -> None:
    """Its place among the workers and its lease would last for an hour: neither counts."""
    client, ghost = backend.client(), new_member("ghost")
    seconds, _ = await client.ask("TIME")
    until_ms = 1000 * int(seconds) + 3_600_000
    await client.ask("ZADD", workers_key(prefix), until_ms, ghost)
    await client.ask("SET", Keys(prefix, 0).lease, ghost, "PX", 3_600_000)
    async with working(backend, prefix, "only"):
        await sight.until(PARTITIONS, at={0: "only"})
        assert await client.ask("ZCARD", workers_key(prefix)) == 1


async def test_a_worker_that_comes_back_under_its_name_need_not_wait(
    backend: Backend, prefix: str, sight: Sight
) -> None:
    """It takes the place of the process that died, leases and all."""
    async with anyio.create_task_group() as tasks:
        before = Worker(backend, prefix, "same")
        tasks.start_soon(before.service.run, before.stop)
        await sight.until(PARTITIONS)
        tasks.cancel_scope.cancel()
    async with working(backend, prefix, "same") as again:
        await again.watchers[0].until(lambda: again.watchers[0].epochs == [2])
        assert await backend.client().ask("ZCARD", workers_key(prefix)) == 1


async def test_an_operator_moves_a_partition(backend: Backend, prefix: str, sight: Sight) -> None:
    """It goes where it was moved, and stays there; another goes back for it."""
    async with working(backend, prefix, "first"), working(backend, prefix, "second"):
        names = await sight.until(3, 2)
        partition = names.index("first")
        await backend.client().ask("HSET", moved_key(prefix), partition, "second")

        names = await sight.until(3, 2, at={partition: "second"})
        assert names[partition] == "second"


async def test_who_is_there(backend: Backend, prefix: str) -> None:
    """Members are known until their time is over, and leave at once if they say so."""
    first, second = new_member("first"), new_member("second")
    lasting = Membership(backend.client(), prefix, first, 60_000)
    passing = Membership(backend.client(), prefix, second, 50)

    assert await lasting.attend() == [first]
    assert sorted(await passing.attend()) == sorted([first, second])
    await anyio.sleep(0.1)
    assert await lasting.attend() == [first]
    await lasting.leave()
    assert await passing.attend() == [second]
