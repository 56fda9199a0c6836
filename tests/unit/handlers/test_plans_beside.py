"""Plans that take long: asked for in state, computed beside the stream, applied as an input, once."""

import json
from typing import Any

import pytest

from domain.allocation import METHODS, Weights
from tests.support.driver import NO_BREAKERS, QUIET, SECOND, Driver, Json, Step, funded

RULES: Json = {
    "rebalance": {**QUIET["rebalance"], "threshold": 0.1, "method": "risk_parity", "max_weight": 1},
    "breakers": NO_BREAKERS,
}


@pytest.fixture(autouse=True)
def everything_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have even two agents be too many for a solver to weigh between two batches."""
    monkeypatch.setattr("domain.weighing.EFFORT_MAX", 0)


def fleet(**rebalance: Any) -> Driver:
    """Give a wallet of 2000 that all lies with a, beside b."""
    rules = {**RULES, "rebalance": {**RULES["rebalance"], "turnover": 1, **rebalance}}
    return funded(rules, deposit="2000", a="2000", b="0")


def answer_to(driver: Driver) -> bytes:
    """Compute what is wanted."""
    (job,) = driver.fleet.jobs()
    return job.prepare()()


def exclude_each_other(driver: Driver) -> None:
    """Give agents the bounds that were taken when nobody looked at them before money was to move."""
    for agent in driver.fleet.view.books["w"].agents.values():
        agent.min_weight = 0.6


def test_a_command_is_told_that_its_plan_is_under_way() -> None:
    """Nothing moves until the weights are there; then the plan is caused by the command, and by who asked."""
    driver = fleet()

    asked = driver.command("rebalance", id="c1", by="ann")
    told = driver.send("clock", answer_to(driver))

    assert asked.named("farm_rebalance") == asked.named("fund_allocation") == []
    assert asked.reply["result"] == {"method": "risk_parity", "plan": 1, "under_way": True}
    plan = told.one("farm_rebalance")
    assert (plan["plan"], plan["trigger"], plan["method"]) == (1, "command", "risk_parity")
    assert plan["transfers"] == [{"agent": "a", "amount": "-1000"}, {"agent": "b", "amount": "1000"}]
    assert {said.event["causationid"] for said in told.said} == {"c1"}
    assert {data["by"] for data in told.named("wallet_transaction")} == {"ann"}
    assert driver.wallet["wanted"] is None
    assert driver.fleet.jobs() == []


def test_the_plan_is_the_one_that_is_made_at_once_where_it_takes_not_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """But for its number."""
    beside, at_once = fleet(), fleet()
    beside.command("rebalance")
    late = beside.send("clock", answer_to(beside)).one("farm_rebalance")
    monkeypatch.setattr("domain.weighing.EFFORT_MAX", 10**9)

    assert at_once.command("rebalance").one("farm_rebalance") == {**late, "plan": None}


def test_fills_are_applied_while_the_plan_is_computed() -> None:
    """The plan that comes of it is of the money there is then."""
    driver = fleet()
    driver.command("rebalance")
    weights = answer_to(driver)

    driver.fill("a", "buy", "1", "100")
    driver.fill("a", "sell", "1", "300")
    plan = driver.send("clock", weights).one("farm_rebalance")

    assert plan["capital"] == "2200"
    assert plan["transfers"] == [{"agent": "a", "amount": "-1100"}, {"agent": "b", "amount": "1100"}]


def test_an_answer_that_comes_twice_is_a_repeat() -> None:
    """A worker that was killed after it had answered leaves the work to be done again."""
    driver = fleet()
    driver.command("rebalance")
    weights = answer_to(driver)
    driver.send("clock", weights)
    before = driver.bytes_of_state()

    again = driver.send("clock", weights)

    assert (again.said, again.dead, again.repeats) == ([], [], 1)
    assert driver.bytes_of_state() == before


def test_what_is_wanted_outlives_the_worker() -> None:
    """A restart between question and answer wants the same plan, and computes the same."""
    driver = fleet()
    driver.command("rebalance")
    first = answer_to(driver)
    fresh = driver.restarted()

    assert [job.name for job in fresh.fleet.jobs()] == [job.name for job in driver.fleet.jobs()] == ["w/1"]
    assert answer_to(fresh) == first
    told = fresh.send("clock", first)
    assert len(told.named("farm_rebalance")) == 1
    assert told.said == driver.send("clock", first).said
    assert fresh.state == driver.state


def test_the_answer_moves_no_time() -> None:
    """It has the wallet's own time of when the work began; fills have moved on since."""
    driver = fleet()
    driver.command("rebalance")
    weights = answer_to(driver)
    driver.after(SECOND).fill("a", "buy", "1", "100")
    driver.after(SECOND).send("clock", weights)

    assert json.loads(weights)["timestamp"] + SECOND == driver.wallet["time"]


def test_an_agent_that_came_meanwhile_waits_and_one_that_left_gets_nothing() -> None:
    """Weights are fitted to who is there; that the fleet changed is told."""
    driver = fleet()
    driver.command("rebalance")
    weights = answer_to(driver)
    driver.command("agent_register", agent="c", farm="f")
    driver.command("agent_retire", agent="b")

    plan = driver.send("clock", weights).one("farm_rebalance")

    assert {name: agent["weight"] for name, agent in plan["agents"].items()} == {"a": 1.0, "c": 0.0}
    assert plan["fallback"].endswith("fleet_changed:fitted")


