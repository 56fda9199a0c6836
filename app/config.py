"""
How one process runs: from the defaults, a TOML file, the environment and the command line, the later winning.

None of it changes a result; what does is a wallet's rules, which are recorded with its state. The number of
partitions is recorded when a deployment is created, and compared.
"""

import os
import socket
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from domain.rules import duration_ms
from stream.errors import ConfigurationError
from stream.keys import DEFAULT_PREFIX
from stream.ownership import LEASE_MAX_MS

DEFAULT_REDIS: Final = "redis://127.0.0.1:6379/0"
DEFAULT_METRICS_PORT: Final = 9464
LOG_LEVELS: Final = ("debug", "info", "warning", "error", "critical")
FOREVER: Final = "forever"
_ENVIRONMENT: Final = "SLUICEGATE_"


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of a process."""

    redis: str = DEFAULT_REDIS
    redis_user: str = ""
    redis_password_file: str = ""  # read at each connection, so that the password may change
    redis_sentinel_password_file: str = ""  # of the sentinels, where they ask for one
    redis_ca: str = ""  # files of an encrypted connection: whom to trust, and our own certificate and its key
    redis_cert: str = ""
    redis_key: str = ""
    durability: Literal["async", "replicated"] = "async"  # when a commit counts: written, or on a replica too
    replica_timeout_ms: int = 1000  # how long a commit waits for a replica
    production: bool = False  # refuse a server that would lose data quietly
    prefix: str = DEFAULT_PREFIX
    partitions: int = 1
    name: str = ""  # of the worker; empty: host and process id
    batch: int = 4000  # entries of one stream in one read
    lease_ms: int = 5000
    dedupe_window: int = 200_000
    keep_inputs: str = "7d"  # at least so long; forever: replay can begin at the beginning
    keep_outputs: str = "7d"  # at least so long, and longer for registered subscribers
    away_s: float = 600.0  # how long the server may be away before a worker gives up
    metrics_host: str = "127.0.0.1"
    metrics_port: int = DEFAULT_METRICS_PORT  # 0: any free one
    metrics_agents: bool = False  # figures of every agent too
    metrics_series_max: int = 2000  # of agents
    log_level: str = "info"

    @property
    def keep_inputs_ms(self) -> int | None:
        """How long inputs are kept; None: for ever."""
        return _kept_ms("keep_inputs", self.keep_inputs)

    @property
    def keep_outputs_ms(self) -> int | None:
        """How long outputs are kept; None: for ever."""
        return _kept_ms("keep_outputs", self.keep_outputs)

    @property
    def worker_name(self) -> str:
        """Name under which a worker takes partitions."""
        return self.name or f"{socket.gethostname()}-{os.getpid()}"

    @property
    def wait_ms(self) -> int | None:
        """How long a commit waits for a replica; None: it does not."""
        return self.replica_timeout_ms if self.durability == "replicated" else None


def _kept_ms(name: str, text: str) -> int | None:
    """
    Read how long something is kept.

    Raises:
        ConfigurationError: it is neither a duration nor "forever".

    """
    if text in (FOREVER, "0"):
        return None
    try:
        return duration_ms(text)
    except ValueError as error:
        raise ConfigurationError(f"{name} does not hold: {error}; or {FOREVER}.") from None


def load_config(path: Path | None, environment: Mapping[str, str], options: Mapping[str, Any]) -> Config:
    """
    Put a configuration together.

    Args:
        path: a TOML file, if one was named.
        environment: variables such as SLUICEGATE_REDIS win over the file.
        options: from the command line; they win over both. None means not given.

    Raises:
        ConfigurationError: the file cannot be read, or a setting is unknown or out of its range.

    """
    values: dict[str, Any] = {}
    if path is not None:
        values |= _read_toml(path)
    for name in Config.__struct_fields__:
        text = environment.get(_ENVIRONMENT + name.upper())
        if text is not None:
            values[name] = text
    values |= {name: value for name, value in options.items() if value is not None}
    try:
        # strict=False reads numbers from the text that environment variables are.
        config = msgspec.convert(values, Config, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"The configuration does not hold: {error}.") from None
    _check(config)
    return config


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise ConfigurationError(f"Cannot read {path}: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not TOML: {error}.") from None


def _check(config: Config) -> None:
    _ = config.keep_inputs_ms, config.keep_outputs_ms  # read, to be refused before anything runs
    ranges = {
        "partitions": (config.partitions, 1, 16384),
        "batch": (config.batch, 1, 100_000),
        "lease_ms": (config.lease_ms, 100, LEASE_MAX_MS),
        # A reply is waited for ten seconds.
        "replica_timeout_ms": (config.replica_timeout_ms, 1, 8000),
        "dedupe_window": (config.dedupe_window, 1, 10_000_000),
        "metrics_port": (config.metrics_port, 0, 65_535),
    }
    for name, (value, low, high) in ranges.items():
        if not low <= value <= high:
            raise ConfigurationError(f"{name} is {value}; it must be from {low} to {high}.")
    if not config.prefix or any(c.isspace() or c in "{}" for c in config.prefix):
        raise ConfigurationError(f"The prefix {config.prefix!r} must be a word without braces.")
    if config.log_level not in LOG_LEVELS:
        raise ConfigurationError(
            f"log_level is {config.log_level!r}; it must be one of {', '.join(LOG_LEVELS)}."
        )
    if config.redis_user and not config.redis_password_file:
        raise ConfigurationError("redis_user goes with redis_password_file: name the file too.")
    if " " in config.worker_name:
        raise ConfigurationError(f"The worker's name {config.worker_name!r} must not have spaces.")
