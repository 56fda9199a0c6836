"""What the engine and the fleet report becomes the figures that Prometheus reads."""

from collections.abc import Sequence

import pytest
from prometheus_client import CollectorRegistry

from metrics.health import Health
from metrics.observe import EngineObserver, FleetCollector, ScopeFigures, observe_process
from stream.types import BatchDetails, Trimmed


@pytest.fixture
def registry() -> CollectorRegistry:
    """Give a registry of its own."""
    return CollectorRegistry()


def test_a_batch_is_counted() -> None:
    """Applied entries, repeats and dead letters by reason add up over the batches of a partition."""
    registry = CollectorRegistry()
    observer = EngineObserver(registry)

    for _ in range(2):
        observer.committed(
            BatchDetails(
                partition=3, entries=10, applied=6, repeats=1, dead={"unknown_agent": 2, "no_event": 1}
            )
        )

    assert registry.get_sample_value("sluicegate_entries_applied_total", {"partition": "3"}) == 12
    assert registry.get_sample_value("sluicegate_entries_repeated_total", {"partition": "3"}) == 2
    labels = {"partition": "3", "reason": "unknown_agent"}
    assert registry.get_sample_value("sluicegate_dead_letters_total", labels) == 4
    assert registry.get_sample_value("sluicegate_entries_dead_total", {"partition": "3"}) == 6
    assert registry.get_sample_value("sluicegate_batch_entries_sum", {"partition": "3"}) == 20
    assert registry.get_sample_value("sluicegate_commit_seconds_count", {"partition": "3"}) == 2


def test_a_partition_is_owned_from_taking_to_losing_it() -> None:
    """The gauge is 1 while a worker serves the partition, and its epoch is shown."""
    registry = CollectorRegistry()
    observer = EngineObserver(registry)

    observer.taken(0, 7)
    assert registry.get_sample_value("sluicegate_partition_owned", {"partition": "0"}) == 0
    observer.owned(0, 7)
    assert registry.get_sample_value("sluicegate_partition_owned", {"partition": "0"}) == 1
    assert registry.get_sample_value("sluicegate_partition_epoch", {"partition": "0"}) == 7

    observer.lag(0, 500, 1.5)
    observer.away(0, "the connection broke")
    assert registry.get_sample_value("sluicegate_partition_owned", {"partition": "0"}) == 0
    assert registry.get_sample_value("sluicegate_lag_entries", {"partition": "0"}) is None


def test_a_partition_is_stalled_until_it_gets_on_or_is_lost(registry: CollectorRegistry) -> None:
    """The gauge is there from the taking on, for an alert to look at."""
    observer = EngineObserver(registry)

    def stalled() -> float | None:
        return registry.get_sample_value("sluicegate_partition_stalled", {"partition": "0"})

    observer.taken(0, 1)
    assert stalled() == 0
    observer.stalled(0, "the server is full")
    assert stalled() == 1
    observer.gets_on(0)
    assert stalled() == 0
    observer.stalled(0, "the server is full")
    observer.lost(0, "let go of it")
    assert stalled() == 0


def test_what_is_trimmed_is_counted_by_stream(registry: CollectorRegistry) -> None:
    """And apart what a registered subscriber had not read, which an alert looks at."""
    observer = EngineObserver(registry)

    for _ in range(2):
        observer.trimmed(
            Trimmed(0, {"in:trade": 10, "out:wallet": 5}, {"out:wallet": 3}, {"desk/wallet": "7-0"})
        )

    def figure(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"sluicegate_{name}", {"partition": "0", **labels})

    assert figure("trimmed_total", stream="in:trade") == 20
    assert figure("trimmed_total", stream="out:wallet") == 10
    assert figure("trimmed_unread_total", stream="out:wallet") == 6
    assert figure("subscribers_overdue") == 1
    observer.trimmed(Trimmed(0))
    assert figure("subscribers_overdue") == 0


def test_a_loss_is_counted_once_however_often_the_server_is_tried(registry: CollectorRegistry) -> None:
    """From served to not served is one loss; what is heard afterwards, and standing by, is none."""
    observer = EngineObserver(registry)

    def losses() -> float | None:
        return registry.get_sample_value("sluicegate_partition_losses_total", {"partition": "0"})

    observer.held(0, "other")
    observer.taken(0, 1)
    assert losses() == 0
    observer.owned(0, 1)
    for _ in range(3):
        observer.away(0, "connection refused")
    observer.held(0, "other")

    assert losses() == 1


