"""Rebalances as bots and operators see them: when they come, and what they say of each agent."""

from typing import Any

import pytest

from domain.performance import PROFILE
from tests.support.driver import DAY, MINUTE, NO_BREAKERS, QUIET, SECOND, START, Driver, Json, funded

FREE = {**QUIET["rebalance"], "threshold": 0.1, "method": "equal", "max_weight": 1}


def rules(**rebalance: Any) -> Json:
    """Give rules under which nothing is held back but what a test asks for, and nothing stops."""
    return {"rebalance": {**FREE, **rebalance}, "breakers": NO_BREAKERS}


def trade(driver: Driver, agent: str, bought: str, sold: str, amount: str = "1") -> None:
    """Buy and sell."""
    driver.fill(agent, "buy", amount, bought)
    driver.fill(agent, "sell", amount, sold)


# -- money that is tied up ---------------------------------------------------------------------------------


def tied_up() -> Driver:
    """Give a wallet in which a has 700, of it 650 in a position, and b 300."""
    driver = funded(rules(), deposit="1000", a="700", b="300")
    driver.fill("a", "buy", "6.5", "100")
    return driver


def test_what_is_free_is_taken_and_the_rest_is_owed() -> None:
    """Halves of 1000 are 500: a is to give 200, gives its 50 and owes 150; b gets the 50."""
    driver = tied_up()

    step = driver.command("rebalance")

    plan = step.one("farm_rebalance")
    assert plan["transfers"] == [{"agent": "a", "amount": "-50"}, {"agent": "b", "amount": "50"}]
    assert plan["held_back"] == [
        {"agent": "a", "amount": "-150", "reason": "tied_up"},
        {"agent": "b", "amount": "150", "reason": "no_cash"},
    ]
    told = {data["agent"]: data for data in step.named("fund_allocation")}
    assert (told["a"]["amount"], told["a"]["budget"], told["a"]["pending_return"]) == ("-50", "500", "150")
    assert (told["b"]["amount"], told["b"]["budget"], told["b"]["pending_return"]) == ("50", "350", "0")


def test_what_comes_free_is_swept_until_nothing_is_owed() -> None:
    """1 of 6.5 sold at 100 frees 100 of the 150; the next frees 50 more, and 50 are the agent's to keep."""
    driver = tied_up()
    driver.command("rebalance")

    first = driver.fill("a", "sell", "1", "100").one("fund_allocation")
    second = driver.fill("a", "sell", "1", "100").one("fund_allocation")
    third = driver.fill("a", "sell", "1", "100").named("fund_allocation")

    assert (first["amount"], first["pending_return"], first["reason"]) == ("-100", "50", "pending_return")
    assert (second["amount"], second["pending_return"], second["reason"]) == ("-50", "0", "pending_return")
    assert third == []
    assert (driver.agent_of("a")["cash"], driver.agent_of("a")["equity"]) == ("150", "500")
    assert driver.wallet["cash"] == "150"


def test_a_debt_shrinks_when_the_agent_may_keep_the_money_after_all() -> None:
    """A deposit of 400 makes halves of 700: a owes nothing, having 650, and is told."""
    driver = tied_up()
    driver.command("rebalance")
    driver.command("deposit", amount="400")

    driver.command("rebalance")

    assert driver.agent_of("a")["pending_return"] == "0"
    assert driver.agent_of("a")["equity"] == "650"
    assert driver.fill("a", "sell", "1", "100").named("fund_allocation") == []


def test_orders_and_margin_are_tied_up_too() -> None:
    """Of 700 in cash 680 are in use, as its account says: 20 are taken, 180 owed and swept when free."""
    driver = funded(rules(), deposit="1000", a="700", b="300")
    driver.balance("a", used={"USDT": "680"}, total={"USDT": "700"})

    plan = driver.command("rebalance").one("farm_rebalance")
    swept = driver.balance("a", used={"USDT": "600"}, total={"USDT": "680"}).named("fund_allocation")

    assert plan["transfers"][0] == {"agent": "a", "amount": "-20"}
    assert [(data["amount"], data["pending_return"]) for data in swept] == [("-80", "100")]


# -- when --------------------------------------------------------------------------------------------------


def test_drift_is_answered_at_once_and_then_cools_down() -> None:
    """Two minutes after the last rebalance at once; again only a minute after that, however far it drifts."""
    driver = funded(rules(cooldown="1m"), deposit="2000", a="1000", b="1000")
    driver.after(2 * MINUTE)
    trade(driver, "a", "100", "400")
    first = driver.after(1).tick()
    trade(driver.after(SECOND), "a", "100", "700")
    early = driver.after(58 * SECOND).tick()
    late = driver.after(SECOND).tick()

    assert first.one("farm_rebalance")["trigger"] == "drift"
    assert first.one("farm_rebalance")["transfers"] == [
        {"agent": "a", "amount": "-150"},
        {"agent": "b", "amount": "150"},
    ]
    assert early.named("farm_rebalance") == []
    assert late.one("farm_rebalance")["trigger"] == "drift"


def test_cooling_down_holds_back_no_command_arrival_or_breaker() -> None:
    """It is for drift; an operator, an agent that comes and a stop have waited long enough."""
    driver = funded(rules(cooldown="1d", settle="1s"), deposit="2000", a="1000", b="1000")
    driver.after(SECOND).tick()

    assert driver.command("rebalance").named("farm_rebalance") != []
    driver.command("agent_register", agent="c", farm="f")
    assert driver.after(SECOND).tick().one("farm_rebalance")["trigger"] == "arrival"
    driver.command("emergency_stop", scope={"type": "agent", "id": "c"})
    assert driver.after(SECOND).tick().one("farm_rebalance")["trigger"] == "breaker"


