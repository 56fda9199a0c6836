"""How the server is named, and that its password is not shown."""

from pathlib import Path

import pytest
from redis.asyncio import Redis, RedisCluster
from redis.asyncio.sentinel import SentinelConnectionPool

from app.config import Config, load_config
from app.connect import hide_password, open_redis
from stream.errors import ConfigurationError
from tests.support.certificates import Certificates


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://there:6379/0", "redis://there:6379/0"),
        ("redis://:secret@there", "redis://:***@there"),
        ("rediss://me:secret@there:6380/1", "rediss://me:***@there:6380/1"),
        ("redis://me:sec@ret@there", "redis://me:***@there"),
        ("redis://there?password=secret&db=1", "redis://there?password=***&db=1"),
        ("unix://me:secret@/run/redis.sock?db=1", "unix://me:***@/run/redis.sock?db=1"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, shown: str) -> None:
    """Wherever in it the password stands."""
    assert hide_password(url) == shown


@pytest.mark.parametrize(
    "url", ["redis://me:sec/ret@there", "http://me:secret@there", "redis://me:sec?ret@there"]
)
def test_an_address_that_is_none_is_told_without_its_password(url: str) -> None:
    """A password with a slash must be written %2F; a piece of it looks like a port then."""
    with pytest.raises(ConfigurationError) as caught:
        open_redis(Config(redis=url))

    assert "is no address of a server" in str(caught.value)
    assert "sec" not in str(caught.value)
    assert "ret" not in str(caught.value)


async def _asked_with(config: Config) -> tuple[str, ...]:
    redis = open_redis(config)
    assert isinstance(redis, Redis)
    provider = redis.connection_pool.connection_kwargs["credential_provider"]
    return tuple(await provider.get_credentials_async())


@pytest.fixture
def anyio_backend() -> str:
    """redis-py knows asyncio only."""
    return "asyncio"


@pytest.mark.anyio
async def test_name_and_password_from_a_file(tmp_path: Path) -> None:
    """The file is read each time; without a name it is the password of the default user."""
    file = tmp_path / "password"
    file.write_text("first\n", encoding="utf-8")
    config = Config(redis_user="me", redis_password_file=str(file))
    assert await _asked_with(config) == ("me", "first")

    file.write_text("second", encoding="utf-8")

    assert await _asked_with(config) == ("me", "second")
    assert await _asked_with(Config(redis_password_file=str(file))) == ("second",)


def test_one_place_for_the_password(tmp_path: Path) -> None:
    """An address with a user beside the settings that name one is refused: it is not clear which is meant."""
    config = Config(redis="redis://me:secret@there", redis_password_file=str(tmp_path / "password"))

    with pytest.raises(ConfigurationError, match=r"me:\*\*\*@there names a user or password"):
        open_redis(config)


def test_a_name_without_a_password() -> None:
    """A user is named together with the file of its password."""
    with pytest.raises(ConfigurationError, match="redis_user goes with redis_password_file"):
        load_config(None, {"SLUICEGATE_REDIS_USER": "me"}, {})


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("redis+cluster://", "names no host"),
        ("redis+cluster://a:7000,b:7001/3", "a cluster has no databases"),
        ("redis+sentinel://a:26379", "end with /SERVICE"),
        ("redis+sentinel://a:x/main", "its port is no number"),
    ],
)
def test_addresses_of_several_servers_that_are_none(url: str, says: str) -> None:
    """What is wrong is said."""
    with pytest.raises(ConfigurationError, match=says):
        open_redis(Config(redis=url))


def test_a_cluster_by_some_of_its_nodes() -> None:
    """Each with its port, and one user for all; nothing is ever sent again by the client itself."""
    redis = open_redis(Config(redis="redis+cluster://me:s%2Fcret@a:7000,b"))

    assert isinstance(redis, RedisCluster)
    assert list(redis.nodes_manager.startup_nodes) == ["a:7000", "b:6379"]
    kept = redis.get_connection_kwargs()
    assert (kept["username"], kept["password"], kept["protocol"]) == ("me", "s/cret", 2)
    assert redis.retry.get_retries() == 0


def test_a_service_by_its_sentinels() -> None:
    """The service is what the address ends with, and may be followed by a database."""
    redis = open_redis(Config(redis="redis+sentinel://:secret@a,b:26380/main/2"))

    assert isinstance(redis, Redis)
    pool = redis.connection_pool
    assert isinstance(pool, SentinelConnectionPool)
    assert pool.service_name == "main"
    places = [one.connection_pool.connection_kwargs for one in pool.sentinel_manager.sentinels]
    assert [(place["host"], place["port"]) for place in places] == [("a", 26379), ("b", 26380)]
    assert all(place.get("password") is None for place in places)
    assert (pool.connection_kwargs["db"], pool.connection_kwargs["password"]) == (2, "secret")
    assert pool.connection_kwargs["retry"].get_retries() == 0


def test_certificates_are_for_encrypted_connections(tmp_path: Path) -> None:
    """A file that is not there, one that would not be used, and half of a pair are refused."""
    found = Certificates(tmp_path / "tls")
    ca = str(found.file("ca.pem"))
    with pytest.raises(ConfigurationError, match=r"no file .*none\.pem, which redis_ca names"):
        open_redis(Config(redis="rediss://there", redis_ca=str(tmp_path / "none.pem")))
    with pytest.raises(ConfigurationError, match="redis_ca is for encrypted connections"):
        open_redis(Config(redis="redis://there", redis_ca=ca))
    with pytest.raises(ConfigurationError, match="redis_cert and redis_key go together"):
        open_redis(Config(redis="rediss://there", redis_cert=ca))

    opened = open_redis(Config(redis="rediss://there", **found.of_client()))

    assert isinstance(opened, Redis)
    assert opened.connection_pool.connection_kwargs["ssl_ca_certs"] == ca


@pytest.mark.parametrize(
    ("ca", "cert", "key", "says"),
    [
        ("client.key", "client.pem", "client.key", r"client\.key, which redis_ca names, has no certificate"),
        ("ca.pem", "client.pem", "stranger.key", r"stranger\.key are not a certificate and its key"),
        ("ca.pem", "client.key", "client.key", r"client\.key are not a certificate and its key"),
    ],
)
def test_files_that_hold_something_else(tmp_path: Path, ca: str, cert: str, key: str, says: str) -> None:
    """They are read before anybody is called."""
    found = Certificates(tmp_path / "tls")
    files = [str(found.file(name)) for name in (ca, cert, key)]
    config = Config(redis="rediss://there", redis_ca=files[0], redis_cert=files[1], redis_key=files[2])

    with pytest.raises(ConfigurationError, match=says):
        open_redis(config)
