"""Goals are created, changed, worked towards, met once, and then collect."""

from typing import Any

import pytest

from tests.support.driver import CALM, DAY, MINUTE, SECOND, Driver, Json, Step, funded, round_trip

FARM = [{"type": "farm", "id": "f"}]


def create(driver: Driver, goal_type: str, target: Json, **members: Any) -> Step:
    """Create goal g of farm f."""
    return driver.goal(
        "goal_created", "g", **{"goal_type": goal_type, "target": target, "assigned": FARM, **members}
    )


# -- the four kinds of events ------------------------------------------------------------------------------


def test_a_goal_is_created_and_told_with_its_assignment() -> None:
    """All members of docs/wire.md."""
    driver = funded(a="1000")

    step = create(driver, "trade_volume", {"trades": 200}, name="first 200", deadline=driver.now + DAY)

    assert step.one("goal_created") == {
        "goal": "g",
        "round": 1,
        "name": "first 200",
        "goal_type": "trade_volume",
        "target": {"trades": 200},
        "deadline": driver.now + DAY,
        "collect": "none",
        "reward": 0.0,
        "raise_by": None,
        "by": None,
    }
    assert step.one("goal_assignment") == {
        "goal": "g",
        "assigned": [{"type": "farm", "id": "f", "weight": 1.0}],
        "by": None,
    }
    assert driver.goal_of("g")["state"] == "active"


def test_a_goal_nobody_works_towards_is_told_without_an_assignment() -> None:
    """It may be assigned later."""
    driver = funded(a="1000")
    step = create(driver, "trade_volume", {"trades": 2}, assigned=[])
    assert (step.named("goal_assignment"), step.one("goal_created")["name"]) == ([], "g")
    driver.fill("a", "buy", "1", "1")

    told = driver.goal("goal_assigned", "g", assigned=[{"type": "agent", "id": "a", "weight": 0.5}])

    assert told.one("goal_assignment")["assigned"] == [{"type": "agent", "id": "a", "weight": 0.5}]
    driver.fill("a", "buy", "1", "1")
    assert driver.goal_of("g")["trades"] == 0.5


def test_an_update_changes_what_it_names() -> None:
    """And a target only within its type."""
    driver = funded(a="1000")
    create(driver, "trade_volume", {"trades": 200}, name="n", collect="profit")

    step = driver.goal("goal_updated", "g", target={"trades": "100"})

    assert step.one("goal_created") == {
        "goal": "g",
        "round": 1,
        "name": "n",
        "goal_type": "trade_volume",
        "target": {"trades": 100},
        "deadline": None,
        "collect": "profit",
        "reward": 0.0,
        "raise_by": None,
        "by": None,
    }
    assert driver.goal("goal_updated", "g", target={"profit": "5"}).reasons == ["invalid_target"]
    driver.goal("goal_updated", "g", name="m", deadline=driver.now + DAY, collect="all")
    stored = driver.goal_of("g")
    assert (stored["name"], stored["deadline"], stored["collect"], stored["target"]) == (
        "m",
        driver.now + DAY,
        "all",
        {"trades": 100},
    )


