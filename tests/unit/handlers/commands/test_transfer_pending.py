"""Two-phase transfers: what is held, what moves when it is posted, and how it ends once."""

from typing import Any

import pytest

from state import book as book_module
from tests.support.driver import (
    DAY,
    MASTER,
    MINUTE,
    SECOND,
    Driver,
    Json,
    agent,
    farm,
    funded,
    move,
)
from tests.support.laws import audited


def held(driver: Driver, amount: object = "60", **members: Any) -> Driver:
    """Return a wallet of which an amount for agent a is pending under the id ``p``."""
    assert move(driver, MASTER, agent("a"), amount, id="p", pending=True, **members).reply["status"] == "ok"
    return driver


def test_a_pending_transfer_moves_nothing_and_holds_its_amount() -> None:
    """Balances, budget and equity stay; the amount is not there for anything else."""
    driver = funded(deposit="100", a="0")

    step = move(driver, MASTER, agent("a"), "60", id="p", pending=True, timeout="5m")

    assert step.reply["result"] == {
        "transfer": "p",
        "state": "pending",
        "amount": "60",
        "due": driver.now + 5 * MINUTE,
    }
    assert (driver.wallet["cash"], driver.wallet["held"], driver.agent_of("a")["cash"]) == ("100", "60", "0")
    told = step.one("wallet_transaction")
    assert (told["phase"], told["pending"], told["transfers"], told["balances"]) == ("pending", None, [], {})
    assert told["holds"] == [{"debit": "wallet", "credit": "agent/a", "amount": "60"}]
    assert told["held"] == {"wallet": "60"}
    allocation = step.one("fund_allocation")
    assert {name: allocation[name] for name in ("amount", "state", "transfer", "budget", "cash")} == {
        "amount": "60",
        "state": "pending",
        "transfer": "p",
        "budget": "0",
        "cash": "0",
    }
    assert driver.command("withdraw", amount="40.00000001").refusal == "exceeds_available"
    assert driver.command("withdraw", amount="40").reply["status"] == "ok"
    audited(driver)


def test_what_is_held_can_be_neither_swept_nor_collected_nor_taken() -> None:
    """Of 100 that an agent has 60 are promised to the master."""
    driver = funded(a="100", b="0")
    move(driver, agent("a"), MASTER, "60", id="p", pending=True)

    assert move(driver, agent("a"), agent("b"), "40.00000001").refusal == "exceeds_available"
    assert move(driver, agent("a"), agent("b"), "500", at_most=True).reply["result"]["amount"] == "40"
    assert driver.command("collect", scope=agent("a"), what="all").refusal == "nothing_to_collect"
    driver.command("emergency_stop", scope=agent("a"))
    assert driver.agent_of("a")["cash"] == "60"
    assert driver.command("post", transfer="p").reply["status"] == "ok"
    assert driver.agent_of("a")["cash"] == "0"
    audited(driver)


def test_posting_moves_all_of_it() -> None:
    """Once; the budget comes with the money."""
    driver = held(funded(deposit="100", a="0"))

    step = driver.command("post", id="q", transfer="p")

    assert step.reply["result"] == {
        "transfer": "p",
        "state": "posted",
        "amount": "60",
        "balances": {"wallet": "40", "agent/a": "60"},
    }
    told = step.one("wallet_transaction")
    assert (told["id"], told["phase"], told["pending"], told["held"]) == ("q", "posted", "p", {"wallet": "0"})
    assert told["transfers"] == told["holds"] == [{"debit": "wallet", "credit": "agent/a", "amount": "60"}]
    allocation = step.one("fund_allocation")
    assert (allocation["state"], allocation["budget"], allocation["transfer"]) == ("posted", "60", "p")
    assert (driver.wallet["held"], driver.agent_of("a")["equity"]) == ("0", "60")
    audited(driver)


def test_posting_a_part_releases_the_rest() -> None:
    """25 of 60."""
    driver = held(funded(deposit="100", a="0"))

    assert driver.command("post", transfer="p", amount="60.00000001").refusal == (
        "exceeds_pending_transfer_amount"
    )
    assert driver.command("post", transfer="p", amount="25").reply["status"] == "ok"
    assert (driver.wallet["cash"], driver.wallet["held"], driver.agent_of("a")["cash"]) == ("75", "0", "25")
    audited(driver)


