"""A plan that takes long, with a real worker: fills go on, a crash is healed, and a replay agrees."""

import json
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

import anyio
import pytest
from redis.asyncio import Redis

from app.config import Config
from app.connect import open_clients
from app.replay import replay
from domain.allocation import METHODS, Candidate, Weights
from handlers.fleet import Fleet
from stream.keys import Keys
from stream.ownership import new_member
from stream.worker import PartitionWorker, Settings
from tests.contract.serving import PATIENCE_S, Watcher

pytestmark = pytest.mark.anyio

NOW: Final = 1_700_000_000_000
RULES: Final = {
    "clock": "event",
    "rebalance": {
        "method": "risk_parity",
        "interval": 0,
        "settle": "1000d",
        "threshold": 1e9,
        "turnover": 1,
        "max_weight": 1,
    },
}


@pytest.fixture
def anyio_backend() -> str:
    """redis-py knows asyncio only."""
    return "asyncio"


class Solver:
    """Equal weights by a method that takes as long as a test wants it to."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = 0

    def __call__(self, candidates: Sequence[Candidate], share: float, *_: Any) -> Weights:
        """Weigh when it may."""
        self.begun += 1
        assert self.go.wait(PATIENCE_S)
        return METHODS["equal"](candidates, share)


@pytest.fixture
def solver(monkeypatch: pytest.MonkeyPatch) -> Solver:
    """Put it in the place of a method, of which every plan takes long now."""
    found = Solver()
    table: Any = METHODS
    monkeypatch.setitem(table, "risk_parity", found)
    monkeypatch.setattr("domain.weighing.EFFORT_MAX", -1)
    return found


class Deployment:
    """A partition on the real server, and workers of it."""

    def __init__(self, url: str, prefix: str) -> None:
        self.config = Config(redis=url, prefix=prefix)
        self.keys = Keys(prefix, 0)
        self.redis: Any = Redis.from_url(url)
        self._count = 0

    async def send(self, stream: str, **event: Any) -> None:
        """Append an event of wallet w."""
        self._count += 1
        body = {"id": f"e{self._count}", "wallet": "w", "timestamp": NOW + self._count, **event}
        await self.redis.xadd(self.keys.input(stream), {"event": json.dumps(body)})

    async def said(self, stream: str) -> list[Any]:
        """Return what came out."""
        return [
            json.loads(fields[b"event"]) for _, fields in await self.redis.xrange(self.keys.output(stream))
        ]

    async def until(self, condition: Callable[[], Any]) -> None:
        """Wait until something holds."""
        with anyio.fail_after(PATIENCE_S):
            while not await condition():  # noqa: ASYNC110  # what the server holds tells nobody that it changed
                await anyio.sleep(0.02)

    async def applied(self, stream: str, count: int) -> None:
        """Wait until at least so many entries of a stream are committed; ticks come by themselves."""

        async def enough() -> bool:
            found = await self.redis.hget(self.keys.checkpoint, f"in:{stream}:applied")
            return found is not None and int(found) >= count

        await self.until(enough)

    async def planned(self) -> None:
        """Wait until a plan is told."""
        await self.until(partial(self.said, "rebalance"))

    @asynccontextmanager
    async def worker(self, *, killed: bool = False) -> AsyncIterator[Watcher]:
        """Run a worker of the same name; stop it in the end, or have it vanish."""
        watcher, stop = Watcher(), anyio.Event()
        settings = Settings(block_ms=50, lease_ms=1000)
        clients = open_clients(self.config, settings.block_ms)
        worker = PartitionWorker(self.keys, Fleet(), clients, new_member("one"), watcher, settings)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(worker.run, stop)
            yield watcher
            if killed:
                tasks.cancel_scope.cancel()
            stop.set()

    async def begin(self) -> None:
        """Send the commands that make a fleet, and ask for a plan."""
        await self.send("command", kind="wallet_create", currency="USDT", rules=RULES)
        await self.send("command", kind="deposit", amount="2000")
        await self.send("command", kind="farm_create", farm="f")
        for agent in "ab":
            await self.send("command", kind="agent_register", agent=agent, farm="f")
        await self.send("command", kind="allocate", agent="a", amount="1000")
        await self.send("command", kind="rebalance", id="plan-it")


@pytest.fixture
async def deployment(server_url: str, prefix: str) -> AsyncIterator[Deployment]:
    """Give a partition of the test's own."""
    found = Deployment(server_url, prefix)
    yield found
    await found.redis.aclose()


