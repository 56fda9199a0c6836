"""What a deployment was created with, recorded once and compared by every process."""

import time
from typing import Final

from app.config import Config
from stream.client import Client
from stream.errors import ConfigurationError
from stream.keys import meta_key

SCHEMA: Final = 1


async def claim_meta(client: Client, config: Config) -> None:
    """
    Record the deployment, or compare with what was recorded.

    Raises:
        ConfigurationError: it was created with another number of partitions, or by a newer version.

    """
    key = meta_key(config.prefix)
    if await client.ask("HSETNX", key, "partitions", config.partitions):
        created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        await client.ask("HSET", key, "schema", SCHEMA, "created", created)
    recorded = await client.hash(key)
    partitions, schema = int(recorded[b"partitions"]), int(recorded.get(b"schema", SCHEMA))
    if partitions != config.partitions:
        raise ConfigurationError(
            f"This deployment was created with {partitions} partitions, not {config.partitions}: "
            f"set partitions = {partitions}, or use another prefix."
        )
    if schema > SCHEMA:
        raise ConfigurationError(
            f"The state has schema {schema}, this version knows up to {SCHEMA}: run a newer sluicegate."
        )
