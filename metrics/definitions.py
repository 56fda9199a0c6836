"""
Every metric, once: its name, labels and meaning.

Names follow Prometheus' conventions; seconds and units of currency, nothing smaller.
"""

from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    disable_created_metrics,
)
from prometheus_client.core import GaugeMetricFamily

# A time of birth beside each counter and histogram is a third more series that nobody asks for.
disable_created_metrics()

_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_ENTRIES: Final = (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000)


class WorkerMetrics:
    """What the process is, whatever it serves."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"sluicegate_{name}", text, registry=registry)

        self.build = Info("sluicegate_build", "Version that runs.", registry=registry)
        self.ready = gauge("ready", "1 while every partition is served here or held by another worker.")
        self.heartbeat = gauge("heartbeat_age_seconds", "Time since the event loop was last seen to turn.")


class EngineMetrics:
    """What the engine does, by partition."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"sluicegate_{name}", text, ("partition", *labels), registry=registry)

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"sluicegate_{name}", text, ("partition",), registry=registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"sluicegate_{name}", text, ("partition",), registry=registry, buckets=buckets)

        self.applied = counter("entries_applied_total", "Input entries applied.")
        self.repeats = counter("entries_repeated_total", "Input entries recognised as repeats.")
        self.refused = counter("entries_dead_total", "Input entries that became dead letters, in all.")
        self.dead = counter("dead_letters_total", "Dead letters by their reason.", "reason")
        self.losses = counter("partition_losses_total", "Times the partition stopped being served.")
        self.rollbacks = counter("rollbacks_total", "Times commits that were confirmed were taken back.")
        self.trimmed = counter("trimmed_total", "Entries trimmed, by their stream.", "stream")
        self.trimmed_unread = counter(
            "trimmed_unread_total", "Outputs trimmed before a registered subscriber had read them.", "stream"
        )
        self.overdue = gauge(
            "subscribers_overdue", "Subscribers' streams with unread entries past their time."
        )
        self.lag_entries = gauge("lag_entries", "Input entries that wait to be applied.")
        self.lag_seconds = gauge("lag_seconds", "Age of the newest applied entry while others wait.")
        self.owned = gauge("partition_owned", "1 while this worker serves the partition.")
        self.stalled = gauge("partition_stalled", "1 while the server, being full, refuses to write for it.")
        self.epoch = gauge("partition_epoch", "Epoch under which this worker serves the partition.")
        self.batch = histogram("batch_entries", "Entries in a committed batch.", _ENTRIES)
        self.work = histogram("batch_work_seconds", "Time to apply a batch in memory.", _SECONDS)
        self.commit = histogram("commit_seconds", "Time from sending a commit to its answer.", _SECONDS)
        self.end_to_end = histogram(
            "end_to_end_seconds",
            "Time from a batch's newest entry reaching the server to its commit.",
            _SECONDS,
        )


class FleetMetrics:
    """What the fleet holds, made afresh for each scrape."""

    def __init__(self) -> None:
        def gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
            return GaugeMetricFamily(f"sluicegate_{name}", text, labels=("wallet", *labels))

        scope = ("scope", "id")
        self.equity = gauge("equity", "Equity in the wallet's currency.", *scope)
        self.cash = gauge("cash", "Cash in the wallet's currency.", *scope)
        self.drawdown = gauge("drawdown_ratio", "Loss since the peak, as a share of it.", *scope)
        self.budget = gauge("budget", "Capital given to agents, in the wallet's currency.", *scope)
        self.breaker = gauge("breaker_state", "1 for the colour a scope's breaker shows.", *scope, "colour")
        self.stopped = gauge("stopped", "1 while a scope is stopped.", *scope)
        self.suspense = gauge("suspense", "What accounts showed beyond the ledger, in the wallet's currency.")
        self.agents_left_out = gauge("agents_left_out", "Agents without figures of their own here.")

    def families(self) -> list[GaugeMetricFamily]:
        """Return all of them."""
        return list(vars(self).values())
