"""
Whatever a server answers: what a worker makes of each kind of error, and that it never tries in a hot loop.

A real server behind a gate that answers in its place for a while, as servers do. The table in
docs/operations.md says the same.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import anyio
import pytest
from anyio.abc import TaskGroup
from redis.asyncio import Redis

from app.config import Config
from app.connect import open_redis
from app.worker import Observers
from metrics.health import Health
from stream.client import Client
from stream.errors import ConfigurationError
from stream.keys import Keys
from stream.ownership import new_member
from stream.worker import Clients, PartitionWorker, Settings
from tests.contract.gate import Gate, Which, commits, digests, every, reads, writes
from tests.contract.server import Backend, append
from tests.contract.serving import PATIENCE_S, Watcher, expect_exactly_once, until_applied
from tests.contract.words import WordCounter, words
from tests.support.programs import EACH

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("backend", EACH[:1], indirect=True)]

TROUBLE_S: Final = 1.3
ANSWER_S: Final = 0.4
TRIES_MAX: Final = 40  # commands and connections meanwhile; a hot loop makes thousands
DOCS: Final = Path(__file__).parents[2] / "docs" / "operations.md"

# What the server answers, to which commands, and a piece of what the worker says.
AWAY: Final[dict[str, tuple[str, Which, str]]] = {
    "READONLY": ("-READONLY You can't write against a read only replica.", writes, "read only replica"),
    "LOADING": ("-LOADING Valkey is loading the dataset in memory", every, "loading the dataset"),
    "CLUSTERDOWN": ("-CLUSTERDOWN Hash slot not served", every, "Hash slot not served"),
    "MASTERDOWN": (
        "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        every,
        "Link with MASTER is down",
    ),
    "TRYAGAIN": (
        "-TRYAGAIN Multiple keys request during rehashing of slot",
        writes,
        "Multiple keys request during rehashing",
    ),
    "NOREPLICAS": ("-NOREPLICAS Not enough good replicas to write.", writes, "Not enough good replicas"),
    "BUSY": (
        "-BUSY Valkey is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
        every,
        "busy running a script",
    ),
    "UNBLOCKED": (
        "-UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
        reads,
        "force unblock",
    ),
    "NOAUTH": ("-NOAUTH Authentication required.", every, "does not accept the name or password"),
    "WRONGPASS": (
        "-WRONGPASS invalid username-password pair or user is disabled.",
        every,
        "does not accept the name or password",
    ),
    "max number of clients reached": ("crowded", every, "max number of clients reached"),
    "connection refused": ("shut", every, "Connect call failed"),
    "connection reset": ("reset", every, "failed: "),
    "no answer": ("silence", every, "Timeout"),
    "half an answer": ("half", every, "closed"),
}
FULL: Final[dict[str, tuple[str, Which, str]]] = {
    "OOM": ("-OOM command not allowed when used memory > 'maxmemory'.", commits, "at its maxmemory"),
    "MISCONF": (
        "-MISCONF Errors writing to the AOF file: No space left on device",
        writes,
        "cannot write to its disk",
    ),
}
ENDS: Final[dict[str, tuple[str, Which, str]]] = {
    "MOVED": ("-MOVED 3999 127.0.0.1:6381", every, "The server is a node of a cluster"),
    "ASK": ("-ASK 3999 127.0.0.1:6381", every, "The server is a node of a cluster"),
    "WRONGTYPE": (
        "-WRONGTYPE Operation against a key holding the wrong kind of value",
        commits,
        "A key is in the way",
    ),
    "NOPERM": (
        "-NOPERM User worker has no permissions to run the 'evalsha' command",
        writes,
        "The server's user may not do this",
    ),
}


class Guarded:
    """A worker behind the gate."""

    def __init__(self, gate: Gate, keys: Keys) -> None:
        self.gate = gate
        self.watcher = Watcher()
        self.health = Health(1)
        self.error: BaseException | None = None
        self.ended = anyio.Event()
        self.stop = anyio.Event()
        config = Config(redis=gate.url)
        clients = Clients(*(Client(open_redis(config, answer_s=ANSWER_S)) for _ in range(2)))
        settings = Settings(batch=50, block_ms=50, lease_ms=1500, window=1000)
        observers = Observers([self.health, self.watcher])
        self._worker = PartitionWorker(keys, WordCounter(), clients, new_member("w"), observers, settings)

    async def run(self) -> None:
        """Run to the end, whatever that is."""
        try:
            await self._worker.run(self.stop)
        except Exception as error:  # noqa: BLE001  # the test looks at it
            self.error = error
        self.ended.set()


@asynccontextmanager
async def guarded(
    url: str, keys: Keys, redis: Redis, stream: str
) -> AsyncIterator[tuple[Guarded, TaskGroup]]:
    """Run a worker that has applied a hundred entries."""
    gate = Gate(url)
    async with anyio.create_task_group() as tasks:
        await gate.open(tasks)
        found = Guarded(gate, keys)
        tasks.start_soon(found.run)
        await append(redis, stream, words(100))
        await until_applied(redis, keys, 100)
        assert found.health.troubles() == []
        yield found, tasks
        found.stop.set()
        with anyio.fail_after(PATIENCE_S):
            await found.ended.wait()
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("case", AWAY)
async def test_it_tries_again_with_pauses(backend: Backend, keys: Keys, names: list[str], case: str) -> None:
    """Not ready while it lasts; then the partition is taken anew, and each entry counts once."""
    answer, hit, says = AWAY[case]
    redis = backend.redis()
    async with guarded(str(backend.url), keys, redis, names[0]) as (worker, tasks):
        await worker.gate.trouble(answer, hit)
        await append(redis, names[0], words(50, 100))
        await worker.watcher.until(lambda: bool(worker.watcher.losses))
        await anyio.sleep(TROUBLE_S)
        assert any(says in loss for loss in worker.watcher.losses), worker.watcher.losses
        (trouble,) = worker.health.troubles()
        assert trouble.startswith("Partition 0 is ")
        assert worker.gate.asked.total() <= TRIES_MAX
        await worker.gate.open(tasks)
        await until_applied(redis, keys, 150)
        await worker.watcher.until(lambda: worker.health.troubles() == [])
        assert len(worker.watcher.epochs) >= 2
    await expect_exactly_once(redis, keys)


@pytest.mark.parametrize("case", FULL)
async def test_it_waits_for_room_and_keeps_its_place(
    backend: Backend, keys: Keys, names: list[str], case: str
) -> None:
    """Not ready while it lasts; then the same write goes through, and nothing is loaded again."""
    answer, hit, says = FULL[case]
    redis = backend.redis()
    async with guarded(str(backend.url), keys, redis, names[0]) as (worker, tasks):
        await worker.gate.trouble(answer, hit)
        await append(redis, names[0], words(50, 100))
        await worker.watcher.until(lambda: bool(worker.watcher.stalls))
        await anyio.sleep(TROUBLE_S)
        assert all(says in stall for stall in worker.watcher.stalls)
        (trouble,) = worker.health.troubles()
        assert trouble.startswith("Partition 0 does not get on: ")
        assert worker.gate.asked.total() <= TRIES_MAX
        await worker.gate.open(tasks)
        await until_applied(redis, keys, 150)
        await worker.watcher.until(lambda: worker.health.troubles() == [])
        assert worker.watcher.epochs == [1]
        assert worker.watcher.losses == []
    await expect_exactly_once(redis, keys)


@pytest.mark.parametrize("case", ENDS)
async def test_it_ends_with_a_sentence(backend: Backend, keys: Keys, names: list[str], case: str) -> None:
    """No trying again would help; nothing of the batch in work is written."""
    answer, hit, says = ENDS[case]
    redis = backend.redis()
    async with guarded(str(backend.url), keys, redis, names[0]) as (worker, _):
        await worker.gate.trouble(answer, hit)
        await append(redis, names[0], words(50, 100))
        with anyio.fail_after(PATIENCE_S):
            await worker.ended.wait()
        error = worker.error
        assert isinstance(error, ConfigurationError)
        assert says in str(error)
        assert worker.gate.asked.total() <= TRIES_MAX
        assert worker.watcher.entries == 100


async def test_nogroup_has_the_group_made_again_at_the_checkpoint(
    backend: Backend, keys: Keys, names: list[str]
) -> None:
    """Also where it does not help at once: with pauses, not ready meanwhile."""
    redis = backend.redis()
    async with guarded(str(backend.url), keys, redis, names[0]) as (worker, tasks):
        await worker.gate.trouble("-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP", reads)
        await append(redis, names[0], words(50, 100))
        await worker.watcher.until(lambda: bool(worker.watcher.losses))
        await anyio.sleep(TROUBLE_S)
        assert set(worker.watcher.losses) == {"its consumer group is gone, as when another worker takes it"}
        assert worker.health.troubles() != []
        assert 2 <= worker.gate.asked["XREADGROUP"] <= 8
        await worker.gate.open(tasks)
        await until_applied(redis, keys, 150)
    await expect_exactly_once(redis, keys)


async def test_noscript_has_the_script_sent_again(backend: Backend, keys: Keys, names: list[str]) -> None:
    """Nobody notices: the text goes along for as long as the server forgets."""
    redis = backend.redis()
    async with guarded(str(backend.url), keys, redis, names[0]) as (worker, tasks):
        await worker.gate.trouble("-NOSCRIPT No matching script. Please use EVAL.", digests)
        await append(redis, names[0], words(50, 100))
        await until_applied(redis, keys, 150)
        assert worker.gate.asked["EVALSHA"] > 0
        assert worker.health.troubles() == []
        assert (worker.watcher.epochs, worker.watcher.losses) == ([1], [])
        await worker.gate.open(tasks)
    await expect_exactly_once(redis, keys)


async def test_the_table_has_them_all(backend: Backend) -> None:  # noqa: ARG001  # as all tests here
    """Each of these has its place in the documentation."""
    text = DOCS.read_text(encoding="utf-8")
    (table,) = re.findall(r"## What a server may answer\n(.*?)\n## ", text, re.DOTALL)
    for case in [*AWAY, *FULL, *ENDS, "NOGROUP", "NOSCRIPT"]:
        assert f"`{case}`" in table or case in table, case
