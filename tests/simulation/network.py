"""The road between a worker and the simulated server, and all that can happen on it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

import msgspec

from stream.client import Argument, Client
from stream.errors import ConfigurationError, TransportError
from stream.server import Key
from tests.contract.serving import Gate
from tests.simulation.server import LostError, Server
from tests.simulation.store import RefusedError


class Weather(msgspec.Struct):
    """How likely each trouble is, of one command."""

    unsent: float = 0.0  # it never arrives
    lost: float = 0.0  # it is carried out, and its reply is lost
    late: float = 0.0  # its sender gives up, and it arrives later all the same
    twice: float = 0.0  # it is carried out twice
    slow: float = 0.0  # it takes up to two seconds
    away: bool = False  # nothing arrives


class Road(Client):
    """A client of the simulated server; ``gate`` holds its worker still, a dead one does nothing more."""

    def __init__(self, server: Server, random: Random, weather: Weather, gate: Gate) -> None:
        self._simulated = server
        self._random = random
        self._wait_ms = None
        self._weather = weather
        self._gate = gate
        self.dead = False

    async def ask(self, *command: Argument) -> Any:
        """Send one command."""
        if command[0] == "XREADGROUP":
            return await self._read(command)
        return await self._travel(lambda: self._simulated.do(*command), may_repeat=True)

    async def ask_all(self, commands: Sequence[Sequence[Argument]]) -> list[Any]:
        """Send commands together."""
        found: list[Any] = await self._travel(lambda: [self._simulated.do(*command) for command in commands])
        return found

    async def sent(self) -> None:
        """Do nothing: what is on its way leaves by itself."""

    async def run(self, script: str, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """Run a script."""
        return await self._travel(lambda: self._simulated.run(script, keys, arguments), may_repeat=True)

    async def ask_about(self, key: Key, *command: Argument) -> Any:  # noqa: ARG002  # there is one server
        """Send a command that names no key."""
        return await self.ask(*command)

    def together(self, keys: Sequence[str]) -> list[list[str]]:
        """One server has all keys."""
        return [list(keys)]

    async def check_types(self, types: Mapping[str, str]) -> None:
        """Look at nothing: every key is ours."""

    async def drop(self) -> None:
        """Connections are opened for each command."""

    async def _read(self, command: Sequence[Argument]) -> Any:
        words = [str(word) for word in command]
        block_ms = int(words[words.index("BLOCK") + 1]) if "BLOCK" in words else None
        count = int(words[words.index("COUNT") + 1])
        names = words[words.index("STREAMS") + 1 :]
        keys = [name.encode() for name in names[: len(names) // 2]]
        read = await self._travel(lambda: self._simulated.read(words[2].encode(), count, block_ms, keys))
        try:
            reply = await asyncio.shield(read.reply)
        except asyncio.CancelledError:
            if self._random.random() < 0.5:
                read.end()  # the server noticed that nobody listens any more
            raise
        except (RefusedError, LostError) as error:
            raise TransportError(str(error)) from error
        if self._happens(self._weather.lost):
            raise TransportError("the connection broke before the reply came")
        await self._gate.passed()
        return reply

    async def _travel(self, do: Callable[[], Any], *, may_repeat: bool = False) -> Any:
        """
        Send something; once it is sent it arrives, whatever becomes of the sender.

        A read is never repeated: its client does not retry.
        """
        await self._gate.passed()
        if self.dead or self._weather.away or self._happens(self._weather.unsent):
            await asyncio.sleep(self._delay())
            raise TransportError("the connection broke before anything was sent")
        late = self._happens(self._weather.late)
        repeats = 2 if may_repeat and self._happens(self._weather.twice) else 1
        loop = asyncio.get_running_loop()
        reply: asyncio.Future[Any] = loop.create_future()

        def arrive() -> None:
            try:
                found = [do() for _ in range(repeats)]
            except (RefusedError, LostError) as error:
                if not reply.done():
                    reply.set_exception(error)
                    reply.exception()
            else:
                if not reply.done():
                    reply.set_result(self._random.choice(found))

        loop.call_later(self._delay() + (self._random.uniform(0.1, 6.0) if late else 0.0), arrive)
        if late:
            await asyncio.sleep(self._delay())
            raise TransportError("the connection broke, and the command is on its way")
        try:
            found = await asyncio.shield(reply)
        except RefusedError as error:
            if str(error).startswith("WRONGTYPE"):
                raise ConfigurationError(str(error)) from error
            raise TransportError(str(error)) from error
        except LostError as error:
            raise TransportError(str(error)) from error
        await asyncio.sleep(self._delay())
        await self._gate.passed()
        if self._happens(self._weather.lost):
            raise TransportError("the connection broke before the reply came")
        return found

    def _happens(self, likely: float) -> bool:
        return likely > 0 and self._random.random() < likely

    def _delay(self) -> float:
        if self._happens(self._weather.slow):
            return self._random.uniform(0.0, 2.0)
        return self._random.uniform(0.0001, 0.003)
