"""Goals to their last edge: weights, who comes and goes, changes, deadlines, rewards, rounds."""

from typing import Any

import msgspec
import pytest

from state.codec import GOALS
from tests.support.driver import DAY, MINUTE, NO_BREAKERS, SECOND, Driver, Json, Step, funded

CALM = {"breakers": NO_BREAKERS}
MASTER = {"type": "wallet", "id": "w"}
FARM = {"type": "farm", "id": "f"}


def agent(name: str, weight: float = 1.0) -> Json:
    """Assign an agent."""
    return {"type": "agent", "id": name, "weight": weight}


def create(driver: Driver, target: Json, *, goal: str = "g", **members: Any) -> Step:
    """Create a goal of farm f, of the type that the target fits."""
    shapes = {"trades": "trade_volume", "profit": "profit_target", "periods": "strategy_performance"}
    kind = next((shapes[name] for name in target if name in shapes), "custom")
    members = {"goal_type": kind, "target": target, "assigned": [FARM]} | members
    return driver.goal("goal_created", goal, **members)


def earn(driver: Driver, name: str, profit: str) -> Step:
    """Open a position of 100 and close it with a profit; two fills, and the last step."""
    driver.fill(name, "buy", "1", "100")
    return driver.fill(name, "sell", "1", "100", cost=str(100 + float(profit)))


# -- weights -----------------------------------------------------------------------------------------------


def test_ten_fills_that_count_a_tenth_each_are_one() -> None:
    """Ten times 0.1 in floats is 0.9999999999999999; the goal is met with the tenth, not the eleventh."""
    driver = funded(CALM, a="1000")
    create(driver, {"trades": 1}, assigned=[agent("a", 0.1)])

    steps = [driver.fill("a", "buy", "1", "1") for _ in range(10)]

    assert [bool(step.named("goal_completed")) for step in steps] == [False] * 9 + [True]
    assert steps[-1].one("goal_completed")["current"] == {"trades": 1}


def test_weighted_profit_is_exact_where_floats_are_not() -> None:
    """123 456 789.12345678 at 0.3 is 37 037 036.737037034: the unit below, not above."""
    driver = funded(CALM, a="1000")
    create(driver, {"profit": "1e12"}, assigned=[agent("a", 0.3)])
    assert round(12_345_678_912_345_678 * 0.3) == 3_703_703_673_703_704  # this is why

    driver.fill("a", "buy", "1", "100", realized_pnl="123456789.12345678")

    assert driver.goal_of("g")["profit"] == "37037036.73703703"


@pytest.mark.parametrize(
    ("weight", "reasons"),
    [(1e-6, []), (1000, []), (9e-7, ["out_of_range"]), (1000.1, ["out_of_range"]), (-1, ["out_of_range"])],
)
def test_a_weight_has_bounds(weight: float, reasons: list[str]) -> None:
    """Below a millionth nothing would be left of a fill."""
    assert create(funded(a="10"), {"trades": 1}, assigned=[agent("a", weight)]).reasons == reasons


def test_a_scope_is_assigned_once() -> None:
    """Twice would be two weights."""
    assert create(funded(a="10"), {"trades": 1}, assigned=[FARM, FARM]).reasons == ["invalid_member"]


def test_trades_and_profit_of_a_custom_goal_are_weighted_sums_and_the_rest_weighted_means() -> None:
    """20 of a and 15 of b; 4 fills and 1.5; equities 1010 and 530: (2 · 1010 + 530 / 2) / 2.5 = 914."""
    driver = funded(CALM, a="1000", b="500")
    names = ("profit", "trades", "equity", "win_rate")
    target = {"all": [{"metric": name, "at_least": 10**6 if name != "win_rate" else 1} for name in names]}
    create(driver, target, assigned=[agent("a", 2), agent("b", 0.5)])
    earn(driver, "a", "10")

    step = driver.after(SECOND).fill("b", "buy", "1", "100")
    assert step.named("goal_progress_update") == []  # a quarter still: b has closed nothing, so no win rate
    earn(driver, "b", "30")
    driver.goal("goal_cancelled", "g")

    # Two buys of b, then a sale of one at 130 that cost 100: three fills.
    assert driver.goal_of("g")["current"] == {"profit": 35.0, "trades": 5.5, "equity": 914.0, "win_rate": 1.0}


# -- who works towards it ----------------------------------------------------------------------------------


