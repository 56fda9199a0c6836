"""Profit goes back to the master: what is free at once, what is tied up as it comes free, and never twice."""

import pytest

from tests.support.driver import (
    CALM,
    DAY,
    MASTER,
    SECOND,
    Driver,
    Json,
    create_goal,
    funded,
    move,
    round_trip,
)

AGENT: Json = {"type": "agent", "id": "a"}


def collected(driver: Driver, **members: str) -> Json | str:
    """Collect from agent a; return what came of it, or the refusal."""
    reply = driver.command("collect", scope=AGENT, **members).reply
    found: Json | str = reply["refusal"] or reply["result"]
    return found


def figures(driver: Driver) -> tuple[str, str, str, str]:
    """Return equity, mark, pending return and budget of agent a."""
    agent = driver.agent_of("a")
    return agent["equity"], agent["high_water"], agent["pending_return"], agent["budget"]


def tied_up() -> Driver:
    """
    Return agent a with 10 of 1000 free, and 9.9 coins bought at 100 that stand at 110.

    Equity 1099, of which 99 are profit, so 49.5 are due.
    """
    driver = funded(CALM, a="1000")
    driver.fill("a", "buy", "9.9", "100")
    driver.balance("a", prices={"BTC/USDT": "110"})
    return driver


def test_of_a_profit_that_is_tied_up_only_what_is_free_moves_and_the_rest_follows() -> None:
    """10 at once, 39.5 with the sale; what is left is 1099 - 49.5, and the mark stands there."""
    driver = tied_up()

    step = driver.command("collect", scope=AGENT)

    assert step.reply["result"] == {"collected": "10", "pending": "39.5"}
    told = step.one("fund_collection")
    assert (told["amount"], told["pending_return"], told["budget"]) == ("10", "39.5", "950.5")
    assert figures(driver) == ("1089", "1089", "39.5", "950.5")
    step = driver.fill("a", "sell", "1", "110")
    told = step.one("fund_allocation")
    assert (told["amount"], told["pending_return"], told["reason"]) == ("-39.5", "0", "pending_return")
    assert figures(driver) == ("1049.5", "1049.5", "0", "950.5")
    assert collected(driver) == "nothing_to_collect"


def test_what_is_owed_comes_in_parts_as_it_comes_free() -> None:
    """A tenth of a coin brings 11, then another: 39.5 less 22."""
    driver = tied_up()
    driver.command("collect", scope=AGENT)

    told = [driver.fill("a", "sell", "0.1", "110").one("fund_allocation") for _ in range(2)]

    assert [(data["amount"], data["pending_return"]) for data in told] == [("-11", "28.5"), ("-11", "17.5")]


def test_where_nothing_is_free_the_agent_is_told_what_it_is_asked_for() -> None:
    """Nothing moves, so there is no transaction."""
    driver = tied_up()
    driver.balance("a", used={"USDT": "10"})

    step = driver.command("collect", scope=AGENT)

    assert step.reply["result"] == {"collected": "0", "pending": "49.5"}
    assert (step.one("fund_collection")["amount"], step.named("wallet_transaction")) == ("0", [])
    assert figures(driver) == ("1099", "1099", "49.5", "950.5")


def test_profit_that_is_owed_is_not_asked_for_again() -> None:
    """By the same command or by another; profit that is made since is: 9.9 coins at 10 more bring 99."""
    driver = tied_up()
    driver.command("collect", scope=AGENT)

    assert collected(driver) == "nothing_to_collect"
    driver.balance("a", prices={"BTC/USDT": "120"})
    assert collected(driver) == {"collected": "0", "pending": "49.5"}
    assert figures(driver) == ("1188", "1188", "89", "901")


def test_profit_that_was_asked_for_and_is_lost_again_is_owed_all_the_same() -> None:
    """It was the master's; the agent has to earn the loss back before there is profit anew."""
    driver = tied_up()
    driver.command("collect", scope=AGENT)

    driver.fill("a", "sell", "9.9", "100")

    # 990 came free, 39.5 of it went. The mark stands where it would without the loss of 99.
    assert figures(driver) == ("950.5", "1049.5", "0", "950.5")
    driver.fill("a", "buy", "1", "100")
    driver.fill("a", "sell", "1", "199")
    assert collected(driver) == "nothing_to_collect"


