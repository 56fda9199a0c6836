"""A bad road to a real server: replies to commits are dropped, cut in the middle, or come late."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha1
from random import Random
from typing import Final

import anyio
from anyio.abc import SocketAttribute, SocketStream
from anyio.from_thread import start_blocking_portal

from stream.scripts import COMMIT

_COMMIT: Final = sha1(COMMIT.encode(), usedforsecurity=False).hexdigest().encode()
_FATES: Final = ("dropped", "cut", "late")
_LATE_S: Final = 2.0
_BROKEN: Final = (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError)


class BadRoad:
    """Passes bytes on between clients and one server; every n-th commit meets with trouble."""

    def __init__(self, random: Random, port: int, every: int) -> None:
        self._random = random
        self._port = port
        self._every = every
        self.commits = 0
        self.fates: Counter[str] = Counter()
        self.url = ""

    async def run(self, ready: anyio.Event, stop: anyio.Event) -> None:
        """Listen until told to stop."""
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        self.url = f"redis://127.0.0.1:{listener.extra(SocketAttribute.local_port)}"  # noqa: S610  # not Django
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, self._serve)
            ready.set()
            await stop.wait()
            tasks.cancel_scope.cancel()

    async def _serve(self, client: SocketStream) -> None:
        fates: list[str] = []  # of the reply that comes next: a connection has one command at a time
        server = await anyio.connect_tcp("127.0.0.1", self._port)
        async with client, server, anyio.create_task_group() as tasks:
            tasks.start_soon(self._forth, client, server, fates, tasks.cancel_scope)
            await self._back(server, client, fates)
            tasks.cancel_scope.cancel()

    async def _forth(
        self, client: SocketStream, server: SocketStream, fates: list[str], scope: anyio.CancelScope
    ) -> None:
        try:
            while True:
                data = await client.receive()
                if _COMMIT in data:
                    self.commits += 1
                    if self.commits % self._every == 0:
                        fates.append(self._random.choice(_FATES))
                await server.send(data)
        except _BROKEN:
            scope.cancel()

    async def _back(self, server: SocketStream, client: SocketStream, fates: list[str]) -> None:
        """Pass replies on, until one is dropped or cut; the connection ends with it."""
        try:
            while True:
                data = await server.receive()
                fate = fates.pop() if fates else "fine"
                self.fates[fate] += 1
                if fate == "dropped":
                    return
                if fate == "cut":
                    await client.send(data[: len(data) // 2])
                    return
                if fate == "late":
                    await anyio.sleep(_LATE_S)
                await client.send(data)
        except _BROKEN:
            return


@contextmanager
def bad_road(random: Random, port: int, *, every: int) -> Iterator[BadRoad]:
    """Open a bad road to a server on loopback."""
    road = BadRoad(random, port, every)
    with start_blocking_portal() as portal:
        ready, stop = portal.call(anyio.Event), portal.call(anyio.Event)
        running = portal.start_task_soon(road.run, ready, stop)
        portal.call(ready.wait)
        try:
            yield road
        finally:
            portal.call(stop.set)
            running.result(10)