def test_a_goal_that_is_cancelled_has_failed_and_counts_no_more() -> None:
    """Told with how far it was."""
    driver = funded(a="1000")
    create(driver, "trade_volume", {"trades": 4})
    driver.fill("a", "buy", "1", "1")

    step = driver.goal("goal_cancelled", "g")

    assert step.one("goal_failed") == {
        "goal": "g",
        "round": 1,
        "goal_type": "trade_volume",
        "current": {"trades": 1},
        "target": {"trades": 4},
        "reason": "cancelled",
    }
    driver.fill("a", "buy", "1", "1")
    stored = driver.goal_of("g")
    assert (stored["state"], stored["trades"], stored["ended"]) == ("cancelled", 1.0, driver.now)


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"kind": "goal_dreamt"}, "unknown_kind"),
        ({"kind": "goal_updated", "goal": "x"}, "unknown_goal"),
        ({"kind": "goal_assigned", "goal": "x", "assigned": []}, "unknown_goal"),
        ({"kind": "goal_cancelled", "goal": "x"}, "unknown_goal"),
        ({"kind": "goal_assigned"}, "invalid_member"),
        ({"kind": "goal_assigned", "assigned": [{"type": "agent", "id": "x"}]}, "unknown_agent"),
        ({"kind": "goal_assigned", "assigned": [{"type": "farm", "id": "x"}]}, "unknown_farm"),
        ({"kind": "goal_assigned", "assigned": [{"type": "wallet", "id": "x"}]}, "unknown_wallet"),
        ({"kind": "goal_assigned", "assigned": [{"type": "team", "id": "x"}]}, "invalid_member"),
        ({"kind": "goal_assigned", "assigned": [{"type": "farm", "id": "f", "weight": 0}]}, "out_of_range"),
        (
            {"kind": "goal_assigned", "assigned": [{"type": "farm", "id": "f", "weight": 1001}]},
            "out_of_range",
        ),
        ({"kind": "goal_created", "goal_type": "trade_volume", "target": {"trades": 1}}, "goal_exists"),
        ({"kind": "goal_created", "goal": "h"}, "invalid_member"),
        ({"kind": "goal_created", "goal": "h", "goal_type": "trade_volume"}, "invalid_member"),
        ({"kind": "goal_created", "goal": "h", "goal_type": "fame", "target": {}}, "invalid_member"),
        ({"kind": "goal_created", "goal": "h", "goal_type": "trade_volume", "target": {}}, "invalid_target"),
        ({"kind": "goal_updated", "target": {"trades": 10**400}}, "invalid_target"),
        ({"kind": "goal_updated", "deadline": 0}, "invalid_timestamp"),
        ({"kind": "goal_updated", "deadline": 10**30}, "invalid_timestamp"),
        ({"kind": "goal_updated", "deadline": "soon"}, "invalid_member"),
        ({"kind": "goal_updated", "collect": "some"}, "invalid_member"),
        ({"kind": "goal_updated", "goal": "a/b"}, "invalid_id"),
        ({"kind": "goal_updated", "id": "a b"}, "invalid_id"),
        ({"kind": "goal_updated", "wallet": "v"}, "unknown_wallet"),
        ({"kind": "goal_updated", "timestamp": 5}, "invalid_timestamp"),
    ],
)
def test_a_goal_event_that_does_not_fit_is_a_dead_letter(members: Json, reason: str) -> None:
    """And changes nothing."""
    driver = funded(a="1000")
    create(driver, "trade_volume", {"trades": 200})
    before = driver.bytes_of_state()

    step = driver.send("goal", driver.event({"goal": "g", **members}))

    assert step.reasons == [reason]
    assert step.dead[0].detail.endswith(".")
    assert (step.said, driver.state == before) == ([], True)


def test_a_goal_that_has_ended_is_not_changed() -> None:
    """Another is to be created."""
    driver = funded(a="1000")
    create(driver, "trade_volume", {"trades": 1})
    driver.fill("a", "buy", "1", "1")

    reasons = [
        driver.goal(kind, "g", **members).reasons
        for kind, members in (
            ("goal_updated", {"name": "x"}),
            ("goal_assigned", {"assigned": []}),
            ("goal_cancelled", {}),
        )
    ]

    assert reasons == [["goal_ended"]] * 3


def test_the_same_event_again_changes_nothing() -> None:
    """By its id, within the wallet."""
    driver = funded(a="1000")
    create(driver, "trade_volume", {"trades": 9}, id="e-1")

    assert driver.goal("goal_cancelled", "g", id="e-1").repeats == 1
    assert driver.goal_of("g")["state"] == "active"


# -- progress ----------------------------------------------------------------------------------------------


def test_progress_is_told_at_each_whole_percent_and_at_most_once_a_second() -> None:
    """Of 8 fills: 12 %, then nothing within the second, then 37 %."""
    driver = funded(a="1000")
    create(driver, "trade_volume", {"trades": 8})

    told = [
        [(data["percent"], data["progress"], data["current"]) for data in step.named("goal_progress_update")]
        for step in (
            driver.fill("a", "buy", "1", "1"),
            driver.after(999).fill("a", "buy", "1", "1"),
            driver.after(1).fill("a", "buy", "1", "1"),
        )
    ]

    assert told == [[(12, 0.125, {"trades": 1})], [], [(37, 0.375, {"trades": 3})]]
    assert driver.goal_of("g")["percent"] == 37


def test_a_fraction_of_a_percent_is_not_told() -> None:
    """199 of 1000 fills are 19 %; the next one is 20."""
    driver = funded(a="100000", deposit="100000")
    create(driver, "trade_volume", {"trades": 1000})
    steps = [driver.after(SECOND).fill("a", "buy", "0.001", "1") for _ in range(20)]

    told = [len(step.named("goal_progress_update")) for step in steps]

    assert [number for number, count in enumerate(told, 1) if count] == [10, 20]
    assert steps[9].one("goal_progress_update")["target"] == {"trades": 1000}


def test_a_goal_is_met_at_its_target_and_not_before() -> None:
    """The last percent is told at once, then that it is met; once."""
    driver = funded(a="1000")
    create(driver, "trade_volume", {"trades": 2})
    first = driver.fill("a", "buy", "1", "1")

    step = driver.fill("a", "buy", "1", "1")

    assert first.named("goal_completed") == []
    assert step.one("goal_progress_update")["percent"] == 100
    assert step.one("goal_completed") == {
        "goal": "g",
        "round": 1,
        "goal_type": "trade_volume",
        "current": {"trades": 2},
        "target": {"trades": 2},
        "reason": None,
    }
    assert driver.goal_of("g")["state"] == "completed"
    assert driver.fill("a", "buy", "1", "1").named("goal_completed") == []


