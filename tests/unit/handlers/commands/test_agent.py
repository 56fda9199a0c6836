"""Agents are registered, changed, assigned to another farm and retired."""

import msgspec
import pytest

from tests.support.driver import CALM, DAY, MINUTE, QUIET, SECOND, Driver, Json, earn, funded, limited

FARM: Json = {"type": "farm", "id": "f"}


def test_an_agent_is_registered_and_told() -> None:
    """With nothing yet, in its farm."""
    driver = funded()

    step = driver.command(
        "agent_register", agent="darvas-1", farm="f", strategy="darvas_box", risk_mode="risky"
    )

    assert step.reply["result"] == {"agent": "darvas-1", "farm": "f", "state": "active"}
    assert step.one("agent_farm_assignment") == {
        "agent": "darvas-1",
        "farm": "f",
        "previous": None,
        "strategy": "darvas_box",
        "risk_mode": "risky",
    }
    agent = driver.agent_of("darvas-1")
    assert (agent["cash"], agent["tier"], agent["risk_mode"], agent["budget"]) == (
        "0",
        "average",
        "risky",
        "0",
    )


@pytest.mark.parametrize(
    ("again", "refusal"),
    [
        ({"farm": "f"}, "exists"),
        ({"farm": "f", "strategy": "other"}, "exists_with_different_body"),
        ({"farm": "f", "risk_mode": "safe"}, "exists_with_different_body"),
    ],
)
def test_an_agent_is_registered_once(again: Json, refusal: str) -> None:
    """Just so, or otherwise; a retired one is not brought back by its name."""
    driver = funded(a="0")

    assert driver.command("agent_register", agent="a", **again).reply["refusal"] == refusal
    driver.command("agent_retire", agent="a")
    assert driver.command("agent_register", agent="a", **again).reply["refusal"] == refusal
    assert driver.agent_of("a")["state"] == "retired"


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"kind": "agent_register", "agent": "a b", "farm": "f"}, "invalid_id"),
        ({"kind": "agent_register", "agent": "b", "farm": "nowhere"}, "unknown_farm"),
        ({"kind": "agent_register", "agent": "b", "farm": "f", "risk_mode": "reckless"}, "invalid_member"),
        ({"kind": "agent_configure", "agent": "nobody"}, "unknown_agent"),
        ({"kind": "agent_assign", "agent": "nobody", "farm": "f"}, "unknown_agent"),
        ({"kind": "agent_assign", "agent": "a", "farm": "nowhere"}, "unknown_farm"),
        ({"kind": "agent_retire", "agent": "nobody"}, "unknown_agent"),
    ],
)
def test_what_there_is_not_is_a_dead_letter(members: Json, reason: str) -> None:
    """It may be made, and the command sent again."""
    driver = funded(a="0")

    assert driver.send("command", driver.event(members)).reasons == [reason]


def test_an_agent_is_changed_member_by_member() -> None:
    """What is left out stays; what is as asked is unchanged."""
    driver = funded(a="0")

    assert driver.command("agent_configure", agent="a", max_weight=0.2).reply["status"] == "ok"
    assert (
        driver.command("agent_configure", agent="a", risk_mode="safe", min_weight=0).reply["status"] == "ok"
    )

    agent = driver.agent_of("a")
    assert (agent["max_weight"], agent["min_weight"], agent["risk_mode"], agent["strategy"]) == (
        0.2,
        0.0,
        "safe",
        "",
    )
    assert driver.command("agent_configure", agent="a", risk_mode="safe").reply["status"] == "unchanged"
    assert driver.command("agent_configure", agent="a").reply["status"] == "unchanged"


@pytest.mark.parametrize(
    "bounds",
    [{"min_weight": 0.3}, {"max_weight": 1.1}, {"min_weight": -0.1}, {"min_weight": 1, "max_weight": 0}],
)
def test_bounds_that_exclude_each_other_are_refused(bounds: Json) -> None:
    """With those the agent has already."""
    driver = funded(a="0")
    driver.command("agent_configure", agent="a", max_weight=0.2)
    before = driver.agent_of("a")

    step = driver.command("agent_configure", agent="a", **bounds)

    assert step.reply["refusal"] == "infeasible_bounds"
    assert driver.agent_of("a") == before


def test_null_takes_a_member_back_to_what_it_is_unset() -> None:
    """So that the rules' bounds hold again."""
    driver = funded(a="0")
    given = {"strategy": "darvas", "risk_mode": "safe", "min_weight": 0.1, "max_weight": 0.2}
    driver.command("agent_configure", agent="a", **given)

    assert driver.command("agent_configure", agent="a", min_weight=None).reply["status"] == "ok"
    assert {name: driver.agent_of("a")[name] for name in given} == given | {"min_weight": None}
    driver.command("agent_configure", agent="a", **dict.fromkeys(given))

    unset = {"strategy": "", "risk_mode": "balanced", "min_weight": None, "max_weight": None}
    assert {name: driver.agent_of("a")[name] for name in given} == unset
    again = driver.command("agent_configure", agent="a", **dict.fromkeys(given))
    assert again.reply["status"] == "unchanged"