def test_an_overdrawn_agent_owes_until_it_is_not() -> None:
    """12 coins at 100 of 1000: 200 short. At 110 half of 120 is due; 20 come free with two coins."""
    driver = funded(CALM, a="1000")
    driver.fill("a", "buy", "12", "100")
    driver.balance("a", prices={"BTC/USDT": "110"})

    assert collected(driver) == {"collected": "0", "pending": "60"}
    step = driver.fill("a", "sell", "2", "110")

    assert (step.one("fund_allocation")["amount"], driver.agent_of("a")["cash"]) == ("-20", "0")
    assert figures(driver)[2] == "40"


def test_a_loss_after_flows_is_earned_back_first() -> None:
    """1000 less 100; 500 more. The mark is 1500, so of a gain of 150 only 50 are profit."""
    driver = funded(CALM, a="1000")
    driver.fill("a", "buy", "1", "200")
    driver.fill("a", "sell", "1", "100")
    driver.command("allocate", agent="a", amount="500")
    assert figures(driver)[:2] == ("1400", "1500")
    driver.fill("a", "buy", "1", "100")
    driver.fill("a", "sell", "1", "250")

    assert collected(driver) == {"collected": "25", "pending": "0"}
    assert figures(driver)[:2] == ("1525", "1525")


def test_money_that_leaves_takes_the_mark_with_it() -> None:
    """Of 1100 with a mark of 1000 leave 550: the profit of 100 is there still. Then all but 30 leave."""
    driver = funded(CALM, a="1000")
    driver.fill("a", "buy", "1", "100")
    driver.fill("a", "sell", "1", "200")
    master = {"type": "wallet", "id": "w"}
    driver.command("transfer", source=AGENT, target=master, amount="550")
    assert figures(driver)[:2] == ("550", "450")

    driver.command("transfer", source=AGENT, target=master, amount="520")

    # The profit cannot be more than there is.
    assert figures(driver)[:2] == ("30", "0")
    assert collected(driver) == {"collected": "15", "pending": "0"}


def test_all_is_asked_for_and_what_is_tied_up_follows() -> None:
    """10 at once, then all that a sale brings, gain and all: 9.9 coins at 120 bring 1188, 1089 were owed."""
    driver = tied_up()

    assert collected(driver, what="all") == {"collected": "10", "pending": "1089"}
    assert figures(driver) == ("1089", "1089", "1089", "0")
    assert collected(driver, what="all") == "nothing_to_collect"
    driver.fill("a", "sell", "9.9", "120")

    # What was gained since is the agent's, as profit above its mark.
    assert figures(driver) == ("99", "0", "0", "0")
    assert collected(driver) == {"collected": "49.5", "pending": "0"}


def test_a_stopped_agent_owes_all_it_has_and_no_more() -> None:
    """It was asked for everything when it was stopped; its profit is among that."""
    driver = tied_up()
    driver.command("emergency_stop", scope=AGENT)
    assert figures(driver)[2] == "1089"

    driver.command("collect", scope=AGENT)

    assert figures(driver)[2] == "1089"
    driver.fill("a", "sell", "9.9", "110")
    assert figures(driver)[:3] == ("0", "0", "0")


def test_a_goal_after_a_schedule_collects_what_came_since() -> None:
    """100 by the day, half of it collected; then 40 with the goal."""
    driver = funded({**CALM, "collection": {"interval": "1d"}}, a="1000")
    goal = {"goal_type": "trade_volume", "target": {"trades": 4}, "assigned": [AGENT], "collect": "profit"}
    driver.goal("goal_created", "g", **goal)
    driver.fill("a", "buy", "1", "100")
    driver.fill("a", "sell", "1", "200")
    day = driver.after(DAY - SECOND).tick()
    driver.fill("a", "buy", "1", "100")

    met = driver.fill("a", "sell", "1", "140")

    assert [(data["reason"], data["amount"]) for data in day.named("fund_collection")] == [("profit", "50")]
    assert [(data["reason"], data["amount"]) for data in met.named("fund_collection")] == [("goal", "20")]
    assert figures(driver)[:2] == ("1070", "1070")


