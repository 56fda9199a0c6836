"""Checks before serving: whether the server loses nothing quietly, and whether the lease is long enough."""

from collections.abc import Sequence
from typing import Final

import msgspec

from app.config import Config
from handlers import INPUTS
from stream.client import Client, fields_of
from stream.errors import ConfigurationError
from stream.keys import Keys

_ENTRY_US: Final = 50  # generous: a fill takes about 15 of them, docs/performance.md


class Findings(msgspec.Struct, frozen=True):
    """What is wrong with a server, and what could not be looked at, in sentences."""

    problems: list[str]
    unchecked: list[str]


def check_lease(config: Config) -> None:
    """
    Refuse a lease that a single batch may outlast: while one is worked on, nothing is renewed.

    Raises:
        ConfigurationError: with the arithmetic.

    """
    entries = config.batch * len(INPUTS)
    batch_ms = entries * _ENTRY_US / 1000
    if config.lease_ms < batch_ms:
        raise ConfigurationError(
            f"lease_ms is {config.lease_ms}, and a batch may take {batch_ms:.0f} ms: {config.batch} entries "
            f"of each of {len(INPUTS)} streams are {entries}, at {_ENTRY_US} µs each. Make lease_ms at least "
            "that, or batch smaller."
        )


async def inspect_server(client: Client, config: Config) -> Findings:
    """
    Look at every server that has a partition.

    Raises:
        ConfigurationError: it would lose data quietly, and `production` is set.
        TransportError: it is away.

    """
    problems: list[str] = []
    unchecked: list[str] = []
    for partition in range(config.partitions):
        key = Keys(config.prefix, partition).checkpoint
        try:
            found = await _settings(client, key)
        except ConfigurationError:
            text = "The user may not CONFIG GET: whether there is an append-only file, and whether keys are "
            unchecked.append(text + "evicted, was not checked.")
        else:
            problems += _dangers(found)
        # On a connection that wrote nothing it tells how many replicas there are.
        if config.durability == "replicated" and not await client.ask_about(key, "WAIT", 0, 0):
            problems.append("It has no replica, and durability is replicated: no commit would ever count.")
    findings = Findings(_once(problems), _once(unchecked))
    if config.production and findings.problems:
        text = " ".join(findings.problems)
        raise ConfigurationError(
            f"This server is not fit for production. {text} Put that right, or set production = false."
        )
    return findings


async def _settings(client: Client, key: str) -> dict[str, str]:
    reply = await client.ask_about(key, "CONFIG", "GET", "appendonly", "maxmemory-policy")
    return {name.decode(): value.decode() for name, value in fields_of(reply).items()}


def _dangers(settings: dict[str, str]) -> list[str]:
    found: list[str] = []
    if settings.get("appendonly") == "no":
        found.append("It keeps no append-only file (appendonly no): what it holds ends with its process.")
    policy = settings.get("maxmemory-policy", "noeviction")
    if policy.startswith("allkeys"):
        # The volatile ones take only what has an expiry: leases, which come back.
        found.append(f"It throws keys away when memory is short (maxmemory-policy {policy}).")
    return found


def _once(sentences: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(sentences))
