"""
Which workers are there.

Each notes itself with the time until which it is to be believed, and again before that passes; one that dies
is gone when it has passed. Nothing depends on it but who tries to take which partition.
"""

from stream import scripts
from stream.client import Client
from stream.keys import workers_key
from stream.ownership import LEASE_MAX_MS


class Membership:
    """One worker's place among the workers of a deployment."""

    def __init__(self, client: Client, prefix: str, member: str, lease_ms: int) -> None:
        """``member`` is one of `stream.ownership.new_member`."""
        self._client = client
        self._workers = workers_key(prefix)
        self._member = member
        self._lease_ms = lease_ms
        self._returning = True

    async def attend(self) -> list[str]:
        """
        Be there for as long as a lease, and return all who are, in order.

        The first time, whoever is there under the same name is taken for a process that this one replaces; if
        it lives, it comes back by itself.

        Raises:
            TransportError: the server is away.

        """
        name = self._member.rpartition(" ")[0] if self._returning else ""
        arguments: list[str | bytes | int] = [self._member, self._lease_ms, name, LEASE_MAX_MS]
        found = await self._client.run(scripts.ATTEND, [self._workers], arguments)
        self._returning = False
        return sorted(member.decode() for member in found)

    async def leave(self) -> None:
        """Be there no more. Raises `TransportError`."""
        await self._client.ask("ZREM", self._workers, self._member)


async def noted(client: Client, prefix: str) -> dict[str, float]:
    """Who noted itself, and until when it is to be believed, in milliseconds. Raises `TransportError`."""
    flat = await client.ask("ZRANGE", workers_key(prefix), 0, -1, "WITHSCORES")
    return {member.decode(): float(until) for member, until in zip(flat[::2], flat[1::2], strict=True)}
