"""The laws of `stream.link`, on a wire of our own and on connections that redis-py opened."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import hiredis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio.connection import Connection, SSLConnection
from redis.exceptions import (
    ConnectionError,  # noqa: A004  # redis-py's
    InvalidResponse,
    NoScriptError,
    OutOfMemoryError,
    ResponseError,
    TimeoutError,  # noqa: A004  # redis-py's
)

from stream.link import Argument, Command, Layered, Link, over, pack
from tests.support.certificates import Certificates

pytestmark = pytest.mark.anyio

PATIENCE_S: Final = 10.0
PING: Final[Command] = ("PING",)


@pytest.fixture
def anyio_backend() -> str:
    """redis-py knows asyncio only."""
    return "asyncio"


class Wire(asyncio.Transport):
    """A transport that keeps what is written; the test says what comes back."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.full = False  # whether what is written has to wait
        self._closing = False
        self._protocol: asyncio.BaseProtocol = asyncio.Protocol()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep it."""
        self.written += data
        if self.full:
            self._protocol.pause_writing()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Take note of what is to wait: all that does."""
        assert (high, low) == (1, 0)

    def abort(self) -> None:
        """Close."""
        self._closing = True

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self._closing

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Give who listens."""
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Note who listens."""
        self._protocol = protocol


def linked(timeout_s: float | None = None) -> tuple[Link, Wire]:
    """Make a link, and the wire it speaks on."""
    wire = Wire()
    return Link(Connection(protocol=2, socket_timeout=timeout_s), wire), wire


async def asked(link: Link, commands: Sequence[Command]) -> "asyncio.Task[list[Any]]":
    """Begin an exchange; its commands are written."""
    task = asyncio.create_task(link.exchange(commands))
    await asyncio.sleep(0)
    return task


def test_a_command_is_packed_as_the_protocol_says() -> None:
    """An array of strings, each with its length in bytes."""
    packed = pack(("SET", "é", b"\xff\r\n", -7, ""))

    assert packed == b"*5\r\n$3\r\nSET\r\n$2\r\n\xc3\xa9\r\n$3\r\n\xff\r\n\r\n$2\r\n-7\r\n$0\r\n\r\n"


