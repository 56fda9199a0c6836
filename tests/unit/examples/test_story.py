"""What the view and the summary tell."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from rich.console import Console

from examples.fleet.journal import Journal
from examples.fleet.sentences import Facts, alarm
from examples.fleet.snapshot import Snapshot, snapshot
from examples.fleet.summary import Book, Published, checks, summarise
from examples.fleet.view import View, watch
from examples.fleet.wire import Wire

Emit = Callable[..., None]


@pytest.fixture
def journal(wire: Wire) -> Journal:
    """Follow the events of the wallet alpha."""
    return Journal(wire, "alpha")


@pytest.fixture
def kept(wire: Wire) -> Wire:
    """Keep the state of a small fleet: one farm, two agents, two goals, three fills."""
    entities: dict[str, list[dict[str, Any]]] = {
        "wallets": [
            {"id": "alpha", "currency": "USD", "equity": "1500.5", "cash": "500", "time": 1_223_672_400_000}
        ],
        "farms": [{"id": "trend", "wallet": "alpha", "equity": "1000.5", "breaker": "yellow"}],
        "agents": [
            {"id": "a", "wallet": "alpha", "farm": "trend", "trades": 2, "cash": "10", "tier": "elite"},
            {"id": "b", "wallet": "alpha", "farm": "trend", "trades": 1, "cash": "7", "state": "stopped"},
        ],
        "goals": [
            {"id": "first", "wallet": "alpha", "state": "completed", "progress": 1},
            {"id": "second", "wallet": "alpha", "state": "active", "progress": 0.25},
        ],
    }
    for kind, members in entities.items():
        for member in members:
            wire.client.hset(wire.key(f"state:{kind}"), member["id"], msgspec.json.encode(member))
    wire.client.hset(wire.key("checkpoint"), "in:trade:applied", 3)
    return wire


def ledger(emit: Emit, fills: int = 3) -> None:
    """Write two transactions that balance and name each other."""
    emit(
        "wallet",
        "wallet_transaction",
        {"balances": {"world": "-100", "wallet": "100"}, "previous": "0", "hash": "h1"},
    )
    emit(
        "wallet",
        "wallet_transaction",
        {"balances": {"wallet": "40", "agent/a": "60"}, "previous": "h1", "hash": "h2", "fills": fills},
    )


def said(fills: int = 2) -> Published:
    """Give what the bots say of themselves."""
    return Published(
        days=2,
        first="2008-10-09",
        last="2008-10-10",
        seconds=1.0,
        fills=fills + 1,
        bots={"a": Book(fills, Decimal(10)), "b": Book(1, Decimal("7.0"))},
    )


def test_allocations_of_one_rebalance_are_one_line(journal: Journal, emit: Emit) -> None:
    """Money to three bots and from one, by one input, is a line each way."""
    for amount in ("100", "-30", "50", "25"):
        emit("allocation", "fund_allocation", {"agent": "a", "amount": amount}, cause="0/in:balance/7-0")
    emit("allocation", "fund_allocation", {"agent": "a", "amount": "5"}, cause="0/in:balance/8-0")
    journal.read()

    assert [move.line.text for move in journal.moves] == [
        "175 allocated to 3 bots",
        "30 taken back from 1 bot",
        "5 allocated to 1 bot",
    ]
    assert journal.flows["allocated to"].count == 4


def test_events_of_all_streams_come_in_the_order_of_time(journal: Journal, emit: Emit) -> None:
    """A goal of the wallet's stream stands between two stops of another."""
    stop = {"scope": "agent", "id": "a", "agents": ["a"], "action": "stop", "reason": "drawdown"}
    emit("emergency", "emergency_stop", stop, day="2008-01-01")
    emit("emergency", "emergency_stop", stop, day="2008-01-03")
    emit("wallet", "goal_completed", {"goal": "first"}, day="2008-01-02")
    journal.read()

    assert [dated.date for dated in journal.alarms] == ["2008-01-01", "2008-01-02", "2008-01-03"]


def test_an_output_id_that_comes_again_is_counted(journal: Journal, wire: Wire, emit: Emit) -> None:
    """Exactly once can be seen from outside: ids are distinct."""
    emit("wallet", "farm_created", {"farm": "trend"})
    stream = wire.key("out:wallet")
    wire.client.xadd(stream, wire.client.xrange(stream)[0][1])
    journal.read()

    assert (journal.events, journal.twice) == (2, 1)


@pytest.mark.parametrize(
    ("name", "facts", "text"),
    [
        (
            "emergency_stop",
            Facts(scope="agent", id="a", action="stop", reason="drawdown", value="0.2134", limit=0.2),
            "STOP a: drawdown 21.3%, limit 20.0%; must sell",
        ),
        (
            "emergency_stop",
            Facts(scope="farm", id="f", agents=["a", "b"], action="liquidate", reason="command", by="ann"),
            "STOP farm f (2 bots): asked for by ann; must sell at once",
        ),
        (
            "emergency_resume",
            Facts(scope="wallet", id="w", reason="cool_off"),
            "wallet w may trade again (cool off)",
        ),
        (
            "risk_alert",
            Facts(
                scope="agent",
                id="a",
                kind="breaker",
                colour="orange",
                measure="daily_loss",
                value=0.08,
                limit=0.1,
            ),
            "a is near a stop: daily loss 8.0%, limit 10.0%",
        ),
        (
            "risk_alert",
            Facts(scope="agent", id="a", kind="balance_mismatch", currency="USD", difference="12.5"),
            "a reports 12.5 USD other than the ledger",
        ),
        ("goal_completed", Facts(goal="first"), "Goal met: first"),
        ("goal_failed", Facts(goal="first", reason="deadline"), "Goal missed: first (deadline)"),
    ],
)
def test_events_are_told_in_sentences(name: str, facts: Facts, text: str) -> None:
    """Each event a person should not miss is one sentence, with numbers as people write them."""
    line = alarm(name, facts)

    assert line is not None
    assert line.text == text


