"""Clients of the server, each with the timeouts and retries that its use needs."""

import re
from pathlib import Path
from typing import Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from app.config import Config
from app.passwords import read_password
from stream.client import Client
from stream.errors import ConfigurationError
from stream.worker import Clients

_ANSWER_S: Final = 10.0  # longest wait for a command's reply
_CONNECT_S: Final = 5.0
_in_query: Final = re.compile(r"(?<=[?&]password=)[^&]*").sub


class _PasswordFile(CredentialProvider):
    """Name and password of a user; the file is read at each connection, so that the password may change."""

    def __init__(self, user: str, path: Path) -> None:
        self._user = user
        self._path = path

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        """Return what AUTH is sent with. Raises `ConfigurationError`."""
        password = read_password(self._path)
        return (self._user, password) if self._user else (password,)

    async def get_credentials_async(self) -> tuple[str] | tuple[str, str]:
        """Return the same; the file is small."""
        return self.get_credentials()


def open_redis(config: Config, *, answer_s: float = _ANSWER_S) -> Redis:
    """
    Return a client that neither retries nor decodes, and speaks RESP2, whose replies have one shape.

    Raises:
        ConfigurationError: the URL cannot be understood, or names a user beside the settings that do.

    """
    credentials = None
    if config.redis_password_file:
        credentials = _PasswordFile(config.redis_user, Path(config.redis_password_file))
    where = hide_password(config.redis)
    try:
        redis = Redis.from_url(
            config.redis,
            credential_provider=credentials,
            protocol=2,
            socket_timeout=answer_s,
            socket_connect_timeout=_CONNECT_S,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError as error:
        # What it says of a port may be a piece of a password that has a slash in it.
        why = str(error) if "port" not in str(error).casefold() else "what should be its port is no number"
        raise ConfigurationError(f"{where} is no address of a server: {why}.") from None
    named = redis.connection_pool.connection_kwargs
    if credentials is not None and (named.get("username") or named.get("password")):
        text = f"{where} names a user or password, and redis_password_file another: keep one of them."
        raise ConfigurationError(text)
    return redis


def open_clients(config: Config, block_ms: int) -> Clients:
    """Clients of one partition: a read that blocks needs a longer timeout, and a connection of its own."""
    return Clients(
        reading=Client(open_redis(config, answer_s=block_ms / 1000 + _ANSWER_S)),
        writing=Client(open_redis(config)),
    )


async def check_server(config: Config) -> None:
    """
    Ask the server whether it is there.

    Raises:
        ConfigurationError: it is not, or does not let us in; in a sentence that says what to do.

    """
    redis = open_redis(config)
    where = hide_password(config.redis)
    try:
        await redis.ping()
    except (RedisError, OSError) as error:
        raise ConfigurationError(_why_not(error, where)) from None
    finally:
        await redis.aclose()


def _why_not(error: RedisError | OSError, where: str) -> str:
    reason = str(error).rstrip(".")
    if isinstance(error, AuthenticationError):
        return (
            f"The server at {where} does not accept the name or password: {reason}. Set them in "
            "SLUICEGATE_REDIS, or by redis_user and redis_password_file."
        )
    if isinstance(error, NoPermissionError):
        return f"The server at {where} allows this user nothing: {reason}. sluicegate acl makes users."
    return f"There is no server at {where}: {reason}. Start one, or name another with --redis."


def hide_password(url: str) -> str:
    """Return a URL without its password, to be shown."""
    url = _in_query("***", url)
    scheme, separator, rest = url.partition("://")
    credentials, at, place = rest.rpartition("@")
    if not at:
        return url
    user = credentials.partition(":")[0]
    return f"{scheme}{separator}{user}:***@{place}"
