"""What a deployment was created with, recorded once and compared by every process."""

import time

import msgspec

from app.config import Config
from app.repartition.record import Record
from state.migrations import FIRST, schema
from stream.client import Client
from stream.errors import ConfigurationError
from stream.keys import meta_key
from stream.ownership import newer_schema


async def claim_meta(client: Client, config: Config) -> None:
    """
    Record the deployment, or compare with what was recorded; from now on older versions are refused.

    Raises:
        ConfigurationError: it has another number of partitions, or is getting one, or is of a newer version.

    """
    key = meta_key(config.prefix)
    if await client.ask("HSETNX", key, "partitions", config.partitions):
        created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        await client.ask("HSET", key, "schema", schema(), "created", created)
    recorded = await client.hash(key)
    if b"repartition" in recorded:
        record = msgspec.json.decode(recorded[b"repartition"], type=Record)
        raise ConfigurationError(
            f"The deployment is being changed from {record.before} to {record.to} partitions: run sluicegate "
            f"repartition --partitions {record.to} --yes until it says that it is done."
        )
    partitions, found = int(recorded[b"partitions"]), int(recorded.get(b"schema", FIRST))
    if partitions != config.partitions:
        raise ConfigurationError(
            f"This deployment has {partitions} partitions, not {config.partitions}: "
            f"set partitions = {partitions}, or use another prefix."
        )
    if found > schema():
        raise ConfigurationError(newer_schema(found, schema()))
    if found < schema():
        await client.ask("HSET", key, "schema", schema())
