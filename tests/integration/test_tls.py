"""``rediss://``: everything through TLS, with user and password in the address."""

import shutil
import socket
import subprocess
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pytest

from app.acl import user_name
from stream.keys import Keys
from tests.integration.command_line import CommandLine, wait_until
from tests.integration.secured import PARTITIONS, Secured, secured
from tests.support.programs import PROGRAMS

OPENSSL: Final = shutil.which("openssl")
PROGRAM: Final = next((program for program in PROGRAMS if program.speaks_tls()), None)

pytestmark = pytest.mark.skipif(
    PROGRAM is None or OPENSSL is None, reason="TLS is tried where a server speaks it and openssl is there"
)


def _certified(folder: Path) -> list[str]:
    """Make a certificate of its own authority for this machine; return the options of a server."""
    words = (
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    )
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "ca.pem")]
    subprocess.run([str(OPENSSL), *words.split(), *files], check=True, capture_output=True)
    options = ["--tls-cert-file", str(folder / "ca.pem"), "--tls-key-file", str(folder / "key.pem")]
    return [*options, "--tls-ca-cert-file", str(folder / "ca.pem"), "--tls-auth-clients", "no"]


def _through(server: Secured, role: str, port: int, query: str) -> CommandLine:
    found = server.command_line(role)
    del found.variables["SLUICEGATE_REDIS_USER"], found.variables["SLUICEGATE_REDIS_PASSWORD_FILE"]
    who = f"{user_name(server.prefix, role)}:{quote(server.password_of(role), safe='')}"
    found.variables["SLUICEGATE_REDIS"] = f"rediss://{who}@127.0.0.1:{port}{query}"
    return found


def test_a_worker_and_an_operator_through_tls(tmp_path: Path, prefix: str) -> None:
    """With the authority named; a certificate that nobody vouches for is refused, in one sentence."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = [*_certified(tmp_path), "--tls-port", str(port)]
    assert PROGRAM is not None
    with secured(PROGRAM, tmp_path, prefix, *options) as server:
        query = f"?ssl_ca_certs={tmp_path / 'ca.pem'}"
        with _through(server, "worker", port, query).worker("--partitions", str(PARTITIONS)):
            wait_until(lambda: server.admin.exists(Keys(prefix, 1).lease))
            partitions = _through(server, "operator", port, query).json("status")["partitions"]
            assert len(partitions) == PARTITIONS

            said = _through(server, "operator", port, "").refused("status")
            assert said.startswith(f"There is no server at rediss://{prefix}-operator:***@127.0.0.1:{port}: ")
            assert "certificate verify failed" in said
