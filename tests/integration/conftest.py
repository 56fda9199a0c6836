"""The command line, for tests of whole commands against a real server."""

import pytest

from tests.integration.command_line import CommandLine


@pytest.fixture
def sluicegate(server_url: str, prefix: str) -> CommandLine:
    """Give the command line with keys of its own."""
    return CommandLine(server_url, prefix)
