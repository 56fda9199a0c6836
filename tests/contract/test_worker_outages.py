"""How long a worker has patience with a server that is away."""

import time
from types import SimpleNamespace

import anyio
import pytest

import stream.worker
from stream.errors import TransportError
from stream.keys import Keys
from tests.contract.server import Backend, append
from tests.contract.serving import Running, expect_exactly_once, serving
from tests.contract.words import words

pytestmark = pytest.mark.anyio


class Clock:
    """A monotonic clock that a test sets forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        """Tell seconds."""
        return anyio.current_time() + self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Put a clock into the worker that runs at the usual speed but can be set forward."""
    found = Clock()
    fake = SimpleNamespace(monotonic=found.monotonic, perf_counter=time.perf_counter, time_ns=time.time_ns)
    monkeypatch.setattr(stream.worker, "time", fake)
    return found


async def test_a_worker_gives_up_when_the_server_is_away_for_too_long(
    backend: Backend, keys: Keys, clock: Clock
) -> None:
    """It tries again within bounds, and then says since when."""
    running = Running(backend, keys, "first", stream.worker.Settings(block_ms=50, away_s=600))
    running.writing.away = True

    async with anyio.create_task_group() as tasks:

        async def expect_the_end() -> None:
            with pytest.raises(TransportError, match="gave up after 600 s"):
                await running.worker.run(running.stop)

        tasks.start_soon(expect_the_end)
        await running.watcher.until(lambda: len(running.watcher.losses) >= 2)
        clock.ahead = 601.0


async def test_an_outage_long_past_does_not_count(
    backend: Backend, keys: Keys, names: list[str], clock: Clock
) -> None:
    """Only one that goes on wears out the worker's patience, not two a day apart with good hours between."""
    redis = backend.redis()
    async with serving(backend, keys, away_s=600.0) as running:
        for n in range(3):
            running.writing.fates += ["unsent"]
            await append(redis, names[0], words(1, n))
            await running.watcher.until(lambda: running.watcher.entries == n + 1)
            clock.ahead += 3600
        assert running.watcher.epochs == [1, 2, 3, 4]

    await expect_exactly_once(redis, keys)


async def test_nor_does_one_long_past_for_a_worker_that_waits_for_a_lease(
    backend: Backend, keys: Keys, clock: Clock
) -> None:
    """A stand-by has to be there when it is needed, however many hours it waits."""
    async with serving(backend, keys, owner="first", lease_ms=60_000) as first:
        await first.watcher.until(lambda: bool(first.watcher.epochs))
        async with serving(backend, keys, owner="second", away_s=600.0) as second:
            losses = second.watcher.losses
            for _ in range(2):
                away = losses.count("the server is away")
                second.writing.away = True
                await second.watcher.until(lambda: losses.count("the server is away") > away)
                held = losses.count("first holds it")
                second.writing.away = False
                await second.watcher.until(lambda: losses.count("first holds it") > held)
                clock.ahead += 3600
