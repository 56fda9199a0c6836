"""Lower bounds of agents that cannot hold together."""

import msgspec

from tests.support.driver import MINUTE, QUIET, SECOND, Driver, Json, funded

FARM: Json = {"type": "farm", "id": "f"}


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
