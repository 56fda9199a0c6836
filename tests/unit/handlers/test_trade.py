"""A fill has happened: it is always recorded, exactly, whatever it is paid in."""

from typing import Any

import msgspec
import pytest

from tests.support.driver import CALM, SECOND, Driver, funded


def figures(driver: Driver, *names: str, agent: str = "a") -> list[Any]:
    """Return figures of an agent."""
    stored = driver.agent_of(agent)
    return [stored[name] for name in names]


def holding(driver: Driver, symbol: str = "BTC/USDT", agent: str = "a") -> tuple[str, str, str]:
    """Return amount, cost and unrealised profit of a position."""
    position = driver.agent_of(agent)["positions"][symbol]
    return position["amount"], position["cost"], position["unrealized_pnl"]


def test_buying_turns_cash_into_a_position_at_cost() -> None:
    """2 at 100 of 1000: 800 in cash, 200 at cost, worth as much as before."""
    driver = funded(a="1000")

    driver.fill("a", "buy", "2", "100")

    assert figures(driver, "cash", "cost", "equity", "trades") == ["800", "200", "1000", 1]
    assert holding(driver) == ("2", "200", "0")
    assert driver.agent_of("a")["positions"]["BTC/USDT"]["mark"] == "100"


def test_selling_realises_and_marks() -> None:
    """One of two at 120: 20 realised, and the other one is 20 up: 1040."""
    driver = funded(a="1000")
    driver.fill("a", "buy", "2", "100")

    driver.fill("a", "sell", "1", "120")

    assert figures(driver, "cash", "cost", "equity") == ["920", "100", "1040"]
    assert figures(driver, "realized_pnl", "unrealized_pnl", "closed", "wins", "losses") == [
        "20",
        "20",
        1,
        1,
        0,
    ]
    assert figures(driver, "gross_profit", "gross_loss", "peak_equity") == ["20", "0", "1040"]
    assert (driver.wallet["market"], driver.wallet["equity"], driver.farm_of("f")["equity"]) == (
        "-20",
        "10040",
        "1040",
    )


def test_a_position_that_is_closed_is_gone() -> None:
    """Nothing is left of it, and its loss is counted with its fee."""
    driver = funded(CALM, a="1000")
    driver.fill("a", "buy", "2", "100")

    driver.fill("a", "sell", "2", "90", fee={"currency": "USDT", "cost": "1"})

    assert figures(driver, "positions", "cash", "cost", "equity") == [{}, "979", "0", "979"]
    assert figures(driver, "losses", "gross_loss", "unrealized_pnl") == [1, "21", "0"]


def test_a_spot_short_ties_up_what_was_received_for_it() -> None:
    """1 sold at 100 without having it: 1100 in cash, 100 owed. At 90 it is closed with 10 earned."""
    driver = funded(CALM, a="1000")

    driver.fill("a", "sell", "1", "100")

    assert figures(driver, "cash", "cost", "equity") == ["1100", "-100", "1000"]
    over = driver.command(
        "transfer", source={"type": "agent", "id": "a"}, target={"type": "wallet", "id": "w"}, amount="1000.1"
    )
    assert over.reply["refusal"] == "exceeds_available"
    driver.fill("a", "buy", "1", "90")
    assert figures(driver, "cash", "cost", "equity", "realized_pnl") == ["1010", "0", "1010", "10"]


def test_a_long_that_is_oversold_turns_short_and_back() -> None:
    """
    2 at 100, then 5 sold at 110: 20 earned on two, 3 owed for 330 and 1350 in cash.

    Marked at 120 the three lose 30. 4 bought at 100 close them with 30 earned, and one is held.
    """
    driver = funded(CALM, a="1000")
    driver.fill("a", "buy", "2", "100")

    driver.fill("a", "sell", "5", "110")
    assert holding(driver) == ("-3", "-330", "0")
    assert figures(driver, "cash", "cost", "realized_pnl", "equity") == ["1350", "-330", "20", "1020"]
    driver.balance("a", prices={"BTC/USDT": "120"})
    assert figures(driver, "unrealized_pnl", "equity", "trading_pnl") == ["-30", "990", "-10"]

    driver.fill("a", "buy", "4", "100")

    assert holding(driver) == ("1", "100", "0")
    assert figures(driver, "cash", "realized_pnl", "equity", "closed") == ["950", "50", "1050", 2]


