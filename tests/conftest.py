"""What tests of every kind share: real servers a session, and keys of their own for each test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from uuid import uuid4

import hypothesis
import pytest

from tests.faults.server import Server
from tests.support.programs import PROGRAMS, Program

# No law is about time: a busy machine breaks none.
hypothesis.settings.register_profile("sluicegate", deadline=None)
hypothesis.settings.load_profile("sluicegate")


@pytest.fixture(scope="session")
def url_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Program], str]]:
    """Start the server of a program when it is asked for first; it runs for the session."""
    with ExitStack() as stack:

        @cache
        def url_of(program: Program) -> str:
            folder = tmp_path_factory.mktemp(program.name)
            server = stack.enter_context(Server(folder, {"appendonly": "no"}, program=program))
            return server.url

        yield url_of


@pytest.fixture(scope="session")
def server_url(url_of: Callable[[Program], str]) -> str:
    """Give the first of the server programs."""
    return url_of(PROGRAMS[0])


@pytest.fixture
def prefix() -> str:
    """Give a key prefix that no other test has."""
    return f"t{uuid4().hex[:12]}"
