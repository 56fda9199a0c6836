"""Goals that are met: what is collected, what stays as a reward, and what the next round asks for."""

import pytest

from tests.support.driver import (
    CALM,
    DAY,
    MINUTE,
    SECOND,
    Json,
    agent,
    create_goal,
    funded,
    round_trip,
)


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
    create_goal(driver, {"profit": "100"}, goal="h", **second)
    create_goal(driver, {"trades": 2}, goal="g", **first)

    step = round_trip(driver, "a", "100")

    assert [data["goal"] for data in step.named("goal_completed")] == ["g", "h"]
    told = [(data["goal"], data["amount"], data["reward"]) for data in step.named("fund_collection")]
    assert told == expected
    assert driver.restarted().command("collect", scope=agent("a")).reply["refusal"] == "nothing_to_collect"


def test_a_reward_stays_with_the_agents_for_good() -> None:
    """Of 100 half is due; a fifth of that stays. The next profit of 10 is shared as ever."""
    driver = funded(CALM, a="1000")
    create_goal(driver, {"profit": "100"}, collect="profit", reward=0.2)

    step = round_trip(driver, "a", "100")

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
    round_trip(driver, "a", "10")
    assert driver.command("collect", scope=agent("a")).reply["result"]["collected"] == "5"


def test_a_whole_reward_leaves_all_and_settles_the_profit() -> None:
    """Told, though nothing moves."""
    driver = funded(CALM, a="1000")
    create_goal(driver, {"profit": "100"}, collect="profit", reward=1)

    step = round_trip(driver, "a", "100")

    told = step.one("fund_collection")
    assert (told["amount"], told["reward"], told["budget"]) == ("0", "50", "1000")
    assert driver.command("collect", scope=agent("a")).reply["refusal"] == "nothing_to_collect"


def test_a_goal_that_is_raised_begins_again_from_nothing() -> None:
    """2 fills, then 3, then 4.5, which are 5; told round by round."""
    driver = funded(CALM, a="1000")
    create_goal(driver, {"trades": 2}, raise_by=0.5)

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
    create_goal(driver, {"profit": "100"}, raise_by=0.2, collect="profit")

    step = round_trip(driver, "a", "350")

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
    create_goal(driver, {"all": [{"metric": "win_rate", "at_least": 0.95}]}, raise_by=0.1)

    step = round_trip(driver, "a", "5")

    assert step.one("goal_completed")["round"] == 1
    assert step.named("goal_created") == []
    assert driver.goal_of("g")["state"] == "completed"


def test_a_metric_that_stands_above_the_raised_target_meets_it_with_the_next_report() -> None:
    """Equity of 5000 meets 1000, 2000 and 4000, one with each fill; levels do not begin at nothing."""
    driver = funded(CALM, a="5000")
    create_goal(driver, {"all": [{"metric": "equity", "at_least": 1000}]}, raise_by=1)

    steps = [driver.fill("a", "buy", "1", "1") for _ in range(4)]

    assert [len(step.named("goal_completed")) for step in steps] == [1, 1, 1, 0]
    assert driver.goal_of("g")["progress"] == 5000 / 8000


def test_a_performance_goal_is_raised_once_a_bin() -> None:
    """5 % a day are 10.25 % over two: that meets 5 % with the second bin and 10 % with the third."""
    driver = funded(CALM, a="1000")
    target = {"metric": "total_return", "at_least": 0.05, "periods": 2}
    create_goal(driver, target, raise_by=1)
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
    create_goal(driver, {"trades": 1}, raise_by=1, deadline=driver.now + MINUTE)
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
    create_goal(driver, {"trades": 1}, raise_by=1)
    driver.fill("a", "buy", "1", "1")
    assert driver.goal_of("g")["target"] == {"trades": 2}

    driver.goal("goal_updated", "g", target={"trades": 3})

    stored = driver.goal_of("g")
    assert (stored["target"], stored["declared"], stored["round"]) == ({"trades": 3}, None, 2)
    for _ in range(3):
        driver.fill("a", "buy", "1", "1")
    assert driver.goal_of("g")["target"] == {"trades": 6}
