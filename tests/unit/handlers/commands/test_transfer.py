"""Transfers that correct another, and those that are refused."""

from tests.support.driver import MASTER, agent, farm, funded, move
from tests.support.laws import audited


def test_a_correction_is_a_new_transfer_that_names_the_wrong_one() -> None:
    """Nothing that was told is ever changed."""
    driver = funded(deposit="100", a="0", b="0")
    move(driver, MASTER, agent("a"), "60", id="wrong")

    step = move(driver, agent("a"), agent("b"), "60", corrects="wrong")

    told = step.one("wallet_transaction")
    assert (told["reason"], told["corrects"]) == ("correction", "wrong")
    assert [data["reason"] for data in step.named("fund_allocation")] == ["correction", "correction"]
    assert move(driver, MASTER, agent("b"), "1", corrects="not an id").reasons == ["invalid_id"]
    audited(driver)


def test_what_is_closed_or_retired_neither_gives_nor_gets() -> None:
    """A retired agent's money goes back by itself, as it comes free."""
    driver = funded(a="100", b="0")
    driver.fill("a", "buy", "1", "50")
    driver.command("agent_retire", agent="a")
    driver.command("farm_create", farm="g")
    driver.command("farm_close", farm="g")

    for closed in (agent("a"), farm("g")):
        assert move(driver, MASTER, closed, "1").refusal == "account_closed"
        assert move(driver, closed, MASTER, "1").refusal == "account_closed"
    assert driver.command("allocate", agent="a", amount="1").refusal == "agent_retired"


def test_what_is_in_another_wallet_is_out_of_reach() -> None:
    """Wallets share nothing: to this one the other's farms and agents do not exist."""
    driver = funded(deposit="100", a="0")
    driver.command("wallet_create", wallet="v", currency="USDT")
    driver.command("farm_create", wallet="v", farm="vf")
    driver.command("agent_register", wallet="v", agent="va", farm="vf")

    for scope, reason in ((agent("va"), "unknown_agent"), (farm("vf"), "unknown_farm")):
        for step in (move(driver, MASTER, scope, "1"), move(driver, scope, MASTER, "1")):
            assert (step.reasons, step.reply["status"]) == ([reason], "rejected")
    assert driver.command("allocate", agent="va", amount="1").reasons == ["unknown_agent"]
    assert driver.wallet["cash"] == "100"


def test_no_more_is_withdrawn_than_there_is_unless_what_is_there_is_enough() -> None:
    """And of nothing not even that."""
    driver = funded(deposit="100")

    assert driver.command("withdraw", amount="101").refusal == "exceeds_available"
    assert driver.command("withdraw", amount="101", at_most=True).reply["result"]["amount"] == "100"
    assert driver.command("withdraw", amount="101", at_most=True).refusal == "exceeds_available"
