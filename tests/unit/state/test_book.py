"""A wallet's hierarchy, its accounts, and what of them can move."""

from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.goals import GoalType
from domain.ledger import Phase, Transfer
from domain.positions import Position
from domain.rules import Rules, changed
from state.book import Book, field_of, free, kind_of, returns_key, scope_key
from state.entities import Agent, Farm, Wallet
from state.records import Assignment, Command, Goal, GoalState, Pending, State


def book_of(*agents: str, rules: dict[str, Any] | None = None) -> Book:
    """Return a wallet with farms f and g, and agents written ``name`` or ``name@farm``."""
    wallet = Wallet(id="w", wallet="w", currency="USDT", time=1, created=1)
    wallet.rules = changed(Rules(), rules or {})
    book = Book(wallet)
    for farm in ("g", "f"):
        book.farms[farm] = Farm(id=farm, wallet="w")
    for written in agents:
        name, _, farm = written.partition("@")
        book.agents[name] = Agent(id=name, wallet="w", farm=farm or "f")
    return book


def names(agents: list[Agent]) -> list[str]:
    """Return their ids."""
    return [agent.id for agent in agents]


def test_agents_come_in_the_order_of_their_ids() -> None:
    """In whatever order they arrived, so that a loaded book says the same as one that grew."""
    book = book_of("c", "a", "b@g", "B", "a-1")

    assert names(book.agents_under(book.wallet)) == ["B", "a", "a-1", "b", "c"]
    assert names(book.agents_of("f")) == ["B", "a", "a-1", "c"]
    assert names(book.agents_under(book.farms["g"])) == ["b"]
    assert names(book.agents_under(book.agents["c"])) == ["c"]


def test_who_is_retired_is_under_nobody_and_who_is_stopped_still_is() -> None:
    """A stop is not the end."""
    book = book_of("a", "b", "c")
    book.agents["a"].state = State.RETIRED
    book.agents["b"].state = State.STOPPED

    assert names(book.agents_of("f")) == names(book.agents_under(book.wallet)) == ["b", "c"]


def test_a_scope_is_looked_up_by_kind_and_id() -> None:
    """A farm and an agent may have the same id; the wallet has its own and no other."""
    book = book_of("f", "a")

    assert book.scope("farm", "f") is book.farms["f"]
    assert book.scope("agent", "f") is book.agents["f"]
    assert book.scope("wallet", "w") is book.wallet
    assert book.scope("wallet", "v") is book.scope("agent", "x") is book.scope("farm", "x") is None


def test_names_of_scopes_and_fields() -> None:
    """As docs/wire.md has them."""
    book = book_of("a")
    agent, farm, wallet = book.agents["a"], book.farms["f"], book.wallet

    assert [kind_of(scope) for scope in (agent, farm, wallet)] == ["agent", "farm", "wallet"]
    assert [field_of(scope) for scope in (agent, farm, wallet)] == ["w/a", "w/f", "w"]
    assert [scope_key(scope) for scope in (agent, farm, wallet)] == ["agent/a", "farm/f", "wallet/w"]
    assert [returns_key(scope) for scope in (agent, farm, wallet)] == ["agent/w/a", "farm/w/f", "wallet/w"]


# -- the accounts ------------------------------------------------------------------------------------------


def test_the_accounts_are_the_fields_of_the_entities() -> None:
    """A posting changes them, and marks what it changed."""
    book = book_of("a")
    book.add("world", -10)
    book.add("market", 1)
    book.add("fees", 2)
    book.add("suspense", 3)
    book.add("wallet", 4)
    book.add("farm/f", 5)
    book.add("agent/a", 6)
    book.add("positions/a", -11)

    wallet, agent = book.wallet, book.agents["a"]
    assert (wallet.world, wallet.market, wallet.fees_account, wallet.suspense, wallet.cash) == (
        -10,
        1,
        2,
        3,
        4,
    )
    assert (book.farms["f"].cash, agent.cash, agent.cost) == (5, 6, -11)
    assert set(book.changed) == {wallet, book.farms["f"], agent}
    assert sum(book.balance(account) for account in book.accounts()) == 0
    assert sorted(book.accounts()) == [
        "agent/a",
        "farm/f",
        "farm/g",
        "fees",
        "market",
        "positions/a",
        "suspense",
        "wallet",
        "world",
    ]


@pytest.mark.parametrize(
    ("cash", "used", "positions", "expected"),
    [
        (100, 0, {}, 100),
        (100, 30, {}, 70),
        (100, 130, {}, 0),
        (-5, 0, {}, 0),
        (100, 0, {"BTC/USDT": Position(5, 500)}, 100),  # a long is paid for
        (100, 0, {"BTC/USDT": Position(-5, -60)}, 40),  # what was received for a short is owed
        (100, 30, {"BTC/USDT": Position(-5, -60), "ETH/USDT": Position(-1, -5)}, 5),
        (100, 0, {"BTC/USDT": Position(-5, -160)}, 0),
        (100, 0, {"BTC/USDT:USDT": Position(-5, -60)}, 100),  # of a derivative nothing was received
    ],
)
def test_what_is_tied_up_is_not_free(
    cash: int, used: int, positions: dict[str, Position], expected: int
) -> None:
    """And what is not free is not available to the ledger."""
    book = book_of("a")
    agent = book.agents["a"]
    agent.cash, agent.reported_used, agent.positions = cash, used, positions

    assert free(agent) == book.available("agent/a") == expected


