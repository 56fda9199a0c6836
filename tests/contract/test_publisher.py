"""The laws of `stream.publisher`."""

import pytest

from stream.errors import ConfigurationError, TransportError
from stream.publisher import Publisher
from tests.contract.server import Backend, real_only, stream_of

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("count", [0, 1, 1000, 1001, 2500])
async def test_events_are_appended_in_order(backend: Backend, names: list[str], count: int) -> None:
    """All of them, however they fall into round trips; the stream is made when it is not there."""
    events = [b"%d" % n for n in range(count)]

    assert await Publisher(backend.client()).publish(names[0], iter(events)) == count

    found = await stream_of(backend.redis(), names[0])
    assert [fields for _, fields in found] == [{b"event": event} for event in events]


async def test_publishing_to_a_key_of_another_type_is_said(backend: Backend, names: list[str]) -> None:
    """And nothing is written."""
    redis = backend.redis()
    await redis.set(names[0], "in the way")

    with pytest.raises(ConfigurationError, match="A key is in the way"):
        await Publisher(backend.client()).publish(names[0], [b"a"])

    assert await redis.get(names[0]) == b"in the way"


@real_only
async def test_a_server_that_is_not_there_is_a_transport_error(backend: Backend, names: list[str]) -> None:
    """As it is for everyone. Not of fakeredis, which is always there."""
    with pytest.raises(TransportError):
        await Publisher(backend.client(url="redis://127.0.0.1:1")).publish(names[0], [b"a"])