def test_bounds_of_now_are_kept() -> None:
    """Half and half was computed; meanwhile a may have no more than .3."""
    driver = fleet()
    driver.command("rebalance")
    weights = answer_to(driver)
    driver.command("agent_configure", agent="a", max_weight=0.3)

    plan = driver.send("clock", weights).one("farm_rebalance")

    assert plan["agents"]["a"]["weight"] == 0.3
    assert plan["agents"]["a"]["reasons"][0] == "max_weight"


@pytest.mark.parametrize("change", ["stopped", "infeasible"])
def test_a_plan_that_may_not_be_any_more_is_dropped(change: str) -> None:
    """A wallet that was stopped, or bounds that can hold no more: nothing moves, nothing is wanted."""
    driver = fleet()
    driver.command("rebalance")
    weights = answer_to(driver)
    if change == "stopped":
        driver.command("emergency_stop", scope={"type": "wallet", "id": "w"})
    else:
        exclude_each_other(driver)

    step = driver.send("clock", weights)

    assert (step.said, step.dead, step.repeats) == ([], [], 0)
    assert driver.wallet["wanted"] is None


def test_a_later_command_takes_the_place_of_one_under_way() -> None:
    """The first one's weights are not wanted any more."""
    driver = fleet()
    driver.command("rebalance", method="kelly")
    old = answer_to(driver)
    driver.command("rebalance", method="hierarchical_risk_parity")

    assert driver.send("clock", old).repeats == 1
    plan = driver.send("clock", answer_to(driver)).one("farm_rebalance")
    assert (plan["plan"], plan["method"]) == (2, "hierarchical_risk_parity")


def test_a_command_that_is_done_at_once_takes_it_too() -> None:
    """Equal parts need no solver."""
    driver = fleet()
    driver.command("rebalance")
    old = answer_to(driver)

    assert driver.command("rebalance", method="equal").one("farm_rebalance")["plan"] is None
    assert driver.send("clock", old).repeats == 1


def test_the_clock_does_not_overtake_what_a_command_asked_for() -> None:
    """The interval passes while the plan is computed: it is what that occasion gets."""
    driver = fleet(interval="1m", method="equal")
    driver.command("rebalance", method="risk_parity")

    tick = driver.after(90 * SECOND).tick()
    plan = driver.send("clock", answer_to(driver)).one("farm_rebalance")

    assert tick.named("farm_rebalance") == []
    assert (plan["plan"], plan["method"], plan["trigger"]) == (1, "risk_parity", "command")


def test_a_plan_by_the_clock_is_asked_for_once_until_it_is_there() -> None:
    """Intervals that pass meanwhile ask for no other; the next one after it does."""
    driver = fleet(interval="1m")
    driver.after(61 * SECOND).tick()
    driver.after(61 * SECOND).tick()
    first = driver.send("clock", answer_to(driver)).one("farm_rebalance")
    driver.after(61 * SECOND).tick()

    assert (first["plan"], first["trigger"]) == (1, "interval")
    assert driver.wallet["wanted"]["number"] == 2


def test_what_the_rules_refuse_is_refused_at_once() -> None:
    """Nothing is computed for bounds that cannot hold, nor for a dry run, which says that it would be."""
    driver = fleet()
    dry = driver.command("rebalance", dry_run=True)
    assert dry.reply["result"]["answer"] == {"method": "risk_parity", "plan": 1, "under_way": False}
    exclude_each_other(driver)

    assert driver.command("rebalance").reply["refusal"] == "infeasible_bounds"
    assert driver.fleet.jobs() == []


def test_weights_are_computed_from_what_was_there_when_the_work_began(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What another thread reads does not change with the book: returns, bounds and names are its own."""
    seen: list[list[str]] = []

    def look(candidates: Any, share: float, *_: Any) -> Weights:
        seen.append([candidate.id for candidate in candidates])
        raise AssertionError(share)

    driver = fleet()
    driver.command("rebalance")
    (job,) = driver.fleet.jobs()
    work = job.prepare()
    driver.command("agent_register", agent="c", farm="f")
    table: Any = METHODS
    monkeypatch.setitem(table, "risk_parity", look)
    with pytest.raises(AssertionError):
        work()
    monkeypatch.undo()

    assert seen == [["f"]]
    assert set(json.loads(work())["plan"]["weighing"]["weights"]) == {"a", "b"}


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"plan": {"wallet": "gone", "number": 1, "cause": "x", "weighing": None}}, "unknown_wallet"),
        ({"plan": {"wallet": "w", "number": "one", "cause": "x", "weighing": None}}, "invalid_member"),
        (
            {"plan": {"wallet": "w", "number": 1, "cause": "x", "weighing": {"method": "equal"}}},
            "invalid_member",
        ),
    ],
)
def test_what_is_no_answer_is_a_dead_letter(event: Json, reason: str) -> None:
    """And changes nothing."""
    driver = fleet()
    step: Step = driver.send("clock", {"timestamp": driver.now, **event})

    assert step.reasons == [reason]