def test_counters_start_at_zero_when_a_partition_is_taken(registry: CollectorRegistry) -> None:
    """So that Prometheus sees the first dead letter as an increase."""
    observer = EngineObserver(registry)

    observer.taken(2, 1)

    for name in ("entries_applied", "entries_repeated", "entries_dead", "partition_losses"):
        assert registry.get_sample_value(f"sluicegate_{name}_total", {"partition": "2"}) == 0


def test_the_process_shows_its_version_memory_and_whether_it_is_ready(registry: CollectorRegistry) -> None:
    """What any process shows, and the gauge that alerts ask for."""
    now = 100.0
    health = Health(1, clock=lambda: now)
    observe_process(registry, health, "1.2.3")

    assert registry.get_sample_value("sluicegate_build_info", {"version": "1.2.3"}) == 1
    assert (registry.get_sample_value("process_resident_memory_bytes") or 0) > 1_000_000
    assert registry.get_sample_value("sluicegate_ready") == 0
    health.owned(0, 1)
    assert registry.get_sample_value("sluicegate_ready") == 1
    now = 103.5
    assert registry.get_sample_value("sluicegate_heartbeat_age_seconds") == 3.5


def test_lag_is_shown_in_entries_and_seconds() -> None:
    """What waits is shown as it was reported last."""
    registry = CollectorRegistry()
    observer = EngineObserver(registry)

    observer.lag(0, 500, 1.5)

    assert registry.get_sample_value("sluicegate_lag_entries", {"partition": "0"}) == 500
    assert registry.get_sample_value("sluicegate_lag_seconds", {"partition": "0"}) == 1.5


def _figures(agents: int) -> Sequence[ScopeFigures]:
    wallet = ScopeFigures("alpha", "wallet", "alpha", 100.5, 5.0, 0.25, 90.0, "yellow", False, suspense=-2.5)
    return [
        wallet,
        *(ScopeFigures("alpha", "agent", f"a{i}", 1.0, 1.0, 0.0, 1.0, "red", True) for i in range(agents)),
    ]


def _registry(agents: int, *, shown: bool, agents_max: int) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(FleetCollector(lambda: _figures(agents), agents=shown, agents_max=agents_max))
    return registry


def test_a_wallet_shows_its_figures() -> None:
    """Equity, drawdown, budget and the colour of the breaker carry wallet, scope and id."""
    registry = _registry(0, shown=False, agents_max=10)
    labels = {"wallet": "alpha", "scope": "wallet", "id": "alpha"}

    assert registry.get_sample_value("sluicegate_equity", labels) == 100.5
    assert registry.get_sample_value("sluicegate_drawdown_ratio", labels) == 0.25
    assert registry.get_sample_value("sluicegate_budget", labels) == 90.0
    assert registry.get_sample_value("sluicegate_breaker_state", {**labels, "colour": "yellow"}) == 1
    assert registry.get_sample_value("sluicegate_stopped", labels) == 0
    assert registry.get_sample_value("sluicegate_suspense", {"wallet": "alpha"}) == -2.5


def test_agents_are_left_out_unless_asked_for() -> None:
    """By default a fleet of any size gives a fixed number of series."""
    registry = _registry(5, shown=False, agents_max=10)

    labels = {"wallet": "alpha", "scope": "agent", "id": "a0"}
    assert registry.get_sample_value("sluicegate_equity", labels) is None
    assert registry.get_sample_value("sluicegate_agents_left_out", {"wallet": "alpha"}) == 5


def test_the_series_of_agents_are_capped() -> None:
    """Beyond the cap agents are left out, and how many is shown."""
    registry = _registry(5, shown=True, agents_max=3)

    def shown(agent: str) -> float | None:
        labels = {"wallet": "alpha", "scope": "agent", "id": agent}
        return registry.get_sample_value("sluicegate_stopped", labels)

    assert [shown(f"a{i}") for i in range(5)] == [1, 1, 1, None, None]
    assert registry.get_sample_value("sluicegate_agents_left_out", {"wallet": "alpha"}) == 2
