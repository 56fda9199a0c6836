"""One bot, its books and its obedience."""

from decimal import Decimal
from typing import Any

import pytest

from examples.fleet.bot import Bot, Mode, Order
from examples.fleet.strategies import Bar, Signal

BAR = Bar(100.0, 100.0, 100.0, 100.0)


class Scripted:
    """A strategy that says what the test wants."""

    def __init__(self) -> None:
        self.says = Signal.HOLD

    def signal(self, bar: Bar, *, holding: bool) -> Signal:
        """Say it."""
        del bar, holding
        return self.says


def funded(cash: str = "1000") -> tuple[Bot, Scripted]:
    """Make a bot that was given its whole budget."""
    strategy = Scripted()
    bot = Bot("alpha", "darvas-aapl", "AAPL/USD", strategy)
    bot.obey("fund_allocation", Order(amount=Decimal(cash), budget=Decimal(cash)))
    return bot, strategy


def decide(bot: Bot, strategy: Scripted, signal: Signal, price: float = 100.0) -> list[dict[str, Any]]:
    """Let a day close with a signal and the next one open."""
    strategy.says = signal
    bot.at_close(BAR)
    return bot.at_open(price, "2008-10-10", 1_223_649_000_000)


def test_fill_has_the_wire_shape() -> None:
    """A fill carries exact texts for money, its bar's own time, and an id that is the same on every run."""
    bot, strategy = funded()
    (fill,) = decide(bot, strategy, Signal.ENTER)

    assert fill == {
        "id": "darvas-aapl:2008-10-10:1",
        "wallet": "alpha",
        "agent": "darvas-aapl",
        "timestamp": 1_223_649_000_000,
        "symbol": "AAPL/USD",
        "side": "buy",
        "price": "100.0",
        "amount": "9.0000",
        "cost": "900.00000000",
        "fee": {"currency": "USD", "cost": "0.9000"},
        "takerOrMaker": "taker",
    }


def test_entry_keeps_within_budget_and_cash() -> None:
    """What it buys is nine tenths of the smaller of budget and what it has."""
    bot, strategy = funded()
    bot.obey("fund_allocation", Order(amount=Decimal(0), budget=Decimal(400)))
    (fill,) = decide(bot, strategy, Signal.ENTER)

    assert fill["cost"] == "360.00000000"


def test_round_trip_leaves_the_fees_out_of_the_books() -> None:
    """Cash after buying and selling at one price is what there was, less both fees."""
    bot, strategy = funded()
    decide(bot, strategy, Signal.ENTER)
    (fill,) = decide(bot, strategy, Signal.EXIT)

    assert fill["side"] == "sell"
    assert (bot.cash, bot.held) == (Decimal("998.2"), Decimal(0))


def test_no_signal_no_trade() -> None:
    """Money alone is no reason to buy."""
    bot, strategy = funded()

    assert decide(bot, strategy, Signal.HOLD) == []


def test_without_budget_a_signal_buys_nothing() -> None:
    """A bot without money keeps still."""
    bot = Bot("alpha", "darvas-aapl", "AAPL/USD", strategy := Scripted())

    assert decide(bot, strategy, Signal.ENTER) == []


def test_more_budget_tops_the_position_up() -> None:
    """A position far below what the budget allows is filled up, a small difference is left."""
    bot, strategy = funded()
    decide(bot, strategy, Signal.ENTER)
    bot.obey("fund_allocation", Order(amount=Decimal(100), budget=Decimal(1100)))
    assert decide(bot, strategy, Signal.HOLD) == []

    bot.obey("fund_allocation", Order(amount=Decimal(900), budget=Decimal(2000)))
    (fill,) = decide(bot, strategy, Signal.HOLD)

    assert fill["side"] == "buy"
    assert bot.held * 100 <= Decimal(2000) * Decimal("0.9")


