"""
How many fills a second a deployment takes, from what one fill and one commit cost.

A worker is one process on one core, a primary one thread on another. Partitions are shared out evenly, and
what one worker or one primary cannot take, another cannot take for it; so throughput is the least of what the
workers, the primaries and, where they are few, the cores take.
"""

from typing import NamedTuple


class Costs(NamedTuple):
    """Processor time in seconds."""

    worker_entry: float
    worker_commit: float
    server_entry: float
    server_commit: float

    def worker(self, batch: float) -> float:
        """Return what a fill costs a worker, in commits of so many fills."""
        return self.worker_entry + self.worker_commit / batch

    def server(self, batch: float) -> float:
        """Return what a fill costs a primary, publishing left out."""
        return self.server_entry + self.server_commit / batch


class Load(NamedTuple):
    """How the fills fall: the share of the busiest worker, and of the busiest primary."""

    worker: float
    primary: float


def even(workers: int, primaries: int) -> Load:
    """Share everything out evenly."""
    return Load(1 / workers, 1 / primaries)


def throughput(costs: Costs, batch: float, load: Load, cores: int | None = None) -> float:
    """
    Return the most fills a second.

    Args:
        costs: of an entry and of a commit.
        batch: fills in a commit.
        load: how the fills fall.
        cores: that workers and primaries share; None: there are enough.

    """
    worker, server = costs.worker(batch), costs.server(batch)
    bounds = [1 / (load.worker * worker), 1 / (load.primary * server)]
    if cores is not None:
        bounds.append(cores / (worker + server))
    return min(bounds)


def one_wallet(costs: Costs, batch: float) -> float:
    """Return the ceiling of one wallet: it lives in one partition, which has one worker and one primary."""
    return throughput(costs, batch, even(1, 1))
