"""With the rule `acknowledge` a bot confirms what it is given, and only then it has it."""

from typing import Any

import pytest

from tests.support.driver import DAY, MINUTE, NO_BREAKERS, SECOND, Driver, Json, funded
from tests.support.laws import Books

RULES: Json = {
    "breakers": NO_BREAKERS,
    "rebalance": {
        "interval": "5m",
        "threshold": 0,
        "reserve": 0,
        "max_weight": 1,
        "settle": "1000d",
        "method": "equal",
        "acknowledge": "10m",
    },
}


def offered(rules: Json = RULES, **agents: str) -> Driver:
    """Return a wallet with 1000 of which a rebalance has offered each agent its part."""
    driver = funded(
        {**rules, "rebalance": {**rules["rebalance"], "acknowledge": 0}}, deposit="1000", **agents
    )
    driver.command("wallet_configure", rules={"rebalance": {"acknowledge": "10m"}})
    driver.command("rebalance")
    return driver


def shown(driver: Driver, agent: str = "a", **members: Any) -> list[tuple[str, str]]:
    """Send a snapshot a second later; return what is told of allocations."""
    step = driver.after(SECOND).balance(agent, **members)
    return [(data["state"], data["amount"]) for data in step.named("fund_allocation")]


def test_what_a_rebalance_gives_is_pending() -> None:
    """Told with the id it can be posted by; nobody has it yet, and the plan says all the same who is to."""
    driver = funded(RULES, deposit="1000", a="0")

    step = driver.command("rebalance")

    assert step.one("farm_rebalance")["transfers"] == [{"agent": "a", "amount": "1000"}]
    told = step.one("fund_allocation")
    assert (told["state"], told["amount"], told["budget"], told["cash"]) == ("pending", "1000", "0", "0")
    assert (driver.wallet["cash"], driver.wallet["held"], driver.agent_of("a")["equity"]) == (
        "1000",
        "1000",
        "0",
    )
    posted = driver.command("post", transfer=told["transfer"]).one("fund_allocation")
    assert (posted["state"], posted["budget"], posted["cash"]) == ("posted", "1000", "1000")
    Books(driver.state, "w").check()


def test_it_is_off_unless_the_rules_say_so() -> None:
    """Then it is posted at once."""
    driver = funded(deposit="1000", a="0")

    told = driver.command("allocate", agent="a", amount="10").one("fund_allocation")

    assert (told["state"], told["transfer"]) == ("posted", None)


def test_what_is_allocated_by_command_is_pending_too() -> None:
    """For as long as the rule says, if the command says nothing else; what is transferred is not."""
    driver = funded(RULES, deposit="1000", a="0", b="0")

    by_rule = driver.command("allocate", id="x", agent="a", amount="10").reply["result"]
    by_itself = driver.command("allocate", id="y", agent="a", amount="10", timeout="1h").reply["result"]
    source, target = {"type": "wallet", "id": "w"}, {"type": "agent", "id": "b"}
    driver.command("transfer", source=source, target=target, amount="1")

    assert (by_rule["transfer"], by_rule["due"] - driver.now) == ("x", 10 * MINUTE)
    assert (by_itself["transfer"], by_itself["due"] - driver.now) == ("y", 60 * MINUTE)
    assert (driver.agent_of("a")["cash"], driver.agent_of("b")["cash"]) == ("0", "1")


@pytest.mark.parametrize(
    ("members", "cash"),
    [
        ({"total": {"USDT": "1000"}}, "1000"),
        ({"free": {"USDT": "900"}, "used": {"USDT": "100"}}, "1000"),
        ({"total": {"USDT": "999"}}, "1000"),  # a thousandth of the account is tolerated
        ({"total": {"USDT": "998.9"}}, None),
        ({"total": {"USDT": "2000"}}, "2000"),  # and as much that nobody can explain
        ({"total": {"USDT": "0"}}, None),
        ({"equity": "500"}, "500"),  # half is lost already, or was never there
        ({"equity": "499.99999999"}, None),
        ({"used": {"USDT": "1000"}}, None),  # says nothing of how much there is
        ({"total": {"BTC": "1000"}}, None),
        ({"prices": {"BTC/USDT": "1000"}}, None),
    ],
)
def test_it_is_posted_when_the_account_shows_it(members: Json, cash: str | None) -> None:
    """To the tolerance; what the account has beyond it is compared as always."""
    driver = offered(a="0")

    told = shown(driver, **members)

    assert told == ([] if cash is None else [("posted", "1000")])
    if cash is not None:
        assert driver.agent_of("a")["cash"] == cash
    Books(driver.state, "w").check()


