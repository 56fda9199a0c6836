"""A server with the users that ``sluicegate acl`` prints, and the command line as each of them."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click.testing
import redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, ConnectionError  # noqa: A004  # redis-py's own name for it
from redis.retry import Retry

from app.acl import user_name
from app.cli.commands import cli
from tests.integration.command_line import CommandLine
from tests.support.programs import Program

PARTITIONS: Final = 2
_PATIENCE_S: Final = 10.0


class Secured:
    """A server that lets nobody in but the users of one deployment."""

    def __init__(self, address: str, prefix: str, passwords: Path) -> None:
        self.address = address
        self.prefix = prefix
        self.passwords = passwords
        self.admin = self.client("default", "admin")

    def password_of(self, role: str) -> str:
        """Return the password that was made for a role."""
        return (self.passwords / f"{role}.password").read_text(encoding="utf-8").strip()

    def client(self, user: str, role: str) -> Any:
        """Open a plain client."""
        password = self.password_of(role)
        return redis.Redis.from_url(
            f"redis://{self.address}", username=user, password=password, decode_responses=True
        )

    def as_role(self, role: str) -> Any:
        """Open a plain client as a program with that role."""
        return self.client(user_name(self.prefix, role), role)

    def command_line(self, role: str) -> CommandLine:
        """Give the command line as a person or process with that role; behind it looks the admin."""
        found = CommandLine(f"redis://{self.address}", self.prefix)
        found.variables |= {
            "SLUICEGATE_REDIS_USER": user_name(self.prefix, role),
            "SLUICEGATE_REDIS_PASSWORD_FILE": str(self.passwords / f"{role}.password"),
        }
        found.redis = self.admin
        return found


@contextmanager
def secured(program: Program, folder: Path, prefix: str, *more: str) -> Iterator[Secured]:
    """Start a server with the ACL file of a deployment of two partitions, and more options of its own."""
    passwords = folder / "passwords"
    words = ["acl", "--prefix", prefix, "--partitions", str(PARTITIONS), "--passwords", str(passwords)]
    printed = click.testing.CliRunner().invoke(cli, words)
    assert printed.exit_code == 0, printed.output
    (folder / "users.acl").write_text(printed.stdout, encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder), *more]
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            [program.path, *options, "--aclfile", str(folder / "users.acl")], stdout=log, stderr=log
        )
    try:
        _await(port, process)
        yield Secured(f"127.0.0.1:{port}", prefix, passwords)
    finally:
        process.terminate()
        process.wait()


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until a server asks who we are: whoever names no user is let in nowhere."""
    end = time.monotonic() + _PATIENCE_S
    while True:
        try:
            redis.Redis(port=port, retry=Retry(NoBackoff(), 0)).ping()
        except AuthenticationError:
            return
        except ConnectionError:
            assert process.poll() is None, "the server ended"
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.02)
        else:
            raise AssertionError("the server lets everybody in")