def test_who_hovers_about_a_limit_is_told_once(journal: Journal, emit: Emit) -> None:
    """A second orange is no news until the stop came."""
    near = {"scope": "agent", "id": "a", "kind": "breaker", "colour": "orange", "measure": "drawdown"}
    stop = {"scope": "agent", "id": "a", "agents": ["a"], "action": "stop", "reason": "drawdown"}
    for name, data in (
        ("risk_alert", near),
        ("risk_alert", near),
        ("emergency_stop", stop),
        ("risk_alert", near),
    ):
        emit("emergency", name, data)
    journal.read()

    assert [dated.line.text.split()[0] for dated in journal.alarms] == ["a", "STOP", "a"]


def test_members_that_have_no_value_are_read(journal: Journal, emit: Emit) -> None:
    """A completed goal has no reason, and a rebalance names its agents by id: neither is in the way."""
    emit("wallet", "goal_completed", {"goal": "first", "reason": None})
    emit("rebalance", "farm_rebalance", {"trigger": "drift", "agents": {"a": {"weight": 0.5}}})
    journal.read()

    assert journal.rebalances["drift"] == 1
    assert [dated.line.text for dated in journal.goals] == ["Goal met: first"]


def test_what_is_not_worth_a_line_has_none() -> None:
    """Yellow comes and goes too often to read."""
    assert alarm("risk_alert", Facts(kind="breaker", colour="yellow")) is None
    assert alarm("goal_progress_update", Facts(goal="first")) is None


def test_all_checks_hold_when_all_agree(kept: Wire, journal: Journal, emit: Emit) -> None:
    """Bots, state and ledger tell of the same three fills; the accounts sum to zero."""
    ledger(emit)
    journal.read()

    assert all(check.holds for check in checks(snapshot(kept, "alpha"), journal, said()))


def failing(now: Snapshot, journal: Journal, published: Published) -> list[str]:
    """Name what does not hold."""
    return [check.text.partition(":")[0] for check in checks(now, journal, published) if not check.holds]


def test_a_fill_that_the_bots_did_not_publish_is_seen(kept: Wire, journal: Journal, emit: Emit) -> None:
    """One fill more in the state than published was applied twice."""
    ledger(emit)
    journal.read()

    assert failing(snapshot(kept, "alpha"), journal, said(fills=1)) == ["fills"]


def test_a_ledger_that_does_not_balance_is_seen(kept: Wire, journal: Journal, emit: Emit) -> None:
    """Accounts that do not sum to zero, and a transaction that does not name the one before."""
    ledger(emit)
    emit(
        "wallet",
        "wallet_transaction",
        {"balances": {"agent/a": "60.00000001"}, "previous": "h1", "hash": "h3"},
    )
    journal.read()

    assert failing(snapshot(kept, "alpha"), journal, said()) == ["ledger", "ledger"]


@pytest.mark.parametrize(("width", "height"), [(160, 50), (100, 40), (80, 24), (40, 10)])
def test_view_fits_the_terminal(kept: Wire, journal: Journal, width: int, height: int) -> None:
    """The fleet is drawn on any size; where there is room, every agent is there."""
    view = View(kept, "alpha", journal)
    console = Console(width=width, height=height, force_terminal=True, color_system=None)
    with console.capture() as drawn:
        console.print(view.draw(view.look(), width, height))

    lines = drawn.get().splitlines()
    assert len(lines) <= height + 1
    assert "wallet alpha" in drawn.get()
    assert height < 40 or all(f"├ {name} " in drawn.get() for name in ("trend", "a", "b"))


def test_without_a_terminal_a_line_is_printed(kept: Wire, journal: Journal) -> None:
    """In a pipe the view is a line of text, the last one when all is done."""
    console = Console(width=80, force_terminal=False)
    with console.capture() as printed:
        watch(console, View(kept, "alpha", journal), lambda: True)

    assert printed.get() == (
        "2008-10-10  equity 1,500 USD  drawdown 0.0%  fills 3 (0/s)  stopped 1  goals 1/2\n"
    )


def test_summary_says_what_moved_and_what_was_met(kept: Wire, journal: Journal, emit: Emit) -> None:
    """Sums, stops, goals and equity are in it."""
    ledger(emit)
    emit("allocation", "fund_allocation", {"agent": "a", "amount": "60"})
    emit("allocation", "fund_allocation", {"agent": "a", "amount": "777", "state": "pending"})
    emit("allocation", "fund_collection", {"agent": "a", "amount": "12", "reason": "profit"})
    emit("rebalance", "farm_rebalance", {"trigger": "interval"})
    emit("wallet", "goal_completed", {"goal": "first"})
    journal.read()
    console = Console(width=100, force_terminal=False)
    with console.capture() as printed:
        summarise(console, snapshot(kept, "alpha"), journal, said())

    for words in (
        "allocated to bots",
        "collected (profit) from bots",
        "rebalances (interval)",
        "Goal met: first",
    ):
        assert words in printed.get()
    assert "777" not in printed.get()
    assert "837" not in printed.get()
    assert "✗" not in printed.get()
