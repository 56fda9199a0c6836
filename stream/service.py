"""
Serves the partitions that fall to this worker, among all workers of a deployment.

Rules kept here:

1. A partition changes hands in this order: its holder stops reading, finishes and commits the batch in work,
   and lets go; then another takes it. The other partitions go on meanwhile.
2. Who should have which is looked at anew all the time (`stream.assignment`); nobody leads.
3. A worker that leaves lets go of everything at once; of one that dies the leases lapse.
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import anyio
from anyio.abc import TaskGroup

from stream.assignment import assign, name_of
from stream.client import Client, fields_of
from stream.errors import FullError, TransportError
from stream.keys import Keys, moved_key
from stream.membership import Membership
from stream.ownership import LEASE_MAX_MS
from stream.types import Observer
from stream.worker import PartitionWorker

_LOOKS_A_LEASE: Final = 30  # what is let go of waits for the next look: a sixth of a second, of 5 s
_PAUSE_MAX_S: Final = 2.0


class Service:
    """One worker of a deployment."""

    def __init__(
        self,
        client: Client,
        prefix: str,
        member: str,
        workers: Mapping[int, PartitionWorker],
        observer: Observer,
        lease_ms: int,
        away_s: float,
    ) -> None:
        """
        Make a service that has nothing yet.

        Args:
            client: for looking around; it must not retry.
            prefix: of the deployment.
            member: this worker, of `stream.ownership.new_member`; its partition workers work under it too.
            workers: one for every partition of the deployment.
            observer: hears of the partitions that none of the workers is at.
            lease_ms: how long a worker that says nothing is believed to be there.
            away_s: how long the server may be away before the worker gives up.

        """
        self._client = client
        self._member = member
        self._workers = workers
        self._observer = observer
        self._leases = {partition: Keys(prefix, partition).lease for partition in workers}
        self._moved = moved_key(prefix)  # partitions that an operator gave to a worker, by its name
        self._membership = Membership(client, prefix, member, lease_ms)
        self._pause_s = lease_ms / 1000 / _LOOKS_A_LEASE
        self._away_s = away_s
        self._stops: dict[int, anyio.Event] = {}  # of the partitions that are being served or taken

    async def run(self, stop: anyio.Event) -> None:
        """
        Serve until ``stop`` is set, then let go of everything and leave.

        Raises, in a group:
            TransportError: the server was away for longer than it may be.
            ConfigurationError: something a person has to put right.

        """
        try:
            async with anyio.create_task_group() as tasks:
                await self._attend(tasks, stop)
                for one in self._stops.values():
                    one.set()
            with suppress(TransportError):  # the server is away: our place lapses by itself
                await self._membership.leave()
        finally:
            await self._client.drop()

    async def _attend(self, tasks: TaskGroup, stop: anyio.Event) -> None:
        heard = time.monotonic()
        pause_s = self._pause_s
        while not stop.is_set():
            try:
                await self._look(tasks)
                heard, pause_s = time.monotonic(), self._pause_s
            except FullError as error:
                for partition in self._workers.keys() - self._stops.keys():
                    self._observer.lost(partition, str(error))
                heard, pause_s = time.monotonic(), min(2 * pause_s, _PAUSE_MAX_S)
            except TransportError as error:
                for partition in self._workers.keys() - self._stops.keys():
                    self._observer.away(partition, str(error))
                if time.monotonic() - heard > self._away_s:
                    raise TransportError(f"gave up after {self._away_s:g} s: {error}") from None
                pause_s = min(2 * pause_s, _PAUSE_MAX_S)
                await self._client.drop()
            with anyio.move_on_after(pause_s):
                await stop.wait()

    async def _look(self, tasks: TaskGroup) -> None:
        """Look around once, and begin to take and to release what should be."""
        members = await self._membership.attend()
        # In one round trip, as an idle worker does little else.
        gets = [("GET", lease) for lease in self._leases.values()]
        given, *leases = await self._client.ask_all([("HGETALL", self._moved), *gets])
        moved = {int(one): name.decode() for one, name in fields_of(given).items() if one.isdigit()}
        holders = await self._holders(members, leases)
        for partition, stopping in self._stops.items():
            if holders[partition] not in (None, self._member):
                stopping.set()  # another has it; what we do there comes to nothing
        wanted = assign(self._member, members, self._ours(holders), moved)
        for partition in wanted.release:
            # A lease of ours may outlast our work there: its end, or a late renewal, got lost on the way.
            if partition in self._stops:
                self._stops[partition].set()
        for partition in wanted.take:
            if partition not in self._stops:
                self._stops[partition] = anyio.Event()
                tasks.start_soon(self._serve, partition)
        for partition, holder in holders.items():
            if partition not in self._stops and holder not in (None, self._member):
                self._observer.held(partition, name_of(holder))

    async def _holders(self, members: list[str], leases: list[bytes | None]) -> dict[int, str | None]:
        """
        Who holds each partition, by the leases that were found.

        A process that this one replaces has nothing any more, nor one that is gone and whose lease would last
        for longer than any may.
        """
        holders = [None if lease is None else lease.decode() for lease in leases]
        found = dict(zip(self._leases, holders, strict=True))
        for partition, holder in found.items():
            if holder and holder not in members and await self._is_void(partition, holder):
                found[partition] = None
        return found

    async def _is_void(self, partition: int, holder: str) -> bool:
        if name_of(holder) == name_of(self._member):
            return True
        return int(await self._client.ask("PTTL", self._leases[partition])) > LEASE_MAX_MS

    def _ours(self, holders: Mapping[int, str | None]) -> dict[int, str | None]:
        """Count as ours what we are about to have, and as still ours what we have not let go of yet."""
        return {
            partition: self._member if holder is None and partition in self._stops else holder
            for partition, holder in holders.items()
        }

    async def _serve(self, partition: int) -> None:
        try:
            await self._workers[partition].run(self._stops[partition])
        finally:
            del self._stops[partition]
