"""Clients of the server, each with the timeouts and retries that its use needs."""

import re
import ssl
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import MasterNotFoundError, Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider
from redis.exceptions import RedisClusterException, RedisError

from app.config import Config
from app.passwords import read_password
from app.unreachable import why_not
from stream.client import Client
from stream.errors import ConfigurationError, FullError, TransportError
from stream.worker import Clients

_ANSWER_S: Final = 10.0  # longest wait for a command's reply
_CONNECT_S: Final = 5.0
_SENTINEL_PORT: Final = 26379
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


def open_redis(config: Config, *, answer_s: float = _ANSWER_S) -> Redis | RedisCluster:
    """
    Return a client that neither retries nor decodes, and speaks RESP2, whose replies have one shape.

    Raises:
        ConfigurationError: the URL cannot be understood, or names a user beside the settings that do.

    """
    where = hide_password(config.redis)
    settings: dict[str, Any] = {
        "protocol": 2,
        "socket_timeout": answer_s,
        "socket_connect_timeout": _CONNECT_S,
        "retry": Retry(NoBackoff(), 0),
        **_certificates(config),
    }
    if config.redis_password_file:
        if _names_a_user(config.redis):
            text = f"{where} names a user or password, and redis_password_file another: keep one of them."
            raise ConfigurationError(text)
        settings["credential_provider"] = _PasswordFile(config.redis_user, Path(config.redis_password_file))
    scheme, _, rest = config.redis.partition("://")
    try:
        match scheme.removeprefix("rediss").removeprefix("redis"):
            case "+cluster":
                return _open_cluster(scheme, rest, settings)
            case "+sentinel":
                return _open_sentinel(config, scheme, rest, settings)
            case _:
                return Redis.from_url(config.redis, **settings)
    except ValueError as error:
        # What it says of a port may be a piece of a password that has a slash in it.
        why = str(error) if "port" not in str(error).casefold() else "what should be its port is no number"
        raise ConfigurationError(f"{where} is no address of a server: {why}.") from None


def _certificates(config: Config) -> dict[str, str]:
    """Whom to trust, and what to show: for addresses that begin with rediss."""
    given = {
        "ssl_ca_certs": ("redis_ca", config.redis_ca),
        "ssl_certfile": ("redis_cert", config.redis_cert),
        "ssl_keyfile": ("redis_key", config.redis_key),
    }
    for setting, path in given.values():
        if path and not config.redis.startswith("rediss"):
            text = f"{setting} is for encrypted connections: begin the address with rediss."
            raise ConfigurationError(text)
        if path and not Path(path).is_file():
            raise ConfigurationError(f"There is no file {path}, which {setting} names.")
    if bool(config.redis_cert) != bool(config.redis_key):
        raise ConfigurationError("redis_cert and redis_key go together: name both, or neither.")
    _read_certificates(config)
    return {name: path for name, (_, path) in given.items() if path}


def _read_certificates(config: Config) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if config.redis_ca:
            context.load_verify_locations(config.redis_ca)
    except OSError:
        raise ConfigurationError(
            f"The file {config.redis_ca}, which redis_ca names, has no certificate."
        ) from None
    try:
        if config.redis_cert:
            context.load_cert_chain(
                config.redis_cert, config.redis_key, password=""
            )  # which nobody is asked for
    except OSError:
        text = (
            f"{config.redis_cert} and {config.redis_key} are not a certificate and its key: see redis_cert."
        )
        raise ConfigurationError(text) from None


def _names_a_user(url: str) -> bool:
    return "@" in url or bool(_in_query("", url) != url) or "username=" in url


def _open_cluster(scheme: str, rest: str, settings: dict[str, Any]) -> RedisCluster:
    user, hosts, path = _parts(rest)
    if path:
        raise ValueError("a cluster has no databases to name")
    return RedisCluster(
        startup_nodes=[ClusterNode(host, port) for host, port in hosts],
        # A shard that is down is the trouble of its partitions alone.
        require_full_coverage=False,
        ssl=scheme.startswith("rediss"),
        **settings,
        **user,
    )


def _open_sentinel(config: Config, scheme: str, rest: str, settings: dict[str, Any]) -> Redis:
    user, hosts, path = _parts(rest, usual_port=_SENTINEL_PORT)
    service, _, database = path.partition("/")
    if not service:
        raise ValueError("it has to end with /SERVICE, the name that Sentinel has for the master")
    settings["ssl"] = scheme.startswith("rediss")
    # Passwords are the servers' own; a Sentinel that asks for one has its own file.
    own = {name: value for name, value in settings.items() if name != "credential_provider"}
    if config.redis_sentinel_password_file:
        own["credential_provider"] = _PasswordFile("", Path(config.redis_sentinel_password_file))
    own["socket_timeout"] = _CONNECT_S
    sentinel = Sentinel(hosts, sentinel_kwargs=own)
    master: Redis = sentinel.master_for(service, db=int(database or 0), **settings, **user)
    return master


def _parts(rest: str, usual_port: int = 6379) -> tuple[dict[str, Any], list[tuple[str, int]], str]:
    """Take ``user:password@host:port,host:port/path`` apart. Raises ValueError."""
    credentials, _, place = rest.rpartition("@")
    name, _, password = credentials.partition(":")
    named = {"username": unquote(name), "password": unquote(password)}
    places, _, path = place.partition("/")
    hosts = []
    for one in places.split(","):
        found = urlsplit(f"//{one}")
        if not found.hostname:
            raise ValueError("it names no host")
        hosts.append((found.hostname, found.port or usual_port))
    return {key: value for key, value in named.items() if value}, hosts, path


def open_clients(config: Config, block_ms: int) -> Clients:
    """Clients of one partition: a read that blocks needs a longer timeout, and a connection of its own."""
    return Clients(
        reading=Client(open_redis(config, answer_s=block_ms / 1000 + _ANSWER_S)),
        writing=Client(open_redis(config), config.wait_ms),
    )


async def check_server(config: Config) -> None:
    """
    Ask the server whether it is there.

    Raises:
        ConfigurationError: it is not, or does not let us in; in a sentence that says what to do.

    """
    redis = open_redis(config)
    client = Client(redis)
    where = hide_password(config.redis)
    try:
        await client.ask("PING")
    except FullError as error:
        raise ConfigurationError(f"The server at {where} is of no use now: {error}.") from None
    except (ConfigurationError, TransportError) as error:
        # A cluster's client wraps what it met at the last node it tried.
        cause = error.__cause__
        if isinstance(cause, RedisClusterException):
            cause = cause.__cause__ or cause
        if isinstance(cause, MasterNotFoundError):
            cause = await _at_the_sentinels(redis) or cause
        raise ConfigurationError(why_not(cause or error, where)) from None
    finally:
        await client.close()


async def _at_the_sentinels(redis: Redis | RedisCluster) -> Exception | None:
    """Find what is wrong with a sentinel; the client only tells that none names a master."""
    pool = redis.connection_pool if isinstance(redis, Redis) else None
    if isinstance(pool, SentinelConnectionPool):
        for sentinel in pool.sentinel_manager.sentinels:
            try:
                await sentinel.execute_command("SENTINEL", "MASTERS")
            except RedisError as error:
                return error
    return None


def hide_password(url: str) -> str:
    """Return a URL without its password, to be shown."""
    url = _in_query("***", url)
    scheme, separator, rest = url.partition("://")
    credentials, at, place = rest.rpartition("@")
    if not at:
        return url
    user = credentials.partition(":")[0]
    return f"{scheme}{separator}{user}:***@{place}"