def test_voiding_releases_all_of_it() -> None:
    """Nothing has moved."""
    driver = held(funded(deposit="100", a="0"))

    step = driver.command("void", id="v", transfer="p")

    assert step.reply["result"] == {"transfer": "p", "state": "voided"}
    told = step.one("wallet_transaction")
    assert (told["phase"], told["pending"], told["transfers"], told["held"]) == (
        "voided",
        "p",
        [],
        {"wallet": "0"},
    )
    assert step.one("fund_allocation")["state"] == "voided"
    assert (driver.wallet["cash"], driver.wallet["held"], driver.agent_of("a")["cash"]) == ("100", "0", "0")
    assert driver.command("withdraw", amount="100").reply["status"] == "ok"
    audited(driver)


def test_it_expires_by_the_stream_time_of_the_wallet() -> None:
    """At the millisecond it is due and not before, by a tick, after a restart too."""
    driver = held(funded(deposit="100", a="0"), timeout="5m").restarted()
    assert driver.after(5 * MINUTE - 1).tick().named("fund_allocation") == []

    step = driver.after(1).tick()

    told = step.one("wallet_transaction")
    assert (told["phase"], told["pending"], told["transfers"]) == ("expired", "p", [])
    assert step.one("fund_allocation")["state"] == "voided"
    assert driver.wallet["held"] == "0"
    assert driver.command("post", transfer="p").refusal == "pending_transfer_expired"
    audited(driver)


def test_without_a_timeout_it_waits() -> None:
    """For ever."""
    driver = held(funded(deposit="100", a="0"))

    driver.after(1000 * DAY).tick()

    assert driver.command("post", transfer="p").reply["status"] == "ok"


@pytest.mark.parametrize("end", ["post", "void"])
@pytest.mark.parametrize("again", ["post", "void"])
def test_it_ends_once(end: str, again: str) -> None:
    """Also after a restart; the second one is told how it ended."""
    driver = held(funded(deposit="100", a="0"))
    driver.command(end, transfer="p")
    fresh = driver.restarted()
    before = fresh.wallet["cash"], fresh.wallet["held"], fresh.agent_of("a")["cash"]

    step = fresh.command(again, transfer="p")

    assert step.refusal == f"pending_transfer_already_{'posted' if end == 'post' else 'voided'}"
    assert step.named("wallet_transaction") == []
    assert (fresh.wallet["cash"], fresh.wallet["held"], fresh.agent_of("a")["cash"]) == before


def test_how_it_ended_is_known_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of so many, so that their number stays bounded; open ones stay."""
    monkeypatch.setattr(book_module, "ENDED_KEPT", 1)
    driver = funded(deposit="100", a="0")
    for name in ("x", "y", "z"):
        move(driver, MASTER, agent("a"), "1", id=name, pending=True)
    driver.command("void", transfer="y")
    driver.command("post", transfer="x")

    assert sorted(driver.state["pending"]) == ["w/x", "w/z"]
    assert driver.command("post", transfer="x").refusal == "pending_transfer_already_posted"
    assert driver.restarted().command("post", transfer="x").refusal == "pending_transfer_already_posted"


@pytest.mark.parametrize("kind", ["post", "void"])
def test_what_is_not_there_cannot_be_ended(kind: str) -> None:
    """Never made, or a transfer that needed no second phase."""
    driver = funded(deposit="100", a="0")
    move(driver, MASTER, agent("a"), "1", id="plain")

    assert driver.command(kind, transfer="x").refusal == "pending_transfer_not_found"
    assert driver.command(kind, transfer="plain").refusal == "pending_transfer_not_pending"


def test_a_bot_may_spend_what_is_held_and_then_it_cannot_be_posted() -> None:
    """What it reports has happened. What we initiate never overdraws, what else is held left out."""
    driver = funded(a="100")
    move(driver, agent("a"), MASTER, "60", id="p", pending=True)
    driver.fill("a", "buy", "1", "50")

    assert driver.command("post", transfer="p").refusal == "exceeds_available"
    assert (driver.agent_of("a")["held"], driver.agent_of("a")["cash"]) == ("60", "50")
    assert driver.command("post", transfer="p", amount="50").reply["status"] == "ok"
    assert (driver.agent_of("a")["held"], driver.agent_of("a")["cash"]) == ("0", "0")
    audited(driver)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"amount": "0"}, "amount_not_positive"),
        ({"amount": "-1"}, "amount_not_positive"),
        ({"amount": "0.000000001"}, "amount_too_fine"),
    ],
)
def test_a_part_is_an_amount(members: Json, expected: str) -> None:
    """As any other; and the transfer stays pending."""
    driver = held(funded(deposit="100", a="0"))

    assert driver.command("post", transfer="p", **members).refusal == expected
    assert driver.wallet["held"] == "60"


def test_only_a_pending_transfer_has_a_timeout() -> None:
    """TigerBeetle's rule; and a duration is one."""
    driver = funded(a="0")

    assert move(driver, MASTER, agent("a"), "1", timeout="5m").refusal == (
        "timeout_reserved_for_pending_transfer"
    )
    assert move(driver, MASTER, agent("a"), "1", pending=True, timeout="soon").reasons == ["invalid_member"]


