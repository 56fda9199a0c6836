"""Observers: what the engine reports becomes figures, and what the fleet holds is read when it is scraped."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple, Protocol

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from metrics.definitions import EngineMetrics, FleetMetrics, WorkerMetrics
from metrics.health import Health


class Batch(Protocol):
    """What is known of a batch that was committed."""

    partition: int
    entries: int
    applied: int
    repeats: int
    dead: dict[str, int]
    end_to_end_seconds: float
    work_seconds: float
    commit_seconds: float


class Round(Protocol):
    """What is known of a round of trimming."""

    partition: int
    entries: dict[str, int]
    unread: dict[str, int]
    overdue: dict[str, str]


class ScopeFigures(NamedTuple):
    """Figures of one agent, farm or wallet, money in units of the currency."""

    wallet: str
    scope: str
    id: str
    equity: float
    cash: float
    drawdown: float
    budget: float
    colour: str
    stopped: bool
    suspense: float = 0.0  # of a wallet


def observe_process(registry: CollectorRegistry, health: Health, version: str) -> None:
    """Show what the process is, whether it is ready, and what it takes of the machine."""
    metrics = WorkerMetrics(registry)
    metrics.build.info({"version": version})
    metrics.ready.set_function(lambda: not health.troubles())
    metrics.heartbeat.set_function(lambda: health.heartbeat_age)
    ProcessCollector(registry=registry)


class EngineObserver:
    """Implements the engine's observer protocol with Prometheus' metrics."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._metrics = EngineMetrics(registry)
        self._served: set[int] = set()

    def committed(self, details: Batch) -> None:
        """Count a batch."""
        metrics, partition = self._metrics, str(details.partition)
        metrics.applied.labels(partition).inc(details.applied)
        if details.repeats:
            metrics.repeats.labels(partition).inc(details.repeats)
        for reason, count in details.dead.items():
            metrics.refused.labels(partition).inc(count)
            metrics.dead.labels(partition, reason).inc(count)
        metrics.batch.labels(partition).observe(details.entries)
        metrics.work.labels(partition).observe(details.work_seconds)
        metrics.commit.labels(partition).observe(details.commit_seconds)
        metrics.end_to_end.labels(partition).observe(details.end_to_end_seconds)

    def taken(self, partition: int, epoch: int) -> None:
        """Start every counter of a partition at 0: Prometheus sees no increase in a first sample."""
        metrics, label = self._metrics, str(partition)
        for counter in (metrics.applied, metrics.repeats, metrics.refused, metrics.losses, metrics.rollbacks):
            counter.labels(label)
        metrics.owned.labels(label).set(0)
        metrics.stalled.labels(label).set(0)
        metrics.epoch.labels(label).set(epoch)

    def owned(self, partition: int, epoch: int) -> None:  # noqa: ARG002  # known since it was taken
        """Show a partition as served."""
        self._served.add(partition)
        self._metrics.owned.labels(str(partition)).set(1)

    def migrated(self, partition: int, before: int, after: int) -> None:
        """Hear no news: migrations are for the log."""

    def lost(self, partition: int, reason: str) -> None:  # noqa: ARG002  # reasons are for the log
        """Show a partition as not served."""
        self._unserved(partition)

    def held(self, partition: int, holder: str) -> None:  # noqa: ARG002  # as above
        """Show a partition as not served here."""
        self._unserved(partition)

    def away(self, partition: int, error: str) -> None:  # noqa: ARG002  # as above
        """Show a partition as not served."""
        self._unserved(partition)

    def _unserved(self, partition: int) -> None:
        """Count the change from served to not served, not what is heard of it afterwards."""
        label = str(partition)
        self._metrics.owned.labels(label).set(0)
        self._metrics.stalled.labels(label).set(0)
        if partition in self._served:
            self._served.discard(partition)
            self._metrics.losses.labels(label).inc()
            # What waits is for the next owner to know; it may not have been counted yet.
            with suppress(KeyError):
                self._metrics.lag_entries.remove(label)
                self._metrics.lag_seconds.remove(label)
            with suppress(KeyError):
                self._metrics.overdue.remove(label)

    def rolled_back(self, partition: int, commits: int) -> None:  # noqa: ARG002  # how many is for the log
        """Count it."""
        self._metrics.rollbacks.labels(str(partition)).inc()

    def stalled(self, partition: int, reason: str) -> None:  # noqa: ARG002  # reasons are for the log
        """Show that a partition does not get on."""
        self._metrics.stalled.labels(str(partition)).set(1)

    def gets_on(self, partition: int) -> None:
        """Show that it does again."""
        self._metrics.stalled.labels(str(partition)).set(0)

    def trimmed(self, details: Round) -> None:
        """Count what was trimmed."""
        partition = str(details.partition)
        for stream, count in details.entries.items():
            self._metrics.trimmed.labels(partition, stream).inc(count)
        for stream, count in details.unread.items():
            self._metrics.trimmed_unread.labels(partition, stream).inc(count)
        self._metrics.overdue.labels(partition).set(len(details.overdue))

    def lag(self, partition: int, events: int, seconds: float) -> None:
        """Show how much waits."""
        self._metrics.lag_entries.labels(str(partition)).set(events)
        self._metrics.lag_seconds.labels(str(partition)).set(seconds)


class FleetCollector(Collector):
    """Reads the fleet's figures at each scrape, so that a batch pays nothing for them."""

    def __init__(
        self, figures: Callable[[], Iterable[ScopeFigures]], *, agents: bool, agents_max: int
    ) -> None:
        """
        Collect from a function.

        Args:
            figures: gives every scope's figures.
            agents: whether agents get series of their own.
            agents_max: how many of them at the most.

        """
        self._figures = figures
        self._agents_max = agents_max if agents else 0

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give Prometheus what it asks for."""
        metrics = FleetMetrics()
        agents = 0
        left_out: dict[str, int] = {}
        for scope in self._figures():
            if scope.scope == "agent":
                agents += 1
                if agents > self._agents_max:
                    left_out[scope.wallet] = left_out.get(scope.wallet, 0) + 1
                    continue
            _add(metrics, scope)
        for wallet, count in left_out.items():
            metrics.agents_left_out.add_metric((wallet,), count)
        yield from metrics.families()


def _add(metrics: FleetMetrics, scope: ScopeFigures) -> None:
    labels = (scope.wallet, scope.scope, scope.id)
    metrics.equity.add_metric(labels, scope.equity)
    metrics.cash.add_metric(labels, scope.cash)
    metrics.drawdown.add_metric(labels, scope.drawdown)
    metrics.budget.add_metric(labels, scope.budget)
    metrics.stopped.add_metric(labels, float(scope.stopped))
    if scope.scope == "wallet":
        metrics.suspense.add_metric((scope.wallet,), scope.suspense)
    metrics.breaker.add_metric((*labels, scope.colour), 1.0)
