"""
Who works on a partition.

Rules kept here:

1. Taking a partition raises its epoch. The epoch decides who may write: every commit compares it. A failover
   may take a taking back, so that two come to the same epoch; a number drawn for each tells them apart.
2. The lease only decides when to try. It lapses by itself when its holder dies, and ends at once when the
   holder leaves. The server's clock tells when; where that is stepped back, no lease counts that would last
   for longer than any may.
3. A holder that was held up for longer than its lease goes on, unless another took the partition meanwhile.
4. A worker that comes back under its own name need not wait for the lease of the one it replaces.
"""

from collections.abc import Sequence
from secrets import randbits
from typing import Final
from uuid import uuid4

import msgspec

from stream import scripts
from stream.client import Argument, Client
from stream.errors import ConfigurationError, TransportError
from stream.handover import KEPT_MS
from stream.keys import Keys

LEASE_MAX_MS: Final = 600_000


def new_member(name: str) -> str:
    """Name and a new token, with a space between: one process that works under a name without spaces."""
    return f"{name} {uuid4().hex}"


def newer_schema(found: int, known: int) -> str:
    """Tell what to do where a newer version wrote the state."""
    return f"The state has schema {found}, this version knows up to {known}: run a newer sluicegate."


class Held(msgspec.Struct, frozen=True):
    """Somebody else's lease."""

    holder: str
    left_ms: int


class Ownership:
    """One worker's claim to one partition."""

    def __init__(
        self, client: Client, keys: Keys, inputs: Sequence[str], member: str, lease_ms: int, schema: int = 1
    ) -> None:
        """
        Claim a partition.

        ``member`` is one of `new_member`, ``lease_ms`` well above the time a batch takes, and ``schema`` the
        newest that the worker knows.
        """
        self._client = client
        self._keys = keys
        self._inputs = inputs
        self._member = member
        self._lease_ms = lease_ms
        self._schema = schema
        self._returning = True
        self.taking = ""  # the last one
        self.former = ""  # the one before that, whoever's it was

    async def take(self) -> int | Held:
        """
        Take the partition and return the new epoch, or say who holds it.

        Raises:
            TransportError: the server is away.
            ConfigurationError: a key has another type than it should, a stream ends before the checkpoint, a
                newer version wrote the state, or the partition is closed.

        """
        names = [self._keys.input(name) for name in self._inputs]
        all_keys = [self._keys.checkpoint, self._keys.lease, *names]
        taking = str(randbits(62))
        group_prefix = f"{self._keys.prefix}."
        arguments: list[Argument] = [
            *self._member.split(" "),
            self._lease_ms,
            int(self._returning),
            group_prefix,
            taking,
            self._schema,
            LEASE_MAX_MS,
            *self._inputs,
        ]
        reply = await self._client.run_durably(scripts.TAKE, all_keys, arguments)
        if reply[0] < 0:
            raise ConfigurationError(self._why_not(reply[0], [part.decode() for part in reply[1:]]))
        if reply[0] == 0:
            return Held(reply[1].decode(), int(reply[2]))
        self._returning = False
        self.taking = taking
        self.former = reply[2].decode()
        return int(reply[1])

    def _why_not(self, what: int, said: Sequence[str]) -> str:
        match what:
            case -1:
                stream, last, position = said
                return (
                    f"{stream} ends at {last}, before {position}, up to which it was applied: it was "
                    "deleted, or restored from an older copy. Restore it, or run sluicegate recover, which "
                    "says first what is lost."
                )
            case -2:
                return (
                    f"Partition {self._keys.partition} is closed, for the deployment is to have {said[0]} "
                    f"partitions: run sluicegate repartition --partitions {said[0]} until it says that it is "
                    f"done, and set partitions = {said[0]}."
                )
            case _:
                return newer_schema(int(said[0]), self._schema)

    async def renew(self, confirmed: int = 0) -> bool:
        """
        Prolong the lease; False: another took the partition.

        Raises:
            TransportError: the server is away, or a failover took back commits up to number ``confirmed``.

        """
        names = [self._keys.lease, self._keys.checkpoint]
        arguments: list[Argument] = [self._member, self._lease_ms, self.taking, confirmed]
        reply = int(await self._client.run(scripts.RENEW, names, arguments))
        if reply < 0:
            raise TransportError(f"commit {confirmed} was confirmed, and is not there any more")
        return bool(reply)

    async def release(self) -> None:
        """End the lease, so that another worker need not wait for it to lapse. Raises `TransportError`."""
        await self._client.run(scripts.RELEASE, [self._keys.lease], [self._member])

    async def hand_over(self, seq: int, window: bytes) -> None:
        """
        End the lease, and leave the next owner a window of `stream.handover`, as of a commit.

        Raises:
            FullError: there is no room for it; nothing was done.
            TransportError: the server is away.
            ConfigurationError: the server's user may not do it; nothing was done.

        """
        names = [self._keys.lease, self._keys.checkpoint, self._keys.window]
        await self._client.run(scripts.HAND_OVER, names, [self._member, self.taking, seq, window, KEPT_MS])
