"""Registers subscribers: outputs they have not read are kept for them, for a time."""

from collections.abc import Sequence
from typing import Final

import msgspec

from app.deployment import Deployment
from domain.rules import duration_ms
from handlers import OUTPUTS
from handlers.reading import check_id
from stream.checkpoint import START
from stream.client import fields_of
from stream.errors import ConfigurationError, MalformedError
from stream.keys import Keys, subscribers_key
from stream.order import parse_id
from stream.retention import Subscriber

EXPIRES: Final = "30d"


class Standing(msgspec.Struct, frozen=True):
    """How far a subscriber is with one stream of one partition."""

    name: str
    stream: str
    partition: int
    cursor: str  # id of the last entry it reported as read
    behind_ms: int  # age of the oldest entry it has not read; 0: it has read all
    expires_ms: int

    @property
    def overdue(self) -> bool:
        """Whether what it has not read is kept for it no longer."""
        return self.behind_ms > self.expires_ms


async def add(deployment: Deployment, name: str, streams: Sequence[str], expires: str) -> None:
    """
    Register a subscriber, or register it otherwise; from now on what comes out is kept until it has read it.

    A stream that it had before goes on at its cursor, another begins at what comes next.

    Raises:
        ConfigurationError: a name or a duration that is none.
        TransportError: the server is away.

    """
    try:
        check_id(name, "The subscriber's name")
    except MalformedError as error:
        raise ConfigurationError(error.detail) from None
    for stream in streams:
        if stream not in OUTPUTS:
            raise ConfigurationError(f"{stream!r} is no output stream; there is {', '.join(OUTPUTS)}.")
    try:
        expires_ms = duration_ms(expires)
    except ValueError as error:
        raise ConfigurationError(f"The time after which it expires does not hold: {error}.") from None
    key = subscribers_key(deployment.prefix)
    before = await deployment.client.ask("HGET", key, name)
    had = msgspec.json.decode(before, type=Subscriber).streams if before else []
    client = deployment.client
    for keys in deployment.all_keys:
        # First the cursors: a subscriber without one holds back as if it had read nothing.
        for stream in streams:
            if stream not in had:
                end = await _end(deployment, keys, stream)
                await client.ask("HSET", keys.cursors, f"{name}/{stream}", end)
        for stream in had:
            if stream not in streams:
                await client.ask("HDEL", keys.cursors, f"{name}/{stream}")
    stored = Subscriber(list(dict.fromkeys(streams)), expires_ms, await deployment.now_ms())
    await client.ask("HSET", key, name, msgspec.json.encode(stored))


async def remove(deployment: Deployment, name: str) -> None:
    """
    Forget a subscriber: nothing is kept for it.

    Raises:
        ConfigurationError: there is none of that name.
        TransportError: the server is away.

    """
    known = await registered(deployment)
    if name not in known:
        there = ", ".join(known) or "none"
        raise ConfigurationError(f"No subscriber is registered as {name}; there is: {there}.")
    await deployment.client.ask("HDEL", subscribers_key(deployment.prefix), name)
    for keys in deployment.all_keys:
        await deployment.client.ask("HDEL", keys.cursors, *(f"{name}/{s}" for s in known[name].streams))


async def registered(deployment: Deployment) -> dict[str, Subscriber]:
    """All registered subscribers, by name, in order. Raises `TransportError`."""
    stored = await deployment.client.hash(subscribers_key(deployment.prefix))
    decoded = {name.decode(): msgspec.json.decode(one, type=Subscriber) for name, one in stored.items()}
    return dict(sorted(decoded.items()))


async def standings(deployment: Deployment) -> list[Standing]:
    """How far every subscriber is, stream by stream and partition by partition. Raises `TransportError`."""
    now_ms = await deployment.now_ms()
    known = await registered(deployment)
    found: list[Standing] = []
    for keys in deployment.all_keys:
        cursors = await deployment.client.hash(keys.cursors)
        for name, subscriber in known.items():
            for stream in subscriber.streams:
                cursor = cursors.get(f"{name}/{stream}".encode(), START)
                unread = await deployment.client.ask(
                    "XRANGE", keys.output(stream), b"(" + cursor, "+", "COUNT", 1
                )
                behind_ms = max(now_ms - parse_id(unread[0][0])[0], 1) if unread else 0
                found.append(
                    Standing(name, stream, keys.partition, cursor.decode(), behind_ms, subscriber.expires_ms)
                )
    return sorted(found, key=lambda one: (one.name, one.stream, one.partition))


async def _end(deployment: Deployment, keys: Keys, stream: str) -> bytes:
    """Id of the last entry that ever was in an output stream."""
    if not await deployment.client.ask("EXISTS", keys.output(stream)):
        return START
    info = fields_of(await deployment.client.ask("XINFO", "STREAM", keys.output(stream)))
    end: bytes = info[b"last-generated-id"]
    return end