def test_a_small_amount_is_not_shown_by_what_is_tolerated() -> None:
    """0.5 more in an account of 900 is within a thousandth of it; half of the amount is not."""
    driver = offered(a="900")
    driver.command("void", transfer=next(iter(Books(driver.state, "w").pending)))
    driver.command("allocate", agent="a", amount="0.5")

    assert shown(driver, total={"USDT": "900.24999999"}) == []
    assert shown(driver, total={"USDT": "900.25"}) == [("posted", "0.5")]


def test_a_snapshot_from_before_shows_nothing() -> None:
    """At the time of the allocation it cannot have arrived."""
    driver = offered(a="0")

    step = driver.balance("a", total={"USDT": "1000"})

    assert step.named("fund_allocation") == []


def test_of_several_the_older_counts_first_and_each_once() -> None:
    """300 and 200 are on their way, and 300 arrive."""
    driver = funded(RULES, deposit="1000", a="0")
    for amount in ("300", "200"):
        driver.command("allocate", agent="a", amount=amount)

    assert shown(driver, total={"USDT": "300"}) == [("posted", "300")]
    assert shown(driver, total={"USDT": "300"}) == []
    assert shown(driver, total={"USDT": "500"}) == [("posted", "200")]
    assert driver.wallet["suspense"] == "0"


def test_an_agent_confirms_its_own_and_no_neighbours() -> None:
    """Each account shows its own money; what an operator made pending waits for the operator."""
    driver = funded(RULES, deposit="1000", a="0", b="0")
    driver.command("allocate", agent="b", amount="300")
    source, target = {"type": "wallet", "id": "w"}, {"type": "agent", "id": "a"}
    driver.command("transfer", id="op", source=source, target=target, amount="300", pending=True)

    assert shown(driver, "a", total={"USDT": "300"}) == []
    assert Books(driver.state, "w").pending["op"]["state"] == "pending"


def test_a_bot_that_only_knows_its_equity_earns_nothing_by_what_it_is_given() -> None:
    """100 are given, 3 are lost meanwhile; the profit is that of the reports around."""
    driver = funded(RULES, deposit="1000", a="0")
    driver.command("allocate", agent="a", amount="500")
    shown(driver, equity="500")
    shown(driver, equity="510")
    driver.command("allocate", agent="a", amount="100")

    assert shown(driver, equity="607") == [("posted", "100")]
    shown(driver, equity="608")

    assert (driver.agent_of("a")["realized_pnl"], driver.agent_of("a")["cash"]) == ("8", "608")


def test_what_is_not_confirmed_in_time_is_voided_and_offered_again() -> None:
    """After ten minutes; no rebalance in between gives it a second time."""
    driver = offered(a="0")
    for _ in range(9):
        assert driver.after(MINUTE).tick().named("fund_allocation") == []
        assert driver.wallet["held"] == "1000"

    step = driver.after(MINUTE).tick()

    assert [data["state"] for data in step.named("fund_allocation")] == ["voided", "pending"]
    assert driver.wallet["held"] == "1000"


def test_no_plan_gives_or_asks_what_is_on_its_way() -> None:
    """What one has confirmed and another not is the same to the plan."""
    driver = offered(a="0", b="0")
    shown(driver, "a", total={"USDT": "500"})

    plan = driver.command("rebalance").one("farm_rebalance")

    assert plan["capital"] == "1000"
    assert plan["transfers"] == []
    assert [agent["before"] for agent in plan["agents"].values()] == [0.5, 0.5]


def test_who_is_stopped_before_it_confirms_gets_nothing() -> None:
    """The money stays with the master."""
    driver = offered(a="0")

    driver.command("emergency_stop", scope={"type": "agent", "id": "a"})

    assert shown(driver, total={"USDT": "0"}) == []
    assert (driver.wallet["cash"], driver.wallet["held"]) == ("1000", "0")


def test_a_restart_forgets_nothing_of_it() -> None:
    """Neither that it is to be confirmed nor until when."""
    driver = offered(a="0")
    fresh = driver.restarted()

    for one in (driver, fresh):
        shown(one, total={"USDT": "1000"})
        one.after(DAY).tick()

    assert fresh.outputs == driver.outputs
    assert fresh.state == driver.state
