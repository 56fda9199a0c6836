"""
The one door to the server: raw replies in, and redis-py's exceptions translated once.

Replies stay as the server sent them (RESP2: lists and bytes), because redis-py's own shaping costs a fifth of
a large read and differs between its versions and protocols.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha1
from typing import Any, Final

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.sentinel import MasterNotFoundError
from redis.exceptions import (
    AskError,
    AuthenticationError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ResponseError,
)

from stream import scripts
from stream.errors import ConfigurationError, FullError, TransportError, UnconfirmedError
from stream.link import Argument, Command
from stream.server import FAILURES, Cluster, Key, OneServer, key_of

__all__ = ["Argument", "Client", "fields_of", "translated"]


class Client:
    """
    A client of one server, or of a cluster.

    Every method raises `TransportError` when the server is away, refuses, or its reply was lost (`FullError`
    where it has no room for what would be written), and
    `ConfigurationError` when a key has another type than it should, or the user may not do it.
    """

    def __init__(self, redis: Redis | RedisCluster, wait_ms: int | None = None) -> None:
        """
        Wrap a redis-py client that speaks RESP2, does not decode replies and does not retry.

        ``wait_ms`` is how long `run_durably` waits for a replica; None: it does not.
        """
        self._server = Cluster(redis) if isinstance(redis, RedisCluster) else OneServer(redis)
        self._wait_ms = wait_ms

    @property
    def replicated(self) -> bool:
        """Whether `run_durably` waits for a replica."""
        return self._wait_ms is not None

    async def ask(self, *command: Argument) -> Any:  # noqa: ANN401  # a reply's shape depends on the command
        """Send one command. What names a key has it where `stream.server.key_of` looks for it."""
        return await self.ask_about(key_of(command), *command)

    async def ask_about(self, key: Key, *command: Argument) -> Any:  # noqa: ANN401  # as above
        """Send a command that names no key to the server that has one."""
        try:
            return await self._server.send(key, command)
        except FAILURES as error:
            raise translated(error, str(command[0])) from error

    async def ask_all(self, commands: Sequence[Command]) -> list[Any]:
        """Send commands together and return their replies, in order. They need not happen at one moment."""
        return await self._ask_all([(key_of(command), command) for command in commands])

    async def _ask_all(self, commands: Sequence[tuple[Key, Command]]) -> list[Any]:
        what = str(commands[0][1][0])
        try:
            found = await self._server.send_all(commands)
        except FAILURES as error:
            raise translated(error, what) from error
        for one in found:
            if isinstance(one, FAILURES):
                raise translated(one, what) from one
        return found

    async def run(self, script: str, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:  # noqa: ANN401  # a script's reply
        """Run a script, sending its text only where the server does not have it yet."""
        return await self._run("EVALSHA", "EVAL", script, keys, arguments)

    async def query(self, script: str, keys: Sequence[str], arguments: Sequence[Argument] = ()) -> Any:  # noqa: ANN401  # as above
        """Run a script that only reads, as a user may who must not write its keys."""
        return await self._run("EVALSHA_RO", "EVAL_RO", script, keys, arguments)

    async def run_durably(self, script: str, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:  # noqa: ANN401  # as above
        """
        Run a script, and where it is so wanted wait until a replica has all that was written up to then.

        Raises:
            UnconfirmedError: it has run, and no replica is known to have it.

        """
        if self._wait_ms is None:
            return await self.run(script, keys, arguments)
        # WAIT tells of what its own connection wrote, so the two go together.
        wait: tuple[Key, Command] = (keys[0], ("WAIT", 1, self._wait_ms))
        tail = (len(keys), *keys, *arguments)
        try:
            reply, replicas = await self._ask_all([(keys[0], ("EVALSHA", _digest(script), *tail)), wait])
        except TransportError as error:
            if not isinstance(error.__cause__, NoScriptError):
                raise
            reply, replicas = await self._ask_all([(keys[0], ("EVAL", script, *tail)), wait])
        if not replicas:
            raise UnconfirmedError(f"no replica confirmed what was written within {self._wait_ms} ms")
        return reply

    async def _run(
        self, by_digest: str, by_text: str, script: str, keys: Sequence[str], arguments: Sequence[Argument]
    ) -> Any:  # noqa: ANN401  # as above
        where = keys[0] if keys else None
        tail = (len(keys), *keys, *arguments)
        try:
            try:
                return await self._server.send(where, (by_digest, _digest(script), *tail))
            except NoScriptError:
                return await self._server.send(where, (by_text, script, *tail))
        except FAILURES as error:
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

    def together(self, keys: Sequence[str]) -> list[list[str]]:
        """Keys in groups, of which one command may name all: on a cluster those of one slot."""
        return self._server.together(keys)

    async def sent(self) -> None:
        """Wait until every command that was sent has left, which takes a large one a while."""
        await self._server.sent()

    async def drop(self) -> None:
        """Close the connections; the next command opens new ones."""
        await self._server.drop()

    async def close(self) -> None:
        """Close the client for good."""
        await self._server.close()


def fields_of(flat: Any) -> Mapping[bytes, bytes]:  # noqa: ANN401  # a list, or a dict from fakeredis
    """Fields of an entry or of an info reply, which come as a flat list."""
    return flat if isinstance(flat, dict) else dict(zip(flat[::2], flat[1::2], strict=True))


@lru_cache
def _digest(script: str) -> str:
    return sha1(script.encode(), usedforsecurity=False).hexdigest()


def translated(error: Exception, what: str) -> Exception:
    """Translate an error of redis-py, or of the socket below it."""
    text = str(error)
    if isinstance(error, ResponseError):
        return _refusal(error, text, what)
    if isinstance(error, AuthenticationError):
        # At the start a person hears of it. Later it is a password that is being changed: file and server
        # agree again sooner or later.
        return TransportError(f"the server does not accept the name or password: {text.rstrip('.')}")
    if isinstance(error, MasterNotFoundError):
        text = text.partition(" : ")[0]  # what follows shows the client's inner parts
    return TransportError(f"{what} failed: {text or type(error).__name__}")


def _refusal(error: ResponseError, text: str, what: str) -> Exception:
    """Tell what a server that answered did not do, and why."""
    if isinstance(error, OutOfMemoryError) or "OOM command not allowed" in text:
        return FullError(_FULL)
    if "MISCONF" in text:
        return FullError(_DISK_FULL)
    if "WRONGTYPE" in text:
        return ConfigurationError(f"A key is in the way: {text}. Move it or use another prefix.")
    if isinstance(error, NoPermissionError) or _not_allowed_in_script(text):
        return ConfigurationError(f"The server's user may not do this ({what}): {text.rstrip('.')}. {_ROLES}")
    if isinstance(error, AskError):
        return TransportError(f"{what} was refused: its slot is at another node ({text})")
    return TransportError(f"{what} was refused: {text}")


# Since 7.2, and before.
_not_allowed_in_script: Final = re.compile("ACL failure in script|user executing the script can't").search
_FULL: Final = (
    "the server is full, at its maxmemory, and refuses to write; nothing is lost: give it more memory, or "
    "make room"
)
_DISK_FULL: Final = (
    "the server cannot write to its disk, and refuses to write; nothing is lost: make room on that disk, and "
    "see the server's log"
)
_ROLES: Final = "Use a user with the role for it; sluicegate acl makes them."