def test_pending_return_is_freed_at_the_next_opening() -> None:
    """Asked for money that is tied up, it sells just enough, and does not buy it back."""
    bot, strategy = funded()
    decide(bot, strategy, Signal.ENTER)
    bot.obey("fund_allocation", Order(amount=-bot.cash, budget=Decimal(500), pending_return=Decimal(400)))
    (fill,) = decide(bot, strategy, Signal.HOLD)

    assert fill["side"] == "sell"
    assert Decimal(400) <= bot.cash < Decimal("400.02")
    bot.obey("fund_allocation", Order(amount=-bot.cash, budget=Decimal(500), pending_return=Decimal(0)))
    assert decide(bot, strategy, Signal.HOLD) == []


@pytest.mark.parametrize("state", ["pending", "voided"])
def test_money_that_has_not_moved_is_not_the_bots(state: str) -> None:
    """It is announced, or given up; the account has nothing of it."""
    bot, _ = funded()
    before = bot.cash, bot.budget

    bot.obey("fund_allocation", Order(amount=Decimal(900), budget=Decimal(2000), state=state))

    assert (bot.cash, bot.budget) == before


def test_collection_takes_the_cash() -> None:
    """What is collected is gone from the books."""
    bot, _ = funded()
    bot.obey("fund_collection", Order(amount=Decimal(250), budget=Decimal(900)))

    assert (bot.cash, bot.budget, bot.owed) == (Decimal(750), Decimal(900), Decimal(0))


def test_stop_sells_at_the_next_opening_and_blocks_trading() -> None:
    """A stop waits for the next price; then nothing is held and no signal is followed."""
    bot, strategy = funded()
    decide(bot, strategy, Signal.ENTER)
    bot.obey("emergency_stop", Order(agents=["darvas-aapl"], action=Mode.STOP))

    assert bot.after_close(100.0, "2008-10-10", 1) == []
    (fill,) = decide(bot, strategy, Signal.HOLD)
    assert (fill["side"], bot.held) == ("sell", Decimal(0))
    assert decide(bot, strategy, Signal.ENTER) == []


def test_liquidate_sells_at_once() -> None:
    """Told to liquidate, it does not wait for the next opening."""
    bot, strategy = funded()
    decide(bot, strategy, Signal.ENTER)
    bot.obey("emergency_stop", Order(action=Mode.LIQUIDATE))
    (fill,) = bot.after_close(90.0, "2008-10-10", 1)

    assert (fill["side"], fill["price"], bot.held) == ("sell", "90.0", Decimal(0))


@pytest.mark.parametrize("signal", [Signal.HOLD, Signal.EXIT])
def test_blocked_entries_leave_the_position_to_the_strategy(signal: Signal) -> None:
    """Without new entries, what is held is kept until the strategy leaves it, and not topped up."""
    bot, strategy = funded()
    decide(bot, strategy, Signal.ENTER)
    bot.obey("emergency_stop", Order(action=Mode.BLOCK_ENTRIES))
    bot.obey("fund_allocation", Order(amount=Decimal(9000), budget=Decimal(10000)))
    fills = decide(bot, strategy, signal)

    assert [fill["side"] for fill in fills] == (["sell"] if signal is Signal.EXIT else [])
    assert decide(bot, strategy, Signal.ENTER) == []


def test_resume_lets_it_trade_again() -> None:
    """After a resume the next signal is followed."""
    bot, strategy = funded()
    bot.obey("emergency_stop", Order())
    bot.obey("emergency_resume", Order())

    assert decide(bot, strategy, Signal.ENTER)


def test_balance_events_say_mark_and_account() -> None:
    """One values the position, the other says what the bot's own books hold."""
    bot, _ = funded("1234.5")

    assert bot.mark(98.5, "2008-10-10", 5)["prices"] == {"AAPL/USD": "98.5"}
    account = bot.account("2008-10-10", 5)
    assert account["total"] == account["free"] == {"USD": "1234.5"}
    assert bot.mark(1.0, "2008-10-10", 5)["id"] != account["id"]
