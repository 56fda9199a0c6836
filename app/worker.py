"""A worker process: partitions, exporter and signals, put together."""

import gc
import signal
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final

import anyio
import structlog
from prometheus_client import CollectorRegistry

from app.config import Config
from app.connect import check_server, hide_password, open_clients, open_redis
from app.figures import counts_of, figures_of
from app.logging import LogObserver, configure_logging
from app.meta import claim_meta
from app.namesake import check_name
from app.preflight import check_lease, inspect_server
from app.version import own_version
from handlers import INPUTS, OUTPUTS
from handlers.fleet import Fleet
from metrics.exporter import exporting
from metrics.health import HEARTBEAT_S, Health
from metrics.observe import EngineObserver, FleetCollector, ScopeFigures, observe_process
from state.view import KINDS
from stream.client import Client
from stream.errors import BrokenInvariantError, ConfigurationError, TransportError
from stream.keys import Keys, meta_key
from stream.ownership import new_member
from stream.retention import Keep
from stream.service import Service
from stream.types import BatchDetails, Observer, Trimmed
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

    def taken(self, partition: int, epoch: int) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.taken(partition, epoch)

    def owned(self, partition: int, epoch: int) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.owned(partition, epoch)

    def migrated(self, partition: int, before: int, after: int) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.migrated(partition, before, after)

    def lost(self, partition: int, reason: str) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.lost(partition, reason)

    def held(self, partition: int, holder: str) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.held(partition, holder)

    def away(self, partition: int, error: str) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.away(partition, error)

    def rolled_back(self, partition: int, commits: int) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.rolled_back(partition, commits)

    def stalled(self, partition: int, reason: str) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.stalled(partition, reason)

    def gets_on(self, partition: int) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.gets_on(partition)

    def trimmed(self, details: Trimmed) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.trimmed(details)

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
        BrokenInvariantError: a bug; the log has all of it.

    """
    configure_logging(config.log_level)
    log = structlog.get_logger().bind(worker=config.worker_name)
    gc.set_threshold(*_GC_THRESHOLDS)
    stop = anyio.Event()
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_stop_on_signal, stop, log)
            await serve(config, stop)
            tasks.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        raise first_error(group) from None


@contextmanager
def _logged(config: Config, log: structlog.typing.FilteringBoundLogger) -> Iterator[None]:
    """Log the beginning and the end of a worker that has passed all checks. Raises as `work` does."""
    log.info(
        "starting",
        version=own_version(),
        server=hide_password(config.redis),
        prefix=config.prefix,
        partitions=config.partitions,
    )
    try:
        yield
    except Exception as raised:  # raised again, or a bug
        error = first_error(raised) if isinstance(raised, BaseExceptionGroup) else raised
        if not isinstance(error, ConfigurationError | TransportError):
            log.critical("broken invariant", exc_info=error)
            error = _broken(error)
        log.error("stopped", reason=str(error))  # noqa: TRY400  # what a person needs
        raise error from None
    log.info("stopped")


def _broken(error: BaseException) -> BrokenInvariantError:
    """Say in a sentence what must not be, and where."""
    what = " ".join(f"{type(error).__name__}: {error}".removesuffix(": ").split())
    where = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    return BrokenInvariantError(
        f"A broken invariant ended the worker: {what}{where}. Nothing of that batch was committed; keep the "
        "input and report what the log says."
    )


async def serve(config: Config, stop: anyio.Event) -> None:
    """Serve all partitions until ``stop`` is set. Raises as `work` does."""
    check_lease(config)
    await check_server(config)
    client = Client(open_redis(config))
    try:
        await _check_keys(client, config)
        findings = await inspect_server(client, config)
        await check_name(client, config)
        await claim_meta(client, config)
    finally:
        await client.close()
    log = structlog.get_logger().bind(worker=config.worker_name)
    registry = CollectorRegistry()
    fleets = [Fleet() for _ in range(config.partitions)]
    health = Health(config.partitions)
    log_observer = LogObserver(config.worker_name, lambda partition: counts_of(fleets[partition].view))
    observer = Observers([health, EngineObserver(registry), log_observer])

    def figures() -> Iterable[ScopeFigures]:
        for partition, fleet in enumerate(fleets):
            # What is left in memory of a partition that is not served is old: its owner shows it.
            if health.serves(partition):
                yield from figures_of(fleet.view)

    observe_process(registry, health, own_version())
    registry.register(
        FleetCollector(figures, agents=config.metrics_agents, agents_max=config.metrics_series_max)
    )
    with _logged(config, log), ExitStack() as stack:
        try:
            port = stack.enter_context(exporting(registry, health, config.metrics_host, config.metrics_port))
        except OSError as error:
            address = f"{config.metrics_host}:{config.metrics_port}"
            text = f"The metrics address {address} is taken ({error.strerror}): set --metrics-port."
            raise ConfigurationError(text) from None
        if findings.problems or findings.unchecked:
            log.warning("preflight", problems=findings.problems, unchecked=findings.unchecked)
        log.info("metrics", address=f"http://{config.metrics_host}:{port}/metrics")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_beat, health)
            await _serve_partitions(config, fleets, observer, stop)
            tasks.cancel_scope.cancel()


async def _beat(health: Health) -> None:
    """Show that the event loop turns."""
    while True:
        health.beat()
        await anyio.sleep(HEARTBEAT_S)


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
        keep=Keep(OUTPUTS, config.keep_inputs_ms, config.keep_outputs_ms),
    )
    member = new_member(config.worker_name)
    workers = {
        partition: PartitionWorker(
            Keys(config.prefix, partition),
            fleet,
            open_clients(config, settings.block_ms),
            member,
            observer,
            settings,
        )
        for partition, fleet in enumerate(fleets)
    }
    client = Client(open_redis(config))
    await Service(client, config.prefix, member, workers, observer, config.lease_ms, config.away_s).run(stop)


async def _stop_on_signal(stop: anyio.Event, log: structlog.typing.FilteringBoundLogger) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for number in signals:
            log.info("stopping", signal=number.name)
            stop.set()
            return