def test_who_is_stopped_gets_nothing_of_what_is_pending() -> None:
    """It is voided with the stop; so it is under a stopped farm."""
    driver = held(funded(deposit="100", a="0"))

    step = driver.command("emergency_stop", scope=farm("f"))

    assert [data["state"] for data in step.named("fund_allocation")] == ["voided"]
    assert driver.wallet["held"] == "0"
    assert driver.command("post", transfer="p").refusal == "pending_transfer_already_voided"
    audited(driver)


def test_of_who_is_retired_nothing_stays_pending() -> None:
    """Neither to it nor from it; what it has goes to the master."""
    driver = held(funded(deposit="100", a="30"))
    move(driver, agent("a"), MASTER, "20", id="back", pending=True)

    driver.command("agent_retire", agent="a")

    assert (driver.wallet["cash"], driver.wallet["held"], driver.agent_of("a")["held"]) == ("100", "0", "0")
    assert driver.command("post", transfer="back").refusal == "pending_transfer_already_voided"
    audited(driver)


def test_what_money_is_pending_for_is_not_closed() -> None:
    """A farm or wallet is closed when nothing is to come any more."""
    driver = funded(deposit="100")
    move(driver, MASTER, farm("f"), "100", id="p", pending=True)

    assert driver.command("farm_close", farm="f").refusal == "farm_not_empty"
    driver.command("void", transfer="p")
    assert driver.command("farm_close", farm="f").reply["status"] == "ok"
    driver.command("withdraw", amount="100")
    driver.command("deposit", id="d", amount="5", pending=True)
    assert driver.command("wallet_close").refusal == "wallet_not_empty"
    driver.command("void", transfer="d")
    assert driver.command("wallet_close").reply["status"] == "ok"


def test_deposits_withdrawals_and_allocations_may_be_pending() -> None:
    """Money that is announced is nowhere yet; money that is to leave does not work any more."""
    driver = funded(deposit="100", a="0")

    driver.command("deposit", id="d", amount="50", pending=True)
    driver.command("withdraw", id="x", amount="70", pending=True)
    driver.command("allocate", id="l", agent="a", amount="500", at_most=True, pending=True)

    assert (driver.wallet["cash"], driver.wallet["held"], driver.wallet["world"]) == ("100", "100", "-100")
    for name in ("d", "x", "l"):
        assert driver.command("post", transfer=name).reply["status"] == "ok"
    assert (driver.wallet["cash"], driver.wallet["held"], driver.wallet["world"]) == ("50", "0", "-80")
    assert (driver.agent_of("a")["cash"], driver.agent_of("a")["budget"]) == ("30", "30")
    audited(driver)


def test_a_rebalance_gives_out_neither_what_is_held_nor_what_is_on_its_way() -> None:
    """1000, of which 100 are to leave and 400 are pending for one of two that are alike."""
    rules = {"rebalance": {"interval": 0, "threshold": 0, "reserve": 0, "max_weight": 1, "settle": "1000d"}}
    driver = funded(rules, deposit="1000", a="0", b="0")
    driver.command("withdraw", amount="100", pending=True)
    driver.command("allocate", agent="a", amount="400", pending=True)

    plan = driver.command("rebalance", method="equal").one("farm_rebalance")

    assert plan["capital"] == "900"
    assert plan["transfers"] == [{"agent": "a", "amount": "50"}, {"agent": "b", "amount": "450"}]
    assert driver.command("rebalance", method="equal").one("farm_rebalance")["transfers"] == []
    audited(driver)


def test_a_dry_run_of_a_pending_transfer_holds_nothing() -> None:
    """It only says what would be."""
    driver = funded(deposit="100", a="0")
    before = driver.bytes_of_state()

    step = move(driver, MASTER, agent("a"), "60", id="p", pending=True, dry_run=True)

    assert step.reply["result"]["answer"]["state"] == "pending"
    assert driver.state == before
    driver.after(SECOND)
    assert driver.command("post", transfer="p").refusal == "pending_transfer_not_found"
