"""What an event says, in a sentence."""

from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

_ACTIONS = {
    "block_entries": "no new entries",
    "stop": "must sell",
    "liquidate": "must sell at once",
}


class Line(NamedTuple):
    """A sentence and the rich style to print it in."""

    text: str
    style: str = ""


class Facts(msgspec.Struct):
    """The members of any event's data that a sentence or the summary needs; which there are depends on it."""

    id: str | None = None
    agent: str | None = None
    farm: str | None = None
    scope: str | None = None
    kind: str | None = None
    agents: Any = None  # a list in a stop, but by agent in a rebalance
    action: str | None = None
    reason: str | None = None
    by: str | None = None
    colour: str | None = None
    measure: str | None = None
    value: Any = None
    limit: Any = None
    currency: str | None = None
    difference: Any = None
    goal: str | None = None
    current: Any = None
    target: Any = None
    amount: Decimal = Decimal(0)
    state: str | None = None
    method: str | None = None
    trigger: str | None = None


def alarm(name: str, facts: Facts) -> Line | None:
    """Say what a person should not miss: stops, alerts and goals; None for all other events."""
    match name:
        case "emergency_stop":
            return _stop(facts)
        case "emergency_resume":
            return Line(f"{who(facts)} may trade again ({words(facts.reason)})", "green")
        case "risk_alert":
            return _alert(facts)
        case "goal_completed":
            return Line(f"Goal met: {facts.goal}", "bold green")
        case "goal_failed":
            return Line(f"Goal missed: {facts.goal} ({words(facts.reason)})", "red")
    return None


def who(facts: Facts) -> str:
    """Name the wallet, farm or agent that the event is about."""
    return f"{facts.id}" if facts.scope == "agent" else f"{facts.scope} {facts.id}"


def words(name: str | None) -> str:
    """Write a wire word as people do."""
    return (name or "").replace("_", " ")


def money(amount: Decimal) -> str:
    """Write money in whole units with separators: the view is no ledger."""
    return f"{amount:,.0f}"


def percent(share: object) -> str:
    """Write a share of one as per cent, be it text or number; what is no number stays as it is."""
    try:
        return f"{float(str(share)):.1%}"
    except ValueError:
        return str(share)


def _stop(facts: Facts) -> Line:
    if facts.reason == "command":
        cause = f"asked for by {facts.by}" if facts.by else "asked for"
    else:
        cause = f"{words(facts.reason)} {percent(facts.value)}, limit {percent(facts.limit)}"
    covered = "" if facts.scope == "agent" else f" ({len(facts.agents or ())} bots)"
    asked = _ACTIONS.get(facts.action or "", words(facts.action))
    return Line(f"STOP {who(facts)}{covered}: {cause}; {asked}", "bold red")


def _alert(facts: Facts) -> Line | None:
    if facts.kind == "balance_mismatch":
        return Line(
            f"{who(facts)} reports {facts.difference} {facts.currency} other than the ledger", "yellow"
        )
    if facts.kind == "overdrawn":
        return Line(f"{who(facts)} has spent more than it had", "yellow")
    # Red comes with a stop, and yellow comes and goes too often to read.
    if facts.colour == "orange":
        near = f"{words(facts.measure)} {percent(facts.value)}, limit {percent(facts.limit)}"
        return Line(f"{who(facts)} is near a stop: {near}", "dark_orange")
    return None
