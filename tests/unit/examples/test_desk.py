"""The bots together, against a server that applies at once."""

from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec
import pytest

from examples.fleet.bot import Bot
from examples.fleet.bots import Desk
from examples.fleet.market import Day
from examples.fleet.strategies import Bar, Signal
from examples.fleet.wire import Wire

Emit = Callable[..., None]
BAR = Bar(100.0, 101.0, 99.0, 100.0)


class Eager:
    """A strategy that always wants in."""

    def signal(self, bar: Bar, *, holding: bool) -> Signal:
        """Enter unless there already."""
        del bar
        return Signal.HOLD if holding else Signal.ENTER


@pytest.fixture
def desk(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """One bot, which never has to wait."""
    monkeypatch.setattr(Wire, "applied", lambda *_: True)
    return Desk(wire, "alpha", [Bot("alpha", "darvas-aapl", "AAPL/USD", Eager())])


def day(number: int) -> Day:
    """Give the day of October 2008 with that number."""
    return Day(date(2008, 10, number), {"AAPL": BAR})


def published(wire: Wire, stream: str) -> list[dict[str, Any]]:
    """Read what the bots said."""
    return [msgspec.json.decode(fields[b"event"]) for _, fields in wire.client.xrange(wire.key(stream))]


def test_each_day_is_marked_and_each_week_accounted(desk: Desk, wire: Wire) -> None:
    """A mark a bar, an account when a week begins."""
    for number in (9, 10, 13):
        desk.trade(day(number))

    assert [event["id"] for event in published(wire, "in:balance")] == [
        "darvas-aapl:2008-10-09:close",
        "darvas-aapl:2008-10-09:account",
        "darvas-aapl:2008-10-10:close",
        "darvas-aapl:2008-10-13:close",
        "darvas-aapl:2008-10-13:account",
    ]


def test_money_that_came_in_the_night_is_used_at_the_next_opening(desk: Desk, wire: Wire, emit: Emit) -> None:
    """An allocation read after the close pays for the signal of that close."""
    emit("allocation", "fund_allocation", {"agent": "darvas-aapl", "amount": "1000", "budget": "1000"})
    desk.trade(day(9))
    assert published(wire, "in:trade") == []

    desk.trade(day(10))
    (fill,) = published(wire, "in:trade")
    assert (fill["side"], fill["timestamp"]) == ("buy", day(10).open_ms)


def test_a_stop_of_the_farm_reaches_the_bots_it_names(desk: Desk, wire: Wire, emit: Emit) -> None:
    """The event lists the agents it covers; each sells at the next opening."""
    emit("allocation", "fund_allocation", {"agent": "darvas-aapl", "amount": "1000", "budget": "1000"})
    desk.trade(day(9))
    desk.trade(day(10))
    emit(
        "emergency",
        "emergency_stop",
        {"scope": "farm", "id": "f", "agents": ["x", "darvas-aapl"], "action": "stop"},
    )
    desk.trade(day(13))
    desk.trade(day(14))

    assert [fill["side"] for fill in published(wire, "in:trade")] == ["buy", "sell"]


def test_events_the_bots_do_not_obey_are_passed_over(desk: Desk, emit: Emit) -> None:
    """A risk alert asks for nothing, whatever its members are."""
    emit("emergency", "risk_alert", {"scope": "agent", "id": "darvas-aapl", "kind": "breaker", "value": 0.1})
    desk.trade(day(9))