def test_a_rebalance_may_let_an_agent_keep_what_it_owes() -> None:
    """Its pending return shrinks by being paid, or because the plan gives it as much."""
    rebalance = {"interval": 0, "reserve": 0, "max_weight": 1, "threshold": 0, "smallest": "0.00000001"}
    driver = funded({**CALM, "rebalance": {**rebalance, "settle": "1d", "turnover": 1}}, a="0")
    driver.command("transfer", source={"type": "wallet", "id": "w"}, target=AGENT, amount="10000")
    driver.fill("a", "buy", "100", "100")
    driver.balance("a", prices={"BTC/USDT": "110"})
    assert collected(driver) == {"collected": "0", "pending": "500"}

    driver.command("rebalance")

    assert figures(driver)[2] == "0"


def test_a_profit_of_which_nothing_can_be_asked_is_there_to_be_collected_later() -> None:
    """All 200 are promised elsewhere; when they are not any more, half of the 100 earned are due."""
    driver = funded(CALM, a="100")
    round_trip(driver, "a", "100")
    move(driver, AGENT, MASTER, "200", id="p", pending=True)
    before = driver.bytes_of_state()["agents"]

    step = driver.command("collect", scope=AGENT)

    assert (step.refusal, step.named("fund_collection")) == ("nothing_to_collect", [])
    assert driver.state["agents"] == before
    driver.command("void", transfer="p")
    assert collected(driver) == {"collected": "50", "pending": "0"}


def promised() -> Driver:
    """Return agent a with 200, of which 100 are profit and 180 are pending for the master as ``p``."""
    driver = funded(CALM, a="100")
    round_trip(driver, "a", "100")
    move(driver, AGENT, MASTER, "180", id="p", pending=True)
    return driver


@pytest.mark.parametrize("end", ["void", "post"])
def test_of_a_profit_that_is_asked_for_in_part_the_rest_is_there_to_be_collected_later(end: str) -> None:
    """
    Of the 50 that are due only 20 can be asked for: 40 of the profit are settled, 60 are left above the mark.

    Their half is asked for when the 180 stay after all; when they leave, all that is left leaves with them.
    """
    driver = promised()

    assert collected(driver) == {"collected": "20", "pending": "0"}
    assert figures(driver)[:3] == ("180", "120", "0")
    assert collected(driver) == "nothing_to_collect"
    driver = driver.restarted()
    driver.command(end, transfer="p")

    if end == "void":
        assert collected(driver) == {"collected": "30", "pending": "0"}
        assert figures(driver)[:2] == ("150", "150")
    assert collected(driver) == "nothing_to_collect"


def test_a_reward_is_settled_whole_though_only_a_part_could_be_asked_for() -> None:
    """A fifth of the 50 stays; of the 40 that are asked for 20 leave now and 20 when they can."""
    driver = promised()
    create_goal(driver, {"trades": 1}, assigned=[AGENT], collect="profit", reward=0.2)

    told = driver.fill("a", "buy", "1", "0.01", symbol="X/USDT:USDT").one("fund_collection")
    driver.command("void", transfer="p")

    assert (told["amount"], told["reward"]) == ("20", "10")
    assert collected(driver) == {"collected": "20", "pending": "0"}
    assert figures(driver)[:2] == ("160", "160")


def test_all_that_could_be_asked_for_settles_as_much_of_the_profit() -> None:
    """20 of 200; the 80 of the profit of 100 that stay are still profit, of which half is due."""
    driver = promised()

    assert collected(driver, what="all") == {"collected": "20", "pending": "0"}
    driver.command("void", transfer="p")

    assert figures(driver)[:2] == ("180", "100")
    assert collected(driver) == {"collected": "40", "pending": "0"}
