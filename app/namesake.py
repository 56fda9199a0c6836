"""Whether another worker works under the same name."""

from typing import Final

import anyio

from app.config import Config
from stream.assignment import name_of
from stream.client import Client
from stream.errors import ConfigurationError
from stream.membership import noted

_OF_A_LEASE: Final = 0.1  # within which a worker at work notes itself anew, twice


async def check_name(client: Client, config: Config) -> None:
    """
    Refuse a name under which another worker is at work; one that died is taken the place of.

    It takes a moment only where somebody of that name was there within the last lease.

    Raises:
        ConfigurationError: it notes itself anew, so it lives.
        TransportError: the server is away.

    """
    before = await _namesakes(client, config)
    if not before:
        return
    await anyio.sleep(config.lease_ms / 1000 * _OF_A_LEASE)
    now = await _namesakes(client, config)
    if any(now.get(member, until) > until for member, until in before.items()):
        raise ConfigurationError(
            f"Another worker is at work as {config.worker_name}: give each a name of its own, by --name or "
            "SLUICEGATE_NAME."
        )


async def _namesakes(client: Client, config: Config) -> dict[str, float]:
    """Until when those of the name are to be believed, in milliseconds."""
    found = await noted(client, config.prefix)
    return {member: until for member, until in found.items() if name_of(member) == config.worker_name}
