"""
The one door to the server: raw replies in, and redis-py's exceptions translated once.

Replies stay as the server sent them (RESP2: lists and bytes), because redis-py's own shaping costs a fifth of
a large read and differs between its versions and protocols.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha1
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError, ResponseError

from stream import scripts
from stream.errors import ConfigurationError, TransportError

Argument = str | bytes | int


class Client:
    """
    A client of one server.

    Every method raises `TransportError` when the server is away, refuses, or its reply was lost, and
    `ConfigurationError` when a key has another type than it should.
    """

    def __init__(self, redis: Redis) -> None:
        """Wrap a redis-py client that speaks RESP2, does not decode replies and does not retry."""
        redis.response_callbacks.clear()
        self._redis = redis

    async def ask(self, *command: Argument) -> Any:  # noqa: ANN401  # a reply's shape depends on the command
        """Send one command."""
        try:
            return await self._redis.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py
        except ResponseError as error:
            raise refused(error, str(command[0])) from error
        except (RedisError, OSError) as error:
            raise TransportError(f"{command[0]!s} failed: {str(error) or type(error).__name__}") from error

    async def run(self, script: str, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:  # noqa: ANN401  # a script's reply
        """Run a script, sending its text only where the server does not have it yet."""
        digest = sha1(script.encode(), usedforsecurity=False).hexdigest()
        try:
            try:
                return await self._redis.execute_command(  # type: ignore[no-untyped-call]  # redis-py
                    "EVALSHA", digest, len(keys), *keys, *arguments
                )
            except NoScriptError:
                return await self._redis.execute_command(  # type: ignore[no-untyped-call]  # redis-py
                    "EVAL", script, len(keys), *keys, *arguments
                )
        except ResponseError as error:
            raise refused(error, "a script") from error
        except (RedisError, OSError) as error:
            raise TransportError(f"a script failed: {str(error) or type(error).__name__}") from error

    async def check_types(self, types: Mapping[str, str]) -> None:
        """Raise `ConfigurationError` where a key of one slot, by name, has another type than it should."""
        wrong = await self.run(scripts.CHECK, list(types), list(types.values()))
        if wrong:
            key, kind, wanted = (part.decode() for part in wrong)
            text = f"A key is in the way: {key} is a {kind}, not a {wanted}. Move it or use another prefix."
            raise ConfigurationError(text)

    async def hash(self, key: str) -> dict[bytes, bytes]:
        """Read a whole hash."""
        flat = await self.ask("HGETALL", key)
        return flat if isinstance(flat, dict) else dict(zip(flat[::2], flat[1::2], strict=True))

    async def drop(self) -> None:
        """Close the connections; the next command opens new ones."""
        await self._redis.connection_pool.disconnect(inuse_connections=True)

    async def close(self) -> None:
        """Close the client for good."""
        await self._redis.aclose()


def fields_of(flat: Any) -> Mapping[bytes, bytes]:  # noqa: ANN401  # a list, or a dict from fakeredis
    """Fields of an entry or of an info reply, which come as a flat list."""
    return flat if isinstance(flat, dict) else dict(zip(flat[::2], flat[1::2], strict=True))


def refused(error: ResponseError, what: str) -> Exception:
    """Translate a refusal of the server."""
    if "WRONGTYPE" in str(error):
        return ConfigurationError(f"A key is in the way: {error}. Move it or use another prefix.")
    return TransportError(f"{what} was refused: {error}")
