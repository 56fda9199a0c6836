"""Appends events to input streams, many to a round trip."""

from collections.abc import Iterable
from itertools import islice
from typing import Final

from stream import scripts
from stream.client import Client

_CHUNK: Final = 1000


class Publisher:
    """
    Publishes raw events.

    A connection that breaks leaves each chunk of a thousand appended whole or not at all, and the last one in
    doubt: publish it again with the same ids, and the repeats are recognised.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    async def publish(self, stream: str, events: Iterable[bytes]) -> int:
        """
        Append events to a stream in order, and return how many.

        Raises:
            TransportError: the server went away.
            ConfigurationError: the key is no stream.

        """
        count = 0
        rest = iter(events)
        # One script for many appends: a reply for each would cost the client more than the appends cost.
        while chunk := list(islice(rest, _CHUNK)):
            await self._client.run(scripts.PUBLISH, [stream], chunk)
            count += len(chunk)
        return count