def test_an_agent_counts_while_it_is_in_an_assigned_farm() -> None:
    """Registered later it counts from then; moved away it counts no more; what it did stays."""
    driver = funded(CALM)
    driver.command("farm_create", farm="g")
    create(driver, {"trades": 99}, goal="g")
    counted = []
    for command in (
        {"kind": "agent_register", "agent": "late", "farm": "f"},
        {"kind": "agent_assign", "agent": "late", "farm": "g"},
        {"kind": "agent_assign", "agent": "late", "farm": "f"},
    ):
        driver.send("command", driver.event(command))
        driver.fill("late", "buy", "1", "1")
        counted.append(driver.goal_of("g")["trades"])

    assert counted == [1.0, 1.0, 2.0]


def test_an_agents_own_assignment_goes_with_it() -> None:
    """The farm's weight where it stands, but its own is nearer."""
    driver = funded(CALM, a="10")
    driver.command("farm_create", farm="g")
    create(driver, {"trades": 99}, assigned=[{**FARM, "weight": 2}, agent("a", 3)])
    driver.fill("a", "buy", "1", "1")

    driver.command("agent_assign", agent="a", farm="g")
    driver.fill("a", "buy", "1", "1")

    assert driver.goal_of("g")["trades"] == 6.0


def test_a_goal_that_is_assigned_to_others_keeps_what_was_done() -> None:
    """Two fills of a, then one of b."""
    driver = funded(CALM, a="10", b="10")
    create(driver, {"trades": 99}, assigned=[agent("a")])
    driver.fill("a", "buy", "1", "1")
    driver.fill("a", "buy", "1", "1")

    driver.goal("goal_assigned", "g", assigned=[agent("b")])
    driver.fill("a", "buy", "1", "1")
    driver.fill("b", "buy", "1", "1")

    assert driver.goal_of("g")["trades"] == 3.0


@pytest.mark.parametrize(
    "command",
    [
        {"kind": "emergency_stop", "scope": agent("a")},
        {"kind": "emergency_stop", "scope": MASTER},
        {"kind": "agent_retire", "agent": "a"},
    ],
)
@pytest.mark.parametrize("assigned", [MASTER, FARM, agent("a")])
def test_what_a_stopped_or_retired_agent_still_reports_counts(command: Json, assigned: Json) -> None:
    """It closes its position with a profit of 20, which is its farm's too; all it has goes back as ever."""
    driver = funded(CALM, a="1000")
    create(driver, {"profit": "20"}, assigned=[assigned], collect="profit")
    driver.fill("a", "buy", "1", "100")
    driver.send("command", driver.event(command))

    step = driver.fill("a", "sell", "1", "120")

    assert step.one("goal_completed")["current"] == {"profit": "20"}
    told = [(data["reason"], data["amount"]) for data in step.named("fund_collection")]
    reason = "retired" if command["kind"] == "agent_retire" else "emergency"
    # 900 went with the command. Of the 120 that the position brought, half of the profit goes first.
    assert told == [("goal", "10"), (reason, "110")]
    assert (driver.agent_of("a")["equity"], driver.agent_of("a")["pending_return"]) == ("0", "0")
    assert driver.wallet["cash"] == "10020"


# -- changed while it runs ---------------------------------------------------------------------------------


def test_a_target_that_is_lowered_to_what_was_done_is_met_at_once() -> None:
    """Three fills of nine; then three is all that is asked for."""
    driver = funded(a="1000")
    create(driver, {"trades": 9}, collect="all")
    for _ in range(3):
        driver.fill("a", "buy", "1", "1")

    step = driver.goal("goal_updated", "g", target={"trades": 3})

    assert [said.name for said in step.said if said.name.startswith(("goal", "fund"))] == [
        "goal_created",
        "goal_progress_update",
        "goal_completed",
        "fund_collection",
    ]
    assert step.one("fund_collection")["amount"] == "997"
    assert driver.goal_of("g")["state"] == "completed"


def test_a_target_that_is_raised_takes_percents_back() -> None:
    """Two fills are a half of four, and a fifth of ten."""
    driver = funded(a="1000")
    create(driver, {"trades": 4})
    driver.fill("a", "buy", "1", "1")
    driver.after(SECOND).fill("a", "buy", "1", "1")

    step = driver.after(SECOND).goal("goal_updated", "g", target={"trades": 10})

    assert step.one("goal_progress_update")["percent"] == 20
    driver.after(SECOND).fill("a", "buy", "1", "1")
    assert driver.goal_of("g")["percent"] == 30


