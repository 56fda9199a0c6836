"""What a bot says it holds is compared with the ledger; what it says of prices is believed."""

from typing import Any

import pytest

from tests.support.driver import CALM, SECOND, funded


def test_marks_value_the_positions() -> None:
    """2 at 100, marked at 130: 60 up, for the agent and all above it; a mark is no trade."""
    driver = funded(CALM, a="1000")
    driver.fill("a", "buy", "2", "100")
    driver.after(SECOND).tick()
    driver.after(SECOND)

    step = driver.balance("a", prices={"BTC/USDT": 130, "ETH/USDT": "7"})

    agent = driver.agent_of("a")
    assert (agent["equity"], agent["unrealized_pnl"], agent["realized_pnl"], agent["trades"]) == (
        "1060",
        "60",
        "0",
        1,
    )
    assert (driver.farm_of("f")["unrealized_pnl"], driver.wallet["equity"]) == ("60", "10060")
    assert {data["scope"]: data["equity"] for data in step.named("wallet_balance_update")} == {
        "agent": "1060",
        "farm": "1060",
        "wallet": "10060",
    }


def test_marks_of_derivatives_and_other_currencies_are_taken() -> None:
    """1 short at 100 EUR, marked at 90: 10 EUR, at 1.1 when it was sold and now."""
    driver = funded({"rates": {"EUR": "1.1"}, **CALM}, a="1000")
    driver.fill("a", "sell", "1", "100", "BTC/EUR:EUR")

    driver.balance("a", prices={"BTC/EUR:EUR": "90"})

    assert driver.agent_of("a")["unrealized_pnl"] == "11"


def test_a_mark_in_a_currency_without_a_rate_is_a_dead_letter() -> None:
    """Nothing of the event is taken, the marks beside it included."""
    driver = funded(a="1000")
    driver.fill("a", "buy", "2", "100")
    before = driver.bytes_of_state()

    step = driver.balance("a", prices={"BTC/USDT": "130", "ETH/EUR": "7"})

    assert step.reasons == ["unknown_currency"]
    assert driver.state == before


def test_a_rate_may_come_with_the_marks_that_need_it() -> None:
    """In whatever order they stand."""
    driver = funded(a="1000")

    assert driver.balance("a", prices={"BTC/EUR": "90", "EUR/USDT": "1.1"}).dead == []
    assert driver.wallet["rates"] == {"EUR": "1.1"}


# -- the account against the ledger ------------------------------------------------------------------------


def test_a_difference_goes_to_suspense_and_is_told_once() -> None:
    """The ledger says 1000, the account 1010: 10 nobody has explained. It is no profit."""
    driver = funded(a="1000")

    step = driver.balance("a", total={"USDT": "1010", "BTC": 5})

    assert step.one("risk_alert") == {
        "scope": "agent",
        "id": "a",
        "kind": "balance_mismatch",
        "currency": "USDT",
        "ledger": "1000",
        "reported": "1010",
        "difference": "10",
    }
    assert (driver.wallet["suspense"], driver.agent_of("a")["cash"], driver.agent_of("a")["equity"]) == (
        "-10",
        "1010",
        "1010",
    )
    assert step.one("wallet_transaction")["transfers"] == [
        {"debit": "suspense", "credit": "agent/a", "amount": "10"}
    ]
    assert driver.agent_of("a")["realized_pnl"] == "0"
    again = driver.after(SECOND).balance("a", total={"USDT": "1010"})
    assert again.named("risk_alert") == again.named("wallet_transaction") == []


def test_money_that_is_missing_is_no_loss() -> None:
    """Half of it gone without a fill: suspense, an alert, and no breaker."""
    driver = funded(a="1000")

    step = driver.balance("a", total={"USDT": "500"})

    assert [alert["kind"] for alert in step.named("risk_alert")] == ["balance_mismatch"]
    assert (driver.agent_of("a")["equity"], driver.agent_of("a")["drawdown"]) == ("500", 0.0)
    assert driver.wallet["suspense"] == "500"


@pytest.mark.parametrize(
    ("reported", "alerts"), [("1000", 0), ("999", 0), ("998.99999999", 1), ("1001.001", 0), ("1001.002", 1)]
)
def test_a_difference_within_the_tolerance_is_none(reported: str, alerts: int) -> None:
    """0.1 % of the larger of equity and report, exactly."""
    driver = funded(a="1000")

    assert len(driver.balance("a", total={"USDT": reported}).named("risk_alert")) == alerts


def test_the_tolerance_is_a_rule() -> None:
    """With none, every unit counts."""
    driver = funded({"tolerance": 0}, a="1000")

    step = driver.balance("a", total={"USDT": "1000.00000001"})

    assert step.one("risk_alert")["difference"] == "0.00000001"


@pytest.mark.parametrize(
    "holdings",
    [
        {"total": {"USDT": "1000"}, "free": {"USDT": "700"}},
        {"free": {"USDT": "700"}, "used": {"USDT": 300}},
        {"total": {"USDT": "1000"}, "used": {"USDT": "300"}},
        {"total": {"USDT": "1000"}, "free": {"USDT": "700"}, "used": {"USDT": "300"}},
    ],
)
def test_of_total_free_and_used_the_third_is_derived(holdings: dict[str, Any]) -> None:
    """300 are in orders: 700 can move, and the account agrees with the ledger."""
    driver = funded(a="1000")

    step = driver.balance("a", **holdings)

    assert step.named("risk_alert") == []
    assert driver.agent_of("a")["reported_used"] == "300"
    master = {"type": "wallet", "id": "w"}
    source = {"type": "agent", "id": "a"}
    over = driver.command("transfer", source=source, target=master, amount="700.00000001")
    assert over.reply["refusal"] == "exceeds_available"
    assert driver.command("transfer", source=source, target=master, amount="700").reply["status"] == "ok"


