"""
Workers, publishers and troubles around a simulated server, all drawn from one seed.

The workers are the real ones, from `stream.service` down, in virtual time; only the server and the road to it
are simulated. In the end the troubles cease, and what the server holds is compared with a fold of its inputs.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random
from types import TracebackType
from typing import Final, Self

import anyio
import msgspec
from anyio.abc import TaskGroup

import stream.clock
import stream.service
import stream.worker
from stream.keys import Keys, moved_key
from stream.service import Service
from stream.types import BatchDetails
from stream.worker import Clients, PartitionWorker, Settings
from tests.contract.serving import Gate, Watcher
from tests.contract.words import FORBIDDEN, INPUTS, WordCounter, word
from tests.simulation.laws import Watch, check
from tests.simulation.network import Road, Weather
from tests.simulation.server import LostError, Server
from tests.simulation.virtual_time import Clock, run

PREFIX: Final = "sim"
_NAMES: Final = ("ada", "bob", "cyd")
_WORDS: Final = ("tea", "milk", "ale", "cider", FORBIDDEN)
_PATIENCE_S: Final = 120.0


class Report(msgspec.Struct):
    """What happened in a run."""

    seed: int
    entries: int = 0
    commits: int = 0
    takings: int = 0
    failovers: int = 0
    lost: int = 0  # changes that failovers took back
    kills: int = 0
    pauses: int = 0


def simulate(seed: int) -> Report:
    """Run one seed. Raises AssertionError where a law is broken."""
    with _Clocks():
        return run(_World(seed).run)


class _Clocks:
    """The engine sees virtual time inside."""

    _MODULES: Final = (stream.worker, stream.service, stream.clock)

    def __enter__(self) -> Self:
        self._before = [vars(module)["time"] for module in self._MODULES]
        for module in self._MODULES:
            vars(module)["time"] = Clock
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for module, before in zip(self._MODULES, self._before, strict=True):
            vars(module)["time"] = before


class _Counting(Watcher):
    """Counts commits and takings."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self._report = report

    def committed(self, details: BatchDetails) -> None:  # noqa: ARG002  # it is one
        """Count a batch."""
        self._report.commits += 1

    def taken(self, partition: int, epoch: int) -> None:  # noqa: ARG002  # as above
        """Count a taking."""
        self._report.takings += 1


class _Process:
    """One worker: started, held still, killed, started again under its name."""

    def __init__(self, world: "_World", name: str) -> None:
        self._world = world
        self._lives = 0
        self.name = name
        self.weather = Weather()
        self.gate = Gate()
        self.applications: list[WordCounter] = []
        self._roads: list[Road] = []
        self._scope: anyio.CancelScope | None = None
        self._stop = anyio.Event()

    @property
    def lives(self) -> bool:
        """Whether it is there."""
        return self._scope is not None

    def start(self, tasks: TaskGroup) -> None:
        """Start it, unless it is there."""
        if not self.lives:
            self._lives += 1
            self.gate, self._stop, self._scope = Gate(), anyio.Event(), anyio.CancelScope()
            tasks.start_soon(self._run, self._scope)

    async def _run(self, scope: anyio.CancelScope) -> None:
        """Live until stopped or killed."""
        world = self._world
        member = f"{self.name} {self._lives:04d}"
        self.applications = [WordCounter() for _ in range(world.partitions)]
        self._roads = []
        workers = {
            partition: PartitionWorker(
                Keys(PREFIX, partition),
                application,
                Clients(reading=self._road(), writing=self._road()),
                member,
                _Counting(world.report),
                world.settings,
            )
            for partition, application in enumerate(self.applications)
        }
        observer = _Counting(world.report)
        service = Service(self._road(), PREFIX, member, workers, observer, world.settings.lease_ms, 600.0)
        with scope:
            await service.run(self._stop)
        self._scope = None

    def _road(self) -> Road:
        road = Road(self._world.server, self._world.random, self.weather, self.gate)
        self._roads.append(road)
        return road

    def kill(self) -> None:
        """End it at once; what it has sent is on its way."""
        for road in self._roads:
            road.dead = True
        if self._scope is not None:
            self._scope.cancel()

    def leave(self) -> None:
        """Ask it to leave."""
        self._stop.set()


