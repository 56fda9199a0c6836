"""``rediss://``: certificates on both sides, and users and passwords through them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pytest

from app.acl import user_name
from stream.keys import Keys
from tests.faults.server import Server, free_port
from tests.integration.command_line import CommandLine, wait_until
from tests.integration.secured import PARTITIONS, secured
from tests.support.certificates import Certificates
from tests.support.programs import PROGRAMS

PROGRAM: Final = next((program for program in PROGRAMS if program.speaks_tls()), PROGRAMS[0])

pytestmark = pytest.mark.skipif(not PROGRAM.speaks_tls(), reason="no server that is here was built with TLS")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Make them once."""
    return Certificates(tmp_path_factory.mktemp("tls") / "certificates")


@pytest.fixture(scope="module")
def address_of(
    certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], str]]:
    """Start a server with a certificate when it is asked for first, and say where it is."""
    with ExitStack() as stack:

        @cache
        def address_of(certificate: str) -> str:
            port = free_port()
            settings = {"tls-port": str(port), **certificates.of_server(certificate)}
            stack.enter_context(Server(tmp_path_factory.mktemp("server"), settings, program=PROGRAM))
            return f"127.0.0.1:{port}"

        yield address_of


def test_worker_and_operator_with_certificates_and_users(
    certificates: Certificates, tmp_path: Path, prefix: str
) -> None:
    """The server asks for a certificate and for a password; files may stand in settings or in the address."""
    port = free_port()
    options = {"tls-port": str(port), **certificates.of_server()}
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    with secured(PROGRAM, tmp_path, prefix, *words) as server:
        worker = server.command_line("worker")
        worker.variables |= _variables(f"rediss://127.0.0.1:{port}", certificates.of_client())
        operator = server.command_line("operator")
        del operator.variables["SLUICEGATE_REDIS_USER"], operator.variables["SLUICEGATE_REDIS_PASSWORD_FILE"]
        user = f"{user_name(prefix, 'operator')}:{quote(server.password_of('operator'), safe='')}"
        files = {"ssl_ca_certs": "ca.pem", "ssl_certfile": "client.pem", "ssl_keyfile": "client.key"}
        query = "&".join(f"{name}={certificates.file(file)}" for name, file in files.items())
        operator.variables["SLUICEGATE_REDIS"] = f"rediss://{user}@127.0.0.1:{port}?{query}"

        with worker.worker("--partitions", str(PARTITIONS)):
            wait_until(lambda: server.admin.exists(Keys(prefix, 1).lease))
            assert len(operator.json("status")["partitions"]) == PARTITIONS


@pytest.mark.parametrize(
    ("server", "authority", "client", "says"),
    [
        ("server", "other-ca", "client", "Nobody whom we trust vouches for the certificate of the server at"),
        ("server", None, "client", "Nobody whom we trust vouches for the certificate of the server at"),
        ("expired", "ca", "client", "has expired."),
        ("elsewhere", "ca", "client", "certificate is not valid for '127.0.0.1'."),
        ("server", "ca", None, "asks for a certificate"),
        # A server may close the connection before it has said why.
        ("server", "ca", "late", "accept"),
        ("server", "ca", "stranger", "accept"),
    ],
)
@pytest.mark.parametrize("scheme", ["rediss://{}", "rediss+cluster://{}", "rediss+sentinel://{}/main"])
def test_certificates_that_do_not_hold(
    address_of: Callable[[str], str],
    certificates: Certificates,
    scheme: str,
    server: str,
    authority: str | None,
    client: str | None,
    says: str,
) -> None:
    """Of the server or of ours, missing, expired, of another host or authority: one sentence tells which."""
    where = scheme.format(address_of(server))

    said = _refused(where, certificates.of_client(client, authority))

    assert says in said
    assert where in said
    assert said.count(". ") == 0
    assert "redis.asyncio" not in said


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("redis://{}", "closes connections at once: see whether it wants them encrypted (rediss)."),
        ("rediss+cluster://{}", "is no cluster: leave +cluster out of the address."),
        ("rediss+sentinel://{}/main", "is no sentinel: name the port of one, or leave +sentinel out."),
    ],
)
def test_a_server_of_another_kind(
    address_of: Callable[[str], str], certificates: Certificates, address: str, says: str
) -> None:
    """One that speaks, but is not what the address says."""
    where = address.format(address_of("server"))
    settings = certificates.of_client() if where.startswith("rediss") else {}

    assert _refused(where, settings) == f"The server at {where} {says}"


def _refused(where: str, settings: Mapping[str, str]) -> str:
    line = CommandLine("redis://127.0.0.1:1", "p")
    line.variables |= _variables(where, settings)
    return line.refused("status")


def _variables(where: str, settings: Mapping[str, str]) -> dict[str, str]:
    return {f"SLUICEGATE_{name.upper()}": value for name, value in {"redis": where, **settings}.items()}
