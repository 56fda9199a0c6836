"""Certificates for servers and their clients on this machine, made anew for a test."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import trustme

_LONG_AGO: Final = datetime(2020, 1, 1, tzinfo=UTC)


class Certificates:
    """
    A folder of certificates, ``NAME.pem``, and their keys, ``NAME.key``.

    ``server``, ``expired`` and ``elsewhere`` are a server's: good, of the past, and of another host.
    ``client`` and ``late`` are a client's: good, and of the past. Their authority is ``ca``; ``stranger``
    is a client's of ``other-ca``.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        authority, other = trustme.CA(), trustme.CA()
        authority.cert_pem.write_to_path(self.file("ca.pem"))
        other.cert_pem.write_to_path(self.file("other-ca.pem"))
        self._make("server", authority.issue_cert("127.0.0.1"))
        self._make("expired", authority.issue_cert("127.0.0.1", not_after=_LONG_AGO))
        self._make("elsewhere", authority.issue_cert("elsewhere.example"))
        self._make("client", authority.issue_cert("worker@fleet.example"))
        self._make("late", authority.issue_cert("worker@fleet.example", not_after=_LONG_AGO))
        self._make("stranger", other.issue_cert("worker@fleet.example"))

    def file(self, name: str) -> Path:
        """Where a file is."""
        return self._folder / name

    def of_server(self, name: str = "server") -> dict[str, str]:
        """Give the settings of a server that asks its clients for a certificate of the authority."""
        return {
            "tls-cert-file": str(self.file(f"{name}.pem")),
            "tls-key-file": str(self.file(f"{name}.key")),
            "tls-ca-cert-file": str(self.file("ca.pem")),
        }

    def of_client(self, name: str | None = "client", authority: str | None = "ca") -> dict[str, Any]:
        """Give sluicegate's settings: what it shows, and whom it trusts."""
        found = {"redis_ca": f"{authority}.pem"} if authority else {}
        found |= {"redis_cert": f"{name}.pem", "redis_key": f"{name}.key"} if name else {}
        return {setting: str(self.file(file)) for setting, file in found.items()}

    def _make(self, name: str, certificate: trustme.LeafCert) -> None:
        certificate.private_key_pem.write_to_path(self.file(f"{name}.key"))
        for blob in certificate.cert_chain_pems:
            blob.write_to_path(self.file(f"{name}.pem"), append=True)