class _World:
    """One run."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.report = Report(seed)
        self.partitions = self.random.choice([1, 1, 2, 3])
        self.settings = Settings(
            batch=self.random.choice([1, 2, 7, 50]),
            block_ms=500,
            lease_ms=self.random.choice([1000, 3000]),
            window=100_000,
        )
        # What breaks a law is mostly short, and of short runs many fit into the time of a long one.
        is_long = seed % 4 == 0
        self.events = self.random.choice([40, 120, 300] if is_long else [5, 10, 20])
        self.troubles = self.random.randint(0, 25 if is_long else 5)
        self.fails_over = self.random.random() < 0.6

    async def run(self) -> Report:
        """Run until the troubles are over and everything is applied, and check it."""
        random = self.random
        self.server = Server(random, before_7_2=random.random() < 0.5)
        self._watch = Watch(self.partitions, PREFIX)
        self.server.heard.append(self._watch.look)
        self.processes = [_Process(self, name) for name in _NAMES[: random.randint(1, 3)]]
        async with anyio.create_task_group() as self._tasks:
            for process in self.processes:
                process.start(self._tasks)
            async with anyio.create_task_group() as busy:
                busy.start_soon(self._publish)
                busy.start_soon(self._trouble)
            await self._calm()
            for process in self.processes:
                process.leave()
            await self._until(lambda: not any(process.lives for process in self.processes), "all have left")
        for partition in range(self.partitions):
            self.report.entries += check(self.server.store, Keys(PREFIX, partition))
        self.report.failovers = self.server.failovers
        return self.report

    # -- what bots do --------------------------------------------------------------------------------------

    async def _publish(self) -> None:
        """Append words in bursts, and repeat some."""
        random = self.random
        sent: list[tuple[str, bytes]] = []
        while len(sent) < self.events:
            for _ in range(random.choice([1, 1, 3, 20])):
                keys = Keys(PREFIX, random.randrange(self.partitions))
                if sent and random.random() < 0.05:
                    one = random.choice(sent)
                else:
                    name = keys.input(random.choice([INPUTS[0], INPUTS[0], INPUTS[1]]))
                    one = name, word(f"e{len(sent)}", random.choice(_WORDS))
                sent.append(one)
                while self.server.is_away:  # noqa: ASYNC110  # a bot tries again
                    await asyncio.sleep(0.1)
                self.server.do("XADD", one[0], "*", "event", one[1])
            await asyncio.sleep(random.choice([0.0, 0.0, 0.001, 0.05, 1.0]))

    # -- what goes wrong -----------------------------------------------------------------------------------

    async def _trouble(self) -> None:
        random = self.random
        choices = [
            self._bad_weather,
            self._kill,
            self._pause,
            self._leave,
            self._end_lease,
            self._move,
            self._ticks,
        ]
        if self.fails_over:
            choices += [self._fail_over, self._fail_over]
        for _ in range(self.troubles):
            await asyncio.sleep(random.choice([0.0, 0.01, 0.2, 1.0, 4.0]) * random.random())
            await random.choice(choices)()

    async def _bad_weather(self) -> None:
        weather = self.random.choice(self.processes).weather
        for trouble in self.random.sample(["unsent", "lost", "late", "twice", "slow"], 2):
            setattr(weather, trouble, self.random.choice([0.0, 0.02, 0.1, 0.4]))
        weather.away = self.random.random() < 0.1

    async def _kill(self) -> None:
        process = self.random.choice(self.processes)
        self.report.kills += 1
        process.kill()
        await asyncio.sleep(self.random.choice([0.0, 0.5, 3.0]))
        process.start(self._tasks)

    async def _leave(self) -> None:
        process = self.random.choice(self.processes)
        process.leave()
        await asyncio.sleep(self.random.choice([0.0, 3.0]))
        process.start(self._tasks)

    async def _pause(self) -> None:
        process = self.random.choice(self.processes)
        self.report.pauses += 1
        process.gate.shut()
        loop = asyncio.get_running_loop()
        loop.call_later(self.random.uniform(0.0, 3 * self.settings.lease_ms / 1000), process.gate.open)

    async def _end_lease(self) -> None:
        with suppress(LostError):
            self.server.do("DEL", Keys(PREFIX, self.random.randrange(self.partitions)).lease)

    async def _move(self) -> None:
        name = self.random.choice(self.processes).name
        with suppress(LostError):
            self.server.do("HSET", moved_key(PREFIX), self.random.randrange(self.partitions), name)

    async def _ticks(self) -> None:
        applications: Sequence[WordCounter] = self.random.choice(self.processes).applications
        if applications:
            self.random.choice(applications).ticks_wanted = self.random.randint(1, 3)

    async def _fail_over(self) -> None:
        self.server.die()
        await asyncio.sleep(self.random.uniform(0.1, 2.0))
        self._watch.forget()
        self.report.lost += self.server.fail_over()

    # -- the end -------------------------------------------------------------------------------------------

    async def _calm(self) -> None:
        """End all troubles, and wait until everything is applied: it must be within two minutes."""
        for process in self.processes:
            for trouble in Weather.__struct_fields__:
                setattr(process.weather, trouble, Weather.__struct_defaults__[0])
            process.weather.away = False
            process.gate.open()

        def is_applied() -> bool:
            for process in self.processes:
                process.start(self._tasks)
            return all(self._is_applied(Keys(PREFIX, partition)) for partition in range(self.partitions))

        await self._until(is_applied, "everything is applied")

    async def _until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until something holds. Raises AssertionError after two minutes."""
        deadline = asyncio.get_running_loop().time() + _PATIENCE_S
        while not condition():
            assert asyncio.get_running_loop().time() < deadline, f"not within {_PATIENCE_S:g} s: {what}"
            await asyncio.sleep(0.5)

    def _is_applied(self, keys: Keys) -> bool:
        """Whether a partition has an owner, and its checkpoint is at the end of every stream."""
        store = self.server.store
        return store.call("EXISTS", keys.lease) == 1 and all(
            (last := store.call("XREVRANGE", keys.input(name), "+", "-", "COUNT", 1)) == []
            or store.call("HGET", keys.checkpoint, f"in:{name}") == last[0][0]
            for name in INPUTS
        )