def test_of_a_farm_and_the_master_all_cash_is_available() -> None:
    """Nothing ties it up there."""
    book = book_of()
    book.farms["f"].cash, book.wallet.cash = 5, 7

    assert (book.available("farm/f"), book.available("wallet")) == (5, 7)


def pending(name: str, number: int, *transfers: tuple[str, str]) -> Pending:
    """Return a pending transfer of one unit each from account to account."""
    made = [Transfer(debit, credit, 1) for debit, credit in transfers]
    return Pending(id=name, wallet="w", number=number, reason="transfer", transfers=made, created=1)


def test_what_is_pending_is_found_by_account_in_the_order_it_was_made() -> None:
    """Until it ends; a loaded book finds the same as one that grew."""
    book, loaded = book_of("a", "b"), book_of("a", "b")
    out, linked, there = (
        pending("z", 1, ("agent/a", "wallet")),
        pending("y", 2, ("wallet", "agent/a"), ("wallet", "agent/b")),
        pending("x", 3, ("wallet", "agent/a")),
    )
    for one in (out, linked, there):
        book.remember_pending(one)
    for one in (there, out, linked):
        loaded.keep(one)
    loaded.put_in_order()

    for known in (book, loaded):
        assert known.pending_to("agent/a") == [linked, there]
        assert known.pending_with("agent/a") == [out, linked, there]
        assert known.pending_with("agent/b") == [linked]
        assert known.pending_to("farm/f") == []
    for known in (book, loaded):
        known.end_pending(linked, Phase.VOIDED)
        assert known.pending_with("agent/b") == []
        assert known.pending_to("agent/a") == [there]


# -- goals -------------------------------------------------------------------------------------------------


def test_of_several_assignments_the_nearest_counts() -> None:
    """The agent's own before its farm's before the wallet's, in whatever order they stand."""
    book = book_of("a", "b", "c@g")
    assigned = [
        Assignment("agent", "a", 3.0),
        Assignment("wallet", "w", 1.0),
        Assignment("farm", "f", 2.0),
        Assignment("farm", "gone", 9.0),
        Assignment("agent", "gone", 9.0),
    ]
    target, kind = {"trades": 10}, GoalType.TRADE_VOLUME
    found = Goal(id="x", wallet="w", goal_type=kind, target=target, assigned=assigned, created=1)

    assert book.assignees(found) == {"a": 3.0, "b": 2.0, "c": 1.0}


def test_only_a_goal_that_moves_the_next_deadline_has_timers_found_again() -> None:
    """Whether it brings one, takes it away or goes with it; and each is written."""
    book = book_of("a")
    target, kind = {"trades": 10}, GoalType.TRADE_VOLUME
    first, second, third = (
        Goal(id=name, wallet="w", goal_type=kind, target=target, deadline=deadline, created=1)
        for name, deadline in (("x", 50), ("y", 40), ("z", None))
    )
    found = []
    for change in (first, second, third, second, first):
        book.timer_due = 1
        if change in book.goals.values():
            change.state = GoalState.CANCELLED
        book.goal_changed(change)
        found.append((book.timer_due, book.pursuits.next_deadline))

    assert found == [(0, 50), (0, 40), (1, 40), (0, 50), (0, None)]
    assert set(book.changed) == {first, second, third} == set(book.goals.values())


# -- what changed ------------------------------------------------------------------------------------------


def test_new_rules_forget_what_followed_from_the_old_ones() -> None:
    """Limits, rates, the band, and what was known of calm scopes and timers."""
    book = book_of("a", rules={"rates": {"EUR": "1.1"}})
    book.agents["a"].calm_high = book.timer_due = 5

    book.wallet.rules = changed(book.wallet.rules, {"rates": {}, "breakers": {"agent_drawdown": 0.5}})
    book.rules_changed()

    assert book.fixed_rates == {}
    assert book.limits["agent"].drawdown == 500_000_000
    assert (book.agents["a"].calm_high, book.timer_due) == (-1, 0)


def test_an_answer_that_is_forgotten_is_removed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not written; unless it comes again before the commit, and then it is written and not removed."""
    monkeypatch.setattr("state.book.COMMANDS_KEPT", 1)
    book = book_of()
    nothing = msgspec.Raw(b"{}")
    answers = [
        Command(id=name, wallet="w", number=n, digest="", reply=nothing) for n, name in enumerate("abcb")
    ]

    for answer in answers:
        book.remember_command(answer)

    assert list(book.commands) == ["b"]
    assert set(book.changed) == {answers[3]}
    assert list(book.removed) == [(Command, "w/a"), (Command, "w/c")]


@given(
    budget=st.integers(1, 10**26),
    part=st.integers(0, 10**9),
    spread=st.integers(-2, 2),
    threshold=st.sampled_from([0.0, 1e-9, 0.07, 0.1, 1 / 3, 1.0, 2.5]) | st.floats(0, 10),
)
def test_the_narrow_band_hides_no_drift(budget: int, part: int, spread: int, threshold: float) -> None:
    """What is within a budget over the divisor is within the rule's share of it, in exact fractions."""
    book = book_of(rules={"rebalance": {"threshold": threshold}})
    band = budget // book.drift_divisor
    drift = max(band + spread if spread else band * part // 10**9, 0)

    hidden = drift <= band
    drifted = Fraction(drift, budget) > Fraction(round(threshold * 10**9), 10**9)
    assert not (hidden and drifted)
