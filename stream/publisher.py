"""Appends events to input streams, many to a round trip."""

from collections.abc import Iterable
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from stream.client import refused
from stream.errors import TransportError
from stream.keys import FIELD

_PIPELINE: Final = 1000


class Publisher:
    """
    Publishes raw events.

    A connection that breaks may leave the last pipeline appended in part: publish those events again, with
    the same ids, and the repeats are recognised.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def publish(self, stream: str, events: Iterable[bytes]) -> int:
        """
        Append events to a stream in order, and return how many.

        Raises:
            TransportError: the server went away.
            ConfigurationError: the key is no stream.

        """
        count = 0
        pipeline = self._redis.pipeline(transaction=False)
        try:
            for event in events:
                pipeline.execute_command("XADD", stream, "*", FIELD, event)
                count += 1
                if count % _PIPELINE == 0:
                    await pipeline.execute()
            await pipeline.execute()
        except ResponseError as error:
            raise refused(error, "XADD") from error
        except (RedisError, OSError) as error:
            raise TransportError(f"publishing failed after {count} events: {error}") from error
        return count
