"""A view that is loaded is the view that grew."""

from collections.abc import Mapping
from typing import Any

import msgspec

from state.book import Book, returns_key
from state.codec import AGENTS, COMMANDS, FARMS, GOALS, PENDING, WALLETS, AnyCodec
from state.entities import Agent, Farm, Wallet
from state.records import Command
from state.view import KINDS, View, copy_of, load_view
from tests.support.driver import DAY, MINUTE, Driver, funded


def entities_of(book: Book) -> list[tuple[AnyCodec, Mapping[str, Any]]]:
    """Return a book's entities by id, each kind with its codec."""
    return [
        (WALLETS, {book.wallet.id: book.wallet}),
        (FARMS, book.farms),
        (AGENTS, {agent.id: agent for agent in book.agents.values()}),
        (GOALS, book.goals),
        (PENDING, book.pending),
        (PENDING, book.ended),
        (COMMANDS, book.commands),
    ]


def picture(view: View) -> dict[str, Any]:
    """Return all that a view knows, in an order of its own."""
    return {
        name: {
            "entities": [
                [codec.encode(entity) for _, entity in sorted(entities.items())]
                for codec, entities in entities_of(book)
            ],
            "commands": list(book.commands),
            "pending": [list(book.pending), list(book.ended)],
            "works": {
                agent.id: [
                    (work.pursuit.goal.id, work.parts) for work in book.pursuits.of(agent.id, agent.farm)
                ]
                for agent in book.agents.values()
            },
            "deadline": book.pursuits.next_deadline,
            "returns": dict(sorted(book.returns.items())),
            "updates": sorted(book.updates),
            "due": (book.timer_due, book.next_due),
            "fixed_rates": book.fixed_rates,
            "limits": book.limits,
        }
        for name, book in sorted(view.books.items())
    }


def busy() -> Driver:
    """Return a wallet that has had a day with a bit of everything, and another one beside it."""
    driver = funded({"rates": {"EUR": "1.1"}, "collection": {"interval": "1d"}}, b="2000", a="1000")
    driver.command("farm_create", farm="e")
    driver.command("agent_assign", agent="b", farm="e")
    driver.command("wallet_create", wallet="v", currency="EUR")
    driver.command("deposit", wallet="v", amount="7")
    driver.goal(
        "goal_created",
        "g",
        goal_type="trade_volume",
        target={"trades": 9},
        assigned=[{"type": "farm", "id": "e", "weight": 0.5}],
        deadline=driver.now + 3 * DAY,
    )
    driver.fill("a", "buy", "1", "100", "ETH/EUR", fee={"currency": "EUR", "cost": "0.1"})
    driver.balance("b", prices={"SOL/USDT": "90"}, total={"USDT": "1990"})
    driver.after(DAY).fill("b", "sell", "3", "90", "SOL/USDT")
    driver.command("emergency_stop", scope={"type": "agent", "id": "a"})
    driver.fill("b", "buy", "1", "80", "SOL/USDT")
    for name in ("p", "o", "n", "m"):
        driver.command("withdraw", id=name, amount="1", pending=True, timeout="1h")
    driver.command("void", transfer="n")
    driver.command("post", transfer="p")
    return driver


def test_a_loaded_view_is_the_view_that_grew() -> None:
    """Entities, answers in their order, returns, the updates that wait, and when something is due."""
    driver = busy()

    fresh = driver.restarted()

    assert picture(fresh.fleet.view) == picture(driver.fleet.view)
    assert any(book.updates for book in fresh.fleet.view.books.values())


def test_a_copy_to_try_something_on_knows_what_is_worked_towards_and_what_is_pending() -> None:
    """It is found anew from what is copied, for nothing of it is stored."""
    book = busy().fleet.view.books["w"]

    copy = copy_of(book)

    assert [goal.id for goal in copy.pursuits.active()] == ["g"]
    assert copy.pursuits.next_deadline == book.pursuits.next_deadline is not None
    assert [work.parts for work in copy.pursuits.of("b", "e")] == [500_000_000]
    assert [pending.id for pending in copy.pending_to("world")] == ["o", "m"]


def test_a_loaded_view_goes_on_like_the_view_that_grew() -> None:
    """The same events give the same bytes, in state and in what is said."""
    driver = busy()
    fresh = driver.restarted()

    for one in (driver, fresh):
        one.after(100).fill("b", "buy", "1", "70", "SOL/USDT")
        one.after(MINUTE).tick()
        one.command("emergency_resume", scope={"type": "agent", "id": "a"})
        one.after(DAY).tick()
        one.command("rebalance")

    assert fresh.outputs == driver.outputs
    assert fresh.state == driver.state


def test_only_what_changed_is_written() -> None:
    """A fill writes its agent, its farm and its wallet, and no neighbour."""
    driver = funded(a="1000", b="1000")

    changes = driver.processor.process(
        [
            driver.entry(
                "trade",
                driver.event({"agent": "a", "symbol": "X/USDT", "side": "buy", "amount": 1, "price": 1}),
            )
        ]
    ).state

    assert {kind: sorted(written.written) for kind, written in changes.items()} == {
        "agents": ["w/a"],
        "farms": ["w/f"],
        "wallets": ["w"],
    }
    assert driver.fleet.changes() == {}


def test_nothing_stored_is_an_empty_view() -> None:
    """A partition begins with nothing."""
    view = load_view({kind: {} for kind in KINDS})

    assert view.books == {}
    assert view.changes() == {}


def test_changes_are_told_once_and_only_of_books_that_were_touched() -> None:
    """A new wallet is a change by itself."""
    view = View()
    book = Book(Wallet(id="w", wallet="w", currency="USDT", time=1, created=1))
    view.add(book)
    book.farms["f"] = Farm(id="f", wallet="w")
    book.agents["a"] = Agent(id="a", wallet="w", farm="f")
    book.mark(book.agents["a"])
    book.returns["agent/w/a"] = [0.5]
    book.mark_returns(returns_key(book.agents["a"]))
    book.remember_command(Command(id="c", wallet="w", number=1, digest="", reply=msgspec.Raw(b"{}")))
    assert view.changes() == {}

    view.touch(book)

    changes = view.changes()
    assert {kind: sorted(written) for kind, (written, _) in changes.items()} == {
        "wallets": ["w"],
        "agents": ["w/a"],
        "returns": ["agent/w/a"],
        "commands": ["w/c"],
    }
    assert changes["returns"][0]["agent/w/a"] == b"[0.5]"
    view.touch(book)
    assert view.changes() == {}
