"""Operators stop and resume: every agent under the scope, at once, and only what they stopped."""

import pytest

from tests.support.driver import CALM, SECOND, Driver, Json, funded

WALLET: Json = {"type": "wallet", "id": "w"}
FARM: Json = {"type": "farm", "id": "f"}
AGENT: Json = {"type": "agent", "id": "a"}


def fleet() -> Driver:
    """Return agents a and b in farm f and c in farm g, each with 1000."""
    driver = funded(CALM, a="1000", b="1000")
    driver.command("farm_create", farm="g")
    driver.command("agent_register", agent="c", farm="g")
    driver.command("allocate", agent="c", amount="1000")
    return driver


def states(driver: Driver) -> list[str]:
    """Return the states of a, b and c."""
    return [driver.agent_of(name)["state"] for name in ("a", "b", "c")]


@pytest.mark.parametrize(
    ("scope", "covered"), [(WALLET, ["a", "b", "c"]), (FARM, ["a", "b"]), (AGENT, ["a"])]
)
def test_a_stop_covers_all_under_its_scope(scope: Json, covered: list[str]) -> None:
    """They are stopped, what they have goes back to the master, and the event names them all."""
    driver = fleet()

    step = driver.command("emergency_stop", scope=scope, reason="exchange is down", by="ann")

    assert step.one("emergency_stop") == {
        "scope": scope["type"],
        "id": scope["id"],
        "agents": covered,
        "action": "stop",
        "reason": "exchange is down",
        "value": None,
        "limit": None,
        "by": "ann",
    }
    expected = ["stopped" if name in covered else "active" for name in ("a", "b", "c")]
    assert states(driver) == expected
    assert [(data["agent"], data["reason"]) for data in step.named("fund_collection")] == [
        (name, "emergency") for name in covered
    ]
    assert driver.wallet["cash"] == str(7000 + 1000 * len(covered))
    assert driver.wallet["equity"] == "10000"


@pytest.mark.parametrize("action", ["block_entries", "stop", "liquidate"])
def test_a_stop_says_what_the_bots_must_do(action: str) -> None:
    """And the scope remembers it."""
    driver = fleet()

    step = driver.command("emergency_stop", scope=AGENT, action=action)

    assert (step.one("emergency_stop")["action"], driver.agent_of("a")["trip"]["action"]) == (action, action)
    assert step.one("emergency_stop")["reason"] == "command"


def test_an_action_there_is_not_is_a_dead_letter() -> None:
    """As is every mistyped member."""
    assert fleet().command("emergency_stop", scope=AGENT, action="panic").reasons == ["invalid_member"]


def test_a_scope_is_stopped_once() -> None:
    """Under a stop of its own; one above it does not count."""
    driver = fleet()
    driver.command("emergency_stop", scope=WALLET)

    assert driver.command("emergency_stop", scope=AGENT).reply["status"] == "ok"
    assert driver.command("emergency_stop", scope=AGENT).reply["refusal"] == "already_stopped"
    assert driver.command("emergency_stop", scope=WALLET).reply["refusal"] == "already_stopped"


def test_a_resume_lifts_a_stop_where_it_was_made() -> None:
    """An agent that a farm's stop holds is resumed with the farm."""
    driver = fleet()
    driver.command("emergency_stop", scope=FARM)

    assert driver.command("emergency_resume", scope=AGENT).reply["refusal"] == "stopped_above"
    step = driver.command("emergency_resume", scope=FARM, reason="it is up again", by="ann")

    assert step.one("emergency_resume") == {
        "scope": "farm",
        "id": "f",
        "agents": ["a", "b"],
        "reason": "it is up again",
        "by": "ann",
    }
    assert states(driver) == ["active"] * 3
    assert driver.command("emergency_resume", scope=FARM).reply["refusal"] == "not_stopped"
    assert driver.command("emergency_resume", scope=AGENT).reply["refusal"] == "not_stopped"


def test_who_is_under_several_stops_runs_when_the_last_is_lifted() -> None:
    """In whatever order that happens."""
    for order in ((WALLET, FARM, AGENT), (AGENT, FARM, WALLET), (FARM, WALLET, AGENT)):
        driver = fleet()
        for scope in (AGENT, WALLET, FARM):
            driver.command("emergency_stop", scope=scope)

        resumed = [
            driver.command("emergency_resume", scope=s).one("emergency_resume")["agents"] for s in order
        ]

        assert states(driver) == ["active"] * 3
        assert sorted(name for names in resumed for name in names) == ["a", "b", "c"]


def test_a_new_agent_under_a_stop_starts_stopped() -> None:
    """And runs with the others when it is lifted."""
    driver = fleet()
    driver.command("emergency_stop", scope=FARM)

    assert driver.command("agent_register", agent="d", farm="f").reply["result"]["state"] == "stopped"
    assert driver.command("agent_register", agent="e", farm="g").reply["result"]["state"] == "active"
    step = driver.command("emergency_resume", scope=FARM)
    assert step.one("emergency_resume")["agents"] == ["a", "b", "d"]


def test_a_stopped_agent_gives_back_what_comes_free_and_keeps_nothing() -> None:
    """Its position is closed after the stop: that money follows."""
    driver = fleet()
    driver.fill("a", "buy", "1", "400")
    stop = driver.command("emergency_stop", scope=AGENT)
    assert (stop.one("fund_collection")["amount"], stop.one("fund_collection")["pending_return"]) == (
        "600",
        "400",
    )

    step = driver.fill("a", "sell", "1", "410")

    assert (step.one("fund_collection")["amount"], step.one("fund_collection")["pending_return"]) == (
        "410",
        "0",
    )
    assert (driver.agent_of("a")["equity"], driver.agent_of("a")["budget"]) == ("0", "0")


def test_money_that_comes_free_by_a_snapshot_goes_back_too() -> None:
    """An order that was cancelled after the stop."""
    driver = fleet()
    driver.after(SECOND).balance("a", total={"USDT": "1000"}, free={"USDT": "300"})
    driver.command("emergency_stop", scope=AGENT)
    assert driver.agent_of("a")["cash"] == "700"

    step = driver.after(SECOND).balance("a", total={"USDT": "700"}, free={"USDT": "700"})

    assert step.one("fund_collection")["amount"] == "700"


def test_a_stop_asks_for_a_rebalance_and_a_resume_does() -> None:
    """When the stop is lifted, what is due is known again."""
    driver = funded({"rebalance": {"interval": 0, "reserve": 0}} | CALM, a="0")
    driver.after(SECOND).tick()
    assert driver.agent_of("a")["cash"] == "4000"
    driver.command("emergency_stop", scope=WALLET)
    assert driver.after(SECOND).tick().named("farm_rebalance") == []
    driver.command("emergency_resume", scope=WALLET)

    step = driver.after(SECOND).tick()

    assert step.one("fund_allocation")["amount"] == "4000"


@pytest.mark.parametrize("kind", ["emergency_stop", "emergency_resume"])
@pytest.mark.parametrize(
    ("scope", "reason"),
    [
        ({"type": "agent", "id": "x"}, "unknown_agent"),
        ({"type": "farm", "id": "x"}, "unknown_farm"),
        ({"type": "wallet", "id": "x"}, "unknown_wallet"),
        ({"type": "world", "id": "w"}, "invalid_member"),
        (None, "invalid_member"),
    ],
)
def test_a_scope_there_is_not_is_a_dead_letter(kind: str, scope: Json | None, reason: str) -> None:
    """It is not for a typing error to stop nobody in silence."""
    assert fleet().command(kind, scope=scope).reasons == [reason]
