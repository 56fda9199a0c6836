"""
A connection to the server, spoken over without redis-py's layers.

redis-py opens it and sets it up: address, Sentinel, TLS, name and password, database. From then on commands
and replies pass between it and us alone: to and fro a command takes 18 µs of processor time so, through the
layers 51 (docs/performance.md).

Rules kept here:

1. A link carries one exchange at a time: commands out, their replies back in order.
2. A link whose replies may be out of step is never used again: an exchange was given up or took too long, the
   server closed, or something came that nobody asked for.
3. What redis-py keeps to itself is looked at in one function, `_streams_of`. A connection without what is
   looked for there is spoken over as redis-py does it.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, Protocol

import hiredis
from redis.asyncio.connection import AbstractConnection, DefaultParser
from redis.exceptions import (
    ConnectionError,  # noqa: A004  # redis-py's
    InvalidResponse,
    RedisError,
    ResponseError,
    TimeoutError,  # noqa: A004  # redis-py's
)

Argument = str | bytes | int
Command = Sequence[Argument]

_CLOSED: Final = "Connection closed by server."  # as redis-py says it
_NOT_YET: Final = object()
_PIECE: Final = 1 << 18


def pack(command: Command) -> bytes:
    """Return a command as it is sent."""
    parts = [b"*%d\r\n" % len(command)]
    for argument in [
        one if isinstance(one, bytes) else one.encode() if isinstance(one, str) else b"%d" % one
        for one in command
    ]:
        parts += (b"$%d\r\n" % len(argument), argument, b"\r\n")
    return b"".join(parts)


class Exchange(Protocol):
    """What carries commands to the server, and their replies back."""

    connection: AbstractConnection

    @property
    def is_open(self) -> bool:
        """Whether it can be used, as far as is known."""

    async def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """
        Send commands together, and return the reply or refusal of each.

        Raises what redis-py raises of a connection; then, and where it is cancelled, it has to be closed.
        """

    async def sent(self) -> None:
        """Wait until all that was written has left, or cannot any more."""

    async def close(self) -> None:
        """Close it, without waiting for anything."""


def over(connection: AbstractConnection) -> Exchange:
    """Return what carries commands over a connection that is open and at rest. Raises `ConnectionError`."""
    streams = _streams_of(connection)
    if streams is None:
        return Layered(connection)
    reader, writer = streams
    if reader.at_eof():  # nobody would hear of it again
        raise ConnectionError(_CLOSED)
    return Link(connection, writer.transport)


def _streams_of(connection: AbstractConnection) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
    """Return the streams of a connection; None: it has none (fakeredis), or speaks another RESP than ours."""
    reader, writer = getattr(connection, "_reader", None), getattr(connection, "_writer", None)
    if isinstance(reader, asyncio.StreamReader) and isinstance(writer, asyncio.StreamWriter):
        return (reader, writer) if int(connection.protocol) == 2 else None
    return None


class Link(asyncio.Protocol):
    """An `Exchange` on a connection's transport."""

    def __init__(self, connection: AbstractConnection, transport: asyncio.WriteTransport) -> None:
        self.connection = connection
        self._transport = transport
        self._before = transport.get_protocol()
        self._timeout_s = connection.socket_timeout
        self._reader = hiredis.Reader(
            protocolError=InvalidResponse, replyError=DefaultParser.parse_error, notEnoughData=_NOT_YET
        )
        self._loop = asyncio.get_running_loop()
        self._missing = 0  # replies that are still to come
        self._replies: list[Any] = []
        self._answered: asyncio.Future[list[Any]] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._rest = memoryview(b"")  # that the transport does not have yet
        self._empty = asyncio.Event()  # whether the transport has nothing that waits to be sent
        self._empty.set()
        transport.set_write_buffer_limits(high=1, low=0)  # so that we hear of anything that waits
        transport.set_protocol(self)

    @property
    def is_open(self) -> bool:
        """Whether it can be used, as far as is known."""
        return not self._transport.is_closing()

    async def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """Send commands together, and return the reply or refusal of each. Raises as `Exchange` says."""
        self._missing = len(commands)
        answered: asyncio.Future[list[Any]] = self._loop.create_future()
        self._answered = answered
        self._rest = memoryview(pack(commands[0]) if len(commands) == 1 else b"".join(map(pack, commands)))
        self._send()
        self._wait()
        try:
            return await answered
        finally:
            self._missing = 0
            self._answered = None  # what was answered may be large
            if self._timer is not None:
                self._timer.cancel()

    async def close(self) -> None:
        """Close it, without waiting for anything."""
        self._transport.abort()
        await self.connection.disconnect(nowait=True)

    async def sent(self) -> None:
        """Wait until all that was written has left, or cannot any more."""
        while self._rest or not self._empty.is_set():
            await self._empty.wait()

    def _send(self) -> None:
        # In pieces: of what has to wait, a transport moves all that is left with each part that it sends.
        while self._rest and self._empty.is_set():
            piece, self._rest = self._rest[:_PIECE], self._rest[_PIECE:]
            self._transport.write(piece)

    def pause_writing(self) -> None:
        """Hear that something waits to be sent."""
        self._empty.clear()

    def resume_writing(self) -> None:
        """Hear that all of it has left."""
        self._empty.set()
        self._send()

    def data_received(self, data: bytes) -> None:
        """Read the replies in what has come."""
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not _NOT_YET:
                self._take(reply)
        except RedisError as error:
            self._fail(error)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell redis-py, which may be waiting for it, and whoever waits for a reply."""
        self._before.connection_lost(exc)
        self._rest = memoryview(b"")
        self._empty.set()
        self._fail(ConnectionError(f"Connection lost: {exc}" if exc else _CLOSED))

    def _take(self, reply: Any) -> None:  # noqa: ANN401  # its shape depends on the command
        if not self._missing:
            raise InvalidResponse("a reply that nobody asked for")
        self._replies.append(reply)
        self._missing -= 1
        if self._missing:
            self._wait()
        elif self._answered is not None and not self._answered.done():
            self._answered.set_result(self._replies)
            self._replies = []

    def _wait(self) -> None:
        """Wait for the next reply for as long as redis-py would."""
        if self._timer is not None:
            self._timer.cancel()
        if self._timeout_s is not None:
            self._timer = self._loop.call_later(self._timeout_s, self._expire)

    def _expire(self) -> None:
        self._fail(TimeoutError(f"Timeout: no reply within {self._timeout_s} s"))

    def _fail(self, error: Exception) -> None:
        self._transport.abort()
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(error)


class Layered:
    """An `Exchange` as redis-py does it."""

    def __init__(self, connection: AbstractConnection) -> None:
        self.connection = connection

    @property
    def is_open(self) -> bool:
        """Whether it can be used, as far as is known."""
        return bool(self.connection.is_connected)

    async def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """Send commands together, and return the reply or refusal of each. Raises as `Exchange` says."""
        await self.connection.send_packed_command(self.connection.pack_commands(commands))
        return [await self._reply() for _ in commands]

    async def sent(self) -> None:
        """Do nothing: redis-py waits for it before it waits for a reply."""

    async def _reply(self) -> Any:  # noqa: ANN401  # its shape depends on the command
        try:
            return await self.connection.read_response()
        except ResponseError as error:
            return error

    async def close(self) -> None:
        """Close it, without waiting for anything."""
        await self.connection.disconnect(nowait=True)
