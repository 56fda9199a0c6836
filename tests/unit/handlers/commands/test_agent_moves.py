"""Agents are assigned to another farm, under its stops and out of them."""

import pytest

from tests.support.driver import CALM, Driver, Json, funded

FARM: Json = {"type": "farm", "id": "f"}


def two_farms() -> Driver:
    """Return agents a and b in f, and farm g."""
    driver = funded(CALM, a="1000", b="500")
    driver.command("farm_create", farm="g")
    return driver


def test_an_agent_takes_all_it_has_to_its_new_farm() -> None:
    """Its money and its open profit go with it; neither farm earns or loses by it."""
    driver = two_farms()
    driver.fill("a", "buy", "2", "100")
    driver.balance("a", prices={"BTC/USDT": "150"})

    step = driver.command("agent_assign", agent="a", farm="g")

    assert step.reply["result"] == {"agent": "a", "farm": "g"}
    assert step.one("agent_farm_assignment") == {
        "agent": "a",
        "farm": "g",
        "previous": "f",
        "strategy": "",
        "risk_mode": "balanced",
    }
    old, new = driver.farm_of("f"), driver.farm_of("g")
    assert (old["equity"], old["unrealized_pnl"], old["drawdown"]) == ("500", "0", 0.0)
    assert (new["equity"], new["unrealized_pnl"], new["drawdown"]) == ("1100", "100", 0.0)
    assert driver.agent_of("a")["equity"] == "1100"
    assert driver.wallet["equity"] == "10100"
    driver.fill("a", "sell", "2", "150")
    assert (driver.farm_of("g")["realized_pnl"], driver.farm_of("g")["equity"]) == ("100", "1100")


def test_a_farm_keeps_its_drawdown_when_an_agent_leaves() -> None:
    """1500 lost 300, a fifth; 800 of 1200 leave, and a fifth it is still."""
    driver = two_farms()
    driver.fill("a", "buy", "1", "300")
    driver.fill("a", "sell", "1", "100")
    driver.fill("b", "buy", "1", "100")
    driver.fill("b", "sell", "1", "0.00000001", cost="0")
    assert driver.farm_of("f")["drawdown"] == 0.2

    driver.command("agent_assign", agent="a", farm="g")

    assert (driver.farm_of("f")["equity"], driver.farm_of("f")["drawdown"]) == ("400", 0.2)
    assert driver.agent_of("a")["drawdown"] == 0.2


def test_an_agent_that_is_there_already_is_not_moved() -> None:
    """Unchanged."""
    driver = two_farms()

    step = driver.command("agent_assign", agent="a", farm="f")

    assert step.reply["status"] == "unchanged"
    assert step.named("agent_farm_assignment") == []


def test_who_comes_to_a_farm_that_is_stopped_is_stopped_and_who_leaves_one_runs() -> None:
    """Where it stands is what holds it."""
    driver = two_farms()
    driver.command("emergency_stop", scope={"type": "farm", "id": "g"})

    driver.command("agent_assign", agent="a", farm="g")

    assert (driver.agent_of("a")["state"], driver.agent_of("a")["cash"]) == ("stopped", "0")
    driver.command("agent_assign", agent="a", farm="f")
    assert driver.agent_of("a")["state"] == "active"


def test_an_agent_that_tripped_takes_its_stop_along() -> None:
    """Its own stop is its own, and nothing new to its bot."""
    driver = two_farms()
    driver.command("emergency_stop", scope={"type": "agent", "id": "a"})

    step = driver.command("agent_assign", agent="a", farm="g")

    assert driver.agent_of("a")["state"] == "stopped"
    assert step.named("emergency_stop") == step.named("emergency_resume") == []


def test_who_comes_under_a_stop_is_told_of_it_alone() -> None:
    """The stop of that farm, as it is; before what it has is collected."""
    driver = two_farms()
    driver.command("agent_register", agent="c", farm="g")
    stop = driver.command(
        "emergency_stop", scope={"type": "farm", "id": "g"}, action="liquidate", reason="drill", by="ann"
    ).one("emergency_stop")

    step = driver.command("agent_assign", agent="a", farm="g", by="bob")

    assert step.one("emergency_stop") == stop | {"agents": ["a"], "by": "bob"}
    names = ["agent_farm_assignment", "emergency_stop", "fund_collection"]
    assert [name for name in step.names if name in names] == names


def test_who_leaves_the_last_stop_that_held_it_is_told_that_it_may_trade() -> None:
    """In its own name, for the farm stays stopped."""
    driver = two_farms()
    driver.command("emergency_stop", scope={"type": "farm", "id": "f"})

    step = driver.command("agent_assign", agent="a", farm="g", by="bob")

    assert step.one("emergency_resume") == {
        "scope": "agent",
        "id": "a",
        "agents": ["a"],
        "reason": "assigned",
        "by": "bob",
    }
    assert driver.farm_of("f")["state"] == "stopped"
    resumed = driver.command("emergency_resume", scope={"type": "farm", "id": "f"})
    assert resumed.one("emergency_resume")["agents"] == ["b"]


@pytest.mark.parametrize("other", [{"type": "wallet", "id": "w"}, {"type": "agent", "id": "a"}])
def test_who_is_held_by_another_stop_is_told_only_of_those_it_comes_under(other: Json) -> None:
    """It leaves a farm's stop and is held still; then it comes under one more, which may ask for another."""
    driver = two_farms()
    driver.command("emergency_stop", scope={"type": "farm", "id": "f"})
    driver.command("emergency_stop", scope=other)

    out = driver.command("agent_assign", agent="a", farm="g")
    back = driver.command("agent_assign", agent="a", farm="f")

    assert out.named("emergency_stop") == out.named("emergency_resume") == []
    assert (back.one("emergency_stop")["id"], back.named("emergency_resume")) == ("f", [])
    lifted = [driver.command("emergency_resume", scope=scope) for scope in (other, FARM)]
    assert "a" in lifted[1].one("emergency_resume")["agents"]


def test_who_is_registered_under_stops_is_told_of_each() -> None:
    """From the inside out, as when they are made."""
    driver = two_farms()
    for scope in (FARM, {"type": "wallet", "id": "w"}):
        driver.command("emergency_stop", scope=scope)

    step = driver.command("agent_register", agent="d", farm="f")

    told = [(stop["scope"], stop["id"], stop["agents"]) for stop in step.named("emergency_stop")]
    assert told == [("farm", "f", ["d"]), ("wallet", "w", ["d"])]
