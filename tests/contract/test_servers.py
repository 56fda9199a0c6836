"""What the laws are tried on."""

import pytest

from tests.contract.server import NO_REDIS, REDIS, SERVERS, Backend, real_only


def test_redis_7_is_among_the_servers() -> None:
    """Where it is installed; where it is not, this is the one test that says so."""
    if REDIS is None:
        pytest.skip(NO_REDIS)
    assert SERVERS == ("fakeredis", "valkey", "redis")


@real_only
@pytest.mark.anyio
async def test_the_real_servers_are_what_they_are_called(backend: Backend) -> None:
    """Valkey 9, and Redis 7 or later."""
    server = await backend.redis().info("server")
    name = "valkey" if "valkey_version" in server else "redis"

    assert name == backend.name
    assert int(server["redis_version"].split(".")[0]) >= 7
