"""What the engine and the fleet report becomes the figures that Prometheus reads."""

import urllib.request
from collections.abc import Sequence

from prometheus_client import CollectorRegistry

from metrics.exporter import exporting
from metrics.observe import EngineObserver, FleetCollector, ScopeFigures
from stream.types import BatchDetails


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
    assert registry.get_sample_value("sluicegate_batch_entries_sum", {"partition": "3"}) == 20
    assert registry.get_sample_value("sluicegate_commit_seconds_count", {"partition": "3"}) == 2


def test_a_partition_is_owned_from_taking_to_losing_it() -> None:
    """The gauge is 1 while a worker serves the partition, and its epoch is shown."""
    registry = CollectorRegistry()
    observer = EngineObserver(registry)

    observer.owned(0, 7)
    assert registry.get_sample_value("sluicegate_partition_owned", {"partition": "0"}) == 1
    assert registry.get_sample_value("sluicegate_partition_epoch", {"partition": "0"}) == 7

    observer.lost(0, "the server is away")
    assert registry.get_sample_value("sluicegate_partition_owned", {"partition": "0"}) == 0


def test_lag_is_shown_in_entries_and_seconds() -> None:
    """What waits is shown as it was reported last."""
    registry = CollectorRegistry()
    observer = EngineObserver(registry)

    observer.lag(0, 500, 1.5)

    assert registry.get_sample_value("sluicegate_lag_entries", {"partition": "0"}) == 500
    assert registry.get_sample_value("sluicegate_lag_seconds", {"partition": "0"}) == 1.5


def _figures(agents: int) -> Sequence[ScopeFigures]:
    wallet = ScopeFigures("alpha", "wallet", "alpha", 100.5, 5.0, 0.25, 90.0, "yellow", False)
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


def test_the_exporter_answers_over_http_and_frees_its_port() -> None:
    """While the block runs the registry can be scraped; afterwards the address is free again."""
    registry = CollectorRegistry()
    EngineObserver(registry).owned(0, 1)

    with exporting(registry, "127.0.0.1", 0) as port:
        answer = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5)
        text = answer.read().decode()
        answer.close()
    with exporting(registry, "127.0.0.1", port) as again:
        assert again == port

    assert 'sluicegate_partition_owned{partition="0"} 1.0' in text