@pytest.mark.parametrize(
    "holdings",
    [
        {},
        {"free": {"USDT": "5"}},
        {"used": {"USDT": "5"}},
        {"total": {"BTC": "5"}},
        {"total": {}},
        {"total": {"USDT": None}},
        {"total": None, "free": None},
    ],
)
def test_without_a_total_nothing_is_compared(holdings: dict[str, Any]) -> None:
    """Half an account says nothing of the whole."""
    driver = funded(a="1000")

    step = driver.balance("a", **holdings)

    assert (step.dead, step.named("risk_alert")) == ([], [])
    assert driver.agent_of("a")["cash"] == "1000"


def test_a_snapshot_from_before_the_last_transfer_is_not_compared() -> None:
    """It cannot know of it yet."""
    driver = funded(a="1000")
    driver.command("allocate", agent="a", amount="500")

    assert driver.balance("a", total={"USDT": "1000"}).named("risk_alert") == []
    late = driver.balance("a", total={"USDT": "1000"}, timestamp=driver.now - SECOND)
    assert late.named("risk_alert") == []
    assert len(driver.after(1).balance("a", total={"USDT": "1000"}).named("risk_alert")) == 1


# -- bots that only know their equity ----------------------------------------------------------------------


def test_a_bot_that_knows_its_equity_earns_its_changes() -> None:
    """1000, then 1030, then 1020: 30 earned, 10 lost; no fill was told."""
    driver = funded(CALM, a="1000")

    first = driver.balance("a", equity="1000")
    assert first.named("risk_alert") == []
    step = driver.after(SECOND).balance("a", equity="1030")
    driver.after(SECOND).balance("a", equity=1020)

    agent = driver.agent_of("a")
    assert (agent["cash"], agent["equity"], agent["realized_pnl"], agent["trades"]) == (
        "1020",
        "1020",
        "20",
        0,
    )
    assert (agent["closed"], agent["wins"], agent["losses"], agent["gross_loss"]) == (2, 1, 1, "10")
    told = step.one("wallet_transaction")
    assert told["transfers"] == [{"debit": "market", "credit": "agent/a", "amount": "30"}]
    assert told["reason"] == "trading"
    assert "fills" not in told


def test_money_that_moves_is_not_its_profit() -> None:
    """500 more were given, the equity rose by 520: 20 earned."""
    driver = funded(CALM, a="1000")
    driver.balance("a", equity="1000")
    driver.after(SECOND).command("allocate", agent="a", amount="500")

    driver.after(SECOND).balance("a", equity="1520")

    assert (driver.agent_of("a")["realized_pnl"], driver.agent_of("a")["equity"]) == ("20", "1520")


@pytest.mark.parametrize("late_ms", [0, 500])
def test_a_report_that_cannot_know_of_a_transfer_is_not_taken_for_a_loss(late_ms: int) -> None:
    """Else moving money would trip the breaker of every such bot."""
    driver = funded(a="1000")
    driver.balance("a", equity="1000")
    driver.after(SECOND).command("allocate", agent="a", amount="500")

    step = driver.balance("a", equity="1000", timestamp=driver.now - late_ms)

    assert (step.named("risk_alert"), driver.agent_of("a")["realized_pnl"]) == ([], "0")
    driver.after(SECOND).balance("a", equity="1500")
    assert (driver.agent_of("a")["realized_pnl"], driver.agent_of("a")["state"]) == ("0", "active")


def test_the_first_report_is_compared_with_the_ledger() -> None:
    """It is no profit: there is nothing before it."""
    driver = funded(CALM, a="1000")

    step = driver.balance("a", equity="900")

    assert step.one("risk_alert")["difference"] == "-100"
    driver.after(SECOND).balance("a", equity="910")
    assert (driver.agent_of("a")["realized_pnl"], driver.agent_of("a")["equity"]) == ("10", "910")


def test_a_loss_by_equity_trips_the_breaker_too() -> None:
    """20 % of the peak."""
    driver = funded(a="1000")
    driver.balance("a", equity="1000")

    step = driver.after(SECOND).balance("a", equity="800")

    assert step.named("emergency_stop")[0]["id"] == "a"
    assert driver.agent_of("a")["cash"] == "0"


def test_a_bot_whose_fills_are_known_earns_by_its_fills() -> None:
    """Its equity would count the same profit again."""
    driver = funded(a="1000")
    driver.fill("a", "buy", "1", "100")

    driver.after(SECOND).balance("a", equity="5000")

    assert (driver.agent_of("a")["equity"], driver.agent_of("a")["realized_pnl"]) == ("1000", "0")


def test_the_same_snapshot_again_changes_nothing() -> None:
    """By agent and id, as with fills."""
    driver = funded(CALM, a="1000")
    driver.balance("a", equity="1000")
    driver.after(SECOND).balance("a", id="b-1", equity="1100")
    before = driver.bytes_of_state()

    step = driver.after(SECOND).balance("a", id="b-1", equity="1300")

    assert (step.repeats, step.said) == (1, [])
    assert driver.state == before