def test_null_takes_a_member_back_to_what_it_is_unset() -> None:
    """And what is left out stays."""
    driver = funded(a="1000")
    given: Json = {
        "name": "n",
        "deadline": driver.now + DAY,
        "collect": "all",
        "reward": 0.5,
        "raise_by": 0.1,
    }
    create(driver, {"trades": 9}, **given)
    assert {name: driver.goal_of("g")[name] for name in given} == given

    driver.goal("goal_updated", "g")
    assert {name: driver.goal_of("g")[name] for name in given} == given
    step = driver.goal("goal_updated", "g", **dict.fromkeys(given))

    unset = {"name": "g", "deadline": None, "collect": "none", "reward": 0.0, "raise_by": None}
    assert {name: driver.goal_of("g")[name] for name in given} == unset
    assert {name: step.one("goal_created")[name] for name in given} == unset
    assert driver.after(2 * DAY).tick().named("goal_failed") == []


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"reward": 1.01}, "out_of_range"),
        ({"reward": -0.01}, "out_of_range"),
        ({"reward": "much"}, "invalid_member"),
        ({"raise_by": 0}, "out_of_range"),
        ({"raise_by": -0.1}, "out_of_range"),
        ({"raise_by": 100.1}, "out_of_range"),
        ({"raise_by": "0.2"}, "invalid_member"),
        ({"raise_by": 0.1, "target": {"all": [{"metric": "drawdown", "at_most": 0.1}]}}, "invalid_target"),
        ({"target": {"all": [{"metric": "win_rate", "at_least": 1.5}]}}, "invalid_target"),
    ],
)
def test_what_a_goal_cannot_be_it_neither_is_created_as_nor_changed_to(members: Json, reason: str) -> None:
    """One reason for both; nothing changes."""
    driver = funded(a="1000")
    create(driver, {"all": [{"metric": "equity", "at_least": 5000}]}, goal="h")
    before = driver.bytes_of_state()

    event: Json = {"target": {"all": [{"metric": "equity", "at_least": 1}]}} | members
    new = create(driver, **event)
    changed = driver.goal("goal_updated", "h", **members)

    assert (new.reasons, changed.reasons) == ([reason], [reason])
    assert driver.state == before


def test_a_raise_is_not_added_to_limits_nor_limits_put_under_a_raise() -> None:
    """Each is fine alone."""
    driver = funded(a="1000")
    limits = {"all": [{"metric": "drawdown", "at_most": 0.1}]}
    create(driver, limits, goal="g")
    create(driver, {"all": [{"metric": "equity", "at_least": 5000}]}, goal="h", raise_by=0.1)

    assert driver.goal("goal_updated", "g", raise_by=0.1).reasons == ["invalid_target"]
    assert driver.goal("goal_updated", "h", target=limits).reasons == ["invalid_target"]
    assert driver.goal("goal_updated", "h", target=limits, raise_by=None).reasons == []


def test_more_periods_than_returns_are_kept_are_not_asked_for() -> None:
    """They could never be there."""
    driver = funded({"performance": {"window": 30}}, a="1000")
    target = {"metric": "sharpe", "at_least": 2, "periods": 31}

    assert create(driver, target).reasons == ["invalid_target"]
    assert create(driver, target | {"periods": 30}).reasons == []


def test_a_target_that_was_taken_before_it_would_be_refused_is_measured_all_the_same() -> None:
    """A stored goal loads, without the members that came later, and counts."""
    driver = funded(CALM, a="1000")
    create(driver, {"all": [{"metric": "win_rate", "at_least": 1}]})
    stored = driver.goal_of("g") | {"target": {"all": [{"metric": "win_rate", "at_least": 1.5}]}}
    for name in ("reward", "raise_by", "round", "declared"):
        del stored[name]
    driver.state["goals"]["w/g"] = msgspec.json.encode(stored)

    fresh = driver.restarted()
    earn(fresh, "a", "5")

    assert fresh.goal_of("g")["progress"] == pytest.approx(2 / 3)
    assert GOALS.decode(fresh.state["goals"]["w/g"]).round == 1


# -- deadlines ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["goal_created", "goal_updated"])
def test_a_deadline_is_in_the_future_of_the_wallet(kind: str) -> None:
    """Not now, nor what is future only to an event that comes late."""
    driver = funded(a="1000")
    create(driver, {"trades": 9}, goal="goal_updated")
    members = {"goal_type": "trade_volume", "target": {"trades": 9}}
    driver.after(MINUTE).fill("a", "buy", "1", "1")

    now = driver.goal(kind, kind, deadline=driver.now, **members)
    late = driver.goal(kind, kind, timestamp=driver.now - MINUTE, deadline=driver.now, **members)
    ahead = driver.goal(kind, kind, timestamp=driver.now + SECOND, deadline=driver.now + SECOND, **members)
    fine = driver.goal(kind, kind, timestamp=driver.now - MINUTE, deadline=driver.now + 1, **members)

    reasons = [step.reasons for step in (now, late, ahead, fine)]
    assert reasons == [["deadline_passed"], ["deadline_passed"], ["deadline_passed"], []]


