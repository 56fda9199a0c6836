"""
Whatever is appended, each entry is applied, a repeat, or a dead letter with a reason that the wire has.

``MUTANTS=1000000`` tries that many; a seed is drawn and printed, and ``FAULTS_SEED`` repeats a run.
"""

import os
import re
from collections import Counter
from pathlib import Path
from random import Random, SystemRandom
from typing import Any, Final

import msgspec
import pytest

from handlers import INPUTS
from stream.types import Entry
from tests.faults.history import History
from tests.support.driver import Driver
from tests.support.laws import units
from tests.support.mutants import Mutator

MUTANTS: Final = int(os.environ.get("MUTANTS", "40000"))
PARTS: Final = 2  # so that they may run beside each other
ROUND: Final = 25_000  # mutants of one history; then a new one begins
BASE: Final = 1500  # entries of a history
WIRE: Final = Path(__file__).parents[2] / "docs" / "wire.md"


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(PARTS))
def test_mutants_are_applied_repeats_or_dead_letters(part: int) -> None:
    """None stops the worker; the state loads again; ledgers sum to zero."""
    seed = int(os.environ.get("FAULTS_SEED") or SystemRandom().randrange(2**32))
    print(f"FAULTS_SEED={seed}")  # noqa: T201  # whoever sees it fail wants to know
    reasons, counts, tried = known_reasons(), Counter[str](), 0
    while tried < MUTANTS // PARTS:
        random = Random(f"{seed} {part} {tried}")
        count = min(ROUND, MUTANTS // PARTS - tried)
        found = try_history(random, count)
        counts += found
        tried += count
    print(f"{tried} mutants: {msgspec.json.encode(counts).decode()}")  # noqa: T201  # figures

    assert set(counts) - {"applied", "repeats"} <= reasons
    assert counts["applied"] > 0
    assert len(counts) > 15, "too few reasons were met to show anything"


def try_history(random: Random, count: int) -> Counter[str]:
    """Process a history with mutants in between; return what became of these."""
    streams = History(random).make(BASE)
    entries = sorted(
        (tuple(map(int, entry_id.split("-"))), INPUTS.index(name), event)
        for name, events in streams.items()
        for entry_id, event in events
    )
    mutator = Mutator(random, [event for _, _, event in entries])
    driver, counts, n = Driver(), Counter[str](), 0
    for i, ((ms, _), place, event) in enumerate(entries):
        mutants = [mutator.mutant(event) for _ in range(count * (i + 1) // BASE - count * i // BASE)]
        batch = []
        for mutant in mutants:
            stream = place if random.random() < 0.95 else random.randrange(len(INPUTS))
            batch.append(Entry(stream, b"%d-%d" % (ms, n := n + 1), mutant))
        if batch:
            counts += outcome_of(driver, batch)
        outcome_of(driver, [Entry(place, b"%d-%d" % (ms, n := n + 1), event)])
        if random.random() < 0.002:
            driver = driver.restarted()
    check_ledgers(driver.restarted())
    return counts


def outcome_of(driver: Driver, batch: list[Entry]) -> Counter[str]:
    """Process a batch, and account for each of its entries."""
    details = driver.processor.applied[:]
    step = driver.process(batch)
    assert sum(driver.processor.applied) - sum(details) == len(batch)
    assert all(letter.detail for letter in step.dead)
    applied = len(batch) - step.repeats - len(step.dead)
    return Counter(step.reasons) + Counter(applied=applied, repeats=step.repeats)


def check_ledgers(driver: Driver) -> None:
    """Accounts of each stored wallet sum to zero."""

    def stored(kind: str) -> list[dict[str, Any]]:
        return [msgspec.json.decode(value) for value in driver.state[kind].values()]

    sums: dict[str, int] = {}
    outer = ("world", "market", "fees_account", "suspense", "cash")
    for wallet in stored("wallets"):
        sums[wallet["id"]] = sum(units(wallet[name]) for name in outer)
    for one in stored("farms") + stored("agents"):
        sums[one["wallet"]] += units(one["cash"]) + units(one.get("cost", "0"))
    assert set(sums.values()) == {0}


def known_reasons() -> set[str]:
    """Reasons in the wire's table of dead letters."""
    text = WIRE.read_text().partition("## A dead letter")[2].partition("## Refusals")[0]
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return {reason for row in rows for reason in re.findall(r"`(\w+)`", row)}
