"""Wallets are created, configured and closed."""

import pytest

from tests.support.driver import DAY, MINUTE, QUIET, SECOND, Driver, Json, funded


def test_a_wallet_begins_with_the_rules_it_is_given() -> None:
    """Those it is not given are the defaults; its books are empty."""
    driver = Driver()

    step = driver.command("wallet_create", currency="USDT", rules={"rebalance": {"reserve": 0.1}})

    assert (step.reply["status"], step.reply["result"]) == ("ok", {"wallet": "w", "currency": "USDT"})
    wallet = driver.wallet
    assert (wallet["currency"], wallet["state"], wallet["cash"], wallet["equity"]) == (
        "USDT",
        "active",
        "0",
        "0",
    )
    assert (wallet["rules"]["rebalance"]["reserve"], wallet["rules"]["rebalance"]["max_weight"]) == (0.1, 0.4)
    assert wallet["time"] == wallet["created"] == driver.now
    assert step.one("wallet_balance_update")["scope"] == "wallet"


@pytest.mark.parametrize(
    ("again", "refusal"),
    [
        ({"currency": "USDT"}, "exists"),
        ({"currency": "USDT", "rules": {"conflation": "1s"}}, "exists"),
        ({"currency": "EUR"}, "exists_with_different_body"),
        ({"currency": "USDT", "rules": {"conflation": "2s"}}, "exists_with_different_body"),
    ],
)
def test_a_wallet_is_created_once(again: Json, refusal: str) -> None:
    """The second time it is there already, just so or otherwise; it stays as it is."""
    driver = Driver()
    driver.command("wallet_create", currency="USDT", rules={"conflation": "1s"})
    before = driver.wallet

    assert driver.command("wallet_create", **again).reply["refusal"] == refusal
    assert (driver.wallet["rules"], driver.wallet["currency"]) == (before["rules"], before["currency"])


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({}, "invalid_member"),
        ({"currency": ""}, "invalid_member"),
        ({"currency": "US DOLLAR"}, "invalid_member"),
        ({"currency": "USDT", "rules": {"nonsense": 1}}, "invalid_rules"),
        ({"currency": "USDT", "rules": {"rebalance": {"method": "magic"}}}, "invalid_rules"),
        ({"currency": "USDT", "rules": {"rates": {"BTC": "much"}}}, "invalid_rules"),
        ({"currency": "USDT", "rules": {"conflation": "9" * 400 + "d"}}, "invalid_rules"),
        ({"currency": "USDT", "rules": {"rebalance": {"smallest": "x"}}}, "invalid_rules"),
        ({"currency": "USDT", "rules": []}, "invalid_member"),
    ],
)
def test_a_wallet_that_makes_no_sense_is_not_created(members: Json, reason: str) -> None:
    """It is a dead letter, and answered."""
    driver = Driver()

    step = driver.command("wallet_create", **members)

    assert step.reasons == [reason]
    assert step.reply["status"] == "rejected"
    assert driver.state["wallets"] == {}


def test_configure_changes_only_what_it_names() -> None:
    """And answers with all rules."""
    driver = funded()

    step = driver.command("wallet_configure", rules={"breakers": {"agent_drawdown": "0.3"}})

    rules = step.reply["result"]["rules"]
    assert step.reply["status"] == "ok"
    assert (rules["breakers"]["agent_drawdown"], rules["rebalance"]["reserve"]) == (0.3, 0.0)
    assert driver.wallet["rules"] == rules
    assert driver.command("wallet_configure", rules={"conflation": 250}).reply["status"] == "unchanged"


@pytest.mark.parametrize(
    "rules", [{"x": 1}, {"conflation": -1}, {"rebalance": {"method": "magic"}}, {"rates": {"A": "0"}}]
)
def test_rules_that_make_no_sense_are_not_taken(rules: Json) -> None:
    """A dead letter, and the old ones stay."""
    driver = funded()
    before = driver.bytes_of_state()

    assert driver.command("wallet_configure", rules=rules).reasons == ["invalid_rules"]
    assert driver.state == before


def test_new_limits_hold_at_once() -> None:
    """15 % down is within 20 %, and beyond 10 %."""
    driver = funded(
        {"breakers": {"agent_daily_loss": None, "farm_daily_loss": None, "wallet_drawdown": None}}, a="1000"
    )
    driver.fill("a", "buy", "1", "1000")
    assert driver.fill("a", "sell", "1", "850").named("emergency_stop") == []

    step = driver.command("wallet_configure", rules={"breakers": {"agent_drawdown": 0.1}})

    assert len(step.named("emergency_stop")) == 1