def test_who_may_keep_what_it_earned_is_told_and_drifts_from_there() -> None:
    """All grow alike: nothing moves, budgets follow, and the same drift does not ask again."""
    driver = funded(rules(cooldown="2m"), deposit="2000", a="1000", b="1000")
    driver.after(MINUTE)
    trade(driver, "a", "100", "300")
    trade(driver, "b", "100", "300")

    step = driver.after(MINUTE).tick()
    trade(driver.after(MINUTE), "a", "100", "101")
    later = driver.after(2 * MINUTE).tick()

    told = [(data["agent"], data["amount"], data["budget"]) for data in step.named("fund_allocation")]
    assert told == [("a", "0", "1200"), ("b", "0", "1200")]
    assert step.named("farm_rebalance") == []
    assert later.named("fund_allocation") == []
    assert driver.wallet["rebalanced"] == START + 2 * MINUTE + SECOND


def test_a_budget_that_follows_without_a_move_is_stored() -> None:
    """Also where weight, score and tier stay as they were: what is told outlasts a restart."""
    driver = funded(rules(cooldown="2m"), deposit="2000", a="1000", b="1000")
    told = []
    for total in ("1200", "1400", "1600"):
        for name in ("a", "b"):
            driver.after(SECOND).balance(name, total={"USDT": total})
        told = driver.after(5 * MINUTE).tick().named("fund_allocation")

    assert [(data["agent"], data["amount"], data["budget"]) for data in told] == [
        ("a", "0", "1600"),
        ("b", "0", "1600"),
    ]
    assert [driver.agent_of(name)["budget"] for name in ("a", "b")] == ["1600", "1600"]


# -- what it says of each agent ----------------------------------------------------------------------------


def days(driver: Driver, count: int, **profits: list[int]) -> None:
    """Trade on so many days, each agent earning its profits in turn, in tenths of a percent of 1000."""
    for day in range(count):
        for agent, earned in profits.items():
            trade(driver, agent, "100", str(100 + earned[day % len(earned)]))
        driver.after(DAY).tick()


@pytest.mark.parametrize(("gate", "tier", "reasons"), [("none", "high", 1), ("probabilistic", "average", 2)])
def test_the_gate_holds_a_lucky_agent_and_the_plan_says_so(gate: str, tier: str, reasons: int) -> None:
    """
    The best of ten, with trades enough, but over days on which it won as it lost, and a little more.

    Won 11 and lost 9 in turn leads by 1 in 10: with 40 days the odds are Φ(.1·39/√40), no more than .73.
    """
    names = [f"a{i}" for i in range(10)]
    driver = funded(
        {**rules(method="performance"), "score": {"gate": gate}},
        deposit="10000",
        **dict.fromkeys(names, "1000"),
    )
    losing = {name: [10, -12 - i] for i, name in enumerate(names[1:])}
    days(driver, 40, a0=[11, -9], **losing)
    for _ in range(60):
        trade(driver, "a0", "100", "100.1")

    plan = driver.command("rebalance").one("farm_rebalance")
    best = plan["agents"]["a0"]

    assert best["tier"] == tier
    assert len(best["reasons"]) >= reasons
    assert ("gate" in best["reasons"]) == (gate != "none")
    if gate == "none":
        assert best["recommendation"] == "increase"
        assert set(best["because"]) <= set(PROFILE)
    else:
        assert best["recommendation"] == "hold"
        assert 0.5 < best["because"]["probabilistic_sharpe"]["value"] < 0.8
        assert best["because"]["probabilistic_sharpe"]["limit"] == 0.95


def test_a_newcomer_among_seasoned_agents_is_capped() -> None:
    """30 days on, an agent that arrives gets 5 % of 3000, and the plan says why."""
    driver = funded(rules(turnover=1, max_weight=0.4), deposit="3000", a="1000", b="1000", c="1000")
    days(driver, 31, a=[1, -1], b=[2, -2], c=[1, -2])
    driver.command("agent_register", agent="n", farm="f")

    newcomer = driver.command("rebalance").one("farm_rebalance")["agents"]["n"]

    assert (newcomer["weight"], newcomer["reasons"][0]) == (0.05, "new_agent_cap")


def test_what_was_held_back_is_among_the_reasons() -> None:
    """A weight by the method; a may not give more than the turnover, b is short of what a keeps."""
    driver = funded(rules(turnover=0.1), deposit="2000", a="2000", b="0")

    agents = driver.command("rebalance").one("farm_rebalance")["agents"]

    assert agents["a"]["reasons"] == ["method", "turnover"]
    assert agents["b"]["reasons"] == ["method", "no_cash"]


def test_a_dry_run_tells_the_whole_plan_and_changes_nothing() -> None:
    """Reasons and recommendations included."""
    driver = funded(rules(), deposit="2000", a="2000", b="0")
    before = driver.bytes_of_state()

    step = driver.command("rebalance", dry_run=True)
    plan = step.reply["result"]["answer"]

    assert driver.bytes_of_state() == before
    assert step.names == ["command_reply"]
    assert plan == driver.command("rebalance").one("farm_rebalance")
    assert plan["agents"]["a"]["recommendation"] == "hold"