def test_a_fill_that_comes_after_the_deadline_is_too_late_whenever_it_was_made() -> None:
    """What counts is when it is applied: the wallet's time does not go back."""
    driver = funded(CALM, a="1000")
    create(driver, {"trades": 1}, deadline=driver.now + MINUTE)
    made = driver.now
    driver.after(MINUTE).tick()

    driver.fill("a", "buy", "1", "1", timestamp=made)

    assert (driver.goal_of("g")["state"], driver.goal_of("g")["trades"]) == ("failed", 0.0)


# -- several at once ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        # 1000 earned 100. Half is due to g, and no profit is left to h.
        ({"collect": "profit"}, {"collect": "profit"}, [("g", "50", "0")]),
        ({"collect": "profit", "reward": 0.2}, {"collect": "profit"}, [("g", "40", "10")]),
        # All but the reward of 20; what was left as a reward is no profit to the next.
        ({"collect": "all", "reward": 0.2}, {"collect": "profit"}, [("g", "1080", "20")]),
        ({"collect": "profit"}, {"collect": "all", "reward": 0.2}, [("g", "50", "0"), ("h", "1050", "0")]),
        ({"collect": "none"}, {"collect": "profit"}, [("h", "50", "0")]),
    ],
)
def test_two_goals_met_by_one_fill_do_not_collect_one_profit_twice(
    first: Json, second: Json, expected: list[tuple[str, str, str]]
) -> None:
    """In the order of their ids, not of their creation."""
    driver = funded(CALM, a="1000")
    create(driver, {"profit": "100"}, goal="h", **second)
    create(driver, {"trades": 2}, goal="g", **first)

    step = earn(driver, "a", "100")

    assert [data["goal"] for data in step.named("goal_completed")] == ["g", "h"]
    told = [(data["goal"], data["amount"], data["reward"]) for data in step.named("fund_collection")]
    assert told == expected
    assert driver.restarted().command("collect", scope=agent("a")).reply["refusal"] == "nothing_to_collect"


# -- rewards and rounds ------------------------------------------------------------------------------------


def test_a_reward_stays_with_the_agents_for_good() -> None:
    """Of 100 half is due; a fifth of that stays. The next profit of 10 is shared as ever."""
    driver = funded(CALM, a="1000")
    create(driver, {"profit": "100"}, collect="profit", reward=0.2)

    step = earn(driver, "a", "100")

    assert step.one("fund_collection") == {
        "amount": "40",
        "cash": "1060",
        "reason": "goal",
        "goal": "g",
        "round": 1,
        "reward": "10",
        "agent": "a",
        "farm": "f",
        "budget": "960",
        "pending_return": "0",
    }
    assert driver.command("collect", scope=agent("a")).reply["refusal"] == "nothing_to_collect"
    earn(driver, "a", "10")
    assert driver.command("collect", scope=agent("a")).reply["result"]["collected"] == "5"


def test_a_whole_reward_leaves_all_and_settles_the_profit() -> None:
    """Told, though nothing moves."""
    driver = funded(CALM, a="1000")
    create(driver, {"profit": "100"}, collect="profit", reward=1)

    step = earn(driver, "a", "100")

    told = step.one("fund_collection")
    assert (told["amount"], told["reward"], told["budget"]) == ("0", "50", "1000")
    assert driver.command("collect", scope=agent("a")).reply["refusal"] == "nothing_to_collect"


def test_a_goal_that_is_raised_begins_again_from_nothing() -> None:
    """2 fills, then 3, then 4.5, which are 5; told round by round."""
    driver = funded(CALM, a="1000")
    create(driver, {"trades": 2}, raise_by=0.5)

    steps = [driver.after(SECOND).fill("a", "buy", "1", "1") for _ in range(6)]

    told = [
        (said.name, said.data["round"], said.data["target"], said.data.get("percent"))
        for step in steps
        for said in step.said
        if said.name.startswith("goal_")
    ]
    assert told == [
        ("goal_progress_update", 1, {"trades": 2}, 50),
        ("goal_progress_update", 1, {"trades": 2}, 100),
        ("goal_completed", 1, {"trades": 2}, None),
        ("goal_created", 2, {"trades": 3}, None),
        ("goal_progress_update", 2, {"trades": 3}, 33),
        ("goal_progress_update", 2, {"trades": 3}, 66),
        ("goal_progress_update", 2, {"trades": 3}, 100),
        ("goal_completed", 2, {"trades": 3}, None),
        ("goal_created", 3, {"trades": 5}, None),
        ("goal_progress_update", 3, {"trades": 5}, 20),
    ]
    stored = driver.goal_of("g")
    assert (stored["state"], stored["round"], stored["trades"], stored["progress"]) == ("active", 3, 1.0, 0.2)
    assert (stored["declared"], stored["ended"]) == ({"trades": 2}, None)