def test_updates_that_wait_fall_due_by_a_new_conflation() -> None:
    """An hour's wait becomes a second's."""
    driver = funded({"conflation": "1h"}, a="1000")
    driver.fill("a", "buy", "1", "10")

    driver.command("wallet_configure", rules={"conflation": "1s"})

    assert {data["id"] for data in driver.after(SECOND).tick().named("wallet_balance_update")} >= {"a", "w"}
    fresh = driver.restarted()
    assert fresh.after(MINUTE).tick().said == driver.after(MINUTE).tick().said


def test_bins_of_another_length_begin_anew() -> None:
    """Returns of days and of hours are not told together, and an age of hours is not counted through."""
    driver = funded(a="1000")
    driver.fill("a", "buy", "1", "100")
    driver.after(DAY).fill("a", "sell", "1", "101")
    assert driver.state["returns"]["farm/w/f"] == b"[0.0]"

    driver.command("wallet_configure", rules={"performance": {"bin": "1h"}})
    assert driver.state["returns"]["farm/w/f"] == b"[]"
    step = driver.after(60 * MINUTE).tick()

    update = step.one("farm_performance_update")
    assert (update["bin"], update["return"]) == ((driver.now - SECOND) // (60 * MINUTE) - 1, 0.0)
    driver.command("wallet_configure", rules={"performance": {"bin": "1d"}})
    assert len(driver.after(DAY).tick().named("farm_performance_update")) == 1


def test_only_an_empty_wallet_is_closed() -> None:
    """Money has to go first; closed once, it is closed."""
    driver = funded()
    assert driver.command("wallet_close").reply["refusal"] == "wallet_not_empty"
    driver.command("withdraw", amount="10000")

    assert driver.command("wallet_close").reply["status"] == "ok"
    assert driver.wallet["state"] == "closed"
    assert driver.command("wallet_close").reply["status"] == "unchanged"


def test_a_wallet_in_which_a_debt_stands_against_money_is_not_empty() -> None:
    """10 of one agent and 10 short of another are nothing together, and something each."""
    off = ("agent_drawdown", "agent_daily_loss", "farm_daily_loss", "wallet_drawdown", "wallet_daily_loss")
    driver = funded({"breakers": dict.fromkeys(off)}, deposit="20", a="10", b="10")
    driver.fill("b", "buy", "1", "10")
    driver.fill("b", "sell", "1", "10", fee={"currency": "USDT", "cost": "20"})
    assert (driver.agent_of("b")["cash"], driver.wallet["equity"]) == ("-10", "0")

    assert driver.command("wallet_close").reply["refusal"] == "wallet_not_empty"


def test_a_wallet_with_positions_is_not_empty() -> None:
    """Even where they are worth nothing now: bought for all there was, at a price that is gone."""
    driver = funded(
        {
            "breakers": dict.fromkeys(
                ("agent_drawdown", "agent_daily_loss", "farm_daily_loss", "wallet_drawdown"), None
            )
        },
        deposit="10",
        a="10",
    )
    driver.fill("a", "buy", "10", "1")
    driver.balance("a", prices={"BTC/USDT": "0.000000000001"})
    assert driver.wallet["equity"] == "0"

    assert driver.command("wallet_close").reply["refusal"] == "wallet_not_empty"


@pytest.mark.parametrize(
    ("members", "refusal"),
    [
        ({"kind": "deposit", "amount": "5"}, "account_closed"),
        ({"kind": "farm_create", "farm": "g"}, "wallet_closed"),
        ({"kind": "agent_register", "agent": "b", "farm": "f"}, "wallet_closed"),
        ({"kind": "withdraw", "amount": "5"}, "account_closed"),
        ({"kind": "rebalance"}, "wallet_stopped"),
        ({"kind": "emergency_stop", "scope": {"type": "wallet", "id": "w"}}, "account_closed"),
        (
            {
                "kind": "transfer",
                "source": {"type": "farm", "id": "f"},
                "target": {"type": "wallet", "id": "w"},
                "amount": "1",
            },
            "account_closed",
        ),
    ],
)
def test_a_closed_wallet_takes_no_part(members: Json, refusal: str) -> None:
    """Each command that would bring something into it is refused by its name."""
    driver = funded(deposit="1")
    driver.command("withdraw", amount="1")
    driver.command("wallet_close")

    step = driver.send("command", driver.event(members))

    assert (step.reply["status"], step.reply["refusal"]) == ("refused", refusal)


def test_a_wallet_closed_while_stopped_is_not_opened_by_a_cool_off() -> None:
    """What ended the stop must not end the closing."""
    rules = {**QUIET, "breakers": {"cool_off": "1m"}}
    driver = Driver()
    driver.command("wallet_create", currency="USDT", rules=rules)
    driver.command("emergency_stop", scope={"type": "wallet", "id": "w"})
    driver.command("wallet_close")

    driver.command("emergency_resume", scope={"type": "wallet", "id": "w"})
    driver.after(DAY).tick()

    assert driver.wallet["state"] == "closed"
    assert driver.command("deposit", amount="5").reply["refusal"] == "account_closed"
