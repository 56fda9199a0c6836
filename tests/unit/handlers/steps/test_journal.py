"""Each transaction of the ledger has an id of its own, by which a mistake can be named and made good."""

from tests.support.driver import (
    CALM,
    MASTER,
    SECOND,
    Driver,
    Step,
    agent,
    create_goal,
    funded,
    move,
    round_trip,
)


def ids(*steps: Step, reason: str) -> list[str]:
    """Return the ids of the transactions of a reason, in order."""
    told = [data for step in steps for data in step.named("wallet_transaction")]
    return [data["id"] for data in told if data["reason"] == reason]


def test_two_goals_that_collect_from_an_agent_by_one_input_are_two_transactions() -> None:
    """The first goes by the name that one alone has, the next has a number behind it."""
    driver = funded(CALM, a="1000")
    for goal, what in (("g", "profit"), ("h", "all"), ("i", "none")):
        create_goal(driver, {"trades": 2}, goal=goal, collect=what)

    step = round_trip(driver, "a", "100", id="t")

    assert ids(step, reason="collect_goal") == ["t/collect/a", "t/collect/a/2"]
    correction = move(driver, MASTER, agent("a"), "50", corrects="t/collect/a/2")
    assert correction.one("wallet_transaction")["corrects"] == "t/collect/a/2"


def test_what_a_bot_without_fills_earns_is_a_transaction_each_time() -> None:
    """There is no number of fills that would tell them apart, so the transaction's own is in the id."""
    driver = funded(CALM, a="1000")
    for equity in ("1000", "1010"):
        driver.after(SECOND).balance("a", equity=equity)

    steps = [driver.after(SECOND).balance("a", equity=equity) for equity in ("1015", "1005")]

    numbers = [data["n"] for step in steps for data in step.named("wallet_transaction")]
    assert ids(*steps, reason="trading") == [f"a/0/{number}" for number in numbers]
    assert len(set(numbers)) == 2


def test_fills_go_by_the_agent_and_how_many_it_had() -> None:
    """As the agent counts them."""
    driver = funded(CALM, a="1000")

    steps = [driver.after(SECOND).fill("a", "buy", "1", "10") for _ in range(2)]

    assert ids(*steps, reason="trading") == ["a/1", "a/2"]


def stopped_twice() -> tuple[Driver, Step]:
    """Return what one fill does that comes a minute late: its time trips a limit, then it brings money."""
    driver = funded({"breakers": {"agent_daily_loss": None, "agent_drawdown": 0.1}}, a="1000")
    driver.fill("a", "buy", "5", "100")
    driver.balance("a", prices={"BTC/USDT": "70"})
    return driver, driver.after(60 * SECOND).fill("a", "sell", "5", "70", id="t")


def test_what_is_taken_back_twice_by_one_input_is_two_transactions() -> None:
    """What was free when the limit tripped with the time, and what the fill itself brought."""
    driver, step = stopped_twice()

    assert ids(step, reason="emergency") == ["t/a", "t/a/2"]
    assert driver.agent_of("a")["cash"] == "0"