@given(st.lists(st.text() | st.binary() | st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_a_command_is_packed_as_hiredis_packs_it(command: list[Argument]) -> None:
    """Whatever its arguments are."""
    packed: Any = hiredis.pack_command(tuple(command))  # type: ignore[arg-type]  # it takes any number

    assert pack(command) == packed


async def test_replies_come_in_order_however_they_are_cut() -> None:
    """Each to its command: a nested one, a refusal as a value of redis-py's class, none, and an empty one."""
    replies = b"*2\r\n$2\r\n\r\n\r\n*1\r\n:7\r\n-NOSCRIPT No matching script.\r\n$-1\r\n$0\r\n\r\n"
    for cut in range(len(replies) + 1):
        link, wire = linked()
        task = await asked(link, [PING, ("GET", "a"), ("GET", "b"), ("GET", "c")])
        assert wire.written == pack(PING) + pack(("GET", "a")) + pack(("GET", "b")) + pack(("GET", "c"))

        link.data_received(replies[:cut])
        assert not task.done()
        link.data_received(replies[cut:])

        nested, refusal, none, empty = await task
        assert nested == [b"\r\n", [7]]
        assert isinstance(refusal, NoScriptError)
        assert str(refusal) == "No matching script."
        assert (none, empty) == (None, b"")
        assert link.is_open


async def test_a_refusal_within_a_reply_is_of_redis_pys_class_too() -> None:
    """As those that stand alone."""
    link, _ = linked()
    task = await asked(link, [PING])

    link.data_received(b"*2\r\n-OOM command not allowed\r\n-ERR no\r\n")

    (reply,) = await task
    assert [type(one) for one in reply] == [OutOfMemoryError, ResponseError]


async def test_a_link_is_used_again() -> None:
    """One exchange after the other."""
    link, _ = linked(PATIENCE_S)
    for number in range(3):
        task = await asked(link, [PING])
        link.data_received(b":%d\r\n" % number)
        assert await task == [number]
    assert link.is_open


async def test_a_link_keeps_nothing_of_what_was_answered() -> None:
    """A part of a large state is gone when whoever asked is done with it."""
    link, _ = linked(PATIENCE_S)
    task = await asked(link, [("HGETALL", "state")])

    link.data_received(b"*2\r\n$1\r\na\r\n$1\r\nb\r\n")

    assert await task == [[b"a", b"b"]]
    assert (link._answered, link._replies) == (None, [])


async def test_a_large_command_leaves_in_pieces_and_is_known_to_have_left() -> None:
    """No piece is written before the one ahead of it has left; a link that is lost waits for nothing."""
    link, wire = linked()
    command: Command = ["SET", "k", b"x" * (3 << 18)]
    await link.sent()
    wire.full = True
    task = await asked(link, [command])
    leaving = asyncio.create_task(link.sent())
    await asyncio.sleep(0)

    for pieces in range(1, 4):
        assert wire.written == pack(command)[: pieces << 18]
        assert not leaving.done()
        link.resume_writing()
    wire.full = False
    link.resume_writing()
    await leaving
    assert wire.written == pack(command)
    link.data_received(b"+OK\r\n")
    assert await task == [b"OK"]

    wire.full = True
    task = await asked(link, [command])
    link.connection_lost(None)
    await link.sent()
    with pytest.raises(ConnectionError):
        await task


async def test_a_reply_that_nobody_asked_for_ends_the_link() -> None:
    """Idle, or behind the replies that were asked for, which count."""
    idle, _ = linked()
    idle.data_received(b"+OK\r\n")
    assert not idle.is_open

    busy, _ = linked()
    task = await asked(busy, [PING])
    busy.data_received(b"+PONG\r\n+PONG\r\n")
    assert await task == [b"PONG"]
    assert not busy.is_open


async def test_what_is_no_reply_ends_the_link() -> None:
    """With redis-py's error for it."""
    link, _ = linked()
    task = await asked(link, [PING])

    link.data_received(b"HTTP/1.1 400 Bad Request\r\n")

    with pytest.raises(InvalidResponse):
        await task
    assert not link.is_open


async def test_the_reply_of_a_command_that_was_given_up_is_nobodys() -> None:
    """The link ends with it; it is closed before by whoever gave up."""
    link, _ = linked()
    task = await asked(link, [PING])
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    link.data_received(b"+PONG\r\n")

    assert not link.is_open


async def test_a_server_that_closes_fails_what_waits() -> None:
    """With what is known of why."""
    for error, says in ((None, "Connection closed by server."), (OSError("reset"), "Connection lost: reset")):
        link, _ = linked()
        task = await asked(link, [PING, PING])
        link.data_received(b"+PONG\r\n")

        link.connection_lost(error)

        with pytest.raises(ConnectionError, match=says):
            await task
        assert not link.is_open


async def test_each_reply_has_its_own_time() -> None:
    """As with redis-py: replies that come one by one may take longer together."""
    link, _ = linked(0.2)
    task = await asked(link, [PING, PING, PING])
    for _ in range(2):
        await asyncio.sleep(0.15)
        link.data_received(b"+PONG\r\n")
    assert not task.done()

    with pytest.raises(TimeoutError, match=r"no reply within 0.2 s"):
        await asyncio.wait_for(task, PATIENCE_S)
    assert not link.is_open


async def test_a_link_that_rests_has_no_time() -> None:
    """The time of a reply that came is over."""
    link, _ = linked(0.05)
    task = await asked(link, [PING])
    link.data_received(b"+PONG\r\n")
    assert await task == [b"PONG"]

    await asyncio.sleep(0.1)

    assert link.is_open


class Speaking:
    """A server that says what the test has it say."""

    def __init__(self) -> None:
        self.port = 0
        self.writers: list[asyncio.StreamWriter] = []
        self._connected: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

    def greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Note who came."""
        self.writers.append(writer)
        self._connected.put_nowait((reader, writer))

    async def came(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Wait for one who comes."""
        return await asyncio.wait_for(self._connected.get(), PATIENCE_S)


@asynccontextmanager
async def speaking(context: ssl.SSLContext | None = None) -> AsyncIterator[Speaking]:
    """Run such a server."""
    found = Speaking()
    server = await asyncio.start_server(found.greet, "127.0.0.1", 0, ssl=context)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
        for writer in found.writers:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


def greeted(_: Connection) -> None:
    """In the place of what redis-py says first."""


async def test_a_connection_of_redis_py_becomes_a_link() -> None:
    """Fails where a redis-py keeps its streams elsewhere than `stream.link` looks for them."""
    async with speaking() as server:
        connection = Connection(port=server.port, protocol=2, redis_connect_func=greeted)
        await connection.connect()
        reader, writer = await server.came()

        link = over(connection)

        assert isinstance(link, Link)
        task = await asked(link, [PING])
        assert await reader.readexactly(len(pack(PING))) == pack(PING)
        writer.write(b"+PONG\r\n")
        assert await task == [b"PONG"]
        # redis-py closes it as its own, and hears that it is closed.
        await asyncio.wait_for(connection.disconnect(), PATIENCE_S)
        assert not link.is_open
        assert not connection.is_connected


async def test_a_connection_of_another_resp_is_left_to_redis_py() -> None:
    """It has pushes, which redis-py takes care of."""
    async with speaking() as server:
        connection = Connection(port=server.port, protocol=3, redis_connect_func=greeted)
        await connection.connect()
        await server.came()

        assert isinstance(over(connection), Layered)

        await connection.disconnect(nowait=True)


async def test_a_server_that_closes_an_idle_link_is_noticed() -> None:
    """As soon as the event loop hears of it."""
    async with speaking() as server:
        connection = Connection(port=server.port, protocol=2, redis_connect_func=greeted)
        await connection.connect()
        reader, writer = await server.came()
        link = over(connection)

        before = link.is_open
        writer.write_eof()
        await reader.read()  # until we have closed too

        assert (before, link.is_open) == (True, False)
        await link.close()


async def test_a_connection_that_was_closed_before_it_became_a_link_is_none() -> None:
    """Nobody would hear of it again."""
    async with speaking() as server:
        connection = Connection(port=server.port, protocol=2, redis_connect_func=greeted)
        await connection.connect()
        _, writer = await server.came()
        writer.close()
        await asyncio.sleep(0.1)

        with pytest.raises(ConnectionError, match="closed by server"):
            over(connection)

        await connection.disconnect(nowait=True)


async def test_a_link_through_tls(tmp_path: Path) -> None:
    """Megabytes there and back, and the end of it, as without."""
    certificates = Certificates(tmp_path / "certificates")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.file("server.pem"), certificates.file("server.key"))
    text = bytes(range(256)) * 20_000
    sent = pack(("ECHO", text))
    async with speaking(context) as server:
        connection = SSLConnection(
            host="127.0.0.1",
            port=server.port,
            protocol=2,
            redis_connect_func=greeted,
            ssl_ca_certs=str(certificates.file("ca.pem")),
        )
        await connection.connect()
        reader, writer = await server.came()
        link = over(connection)
        assert isinstance(link, Link)

        task = asyncio.create_task(link.exchange([("ECHO", text)]))
        assert await reader.readexactly(len(sent)) == sent
        writer.write(b"$%d\r\n%b\r\n" % (len(text), text))
        assert await asyncio.wait_for(task, PATIENCE_S) == [text]

        task = asyncio.create_task(link.exchange([PING]))
        await reader.readexactly(len(pack(PING)))
        writer.transport.abort()
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(task, PATIENCE_S)
        assert not link.is_open
        await link.close()