def test_a_short_in_another_currency_is_closed_at_its_rate() -> None:
    """1 sold for 100 EUR at 1.1, bought back for 90 with half a EUR of fee: 11 less 0.55."""
    driver = funded(CALM | {"rates": {"EUR": "1.1"}}, a="1000")

    driver.fill("a", "sell", "1", "100", "BTC/EUR")
    assert figures(driver, "cash", "cost", "equity") == ["1110", "-110", "1000"]
    driver.fill("a", "buy", "1", "90", "BTC/EUR", fee={"currency": "EUR", "cost": "0.5"})

    assert figures(driver, "cash", "realized_pnl", "fees", "equity") == ["1010.45", "11", "0.55", "1010.45"]


# -- fees --------------------------------------------------------------------------------------------------


def test_a_fee_in_the_quote_currency_is_paid_in_cash() -> None:
    """1 at 100 and 0.1 for it."""
    driver = funded(a="1000")

    driver.fill("a", "buy", "1", "100", fee={"currency": "USDT", "cost": "0.1", "rate": 0.001})

    assert figures(driver, "cash", "fees", "equity") == ["899.9", "0.1", "999.9"]
    assert holding(driver) == ("1", "100", "0")
    assert driver.wallet["fees_account"] == "0.1"


def test_a_fee_in_what_was_bought_reduces_the_quantity_received() -> None:
    """1 at 100 less 0.001 of it: 0.999 for 99.9, and a fee worth 0.1. The account paid 100."""
    driver = funded(a="1000")

    driver.fill("a", "buy", "1", "100", fee={"currency": "BTC", "cost": "0.001"})

    assert figures(driver, "cash", "fees", "equity") == ["900", "0.1", "999.9"]
    assert holding(driver) == ("0.999", "99.9", "0")


def test_a_fee_in_what_was_sold_is_given_up_besides() -> None:
    """2 at 100; 1 sold at 110 and 0.01 paid: 0.99 left, and 800 + 110 in cash. 1018.9 in all."""
    driver = funded(a="1000")
    driver.fill("a", "buy", "2", "100")

    driver.fill("a", "sell", "1", "110", fee={"currency": "BTC", "cost": "0.01"})

    assert figures(driver, "cash", "realized_pnl", "fees", "equity") == ["910", "10.1", "1.1", "1018.9"]
    assert holding(driver) == ("0.99", "99", "9.9")


def test_a_fee_in_the_base_is_given_up_on_both_sides_of_zero() -> None:
    """
    1 held at 100; 2 sold at 110 and 0.1 paid: 2.1 leave for 231, of which 110 close and 121 open.

    10 earned, a fee worth 11: 900 + 231 - 11 in cash, 1.1 owed.
    """
    driver = funded(CALM, a="1000")
    driver.fill("a", "buy", "1", "100")

    driver.fill("a", "sell", "2", "110", fee={"currency": "BTC", "cost": "0.1"})

    assert holding(driver) == ("-1.1", "-121", "0")
    assert figures(driver, "cash", "realized_pnl", "fees", "equity") == ["1120", "10", "11", "999"]


def test_a_fee_in_a_third_currency_is_converted() -> None:
    """0.001 BNB at 300."""
    driver = funded({"rates": {"BNB": "300"}}, a="1000")

    driver.fill("a", "buy", "1", "100", fee={"currency": "BNB", "cost": 0.001})

    assert figures(driver, "cash", "fees", "equity") == ["899.7", "0.3", "999.7"]


@pytest.mark.parametrize(
    ("members", "fees"),
    [
        ({"fees": [{"currency": "USDT", "cost": "1"}, {"currency": "BTC", "cost": "0.01"}]}, "2"),
        ({"fees": [], "fee": {"currency": "USDT", "cost": "1"}}, "1"),
        ({"fees": [{"currency": "USDT", "cost": "3"}], "fee": {"currency": "USDT", "cost": "1"}}, "3"),
        ({"fees": []}, "0"),
        ({"fee": None}, "0"),
        ({"fee": {}}, "0"),
        ({"fee": {"currency": None, "cost": None}}, "0"),
        ({"fee": {"currency": "USDT"}}, "0"),
        ({"fee": {"currency": "USDT", "cost": 0}}, "0"),
        ({"fee": {"currency": "USDT", "cost": "-0.5"}}, "-0.5"),
    ],
)
def test_fees_come_in_every_shape_that_ccxt_has(members: dict[str, Any], fees: str) -> None:
    """One, a list, an empty list beside one, a rebate, or none."""
    driver = funded(a="1000")

    driver.fill("a", "buy", "1", "100", **members)

    assert figures(driver, "fees") == [fees]


# -- other currencies --------------------------------------------------------------------------------------


