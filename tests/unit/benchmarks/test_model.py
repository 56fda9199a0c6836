"""The model of throughput, against numbers worked out by hand."""

import pytest

from benchmarks.model import Costs, Load, even, one_wallet, throughput

# A fill costs a worker 10 + 40,000 / 4,000 = 20 µs, a primary 1 + 4,000 / 4,000 = 2 µs.
COSTS = Costs(worker_entry=10e-6, worker_commit=40e-3, server_entry=1e-6, server_commit=4e-3)


def test_smaller_commits_cost_more_a_fill() -> None:
    """The part of a commit that a fill bears is its cost divided by their number."""
    assert COSTS.worker(4000) == pytest.approx(20e-6)
    assert COSTS.worker(1000) == pytest.approx(50e-6)
    assert COSTS.server(1000) == pytest.approx(5e-6)


@pytest.mark.parametrize(
    ("workers", "primaries", "rate"),
    [(1, 1, 50_000), (4, 1, 200_000), (16, 1, 500_000), (16, 3, 800_000), (64, 3, 1_500_000)],
)
def test_workers_bound_until_primaries_do(workers: int, primaries: int, rate: float) -> None:
    """A worker takes 1 / 20 µs, a primary 1 / 2 µs, and the lesser of their sums counts."""
    assert throughput(COSTS, 4000, even(workers, primaries)) == pytest.approx(rate)


def test_few_cores_bound_both() -> None:
    """Two cores give 2 s of processor time a second, and a fill costs 22 µs of it."""
    assert throughput(COSTS, 4000, even(4, 1), cores=2) == pytest.approx(2 / 22e-6)


def test_the_busiest_bounds_all() -> None:
    """Where one of two workers has three quarters of the fills, they take 4 / 3 of what one does."""
    assert throughput(COSTS, 4000, Load(worker=0.75, primary=1.0)) == pytest.approx(50_000 * 4 / 3)


def test_a_wallet_has_one_worker_and_one_primary() -> None:
    """However many there are."""
    assert one_wallet(COSTS, 4000) == pytest.approx(50_000)