def test_only_what_happens_after_its_creation_counts() -> None:
    """And only what the assignees do."""
    driver = funded(a="1000", b="1000")
    driver.fill("a", "buy", "1", "1")
    create(driver, "trade_volume", {"trades": 9}, assigned=[{"type": "agent", "id": "a"}])

    driver.fill("a", "buy", "1", "1")
    driver.fill("b", "buy", "1", "1")

    assert driver.goal_of("g")["trades"] == 1.0


def test_contributions_are_weighted_and_the_nearest_assignment_counts() -> None:
    """The wallet's at 1, farm f's at a half, agent a's own at 2."""
    driver = funded(CALM, a="1000", b="1000")
    driver.command("farm_create", farm="g")
    driver.command("agent_register", agent="c", farm="g")
    create(
        driver,
        "profit_target",
        {"profit": "1000"},
        assigned=[
            {"type": "wallet", "id": "w"},
            {"type": "farm", "id": "f", "weight": 0.5},
            {"type": "agent", "id": "a", "weight": 2},
        ],
    )

    for agent in ("a", "b", "c"):
        round_trip(driver, agent, "10", fee={"currency": "USDT", "cost": "2"})

    # 8 net each: 16, 4 and 8; two fills each: 4, 1 and 2.
    assert (driver.goal_of("g")["profit"], driver.goal_of("g")["trades"]) == ("28", 7.0)


def test_a_profit_target_counts_realised_profit_net_of_fees() -> None:
    """Not what is open: 50 up is nothing until it is sold."""
    driver = funded(CALM, a="1000")
    create(driver, "profit_target", {"profit": "40"})

    driver.fill("a", "buy", "1", "100")
    driver.balance("a", prices={"BTC/USDT": "150"})
    assert driver.goal_of("g")["profit"] == "0"
    driver.fill("a", "sell", "1", "139.99999999")
    assert driver.goal_of("g")["state"] == "active"
    driver.after(SECOND).balance("a", equity="1")  # its fills are known, so this says nothing of profit
    step = round_trip(driver, "a", "1")

    assert step.one("goal_completed")["current"] == {"profit": "40.99999999"}


def test_profit_by_equity_reports_counts_too() -> None:
    """For bots that know no more."""
    driver = funded(CALM, a="1000")
    create(driver, "profit_target", {"profit": "40"})
    driver.balance("a", equity="1000")

    step = driver.after(SECOND).balance("a", equity="1040")

    assert step.one("goal_completed")["goal"] == "g"


def test_profit_per_trade_asks_for_profit_and_for_trades() -> None:
    """5 a fill over 4: two round trips of 10 are met by the second one."""
    driver = funded(CALM, a="1000")
    create(driver, "profit_target", {"profit_per_trade": "5", "trades": 4})
    round_trip(driver, "a", "10")
    assert driver.goal_of("g")["state"] == "active"

    step = round_trip(driver, "a", "10")

    assert step.one("goal_completed")["current"] == {"profit": "20", "trades": 4}


def test_a_performance_goal_is_measured_when_a_bin_closes() -> None:
    """5 % a day for two days: 10.25 % over two periods; not with a fill, and not over one."""
    driver = funded(CALM, a="1000")
    create(driver, "strategy_performance", {"metric": "total_return", "at_least": "0.1025", "periods": 2})
    driver.fill("a", "buy", "10", "100")
    driver.balance("a", prices={"BTC/USDT": "105"})
    first = driver.after(DAY).tick()
    assert first.named("goal_completed") == []
    mark = driver.balance("a", prices={"BTC/USDT": "110.26"})
    assert mark.named("goal_completed") == []

    second = driver.after(DAY).tick()

    assert second.one("goal_completed")["current"] == {"total_return": pytest.approx(0.1026)}


def test_a_custom_goal_of_running_figures_is_measured_with_every_fill() -> None:
    """Two of two conditions."""
    driver = funded(CALM, a="1000")
    target = {"all": [{"metric": "win_rate", "at_least": 0.6}, {"metric": "drawdown", "at_most": "0.05"}]}
    create(driver, "custom", target)
    bought = driver.fill("a", "buy", "1", "100")
    assert bought.one("goal_progress_update")["current"] == {"win_rate": None, "drawdown": 0.0}
    driver.fill("a", "sell", "1", "99")
    assert driver.goal_of("g")["progress"] == 0.5
    round_trip(driver, "a", "5")

    step = round_trip(driver, "a", "5")

    assert step.one("goal_completed")["current"] == {"win_rate": pytest.approx(2 / 3), "drawdown": 0.0}


