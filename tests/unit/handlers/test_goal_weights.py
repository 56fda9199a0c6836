"""Who works towards a goal, and how much of what they do counts."""

import pytest

from tests.support.driver import (
    CALM,
    MASTER,
    SECOND,
    Json,
    agent,
    create_goal,
    farm,
    funded,
    round_trip,
)


def test_ten_fills_that_count_a_tenth_each_are_one() -> None:
    """Ten times 0.1 in floats is 0.9999999999999999; the goal is met with the tenth, not the eleventh."""
    driver = funded(CALM, a="1000")
    create_goal(driver, {"trades": 1}, assigned=[agent("a") | {"weight": 0.1}])

    steps = [driver.fill("a", "buy", "1", "1") for _ in range(10)]

    assert [bool(step.named("goal_completed")) for step in steps] == [False] * 9 + [True]
    assert steps[-1].one("goal_completed")["current"] == {"trades": 1}


def test_weighted_profit_is_exact_where_floats_are_not() -> None:
    """123 456 789.12345678 at 0.3 is 37 037 036.737037034: the unit below, not above."""
    driver = funded(CALM, a="1000")
    create_goal(driver, {"profit": "1e12"}, assigned=[agent("a") | {"weight": 0.3}])
    assert round(12_345_678_912_345_678 * 0.3) == 3_703_703_673_703_704  # this is why

    driver.fill("a", "buy", "1", "100", realized_pnl="123456789.12345678")

    assert driver.goal_of("g")["profit"] == "37037036.73703703"


@pytest.mark.parametrize(
    ("weight", "reasons"),
    [(1e-6, []), (1000, []), (9e-7, ["out_of_range"]), (1000.1, ["out_of_range"]), (-1, ["out_of_range"])],
)
def test_a_weight_has_bounds(weight: float, reasons: list[str]) -> None:
    """Below a millionth nothing would be left of a fill."""
    assert (
        create_goal(funded(a="10"), {"trades": 1}, assigned=[agent("a") | {"weight": weight}]).reasons
        == reasons
    )


def test_a_scope_is_assigned_once() -> None:
    """Twice would be two weights."""
    assert create_goal(funded(a="10"), {"trades": 1}, assigned=[farm("f"), farm("f")]).reasons == [
        "invalid_member"
    ]


def test_trades_and_profit_of_a_custom_goal_are_weighted_sums_and_the_rest_weighted_means() -> None:
    """20 of a and 15 of b; 4 fills and 1.5; equities 1010 and 530: (2 · 1010 + 530 / 2) / 2.5 = 914."""
    driver = funded(CALM, a="1000", b="500")
    names = ("profit", "trades", "equity", "win_rate")
    target = {"all": [{"metric": name, "at_least": 10**6 if name != "win_rate" else 1} for name in names]}
    create_goal(driver, target, assigned=[agent("a") | {"weight": 2}, agent("b") | {"weight": 0.5}])
    round_trip(driver, "a", "10")

    step = driver.after(SECOND).fill("b", "buy", "1", "100")
    assert step.named("goal_progress_update") == []  # a quarter still: b has closed nothing, so no win rate
    round_trip(driver, "b", "30")
    driver.goal("goal_cancelled", "g")

    # Two buys of b, then a sale of one at 130 that cost 100: three fills.
    assert driver.goal_of("g")["current"] == {"profit": 35.0, "trades": 5.5, "equity": 914.0, "win_rate": 1.0}


def test_an_agent_counts_while_it_is_in_an_assigned_farm() -> None:
    """Registered later it counts from then; moved away it counts no more; what it did stays."""
    driver = funded(CALM)
    driver.command("farm_create", farm="g")
    create_goal(driver, {"trades": 99}, goal="g")
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
    create_goal(driver, {"trades": 99}, assigned=[farm("f") | {"weight": 2}, agent("a") | {"weight": 3}])
    driver.fill("a", "buy", "1", "1")

    driver.command("agent_assign", agent="a", farm="g")
    driver.fill("a", "buy", "1", "1")

    assert driver.goal_of("g")["trades"] == 6.0


def test_a_goal_that_is_assigned_to_others_keeps_what_was_done() -> None:
    """Two fills of a, then one of b."""
    driver = funded(CALM, a="10", b="10")
    create_goal(driver, {"trades": 99}, assigned=[agent("a")])
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
@pytest.mark.parametrize("assigned", [MASTER, farm("f"), agent("a")])
def test_what_a_stopped_or_retired_agent_still_reports_counts(command: Json, assigned: Json) -> None:
    """It closes its position with a profit of 20, which is its farm's too; all it has goes back as ever."""
    driver = funded(CALM, a="1000")
    create_goal(driver, {"profit": "20"}, assigned=[assigned], collect="profit")
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
