"""
The one door to the server: raw replies in, and redis-py's exceptions translated once.

Replies stay as the server sent them (RESP2: lists and bytes), because redis-py's own shaping costs a fifth of
a large read and differs between its versions and protocols.
"""

import re
from collections.abc import Mapping, Sequence
from hashlib import sha1
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import (
    AuthenticationError,
    NoPermissionError,
    NoScriptError,
    RedisError,
    ResponseError,
)

from stream import scripts
from stream.errors import ConfigurationError, TransportError

Argument = str | bytes | int


class Client:
    """
    A client of one server.

    Every method raises `TransportError` when the server is away, refuses, or its reply was lost, and
    `ConfigurationError` when a key has another type than it should, or the user may not do it.
    """

    def __init__(self, redis: Redis) -> None:
        """Wrap a redis-py client that speaks RESP2, does not decode replies and does not retry."""
        redis.response_callbacks.clear()
        self._redis = redis

    async def ask(self, *command: Argument) -> Any:  # noqa: ANN401  # a reply's shape depends on the command
        """Send one command."""
        try:
            return await self._redis.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py
        except (RedisError, OSError) as error:
            raise translated(error, str(command[0])) from error

    async def ask_all(self, commands: Sequence[Sequence[Argument]]) -> list[Any]:
        """Send commands together and return their replies, in order. They need not happen at one moment."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.response_callbacks = {}
        for command in commands:
            pipeline.execute_command(*command)
        try:
            found: list[Any] = await pipeline.execute()
        except (RedisError, OSError) as error:
            raise translated(error, str(commands[0][0])) from error
        return found

    async def run(self, script: str, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:  # noqa: ANN401  # a script's reply
        """Run a script, sending its text only where the server does not have it yet."""
        return await self._run("EVALSHA", "EVAL", script, keys, arguments)

    async def query(self, script: str, keys: Sequence[str], arguments: Sequence[Argument] = ()) -> Any:  # noqa: ANN401  # as above
        """Run a script that only reads, as a user may who must not write its keys."""
        return await self._run("EVALSHA_RO", "EVAL_RO", script, keys, arguments)

    async def _run(
        self, by_digest: str, by_text: str, script: str, keys: Sequence[str], arguments: Sequence[Argument]
    ) -> Any:  # noqa: ANN401  # as above
        digest = sha1(script.encode(), usedforsecurity=False).hexdigest()
        ask = self._redis.execute_command
        try:
            try:
                return await ask(by_digest, digest, len(keys), *keys, *arguments)  # type: ignore[no-untyped-call]  # redis-py
            except NoScriptError:
                return await ask(by_text, script, len(keys), *keys, *arguments)  # type: ignore[no-untyped-call]  # redis-py
        except (RedisError, OSError) as error:
            raise translated(error, "a script") from error

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


def translated(error: RedisError | OSError, what: str) -> Exception:
    """Translate an error of redis-py, or of the socket below it."""
    text = str(error)
    if isinstance(error, ResponseError):
        if "WRONGTYPE" in text:
            return ConfigurationError(f"A key is in the way: {text}. Move it or use another prefix.")
        if isinstance(error, NoPermissionError) or _not_allowed_in_script(text):
            return ConfigurationError(
                f"The server's user may not do this ({what}): {text.rstrip('.')}. {_ROLES}"
            )
        return TransportError(f"{what} was refused: {text}")
    if isinstance(error, AuthenticationError):
        return ConfigurationError(f"The server does not accept the name or password: {text.rstrip('.')}.")
    return TransportError(f"{what} failed: {text or type(error).__name__}")


# Since 7.2, and before.
_not_allowed_in_script: Final = re.compile("ACL failure in script|user executing the script can't").search
_ROLES: Final = "Use a user with the role for it; sluicegate acl makes them."
