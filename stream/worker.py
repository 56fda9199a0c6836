"""
Works on one partition: takes it, loads it, serves it, and on any failure does so again.

Rules kept here:

1. While a batch is worked on or committed (`stream.pipeline`) the next is read.
2. There is one recovery. Whatever fails before a commit is confirmed, memory and positions are dropped
   together and loaded together, under a new epoch.
3. What would hold up the stream is worked on beside it, in a thread, and its answer is an entry like any
   other: state stays a function of the input.
4. The server's absence is survived within bounds; a broken invariant is not survived at all.
5. A server that is full refused a write whole: memory stays right, and the same write is tried until there is
   room (`stream.room`). Meanwhile nothing is read beyond what is in hand.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Final

import anyio
import msgspec

from stream.checkpoint import Checkpoint, read_checkpoint
from stream.client import Client, fields_of
from stream.clock import ServerClock
from stream.commit import Committer
from stream.errors import ConfigurationError, FencedError, FullError, TransportError
from stream.handover import FORMAT, Window, packed
from stream.keys import FIELD, Keys
from stream.load import load
from stream.migrate import migrate
from stream.order import Order, parse_id
from stream.ownership import Held, Ownership
from stream.pipeline import Pipeline
from stream.processor import Processor
from stream.reader import Reader
from stream.repeats import DEFAULT_WINDOW
from stream.retention import Keep, Trail, Trimmer
from stream.room import Room
from stream.types import Application, Entry, Observer, Outcome

_SETTLE_S: Final = 0.05  # from a commit to what it asks for: under load there is one every few milliseconds
_TICK_LOOK_S: Final = 1.0  # longest stretch without a look at the timers: the server's clock may be stepped
_LAG_POLL_S: Final = 2.0
_BACKOFF_FIRST_S: Final = 0.1
_BACKOFF_MAX_S: Final = 1.0


class Settings(msgspec.Struct, frozen=True):
    """How a worker works; none of it changes a result."""

    batch: int = 4000  # entries of one stream in one look, at the most
    block_ms: int = 1000  # longest wait for an entry
    lease_ms: int = 5000
    window: int = DEFAULT_WINDOW  # entries in which a repeat is recognised; must agree among workers
    away_s: float = 600.0  # how long the server may be away before the worker gives up
    clock: str | None = "clock"  # input stream that takes the ticks
    keep: Keep = Keep()


class Clients(msgspec.Struct, frozen=True):
    """
    Connections of one partition.

    ``reading`` blocks, so its socket timeout lies above the block time. ``writing`` must not retry.
    """

    reading: Client
    writing: Client

    async def drop(self) -> None:
        """Close the connections; the next command opens new ones."""
        await self.reading.drop()
        await self.writing.drop()


class PartitionWorker:
    """Owns one partition for as long as it can."""

    def __init__(
        self,
        keys: Keys,
        application: Application,
        clients: Clients,
        member: str,
        observer: Observer,
        settings: Settings,
    ) -> None:
        self._keys = keys
        self._application = application
        self._clients = clients
        self._observer = observer
        self._settings = settings
        self._room = Room(keys.partition, observer)
        self._ownership = Ownership(
            clients.writing, keys, application.inputs, member, settings.lease_ms, application.schema
        )
        self._clock = ServerClock(clients.writing, keys)
        self._busy_at = 0.0  # `time.monotonic` of the last commit
        self._confirmed = 0  # number of the last commit that we know of
        self._committed = anyio.Event()  # set, and another in its place, with each commit
        self._away_since: float | None = None
        self._pause_s = _BACKOFF_FIRST_S

    async def run(self, stop: anyio.Event) -> None:
        """
        Serve until ``stop`` is set, then finish the batch in work, commit it and let go.

        Raises:
            TransportError: the server was away for longer than the settings allow.
            ConfigurationError: something a person has to put right.

        """
        while not stop.is_set():
            try:
                await self._tenure(stop)
            except* FencedError as group:
                self._observer.lost(self._keys.partition, str(first_error(group)))
                self._away_since = None
                self._pause_s = min(2 * self._pause_s, _BACKOFF_MAX_S)
            except* FullError as group:
                self._observer.lost(self._keys.partition, str(first_error(group)))
                self._pause_s = min(2 * self._pause_s, _BACKOFF_MAX_S)
            except* TransportError as group:
                error = first_error(group)
                self._observer.away(self._keys.partition, str(error))
                now = time.monotonic()
                self._away_since = self._away_since or now
                if now - self._away_since > self._settings.away_s:
                    raise TransportError(f"gave up after {self._settings.away_s:g} s: {error}") from None
                self._pause_s = min(2 * self._pause_s, _BACKOFF_MAX_S)
            except* ConfigurationError as group:
                raise ConfigurationError(str(first_error(group))) from None
            await self._clients.drop()
            self._application.forget()
            if not stop.is_set():
                await _sleep(self._pause_s, stop)

    def _served(self) -> None:
        """Note that the server does what it is asked to: troubles of before are over."""
        self._away_since = None
        self._pause_s = _BACKOFF_FIRST_S

    async def _tenure(self, stop: anyio.Event) -> None:
        """Take, load and serve the partition once."""
        epoch = await self._take(stop)
        if epoch is None:
            return
        self._observer.taken(self._keys.partition, epoch)
        checkpoint = await read_checkpoint(self._clients.writing, self._keys, self._application.inputs)
        if checkpoint.taking != self._ownership.taking:
            raise FencedError(f"epoch {epoch} ended while it was loaded")
        if checkpoint.seq < self._confirmed:
            # State and outputs went back with it, and the input may have too: loading is all there is to do.
            self._observer.rolled_back(self._keys.partition, self._confirmed - checkpoint.seq)
        self._confirmed = checkpoint.seq
        await self._clock.look()
        async with anyio.create_task_group() as tasks:
            # A long load must not cost the lease.
            tasks.start_soon(self._renew, stop)
            if checkpoint.schema < self._application.schema:
                await migrate(self._clients.writing, self._keys, self._application, checkpoint)
                self._observer.migrated(self._keys.partition, checkpoint.schema, self._application.schema)
            window = self._settings.window
            trail = Trail(window)
            processor = await load(
                self._clients.writing,
                self._keys,
                self._application,
                checkpoint,
                window,
                trail,
                self._ownership.former,
            )
            self._observer.owned(self._keys.partition, epoch)
            tasks.start_soon(self._trim, checkpoint, trail)
            await self._serve(processor, checkpoint, stop)
            tasks.cancel_scope.cancel()
        await self._let_go(processor, trail)
        self._observer.lost(self._keys.partition, "let go of it")

    async def _let_go(self, processor: Processor, trail: Trail) -> None:
        """End the lease, everything being committed, and leave the window to who comes next."""
        window = Window(
            FORMAT,
            self._ownership.taking,
            self._confirmed,
            self._settings.window,
            list(self._application.inputs),
            processor.positions,
            trail.behind(sum(processor.applied)),
            processor.repeats.in_order(),
        )
        try:
            await self._ownership.hand_over(self._confirmed, packed(window))
        except (FullError, ConfigurationError):
            # There is no room for it, or no right to write it: the next owner reads the streams.
            await self._ownership.release()

    async def _take(self, stop: anyio.Event) -> int | None:
        while not stop.is_set():
            taken = await self._ownership.take()
            if not isinstance(taken, Held):
                return taken
            self._served()
            self._observer.held(self._keys.partition, taken.holder)
            await _sleep(min(max(taken.left_ms, 50), 1000) / 1000, stop)
        return None

    async def _serve(self, processor: Processor, checkpoint: Checkpoint, stop: anyio.Event) -> None:
        inputs = self._application.inputs
        reader = Reader(
            self._clients.reading,
            self._keys,
            inputs,
            checkpoint,
            self._settings.batch,
        )
        order = Order(checkpoint.positions, self._settings.batch)
        committer = Committer(self._clients.writing, self._keys, inputs, checkpoint)
        commit = partial(self._commit, committer, stop)
        async with (
            Pipeline(processor, commit, self._clients.writing.sent) as pipeline,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(self._read, reader, order, pipeline, stop)
            tasks.start_soon(self._tick, processor, stop)
            tasks.start_soon(self._work_beside, stop)
            tasks.start_soon(self._watch_lag, processor)
            await pipeline.run()
            tasks.cancel_scope.cancel()

    async def _read(self, reader: Reader, order: Order, pipeline: Pipeline, stop: anyio.Event) -> None:
        looking = anyio.CancelScope()

        async def give_up() -> None:
            # The reply may be lost; nothing of it is applied, so nothing is lost with it.
            await stop.wait()
            looking.cancel()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(give_up)
            while not stop.is_set():
                ready: list[Entry] = []
                with anyio.CancelScope() as looking:
                    block_ms = None if order.holds else self._settings.block_ms
                    if order.waits:
                        await anyio.sleep(0.001)
                        order.millisecond_passed()
                    look = await self._look(reader, order.full, block_ms, stop)
                    ready = order.push(look, reader.asked)
                if ready:
                    await pipeline.give(ready)
        pipeline.end()

    async def _look(
        self, reader: Reader, skip: Sequence[int], block_ms: int | None, stop: anyio.Event
    ) -> list[list[Entry]]:
        try:
            return await reader.look(skip, block_ms)
        except TransportError as error:
            if "NOGROUP" in str(error):
                raise FencedError("its consumer group is gone, as when another worker takes it") from error
            if "UNBLOCKED" in str(error):
                raise
            # One dropped connection is no reason to load everything again, nor is a disk that is full: a look
            # moves the group's cursor, and is a write to the server.
            await self._clients.reading.drop()
            return await self._room.wait_for(partial(_look_again, reader, skip), stop)

    async def _commit(self, committer: Committer, stop: anyio.Event, outcome: Outcome) -> None:
        start = time.perf_counter()
        await self._room.wait_for(partial(committer.commit, outcome), stop)
        self._confirmed = committer.seq
        self._committed.set()
        self._committed = anyio.Event()
        outcome.details.commit_seconds = time.perf_counter() - start
        outcome.details.end_to_end_seconds = self._clock.since(outcome.details.newest_ms)
        self._busy_at = time.monotonic()
        self._served()
        self._observer.committed(outcome.details)

    async def _append(self, stream: str, event: bytes, stop: anyio.Event) -> bytes:
        """Append to an input stream of ours, and return the entry's id."""
        append = partial(self._clients.writing.ask, "XADD", self._keys.input(stream), "*", FIELD, event)
        appended: bytes = await self._room.wait_for(append, stop)
        return appended

    async def _renew(self, stop: anyio.Event) -> None:
        pause_s = self._settings.lease_ms / 3000
        while True:
            await anyio.sleep(pause_s)
            # A server on which nobody can write lets nobody take the partition either.
            if not await self._room.wait_for(lambda: self._ownership.renew(self._confirmed), stop, pause_s):
                raise FencedError("the lease lapsed, and another worker took the partition")
            self._served()

    async def _tick(self, processor: Processor, stop: anyio.Event) -> None:
        """Append a tick when a timer is due, one at a time."""
        if self._settings.clock is None:
            return
        stream = self._application.inputs.index(self._settings.clock)
        appended = b"0-0"
        while True:
            committed = self._committed  # as it is now: what is committed from here on wakes us
            wait_s = self._until_tick(self._clock.now_ms())
            if parse_id(processor.positions[stream]) < parse_id(appended):
                wait_s = _TICK_LOOK_S
            elif not wait_s:
                # The server's clock may have been stepped meanwhile.
                now_ms = await self._clock.look()
                wait_s = self._until_tick(now_ms)
                if not wait_s:
                    event = msgspec.json.encode({"timestamp": now_ms})
                    appended = await self._append(self._settings.clock, event, stop)
                    wait_s = _TICK_LOOK_S
            # Only what is committed changes what is due, but for a step of the clock.
            with anyio.move_on_after(wait_s):
                await committed.wait()
                await anyio.sleep(_SETTLE_S)

    def _until_tick(self, now_ms: int) -> float:
        """Seconds until a tick is wanted, unless something comes before, or for which to wait at the most."""
        quiet_ms = int(1000 * (time.monotonic() - self._busy_at))
        left_ms = self._application.until_tick(now_ms, quiet_ms)
        return _TICK_LOOK_S if left_ms is None else min(left_ms / 1000, _TICK_LOOK_S)

    async def _work_beside(self, stop: anyio.Event) -> None:
        """Do the application's jobs beside the stream, one at a time, and append each answer once."""
        if self._settings.clock is None:
            return
        answered: set[str] = set()
        while True:
            committed = self._committed  # as it is now: what is committed from here on wakes us
            jobs = self._application.jobs()
            answered.intersection_update(job.name for job in jobs)
            job = next((job for job in jobs if job.name not in answered), None)
            if job is None:
                await committed.wait()
                await anyio.sleep(_SETTLE_S)
                continue
            # What it works on is taken down here, where no batch is worked on.
            event = await anyio.to_thread.run_sync(job.prepare(), abandon_on_cancel=True)
            answered.add(job.name)
            if any(one.name == job.name for one in self._application.jobs()):
                await self._append(self._settings.clock, event, stop)

    async def _trim(self, owned: Checkpoint, trail: Trail) -> None:
        """Trim what nobody needs any more, round after round."""
        keep = self._settings.keep
        inputs = self._application.inputs
        trimmer = Trimmer(self._clients.writing, self._keys, inputs, owned, keep, trail)
        while True:
            with suppress(FullError):  # what is refused now is trimmed later
                self._observer.trimmed(await trimmer.trim())
            await anyio.sleep(keep.every_s)

    async def _watch_lag(self, processor: Processor) -> None:
        """Tell the observer how much waits. The group's own lag is wrong after trims, so it is counted."""
        asked = [("XINFO", "STREAM", self._keys.input(name)) for name in self._application.inputs]
        while True:
            found = await self._clients.writing.ask_all(asked)
            added = sum(int(fields_of(info)[b"entries-added"]) for info in found)
            waiting = max(added - sum(processor.applied), 0)
            newest_ms = max(parse_id(position)[0] for position in processor.positions)
            await self._clock.look()
            seconds = self._clock.since(newest_ms) if waiting else 0.0
            self._observer.lag(self._keys.partition, waiting, seconds)
            await anyio.sleep(_LAG_POLL_S)


async def _look_again(reader: Reader, skip: Sequence[int]) -> list[list[Entry]]:
    await reader.rewind()
    return await reader.look(skip, None)


async def _sleep(seconds: float, stop: anyio.Event) -> None:
    """Sleep, or less if the worker is to stop."""
    with anyio.move_on_after(seconds):
        await stop.wait()


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return one of the errors that ended a group of tasks; the others follow from it."""
    error = group.exceptions[0]
    return first_error(error) if isinstance(error, BaseExceptionGroup) else error