async def agrees(deployment: Deployment) -> bool:
    """Fold the input again; it asks no solver."""
    return await replay(deployment.config, lambda _done, _total: None) == []


async def test_fills_are_committed_while_a_plan_is_computed(deployment: Deployment, solver: Solver) -> None:
    """Two hundred of them, one by one; then the plan comes, of the money there is by then."""
    async with deployment.worker():
        await deployment.begin()
        await deployment.applied("command", 7)
        for n in range(200):
            side, price = ("buy", "100") if n % 2 == 0 else ("sell", "101")
            await deployment.send("trade", agent="a", symbol="BTC/USDT", side=side, price=price, amount="1")
        await deployment.applied("trade", 200)
        assert solver.begun == 1
        assert await deployment.said("rebalance") == []
        replies = {
            reply["data"]["command"]: reply["data"]["result"] for reply in await deployment.said("reply")
        }
        assert replies["plan-it"] == {"method": "risk_parity", "plan": 1, "under_way": True}

        solver.go.set()
        await deployment.planned()

    (plan,) = await deployment.said("rebalance")
    assert (plan["causationid"], plan["data"]["plan"], plan["data"]["capital"]) == ("plan-it", 1, "2100")
    solver.go.clear()  # a replay that asked it would wait in vain
    assert await agrees(deployment)


async def test_a_crash_between_question_and_answer_is_healed(deployment: Deployment, solver: Solver) -> None:
    """The next worker finds the plan wanted, computes it again, and it is carried out once."""
    async with deployment.worker(killed=True):
        await deployment.begin()
        await deployment.applied("command", 7)
        await deployment.until(_begun(solver, 1))

    assert await deployment.said("rebalance") == []
    solver.go.set()
    async with deployment.worker():
        await deployment.planned()

    assert solver.begun > 1
    assert [plan["data"]["plan"] for plan in await deployment.said("rebalance")] == [1]
    assert await agrees(deployment)


async def test_an_answer_of_a_worker_that_is_gone_is_applied_and_the_second_ignored(
    deployment: Deployment, solver: Solver
) -> None:
    """Killed after it had answered and before that was applied: whoever is next has both, and one counts."""
    async with deployment.worker(killed=True):
        await deployment.begin()
        await deployment.applied("command", 7)
        await deployment.until(_begun(solver, 1))
    (job,) = await _jobs_of(deployment)
    solver.go.set()
    answer = await anyio.to_thread.run_sync(job.prepare())
    for _ in range(2):
        await deployment.redis.xadd(deployment.keys.input("clock"), {"event": answer})
    solver.go.clear()  # whoever is next may begin it again, and is not to have an answer of its own

    async with deployment.worker() as watcher:
        await watcher.until(lambda: sum(batch.repeats for batch in watcher.batches) > 0)
        solver.go.set()

    assert sum(batch.repeats for batch in watcher.batches) == 1
    assert len(await deployment.said("rebalance")) == 1
    assert await agrees(deployment)


def _begun(solver: Solver, times: int) -> Callable[[], Any]:
    async def begun() -> bool:
        return solver.begun >= times

    return begun


async def _jobs_of(deployment: Deployment) -> Any:
    """Load the stored state as a worker does, and return the jobs that it wants."""
    fleet = Fleet()
    for kind in fleet.kinds:
        fleet.restore(kind, await deployment.redis.hgetall(deployment.keys.state(kind)))
    fleet.restored()
    return fleet.jobs()
