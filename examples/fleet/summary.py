"""
What happened: read from Redis when the fleet has traded, and checked against what the bots say.

    python -m examples.fleet.summary --redis redis://localhost:6379 [--bots bots.json]

`bots.json` is the line that the bots print at their end. Without it, what is said of fills rests on
sluicegate alone.
"""

import argparse
import sys
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from redis.exceptions import RedisError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from examples.fleet.journal import Dated, Journal
from examples.fleet.panels import COLOURS
from examples.fleet.sentences import money
from examples.fleet.snapshot import Snapshot, snapshot
from examples.fleet.wire import Wire

_STOPS_SHOWN: Final = 12


class Book(msgspec.Struct):
    """What one bot says of itself."""

    fills: int
    cash: Decimal


class Published(msgspec.Struct):
    """What the bots say at their end."""

    days: int
    first: str
    last: str
    seconds: float
    fills: int
    bots: dict[str, Book]


class Check(NamedTuple):
    """Something that must hold, and what was seen."""

    holds: bool
    text: str


def checks(now: Snapshot, journal: Journal, published: Published | None) -> list[Check]:
    """Compare three accounts of the same fills: the bots', the ledger's and the state's."""
    found = []
    if published:
        found.append(_exactly_once(now, journal, published))
        agree = sum(published.bots[agent.id].cash == agent.cash for agent in now.agents)
        text = f"cash: {agree} of {len(now.agents)} bots' own books agree with the ledger to the last digit"
        found.append(Check(agree == len(now.agents), text))
    total = sum(journal.balances.values(), Decimal(0))
    transactions = journal.counts["wallet_transaction"]
    found += [
        Check(now.dead == 0, f"dead letters: {now.dead}"),
        Check(journal.twice == 0, f"outputs: {journal.events:,}, with an id seen before: {journal.twice}"),
        Check(
            bool(journal.balances) and total == 0,
            f"ledger: {len(journal.balances)} accounts sum to {total.normalize():f}",
        ),
        Check(
            transactions > 0 and journal.chain_breaks == 0,
            f"ledger: {transactions:,} transactions, each naming the hash of the one before; "
            f"breaks: {journal.chain_breaks}",
        ),
    ]
    return found


def summarise(console: Console, now: Snapshot, journal: Journal, published: Published | None) -> list[Check]:
    """Print it all; returns the checks, so that the caller can decide what they mean."""
    span = f", {published.first} to {published.last} in {published.seconds:.0f} s" if published else ""
    console.rule(f"[bold]wallet {now.wallet.id}{span}")
    console.print(_moved(journal))
    _list(console, "Stopped", journal.stops, "no bot had to be stopped")
    _list(console, "Goals", journal.goals, "none decided yet")
    console.print()
    console.print(_equity(now))
    found = checks(now, journal, published)
    console.print()
    for check in found:
        mark = Text("✓ ", "green") if check.holds else Text("✗ ", "bold red")
        console.print(mark + Text(check.text), soft_wrap=True)
    return found


def _exactly_once(now: Snapshot, journal: Journal, published: Published) -> Check:
    # A fill applied twice, or lost, would show in the count of its own bot, even if the sums agreed.
    counted = {agent.id: agent.trades for agent in now.agents}
    twice = sum(max(0, counted.get(name, 0) - book.fills) for name, book in published.bots.items())
    missing = sum(max(0, book.fills - counted.get(name, 0)) for name, book in published.bots.items())
    text = (
        f"fills: {published.fills:,} published, {now.fills:,} applied, {journal.fills:,} in the ledger; "
        f"applied twice: {twice}, missing: {missing}"
    )
    return Check(not twice and not missing and published.fills == now.fills == journal.fills, text)


def _moved(journal: Journal) -> Table:
    table = Table("capital moved", "times", "sum", box=None, pad_edge=False, header_style="bold")
    table.columns[1].justify = table.columns[2].justify = "right"
    for flow in sorted(journal.flows.values(), key=lambda flow: flow.verb):
        table.add_row(f"{flow.verb} bots", f"{flow.count:,}", money(flow.sum))
    for trigger, count in journal.rebalances.most_common():
        table.add_row(f"rebalances ({trigger})", f"{count:,}", "")
    return table


def _list(console: Console, title: str, lines: list[Dated], none: str) -> None:
    console.print(f"\n[bold]{title}[/]")
    for dated in lines[:_STOPS_SHOWN]:
        console.print(Text.assemble((f"{dated.date} ", "dim"), (dated.line.text, dated.line.style)))
    if len(lines) > _STOPS_SHOWN:
        console.print(f"… and {len(lines) - _STOPS_SHOWN} more", style="dim")
    if not lines:
        console.print(none, style="dim")


def _equity(now: Snapshot) -> Table:
    table = Table("equity", now.wallet.currency, "", box=None, pad_edge=False, header_style="bold")
    table.columns[1].justify = "right"
    for farm in now.farms:
        best = max(
            (agent for agent in now.agents if agent.farm == farm.id), key=lambda agent: agent.realized_pnl
        )
        note = f"best: {best.id}, {money(best.realized_pnl)} realised"
        table.add_row(Text(f"farm {farm.id}", COLOURS.get(farm.breaker, "")), money(farm.equity), note)
    table.add_row("master's cash", money(now.wallet.cash), "")
    table.add_row(Text(f"wallet {now.wallet.id}", "bold"), Text(money(now.wallet.equity), "bold"), "")
    return table


def main() -> int:
    """Summarise a server's wallet; the exit code is 1 if a check fails."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.fleet.summary", description="Say what happened."
    )
    parser.add_argument("--redis", required=True, metavar="URL", help="the server that sluicegate works on")
    parser.add_argument("--wallet", default="alpha", help="which wallet (%(default)s)")
    parser.add_argument("--prefix", default="sluicegate", help="of the keys (%(default)s)")
    parser.add_argument("--bots", type=Path, metavar="FILE", help="what the bots printed at their end")
    args = parser.parse_args()
    try:
        published = msgspec.json.decode(args.bots.read_bytes(), type=Published) if args.bots else None
        wire = Wire.connect(args.redis, args.wallet, args.prefix)
        journal = Journal(wire, args.wallet)
        journal.read()
        found = summarise(Console(), snapshot(wire, args.wallet), journal, published)
    except (OSError, ValueError, RedisError) as error:
        print(f"summary: {error}", file=sys.stderr)
        return 1
    return 0 if all(check.holds for check in found) else 1


if __name__ == "__main__":
    sys.exit(main())
