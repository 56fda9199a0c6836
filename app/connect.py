"""Clients of the server, each with the timeouts and retries that its use needs."""

from typing import Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError

from app.config import Config
from stream.client import Client
from stream.errors import ConfigurationError
from stream.worker import Clients

_ANSWER_S: Final = 10.0  # longest wait for a command's reply
_CONNECT_S: Final = 5.0


def open_redis(url: str, *, answer_s: float = _ANSWER_S) -> Redis:
    """
    Return a client that neither retries nor decodes, and speaks RESP2, whose replies have one shape.

    Raises:
        ConfigurationError: the URL cannot be understood.

    """
    try:
        return Redis.from_url(
            url,
            protocol=2,
            socket_timeout=answer_s,
            socket_connect_timeout=_CONNECT_S,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError as error:
        raise ConfigurationError(f"{hide_password(url)} is no address of a server: {error}.") from None


def open_clients(config: Config, block_ms: int) -> Clients:
    """Clients of one partition: a read that blocks needs a longer timeout, and a connection of its own."""
    return Clients(
        reading=Client(open_redis(config.redis, answer_s=block_ms / 1000 + _ANSWER_S)),
        writing=Client(open_redis(config.redis)),
    )


async def check_server(config: Config) -> None:
    """
    Ask the server whether it is there.

    Raises:
        ConfigurationError: it is not, or does not let us in; in a sentence that says what to do.

    """
    redis = open_redis(config.redis)
    where = hide_password(config.redis)
    try:
        await redis.ping()
    except AuthenticationError as error:
        text = f"The server at {where} does not accept the name or password: {error}. Set them in --redis."
        raise ConfigurationError(text) from None
    except (RedisError, OSError) as error:
        reason = str(error).rstrip(".")
        text = f"There is no server at {where}: {reason}. Start one, or name another with --redis."
        raise ConfigurationError(text) from None
    finally:
        await redis.aclose()


def hide_password(url: str) -> str:
    """Return a URL without its password, to be shown."""
    scheme, separator, rest = url.partition("://")
    credentials, at, place = rest.rpartition("@")
    if not at:
        return url
    user = credentials.partition(":")[0]
    return f"{scheme}{separator}{user}:***@{place}"