def test_what_a_fill_brings_beyond_a_target_is_not_of_the_next_round() -> None:
    """350 at once meet 100, and not 120 as well."""
    driver = funded(CALM, a="1000")
    create(driver, {"profit": "100"}, raise_by=0.2, collect="profit")

    step = earn(driver, "a", "350")

    assert [(data["round"], data["current"]) for data in step.named("goal_completed")] == [
        (1, {"profit": "350"})
    ]
    assert [data["amount"] for data in step.named("fund_collection")] == ["175"]
    assert driver.goal_of("g")["profit"] == "0"
    step = driver.restarted().fill("a", "sell", "1", "100", realized_pnl="120")
    assert step.one("goal_completed")["target"] == {"profit": "120"}
    assert step.one("goal_created")["target"] == {"profit": "144"}


def test_a_goal_that_cannot_be_raised_further_stays_met() -> None:
    """More than every trade won there is not."""
    driver = funded(CALM, a="1000")
    create(driver, {"all": [{"metric": "win_rate", "at_least": 0.95}]}, raise_by=0.1)

    step = earn(driver, "a", "5")

    assert step.one("goal_completed")["round"] == 1
    assert step.named("goal_created") == []
    assert driver.goal_of("g")["state"] == "completed"


def test_a_metric_that_stands_above_the_raised_target_meets_it_with_the_next_report() -> None:
    """Equity of 5000 meets 1000, 2000 and 4000, one with each fill; levels do not begin at nothing."""
    driver = funded(CALM, a="5000")
    create(driver, {"all": [{"metric": "equity", "at_least": 1000}]}, raise_by=1)

    steps = [driver.fill("a", "buy", "1", "1") for _ in range(4)]

    assert [len(step.named("goal_completed")) for step in steps] == [1, 1, 1, 0]
    assert driver.goal_of("g")["progress"] == 5000 / 8000


def test_a_performance_goal_is_raised_once_a_bin() -> None:
    """5 % a day are 10.25 % over two: that meets 5 % with the second bin and 10 % with the third."""
    driver = funded(CALM, a="1000")
    target = {"metric": "total_return", "at_least": 0.05, "periods": 2}
    create(driver, target, raise_by=1)
    driver.fill("a", "buy", "10", "100")
    completed = []
    for price in ("105", "110.25", "115.7625"):
        driver.balance("a", prices={"BTC/USDT": price})
        step = driver.after(DAY).tick()
        completed.append([data["target"]["at_least"] for data in step.named("goal_completed")])

    # Two bins are there with the second.
    assert completed == [[], [0.05], [0.1]]


@pytest.mark.parametrize(
    ("end", "state"), [("goal_cancelled", "cancelled"), ("deadline", "failed"), ("unraised", "completed")]
)
def test_rounds_end_with_the_goal(end: str, state: str) -> None:
    """Cancelled, out of time, or no longer to be raised."""
    driver = funded(CALM, a="1000")
    create(driver, {"trades": 1}, raise_by=1, deadline=driver.now + MINUTE)
    driver.fill("a", "buy", "1", "1")

    if end == "goal_cancelled":
        step = driver.goal(end, "g")
    elif end == "deadline":
        step = driver.after(MINUTE).tick()
    else:
        driver.goal("goal_updated", "g", raise_by=None)
        driver.fill("a", "buy", "1", "1")
        step = driver.fill("a", "buy", "1", "1")

    (told,) = step.named("goal_completed") + step.named("goal_failed")
    assert (told["round"], told["target"]) == (2, {"trades": 2})
    assert driver.goal_of("g")["state"] == state


def test_a_target_that_is_set_in_a_later_round_is_what_that_round_asks_for() -> None:
    """And what is raised from then on."""
    driver = funded(CALM, a="1000")
    create(driver, {"trades": 1}, raise_by=1)
    driver.fill("a", "buy", "1", "1")
    assert driver.goal_of("g")["target"] == {"trades": 2}

    driver.goal("goal_updated", "g", target={"trades": 3})

    stored = driver.goal_of("g")
    assert (stored["target"], stored["declared"], stored["round"]) == ({"trades": 3}, None, 2)
    for _ in range(3):
        driver.fill("a", "buy", "1", "1")
    assert driver.goal_of("g")["target"] == {"trades": 6}
