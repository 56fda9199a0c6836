"""
Nothing is lost and nothing is applied twice, seed by seed.

``SIMULATION_SEEDS=10000 pytest tests/simulation`` runs that many, from one that is drawn and printed;
``SIMULATION_SEED=123 pytest tests/simulation`` runs that one alone.
"""

import os
from random import SystemRandom
from typing import Final

import pytest

from tests.simulation.world import Report, simulate

PARTS: Final = 4  # so that they may run beside each other
SEEDS: Final = int(os.environ.get("SIMULATION_SEEDS", "400"))
ONLY: Final = os.environ.get("SIMULATION_SEED")


@pytest.mark.parametrize("part", range(PARTS))
def test_seeds_never_tried_before(part: int) -> None:
    """Workers killed, paused and cut off, commands late and twice, failovers: the outcome is the fold."""
    first = int(ONLY) if ONLY else SystemRandom().randrange(2**29) * PARTS + part * SEEDS
    reports = [run(first + i) for i in range(1 if ONLY else SEEDS // PARTS)]
    print(total(reports))  # noqa: T201  # figures

    # A failover may take back everything that a run had.
    assert all(report.entries or report.lost for report in reports)


def test_a_seed_says_all() -> None:
    """A run is repeated to the last commit by its seed, so that a failure can be looked into."""
    assert [simulate(seed) for seed in (1, 11, 42)] == [simulate(seed) for seed in (1, 11, 42)]


def run(seed: int) -> Report:
    """Run a seed, and name it where it fails."""
    try:
        return simulate(seed)
    except BaseException as error:
        error.add_note(f"again with: SIMULATION_SEED={seed} .venv/bin/pytest tests/simulation")
        raise


def total(reports: list[Report]) -> str:
    """Add up what happened."""
    names = [name for name in Report.__struct_fields__ if name != "seed"]
    return f"{len(reports)} seeds: " + ", ".join(
        f"{sum(getattr(report, name) for report in reports)} {name}" for name in names
    )
