"""The servers that the laws are tried on: fakeredis, and every server program there is."""

from collections.abc import AsyncIterator, Callable

import pytest

from stream.keys import Keys
from tests.contract.server import SERVERS, Backend
from tests.contract.words import INPUTS
from tests.support.programs import Program


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """redis-py knows asyncio only."""
    return "asyncio"


@pytest.fixture(params=SERVERS)
async def backend(
    request: pytest.FixtureRequest,
    anyio_backend: str,  # noqa: ARG001  # for its loop
    url_of: Callable[[Program], str],
) -> AsyncIterator[Backend]:
    """Give each server in turn."""
    program: Program | None = request.param
    found = Backend(program, url_of(program) if program else None)
    yield found
    await found.close()


@pytest.fixture
def keys(prefix: str) -> Keys:
    """Give the keys of a partition of the test's own."""
    return Keys(prefix, 0)


@pytest.fixture
def names(keys: Keys) -> list[str]:
    """Give the input streams."""
    return [keys.input(name) for name in INPUTS]