def test_a_metric_of_several_assignees_is_their_weighted_mean() -> None:
    """Farm f at 1100 with weight 1, agent b at 500 with weight 3: 650."""
    driver = funded(CALM, a="600", b="500")
    create(
        driver,
        "custom",
        {"all": [{"metric": "equity", "at_least": 1000}]},
        assigned=[*FARM, {"type": "agent", "id": "b", "weight": 3}],
    )

    step = driver.fill("a", "buy", "1", "1")

    assert step.one("goal_progress_update")["current"] == {"equity": 650.0}


# -- its end -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("collect", "expected"),
    [("none", []), ("profit", [("a", "20"), ("b", "5")]), ("all", [("a", "1040"), ("b", "510")])],
)
def test_a_goal_that_is_met_collects_from_its_assignees(
    collect: str, expected: list[tuple[str, str]]
) -> None:
    """Half of the profit (40 and 10), all, or nothing; told with the goal."""
    driver = funded(CALM, a="1000", b="500", c="500")
    assigned = [{"type": "agent", "id": "a"}, {"type": "agent", "id": "b"}]
    create(driver, "profit_target", {"profit": "50"}, collect=collect, assigned=assigned)
    round_trip(driver, "c", "70")
    round_trip(driver, "a", "40")

    step = round_trip(driver, "b", "10")

    told = step.named("fund_collection")
    assert [(data["agent"], data["amount"]) for data in told] == expected
    assert all((data["reason"], data["goal"]) == ("goal", "g") for data in told)
    assert len(step.named("goal_completed")) == 1


def test_a_deadline_that_passes_fails_the_goal() -> None:
    """With the tick, or with the event that shows it: before that event is applied."""
    for fill_comes in (False, True):
        driver = funded(a="1000")
        create(driver, "trade_volume", {"trades": 1}, deadline=driver.now + MINUTE)
        assert driver.after(MINUTE - 1).tick().named("goal_failed") == []
        driver.after(1)

        step = driver.fill("a", "buy", "1", "1") if fill_comes else driver.tick()

        assert step.one("goal_failed")["reason"] == "deadline"
        assert (driver.goal_of("g")["state"], driver.goal_of("g")["trades"]) == ("failed", 0.0)


@pytest.mark.parametrize("kind", ["goal_cancelled", "goal_updated", "goal_assigned"])
def test_a_goal_that_fails_by_the_time_an_event_brings_has_failed_once(kind: str) -> None:
    """The event came too late: what was due happens first, and the goal stays as it ended."""
    driver = funded(a="1000")
    create(driver, "trade_volume", {"trades": 9}, deadline=driver.now + MINUTE)
    driver.after(2 * MINUTE)

    step = driver.goal(kind, "g", assigned=[], name="later", deadline=driver.now + DAY)

    assert step.dead == []
    assert [data["reason"] for data in step.named("goal_failed")] == ["deadline"]
    assert (step.named("goal_created"), step.named("goal_assignment")) == ([], [])
    stored = driver.goal_of("g")
    assert (stored["state"], stored["name"]) == ("failed", "g")


def test_a_goal_may_be_met_by_the_bin_that_closes_at_its_deadline() -> None:
    """Bins close before deadlines pass."""
    driver = funded(CALM, a="1000")
    target = {"metric": "total_return", "at_least": 0.05, "periods": 2}
    create(driver, "strategy_performance", target, deadline=driver.now - SECOND + 2 * DAY)
    driver.fill("a", "buy", "10", "100")
    driver.balance("a", prices={"BTC/USDT": "105"})

    step = driver.after(2 * DAY - SECOND).tick()

    assert [name for name in step.names if name.startswith("goal_")] == [
        "goal_progress_update",
        "goal_completed",
    ]


def test_a_goal_that_is_met_asks_for_a_rebalance() -> None:
    """As docs say: on a completed goal."""
    driver = funded({**CALM, "rebalance": {"interval": 0, "settle": "2s"}}, a="0")
    driver.after(2 * SECOND).tick()
    create(driver, "trade_volume", {"trades": 1})
    driver.after(MINUTE).fill("a", "buy", "1", "1")

    assert driver.after(2 * SECOND).tick().one("farm_rebalance")["trigger"] == "goal"


def test_two_goals_met_by_one_fill_are_both_met() -> None:
    """In the order of their ids; the second collects what the first left."""
    driver = funded(CALM, a="1000")
    for name in ("h", "g"):
        driver.goal(
            "goal_created", name, goal_type="trade_volume", target={"trades": 1}, assigned=FARM, collect="all"
        )

    step = driver.fill("a", "sell", "1", "100")

    assert [data["goal"] for data in step.named("goal_completed")] == ["g", "h"]
    assert [(data["goal"], data["amount"]) for data in step.named("fund_collection")] == [("g", "1000")]
