"""What the laws are tried on."""

import pytest

from tests.contract.server import Backend, real_only
from tests.support.programs import NO_REDIS, PROGRAMS


def test_redis_is_among_the_servers() -> None:
    """Where it is installed; where it is not, this is the one test that says so."""
    if not any(program.kind == "redis" for program in PROGRAMS):
        pytest.skip(NO_REDIS)  # which says what to install
    assert all(program.number >= (7,) for program in PROGRAMS)


@real_only
@pytest.mark.anyio
async def test_the_real_servers_are_what_they_are_called(backend: Backend) -> None:
    """By kind and version, as they tell those who are connected."""
    server = await backend.redis().info("server")
    kind = "valkey" if "valkey_version" in server else "redis"

    assert backend.program is not None
    assert backend.program.name == f"{kind}-{server[f'{kind}_version']}"
