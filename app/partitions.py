"""Moves partitions between workers, as an operator asks."""

from app.deployment import Deployment
from stream.errors import ConfigurationError
from stream.keys import moved_key, workers_key

ANY = "any"  # instead of a worker's name: the partition goes where it falls to


async def move(deployment: Deployment, partition: int, worker: str) -> bool:
    """
    Give a partition to a worker for good, or with `ANY` to whom it falls to. Whether that changes anything.

    Raises:
        ConfigurationError: there is no such partition, or no such worker at work.
        TransportError: the server is away.

    """
    if not 0 <= partition < deployment.partitions:
        last = deployment.partitions - 1
        raise ConfigurationError(f"There is no partition {partition}: they are numbered 0 to {last}.")
    key = moved_key(deployment.prefix)
    if worker == ANY:
        return bool(await deployment.client.ask("HDEL", key, partition))
    names = await workers(deployment)
    if worker not in names:
        there = ", ".join(names) or "none"
        raise ConfigurationError(f"No worker named {worker} is at work; there is: {there}.")
    before = await deployment.client.ask("HGET", key, partition)
    await deployment.client.ask("HSET", key, partition, worker)
    return bool(before is None or before.decode() != worker)


async def workers(deployment: Deployment) -> list[str]:
    """Names of the workers that are at work, in order. Raises `TransportError`."""
    now = await deployment.now_ms()
    members = await deployment.client.ask("ZRANGEBYSCORE", workers_key(deployment.prefix), now, "+inf")
    return sorted({member.decode().rpartition(" ")[0] for member in members})


async def moved(deployment: Deployment) -> dict[int, str]:
    """Partitions that were given to a worker. Raises `TransportError`."""
    stored = await deployment.client.hash(moved_key(deployment.prefix))
    return {int(partition): name.decode() for partition, name in stored.items()}