def test_other_quote_currencies_count_at_the_wallets_rates() -> None:
    """1 EUR is 1.1: 100 EUR paid are 110; sold for 120 EUR, 132, with 0.5 EUR of fee."""
    driver = funded({"rates": {"EUR": "1.1"}}, a="1000")

    driver.fill("a", "buy", "1", "100", "BTC/EUR")
    assert figures(driver, "cash", "cost", "equity") == ["890", "110", "1000"]
    driver.fill("a", "sell", "1", "120", "BTC/EUR", fee={"currency": "EUR", "cost": "0.5"})

    assert figures(driver, "cash", "realized_pnl", "fees") == ["1021.45", "22", "0.55"]


def test_positions_in_several_currencies_stand_side_by_side() -> None:
    """Each with its own cost, all in the wallet's currency."""
    driver = funded({"rates": {"EUR": "1.1", "BTC": "100"}}, a="1000")

    driver.fill("a", "buy", "1", "100")
    driver.fill("a", "buy", "2", "100", "BTC/EUR")
    driver.fill("a", "buy", "10", "0.05", "ETH/BTC")

    assert [holding(driver, symbol)[1] for symbol in ("BTC/USDT", "BTC/EUR", "ETH/BTC")] == [
        "100",
        "220",
        "50",
    ]
    assert figures(driver, "cash", "cost") == ["630", "370"]


def test_a_rate_of_the_rules_outweighs_one_that_was_seen() -> None:
    """What is configured is meant."""
    driver = funded({"rates": {"EUR": "1.1"}}, a="1000")
    driver.balance("a", prices={"EUR/USDT": "2"})

    driver.fill("a", "buy", "1", "100", "BTC/EUR")

    assert holding(driver, "BTC/EUR")[1] == "110"


def test_a_price_seen_is_a_rate() -> None:
    """Where none is configured."""
    driver = funded(a="1000")
    assert driver.fill("a", "buy", "1", "100", "BTC/EUR").reasons == ["unknown_currency"]
    driver.balance("a", prices={"EUR/USDT": "1.2"})

    driver.fill("a", "buy", "1", "100", "BTC/EUR")

    assert holding(driver, "BTC/EUR")[1] == "120"


# -- derivatives, and what the bot says itself -------------------------------------------------------------


def test_of_a_derivative_only_profit_and_fee_reach_the_account() -> None:
    """1 short at 100 with a fee of 0.5: no cash moves but the fee. Closed at 90: 10 more."""
    driver = funded(CALM, a="1000")

    driver.fill("a", "sell", "1", "100", "BTC/USDT:USDT", fee={"currency": "USDT", "cost": "0.5"})
    assert figures(driver, "cash", "cost", "equity") == ["999.5", "0", "999.5"]
    assert holding(driver, "BTC/USDT:USDT") == ("-1", "-100", "0")
    driver.fill("a", "buy", "1", "90", "BTC/USDT:USDT")

    assert figures(driver, "cash", "equity", "realized_pnl", "positions") == ["1009.5", "1009.5", "10", {}]


def test_a_derivative_crosses_zero_without_its_notional_touching_the_account() -> None:
    """1 long at 100 for 0.5, 3 sold at 110 for 1: 10 earned; two short, 10 up when marked at 105."""
    driver = funded(CALM, a="1000")
    symbol = "BTC/USDT:USDT"
    driver.fill("a", "buy", "1", "100", symbol, fee={"currency": "USDT", "cost": "0.5"})

    driver.fill("a", "sell", "3", "110", symbol, fee={"currency": "USDT", "cost": "1"})
    driver.balance("a", prices={symbol: "105"})

    assert holding(driver, symbol) == ("-2", "-220", "10")
    assert figures(driver, "cash", "cost", "realized_pnl", "equity") == ["1008.5", "0", "10", "1018.5"]


def test_a_fee_in_the_base_of_a_derivative_is_a_third_currency() -> None:
    """No coin changes hands, so none can be kept back."""
    driver = funded({"rates": {"BTC": "100"}}, a="1000")

    driver.fill("a", "buy", "1", "100", "BTC/USDT:USDT", fee={"currency": "BTC", "cost": "0.01"})

    assert holding(driver, "BTC/USDT:USDT")[0] == "1"
    assert figures(driver, "fees") == ["1"]


def test_a_profit_that_the_bot_reports_is_believed() -> None:
    """By average cost it would be 10."""
    driver = funded(CALM, a="1000")
    driver.fill("a", "sell", "1", "100", "BTC/USDT:USDT")

    driver.fill("a", "buy", "1", "90", "BTC/USDT:USDT", realized_pnl="9.25")

    assert figures(driver, "cash", "realized_pnl", "wins") == ["1009.25", "9.25", 1]