# -- minima that cannot hold together ----------------------------------------------------------------------


def refusal(driver: Driver, kind: str, **members: object) -> str | None:
    """Return the refusal of a command."""
    found: str | None = driver.command(kind, **members).reply["refusal"]
    return found


def test_minima_that_sum_to_more_than_there_is_are_refused() -> None:
    """0.6 and 0.4 are all there is; a hundredth more is not there, whoever asks for it."""
    driver = funded(a="0", b="0", c="0")

    assert refusal(driver, "agent_configure", agent="a", min_weight=0.6) is None
    assert refusal(driver, "agent_configure", agent="b", min_weight=0.41) == "infeasible_bounds"
    assert driver.agent_of("b")["min_weight"] is None
    assert refusal(driver, "agent_configure", agent="b", min_weight=0.4) is None
    assert refusal(driver, "agent_configure", agent="c", min_weight=0.01) == "infeasible_bounds"
    driver.command("agent_retire", agent="b")
    assert refusal(driver, "agent_configure", agent="c", min_weight=0.01) is None


def test_three_thirds_are_no_more_than_one() -> None:
    """And ten tenths, which in floats sum to a little more or less."""
    driver = funded({"rebalance": {"min_weight": 0.1}}, **{f"a{n}": "0" for n in range(10)})

    assert len(driver.state["agents"]) == 10


def test_an_agent_for_whom_the_rules_minimum_is_not_left_is_not_registered() -> None:
    """Three of 0.3; a fourth makes 1.2, which nobody could give. Stopped ones count, retired ones do not."""
    driver = funded({"rebalance": {"min_weight": 0.3}}, a="0", b="0", c="0")
    driver.command("emergency_stop", scope={"type": "agent", "id": "a"})

    assert refusal(driver, "agent_register", agent="d", farm="f") == "infeasible_bounds"
    assert "w/d" not in driver.state["agents"]
    driver.command("agent_configure", agent="b", max_weight=0.1)  # outweighs the rules' minimum
    assert refusal(driver, "agent_register", agent="d", farm="f") is None
    assert refusal(driver, "agent_register", agent="e", farm="f") == "infeasible_bounds"
    driver.command("agent_retire", agent="a")
    assert refusal(driver, "agent_register", agent="e", farm="f") is None


def test_rules_whose_minimum_the_fleet_has_no_room_for_are_refused() -> None:
    """Four agents, one of them with 0.4 of its own: 0.2 for each of the others, no more."""
    driver = funded(a="0", b="0", c="0", d="0")
    driver.command("agent_configure", agent="a", min_weight=0.4)

    refused = refusal(driver, "wallet_configure", rules={"rebalance": {"min_weight": 0.21}})

    assert refused == "infeasible_bounds"
    assert driver.wallet["rules"]["rebalance"]["min_weight"] == 0.0
    assert refusal(driver, "wallet_configure", rules={"rebalance": {"min_weight": 0.2}}) is None


def test_minima_that_are_too_much_already_come_down_step_by_step() -> None:
    """From before they were refused: what makes it no worse is taken."""
    driver = funded(a="0", b="0")
    for name in ("a", "b"):
        stored = driver.agent_of(name) | {"min_weight": 0.9, "max_weight": 1.0}
        driver.state["agents"][f"w/{name}"] = msgspec.json.encode(stored)
    driver = driver.restarted()

    assert refusal(driver, "agent_configure", agent="a", strategy="x") is None
    assert refusal(driver, "agent_configure", agent="a", min_weight=0.95) == "infeasible_bounds"
    assert refusal(driver, "agent_configure", agent="a", min_weight=0.5) is None
    assert refusal(driver, "agent_register", agent="c", farm="f") is None  # its minimum is nothing
    assert refusal(driver, "agent_configure", agent="b", min_weight=None) is None


def test_maxima_that_sum_to_less_than_there_is_are_no_fault() -> None:
    """What they leave stays with the master, and is told with the rebalance."""
    driver = funded({"rebalance": {**QUIET["rebalance"], "threshold": 0.1}}, a="0", b="0")

    assert refusal(driver, "agent_configure", agent="a", max_weight=0.1) is None
    step = driver.command("rebalance", method="equal")

    assert [held for held in step.one("farm_rebalance")["held_back"] if held["reason"] == "bounds"] == [
        {"agent": None, "amount": "5000", "reason": "bounds"}
    ]


def test_the_first_agent_brings_the_first_rebalance() -> None:
    """Though the deposit asked for one long before there was anybody to give to."""
    driver = Driver()
    driver.command("wallet_create", currency="USDT")
    driver.command("deposit", amount="1000")
    driver.after(MINUTE).command("farm_create", farm="f")
    driver.command("agent_register", agent="a", farm="f")

    step = driver.after(SECOND).tick()

    # 5 % stay with the master, and one agent may have 40 % of the rest.
    assert step.one("fund_allocation")["amount"] == "380"


# -- to another farm ---------------------------------------------------------------------------------------


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


# -- retired -----------------------------------------------------------------------------------------------


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
