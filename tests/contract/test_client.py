"""The laws of `stream.client`: raw replies, and one kind of error where there were many."""

import pytest

from stream.errors import TransportError
from stream.keys import Keys
from tests.contract.server import Backend, real_only

pytestmark = pytest.mark.anyio


@real_only
async def test_a_server_that_is_not_there_is_a_transport_error(backend: Backend, keys: Keys) -> None:
    """Of a command, a script and a hash alike. Not of fakeredis, which is always there."""
    client = backend.client(url="redis://127.0.0.1:1")

    with pytest.raises(TransportError):
        await client.ask("PING")
    with pytest.raises(TransportError):
        await client.run("return 1", [keys.lease], [])
    with pytest.raises(TransportError):
        await client.hash(keys.checkpoint)


async def test_what_a_server_refuses_is_a_transport_error(backend: Backend, keys: Keys) -> None:
    """With the command's name and the server's own words."""
    client = backend.client()

    with pytest.raises(TransportError, match=r"XADD was refused: .*wrong number of arguments"):
        await client.ask("XADD", keys.dead)
    with pytest.raises(TransportError, match=r"a script was refused"):
        await client.run("return redis.error_reply('ERR no')", [], [])


async def test_a_script_is_run_whether_the_server_knows_it_or_not(backend: Backend, keys: Keys) -> None:
    """Once by its text, then by its digest, with keys and arguments."""
    client = backend.client()
    script = "return {KEYS[1], ARGV[1], ARGV[2]}"

    for argument in (b"\xff", b"b"):
        assert await client.run(script, [keys.lease], [argument, 7]) == [keys.lease.encode(), argument, b"7"]


async def test_a_hash_is_read_whole(backend: Backend, keys: Keys) -> None:
    """As bytes; one that is not there is empty."""
    client = backend.client()
    assert await client.hash(keys.checkpoint) == {}

    await client.ask("HSET", keys.checkpoint, "a", 1, b"\xff", "")

    assert await client.hash(keys.checkpoint) == {b"a": b"1", b"\xff": b""}


async def test_a_client_goes_on_after_its_connections_were_dropped(backend: Backend, keys: Keys) -> None:
    """The next command opens new ones."""
    client = backend.client()
    await client.ask("SET", keys.lease, "a")

    await client.drop()

    assert await client.ask("GET", keys.lease) == b"a"
