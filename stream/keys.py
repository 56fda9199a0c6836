"""The names of a partition's keys. All of one partition share a hash tag, and so one cluster slot."""

from binascii import crc_hqx
from collections.abc import Iterable
from typing import Final

import msgspec

DEFAULT_PREFIX: Final = "sluicegate"
FIELD: Final = b"event"  # the one field that every entry has
SIGNATURE: Final = b"signature"  # beside it, where the sender signed it


def partition_of(name: str, partitions: int) -> int:
    """Partition of everything called ``name``: CRC16 (XMODEM, as in Redis Cluster) modulo the count."""
    return crc_hqx(name.encode(), 0) % partitions


def meta_key(prefix: str) -> str:
    """Hash that records what a deployment was created with."""
    return f"{prefix}:meta"


def workers_key(prefix: str) -> str:
    """Sorted set of the workers that are there, by the server time until which they are to be believed."""
    return f"{prefix}:workers"


def moved_key(prefix: str) -> str:
    """Hash of the partitions that an operator gave to a worker."""
    return f"{prefix}:moved"


def subscribers_key(prefix: str) -> str:
    """Hash of those for whom outputs are kept until they have read them."""
    return f"{prefix}:subscribers"


class Keys(msgspec.Struct, frozen=True):
    """Keys of one partition."""

    prefix: str
    partition: int

    @property
    def tag(self) -> str:
        """The hash tag that every key of the partition starts with."""
        return f"{{{self.prefix}:{self.partition}}}"

    def input(self, name: str) -> str:
        """Stream that publishers append to."""
        return f"{self.tag}:in:{name}"

    def output(self, name: str) -> str:
        """Stream that subscribers read."""
        return f"{self.tag}:out:{name}"

    def state(self, kind: str) -> str:
        """Hash with one field per entity of a kind."""
        return f"{self.tag}:state:{kind}"

    def next_state(self, kind: str) -> str:
        """Hash that is to take the place of the one of a kind, while it is being built."""
        return f"{self.tag}:next:state:{kind}"

    def backup(self, schema: int, name: str) -> str:
        """Key with what another, such as ``state:agents``, held under an older schema."""
        return f"{self.tag}:backup:{schema}:{name}"

    @property
    def next_repeats(self) -> str:
        """List that is to be what `base_repeats` is, while it is being built."""
        return f"{self.tag}:next:repeats"

    @property
    def base(self) -> str:
        """Hash with the positions at which the partition began, where it did not begin with nothing."""
        return f"{self.tag}:base"

    def base_state(self, kind: str) -> str:
        """Hash with the state of a kind that it began with."""
        return f"{self.tag}:base:state:{kind}"

    @property
    def base_repeats(self) -> str:
        """List of the identities that were known when it began, the last ones last."""
        return f"{self.tag}:base:repeats"

    @property
    def dead(self) -> str:
        """Stream of entries that could not be applied."""
        return f"{self.tag}:dead"

    @property
    def handled(self) -> str:
        """Hash of dead letters that an operator has retried or dropped."""
        return f"{self.tag}:dead:handled"

    @property
    def cursors(self) -> str:
        """Hash in which subscribers report how far they have read."""
        return f"{self.tag}:cursors"

    @property
    def checkpoint(self) -> str:
        """Hash that says how far the partition is, and who may write."""
        return f"{self.tag}:checkpoint"

    @property
    def lease(self) -> str:
        """String that says who may take the partition while it lasts."""
        return f"{self.tag}:lease"

    @property
    def window(self) -> str:
        """String with the window of repeats, from a worker that let go until another takes the partition."""
        return f"{self.tag}:window"

    def types(self, inputs: Iterable[str], outputs: Iterable[str], kinds: Iterable[str]) -> dict[str, str]:
        """Type of each key of the partition, where it exists."""
        streams = [*map(self.input, inputs), *map(self.output, outputs), self.dead]
        hashes = [*map(self.state, kinds), self.handled, self.cursors, self.checkpoint]
        strings = dict.fromkeys([self.lease, self.window], "string")
        return dict.fromkeys(streams, "stream") | dict.fromkeys(hashes, "hash") | strings

    def group(self, epoch: int, taking: str, rewinds: int = 0) -> str:
        """Consumer group of one ownership; each rewind of its reader goes on with a new one."""
        name = f"{self.prefix}.{epoch}.{taking}"
        return f"{name}.{rewinds}" if rewinds else name
