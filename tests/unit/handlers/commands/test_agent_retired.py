"""Retired agents: what comes back from them, and what of them still counts."""

import msgspec
import pytest

from tests.support.driver import CALM, DAY, MINUTE, Driver, Json, earn, funded, limited

FARM: Json = {"type": "farm", "id": "f"}


def test_what_a_retired_agent_has_free_goes_back_at_once() -> None:
    """And it is told that it was collected, and why."""
    driver = funded(CALM, a="1000")
    driver.fill("a", "buy", "2", "100")

    step = driver.command("agent_retire", agent="a")

    assert step.one("fund_collection") == {
        "amount": "800",
        "cash": "0",
        "reason": "retired",
        "agent": "a",
        "farm": "f",
        "budget": "0",
        "pending_return": "200",
    }
    assert (driver.agent_of("a")["state"], driver.agent_of("a")["equity"]) == ("retired", "200")
    assert driver.wallet["cash"] == "9800"


def test_the_rest_of_a_retired_agent_follows_as_it_comes_free() -> None:
    """With the fill that closes its position, profit and all."""
    driver = funded(CALM, a="1000")
    driver.fill("a", "buy", "2", "100")
    driver.command("agent_retire", agent="a")

    step = driver.fill("a", "sell", "2", "110")

    assert (step.one("fund_collection")["amount"], step.one("fund_collection")["pending_return"]) == (
        "220",
        "0",
    )
    assert (driver.agent_of("a")["equity"], driver.wallet["cash"]) == ("0", "10020")
    assert driver.agent_of("a")["trades"] == 2


@pytest.mark.parametrize(
    ("members", "refusal"),
    [
        ({"kind": "agent_retire"}, "agent_retired"),
        ({"kind": "agent_configure", "strategy": "x"}, "agent_retired"),
        ({"kind": "agent_assign", "farm": "f"}, "agent_retired"),
        ({"kind": "allocate", "amount": "5"}, "agent_retired"),
        ({"kind": "emergency_stop", "scope": {"type": "agent", "id": "a"}}, "account_closed"),
        (
            {
                "kind": "transfer",
                "source": {"type": "wallet", "id": "w"},
                "target": {"type": "agent", "id": "a"},
                "amount": "1",
            },
            "account_closed",
        ),
    ],
)
def test_a_retired_agent_takes_no_part(members: Json, refusal: str) -> None:
    """Nothing is given to it any more."""
    driver = funded(a="100")
    driver.command("agent_retire", agent="a")

    step = driver.send("command", driver.event({"agent": "a"} | members))

    assert step.reply["refusal"] == refusal


def test_a_retired_agent_stays_retired() -> None:
    """Whatever stops or resumes it: a late loss, a cool-off, a command."""
    driver = funded({"breakers": {"cool_off": "1m"}}, a="1000")
    driver.fill("a", "buy", "1", "900")
    driver.command("emergency_stop", scope={"type": "agent", "id": "a"})
    driver.command("agent_retire", agent="a")

    states = [driver.agent_of("a")["state"]]
    driver.command("emergency_resume", scope={"type": "agent", "id": "a"})
    states.append(driver.agent_of("a")["state"])
    driver.fill("a", "sell", "1", "100")  # trips what limits it still has
    states.append(driver.agent_of("a")["state"])
    driver.after(2 * MINUTE).tick()
    states.append(driver.agent_of("a")["state"])
    driver.command("emergency_stop", scope={"type": "wallet", "id": "w"})
    driver.command("emergency_resume", scope={"type": "wallet", "id": "w"})
    states.append(driver.agent_of("a")["state"])

    assert states == ["retired"] * 5
    assert driver.agent_of("a")["cash"] == "0"


def emergencies(driver: Driver) -> list[Json]:
    """Return all that was said of emergencies, in order."""
    return [msgspec.json.decode(event)["data"] for stream, event in driver.outputs if stream == "emergency"]


@pytest.mark.parametrize("limits", [{"agent_drawdown": 0.1}, {"agent_losing_streak": 1}])
def test_a_late_loss_stops_no_agent_that_is_retired(limits: Json) -> None:
    """Nor does it give it a colour: nobody is there who could act on it."""
    driver = funded(limited(**limits), a="1000")
    driver.fill("a", "buy", "2", "100")
    driver.command("agent_retire", agent="a")

    step = driver.fill("a", "sell", "2", "40")

    assert (step.named("emergency_stop"), step.named("risk_alert")) == ([], [])
    assert (driver.agent_of("a")["breaker"], driver.agent_of("a")["trip"]) == ("green", None)


@pytest.mark.parametrize(
    ("limits", "scope"), [({"farm_daily_loss": 0.1}, "farm"), ({"wallet_daily_loss": 0.01}, "wallet")]
)
def test_a_late_loss_of_a_retired_agent_is_its_farms_and_its_wallets(limits: Json, scope: str) -> None:
    """120 of the farm's 1000 and the wallet's 10000: those limits hold, and stop the others."""
    driver = funded(limited(agent_drawdown=0.01, **limits), a="500", b="500")
    driver.fill("a", "buy", "2", "100")
    driver.command("agent_retire", agent="a")

    stop = driver.fill("a", "sell", "2", "40").one("emergency_stop")

    assert (stop["scope"], stop["agents"]) == (scope, ["b"])
    assert [driver.agent_of(name)["state"] for name in ("a", "b")] == ["retired", "stopped"]


def test_what_stopped_an_agent_ends_with_it() -> None:
    """Its own stop and its colour; that is not told, and there is nothing left to resume."""
    driver = funded(limited(agent_daily_loss=0.1, cool_off="1m"), a="1000", b="1000")
    for name, loss in (("a", -100), ("b", -60)):
        earn(driver, name, loss)
    assert [driver.agent_of(name)["breaker"] for name in ("a", "b")] == ["red", "yellow"]
    said = len(emergencies(driver))
    for name in ("a", "b"):
        driver.command("agent_retire", agent=name)

    refusal = driver.command("emergency_resume", scope={"type": "agent", "id": "a"}).refusal
    driver.after(DAY).tick()

    assert refusal == "not_stopped"
    assert len(emergencies(driver)) == said
    assert [driver.agent_of(name)["breaker"] for name in ("a", "b")] == ["green", "green"]
    assert driver.agent_of("a")["trip"] is None


def test_an_agent_that_was_retired_under_a_stop_by_an_older_version_is_left_alone() -> None:
    """Its stored stop and colour move no timer and are told no more."""
    driver = funded(limited(agent_daily_loss=0.1, cool_off="1m"), a="1000", b="1000")
    for name, loss in (("a", -100), ("b", -60)):
        earn(driver, name, loss)
    for name in ("w/a", "w/b"):
        stored = msgspec.json.decode(driver.state["agents"][name]) | {"state": "retired"}
        driver.state["agents"][name] = msgspec.json.encode(stored)
    said = len(emergencies(driver))

    driver = driver.restarted()
    refusal = driver.command("emergency_resume", scope={"type": "agent", "id": "a"}).refusal
    driver.after(MINUTE).tick()
    driver.after(DAY).tick()

    assert refusal == "not_stopped"
    assert len(emergencies(driver)) == said
