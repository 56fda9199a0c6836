"""The laws of `stream.server` of one server: a link is used again while it is in step, and never after."""

from collections.abc import Awaitable, Callable
from typing import Final

import anyio
import pytest
from redis.exceptions import (
    ResponseError,
    TimeoutError,  # noqa: A004  # redis-py's
)

from stream.keys import Keys
from stream.link import Command
from stream.server import Key, OneServer
from tests.contract.server import Backend, kill, real_only

pytestmark = pytest.mark.anyio

PATIENCE_S: Final = 10.0
ID: Final[Command] = ("CLIENT", "ID")


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something that is asked for is so."""
    with anyio.fail_after(PATIENCE_S):
        while True:
            if await is_so():
                return
            await anyio.sleep(0.01)


async def test_replies_come_in_order_and_refusals_among_them(backend: Backend, keys: Keys) -> None:
    """A refusal is raised where the command stands alone, and a value among others."""
    server = OneServer(backend.redis())
    commands: list[tuple[Key, Command]] = [
        (keys.lease, ("SET", keys.lease, b"\xff\r\n")),
        (keys.lease, ("HGET", keys.lease, "field")),
        (keys.lease, ("GET", keys.lease)),
    ]

    done, refusal, value = await server.send_all(commands)

    assert done == b"OK"
    assert isinstance(refusal, ResponseError)
    assert str(refusal).startswith("WRONGTYPE")
    assert value == b"\xff\r\n"
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await server.send(keys.lease, ("HGET", keys.lease, "field"))
    assert await server.send(keys.lease, ("GET", keys.lease)) == b"\xff\r\n"


async def test_large_commands_and_replies(backend: Backend, keys: Keys) -> None:
    """Twenty megabytes in one argument, and fifty thousand arguments."""
    server = OneServer(backend.redis())
    text = bytes(range(256)) * 80_000
    names = [f"{number}" for number in range(25_000)]
    fields = [one for name in names for one in (name, 7)]

    await server.send(keys.lease, ("SET", keys.lease, text))
    await server.send(keys.checkpoint, ("HSET", keys.checkpoint, *fields))

    assert await server.send(keys.lease, ("GET", keys.lease)) == text
    assert await server.send(keys.checkpoint, ("HMGET", keys.checkpoint, *names)) == [b"7"] * len(names)


async def test_a_read_that_was_given_up_takes_nothing(backend: Backend, keys: Keys) -> None:
    """Its connection ends with it, in the server too; the next command gets its own reply."""
    server = OneServer(backend.redis("given-up"))
    stream = keys.input("trade")

    with anyio.move_on_after(0.2) as scope:
        await server.send(stream, ("XREAD", "BLOCK", 60_000, "STREAMS", stream, "$"))

    assert scope.cancelled_caught
    assert await server.send(stream, ("XADD", stream, "1-0", "event", "{}")) == b"1-0"
    assert await server.send(stream, ("XLEN", stream)) == 1


@real_only
async def test_one_connection_serves_command_after_command(backend: Backend) -> None:
    """Those of one moment have one each, which are used again."""
    server = OneServer(backend.redis())
    first = await server.send(None, ID)
    assert [await server.send(None, ID) for _ in range(3)] == [first] * 3

    found: list[int] = []

    async def ask() -> None:
        found.append(await server.send(None, ID))

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(ask)

    assert len(set(found)) == 3
    assert first in found
    assert await server.send(None, ID) in found


@real_only
async def test_a_connection_that_the_server_closed_while_idle_is_not_used(backend: Backend) -> None:
    """The next command opens another, and nobody hears of it."""
    redis = backend.redis()
    server = OneServer(backend.redis("idle"))
    first = await server.send(None, ID)

    await kill(redis, "idle")
    await anyio.sleep(0.1)

    assert await server.send(None, ID) != first


@real_only
async def test_a_reply_that_takes_too_long_ends_its_connection(backend: Backend, keys: Keys) -> None:
    """At the server too: what is left there of the command is nobody's."""
    redis = backend.redis()
    url = f"{backend.url}?socket_timeout=0.2"
    server = OneServer(backend.redis("slow", url))
    stream = keys.input("trade")

    with pytest.raises(TimeoutError, match=r"no reply within 0.2 s"):
        await server.send(stream, ("XREAD", "BLOCK", 60_000, "STREAMS", stream, "$"))

    async def is_gone() -> bool:
        return all(client["name"] != "slow" for client in await redis.client_list())

    await until(is_gone)
    assert await server.send(stream, ("XLEN", stream)) == 0


@real_only
async def test_dropped_connections_are_closed_whatever_they_carry(backend: Backend, keys: Keys) -> None:
    """Idle ones and those with a command on its way, which fails; the next command opens a new one."""
    redis = backend.redis()
    server = OneServer(backend.redis("dropped"))
    stream = keys.input("trade")
    failed: list[Exception] = []

    async def wait() -> None:
        try:
            await server.send(stream, ("XREAD", "BLOCK", 60_000, "STREAMS", stream, "$"))
        except Exception as error:  # noqa: BLE001  # the test looks at it
            failed.append(error)

    async def named() -> int:
        return sum(client["name"] == "dropped" for client in await redis.client_list())

    async def are_two() -> bool:
        return await named() == 2

    async def is_none() -> bool:
        return await named() == 0

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.sleep(0.05)
        await server.send(None, ID)
        await until(are_two)
        await server.drop()

    assert [str(error) for error in failed] == ["Connection closed by server."]
    await until(is_none)
    assert isinstance(await server.send(None, ID), int)
