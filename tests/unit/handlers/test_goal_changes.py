"""Goals that are changed while they run, and goals that run out of time."""

import msgspec
import pytest

from state.codec import GOALS
from tests.support.driver import CALM, DAY, MINUTE, SECOND, Json, create_goal, funded, round_trip


def test_a_target_that_is_lowered_to_what_was_done_is_met_at_once() -> None:
    """Three fills of nine; then three is all that is asked for."""
    driver = funded(a="1000")
    create_goal(driver, {"trades": 9}, collect="all")
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
    create_goal(driver, {"trades": 4})
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
    create_goal(driver, {"trades": 9}, **given)
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
    create_goal(driver, {"all": [{"metric": "equity", "at_least": 5000}]}, goal="h")
    before = driver.bytes_of_state()

    event: Json = {"target": {"all": [{"metric": "equity", "at_least": 1}]}} | members
    new = create_goal(driver, **event)
    changed = driver.goal("goal_updated", "h", **members)

    assert (new.reasons, changed.reasons) == ([reason], [reason])
    assert driver.state == before


def test_a_raise_is_not_added_to_limits_nor_limits_put_under_a_raise() -> None:
    """Each is fine alone."""
    driver = funded(a="1000")
    limits = {"all": [{"metric": "drawdown", "at_most": 0.1}]}
    create_goal(driver, limits, goal="g")
    create_goal(driver, {"all": [{"metric": "equity", "at_least": 5000}]}, goal="h", raise_by=0.1)

    assert driver.goal("goal_updated", "g", raise_by=0.1).reasons == ["invalid_target"]
    assert driver.goal("goal_updated", "h", target=limits).reasons == ["invalid_target"]
    assert driver.goal("goal_updated", "h", target=limits, raise_by=None).reasons == []


def test_more_periods_than_returns_are_kept_are_not_asked_for() -> None:
    """They could never be there."""
    driver = funded({"performance": {"window": 30}}, a="1000")
    target = {"metric": "sharpe", "at_least": 2, "periods": 31}

    assert create_goal(driver, target).reasons == ["invalid_target"]
    assert create_goal(driver, target | {"periods": 30}).reasons == []


def test_a_target_that_was_taken_before_it_would_be_refused_is_measured_all_the_same() -> None:
    """A stored goal loads, without the members that came later, and counts."""
    driver = funded(CALM, a="1000")
    create_goal(driver, {"all": [{"metric": "win_rate", "at_least": 1}]})
    stored = driver.goal_of("g") | {"target": {"all": [{"metric": "win_rate", "at_least": 1.5}]}}
    for name in ("reward", "raise_by", "round", "declared"):
        del stored[name]
    driver.state["goals"]["w/g"] = msgspec.json.encode(stored)

    fresh = driver.restarted()
    round_trip(fresh, "a", "5")

    assert fresh.goal_of("g")["progress"] == pytest.approx(2 / 3)
    assert GOALS.decode(fresh.state["goals"]["w/g"]).round == 1


@pytest.mark.parametrize("kind", ["goal_created", "goal_updated"])
def test_a_deadline_is_in_the_future_of_the_wallet(kind: str) -> None:
    """Not now, nor what is future only to an event that comes late."""
    driver = funded(a="1000")
    create_goal(driver, {"trades": 9}, goal="goal_updated")
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
    create_goal(driver, {"trades": 1}, deadline=driver.now + MINUTE)
    made = driver.now
    driver.after(MINUTE).tick()

    driver.fill("a", "buy", "1", "1", timestamp=made)

    assert (driver.goal_of("g")["state"], driver.goal_of("g")["trades"]) == ("failed", 0.0)