def test_what_a_believed_profit_leaves_unexplained_is_no_profit() -> None:
    """
    Of 2 at 100 one is sold at 120, and the bot says it earned 15: the ledger has 915, the account 920.

    The 5 are suspense's: equity has them, profit from trading (15, and 20 on the other one) has not.
    """
    driver = funded(CALM, a="1000")
    driver.fill("a", "buy", "2", "100")
    driver.fill("a", "sell", "1", "120", realized_pnl="15")
    assert figures(driver, "cash", "equity") == ["915", "1035"]

    step = driver.after(SECOND).balance("a", total={"USDT": "920"})

    assert step.one("risk_alert")["difference"] == "5"
    assert driver.wallet["suspense"] == "-5"
    assert figures(driver, "cash", "equity", "trading_pnl") == ["920", "1040", "35"]


def test_a_reported_profit_is_in_the_quote_currency() -> None:
    """5 EUR at 1.1."""
    driver = funded({"rates": {"EUR": "1.1"}}, a="1000")

    driver.fill("a", "sell", "1", "100", "BTC/EUR:EUR", realized_pnl=5)

    assert figures(driver, "realized_pnl") == ["5.5"]


def test_a_reported_profit_of_nothing_does_not_make_an_opening_fill_a_closed_one() -> None:
    """Exchanges report 0 with every fill that opens; counting those would halve every win rate."""
    driver = funded(CALM, a="1000")

    driver.fill("a", "buy", "1", "100", "BTC/USDT:USDT", realized_pnl="0")
    driver.fill("a", "sell", "1", "110", "BTC/USDT:USDT", realized_pnl="10")

    assert figures(driver, "trades", "closed", "wins") == [2, 1, 1]


def test_a_cost_that_is_given_is_what_was_paid() -> None:
    """Not price times amount: a contract may be worth ten of its base."""
    driver = funded(a="1000")

    driver.fill("a", "buy", "1", "10", cost="100")

    assert figures(driver, "cash", "cost", "unrealized_pnl") == ["900", "100", "-90"]


# -- what follows ------------------------------------------------------------------------------------------


def test_an_agent_that_overdraws_is_told_of_once() -> None:
    """What the bot reports has happened, so it is recorded; and again when it overdraws again."""
    driver = funded(CALM, a="100")

    step = driver.fill("a", "buy", "1", "150")

    assert step.one("risk_alert") == {"scope": "agent", "id": "a", "kind": "overdrawn", "cash": "-50"}
    assert driver.fill("a", "buy", "1", "10").named("risk_alert") == []
    assert driver.fill("a", "sell", "1", "100").named("risk_alert") == []
    assert len(driver.fill("a", "buy", "1", "60").named("risk_alert")) == 1


def test_the_same_fill_again_changes_nothing() -> None:
    """The same agent and id, whatever else it says; another agent has ids of its own."""
    driver = funded(a="1000", b="1000")
    driver.fill("a", "buy", "1", "100", id="fill-1")
    before = driver.bytes_of_state()

    again = driver.after(SECOND).fill("a", "buy", "1", "100", id="fill-1")
    other = driver.fill("a", "sell", "7", "3", id="fill-1")

    assert [step.repeats for step in (again, other)] == [1, 1]
    assert again.said == other.said == []
    assert driver.state == before
    assert driver.fill("b", "buy", "1", "100", id="fill-1").repeats == 0
    assert driver.agent_of("b")["trades"] == 1


def test_a_late_fill_is_applied_and_moves_no_time() -> None:
    """Stream time is the largest timestamp seen."""
    driver = funded(a="1000")
    before = driver.wallet["time"]

    driver.fill("a", "buy", "1", "100", timestamp=driver.now - 5 * SECOND)

    assert driver.wallet["time"] == before
    assert driver.agent_of("a")["trades"] == 1


def test_what_is_not_known_is_ignored() -> None:
    """A bot may send what its exchange library gave it."""
    driver = funded(a="1000")

    step = driver.fill(
        "a", "buy", "1", "100", order="o-1", takerOrMaker="taker", exchange="kraken", info={"raw": [1, None]}
    )

    assert step.dead == []
    assert driver.agent_of("a")["trades"] == 1


def test_numbers_and_text_and_messagepack_say_the_same() -> None:
    """Down to the bytes of the state."""
    states = []
    for amount, price, packed in (("0.1", "31999.99", False), (0.1, 31999.99, False), (0.1, 31999.99, True)):
        driver = funded(a="10000")
        trade = driver.event(
            {"agent": "a", "symbol": "BTC/USDT", "side": "buy", "amount": amount, "price": price}
        )
        driver.send("trade", msgspec.msgpack.encode(trade) if packed else trade)
        states.append(driver.state)

    assert states[0] == states[1] == states[2]
    assert states[0]["agents"]["w/a"].find(b'"cash":"6800.001"') > 0
