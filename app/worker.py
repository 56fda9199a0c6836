"""A worker process: partitions, exporter and signals, put together."""

import gc
import signal
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from typing import Final

import anyio
import structlog
from prometheus_client import CollectorRegistry

from app.config import Config
from app.connect import check_server, open_clients, open_redis
from app.figures import figures_of
from app.logging import LogObserver, configure_logging
from app.meta import claim_meta
from handlers import INPUTS, OUTPUTS
from handlers.fleet import Fleet
from metrics.exporter import exporting
from metrics.observe import EngineObserver, FleetCollector, ScopeFigures
from state.view import KINDS
from stream.client import Client
from stream.errors import ConfigurationError
from stream.keys import Keys, meta_key
from stream.types import BatchDetails, Observer
from stream.worker import PartitionWorker, Settings, first_error

# A look is some ten thousand lists at once, none of them garbage: at Python's own thresholds (700, 10, 10)
# looking through them for cycles takes a sixth of a worker's time.
_GC_THRESHOLDS: Final = (100_000, 50, 100)


class Observers:
    """Tells several observers."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = observers

    def committed(self, details: BatchDetails) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.committed(details)

    def owned(self, partition: int, epoch: int) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.owned(partition, epoch)

    def lost(self, partition: int, reason: str) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.lost(partition, reason)

    def lag(self, partition: int, events: int, seconds: float) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.lag(partition, events, seconds)


async def work(config: Config) -> None:
    """
    Serve all partitions until SIGTERM or SIGINT, then finish, commit and let go.

    Raises:
        ConfigurationError: something a person has to put right.
        TransportError: the server was away for longer than configured.

    """
    configure_logging(config.log_level)
    gc.set_threshold(*_GC_THRESHOLDS)
    stop = anyio.Event()
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_stop_on_signal, stop)
            await serve(config, stop)
            tasks.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        raise first_error(group) from None


async def serve(config: Config, stop: anyio.Event) -> None:
    """Serve all partitions until ``stop`` is set. Raises as `work` does."""
    await check_server(config)
    client = Client(open_redis(config))
    try:
        await _check_keys(client, config)
        await claim_meta(client, config)
    finally:
        await client.close()
    log = structlog.get_logger().bind(worker=config.worker_name)
    registry = CollectorRegistry()
    observer = Observers([LogObserver(config.worker_name), EngineObserver(registry)])
    fleets = [Fleet() for _ in range(config.partitions)]

    def figures() -> Iterable[ScopeFigures]:
        for fleet in fleets:
            yield from figures_of(fleet.view)

    registry.register(
        FleetCollector(figures, agents=config.metrics_agents, agents_max=config.metrics_series_max)
    )
    with ExitStack() as stack:
        try:
            port = stack.enter_context(exporting(registry, config.metrics_host, config.metrics_port))
        except OSError as error:
            address = f"{config.metrics_host}:{config.metrics_port}"
            text = f"The metrics address {address} is taken ({error.strerror}): set --metrics-port."
            raise ConfigurationError(text) from None
        log.info("metrics", address=f"http://{config.metrics_host}:{port}/metrics")
        await _serve_partitions(config, fleets, observer, stop)


async def _check_keys(client: Client, config: Config) -> None:
    """Look at every key before anything is written: a worker that cannot run changes nothing."""
    await client.check_types({meta_key(config.prefix): "hash"})
    for partition in range(config.partitions):
        await client.check_types(Keys(config.prefix, partition).types(INPUTS, OUTPUTS, KINDS))


async def _serve_partitions(
    config: Config, fleets: Sequence[Fleet], observer: Observer, stop: anyio.Event
) -> None:
    settings = Settings(
        batch=config.batch,
        lease_ms=config.lease_ms,
        window=config.dedupe_window,
        away_s=config.away_s,
    )
    async with anyio.create_task_group() as tasks:
        for partition, fleet in enumerate(fleets):
            worker = PartitionWorker(
                Keys(config.prefix, partition),
                fleet,
                open_clients(config, settings.block_ms),
                config.worker_name,
                observer,
                settings,
            )
            tasks.start_soon(worker.run, stop)


async def _stop_on_signal(stop: anyio.Event) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            stop.set()
            return
