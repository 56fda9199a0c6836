"""Money in, out and between scopes: never more than there is, never less than all accounts know of."""

from typing import Any

import msgspec
import pytest

from tests.support.driver import (
    CALM,
    DAY,
    MASTER,
    MINUTE,
    QUIET,
    SECOND,
    Driver,
    Json,
    Step,
    agent,
    farm,
    funded,
    move,
)

# -- in and out --------------------------------------------------------------------------------------------


def test_a_deposit_comes_from_the_world_to_the_master() -> None:
    """Double entry: what the master has, the world gave."""
    driver = funded(deposit="100")

    step = driver.command("deposit", id="dep", amount="0.00000001")

    assert step.reply["result"] == {
        "amount": "0.00000001",
        "balances": {"world": "-100.00000001", "wallet": "100.00000001"},
    }
    told = step.one("wallet_transaction")
    assert (told["reason"], told["id"], told["transfers"]) == (
        "deposit",
        "dep",
        [{"debit": "world", "credit": "wallet", "amount": "0.00000001"}],
    )
    assert (driver.wallet["cash"], driver.wallet["world"]) == ("100.00000001", "-100.00000001")


def test_all_of_the_masters_cash_may_be_withdrawn_and_no_unit_more() -> None:
    """What agents have is not the master's."""
    driver = funded(deposit="100", a="40")

    assert driver.command("withdraw", amount="60.00000001").refusal == "exceeds_available"
    assert driver.command("withdraw", amount=60).reply["status"] == "ok"
    assert (driver.wallet["cash"], driver.wallet["equity"], driver.wallet["world"]) == ("0", "40", "-40")


# -- in another currency -----------------------------------------------------------------------------------


def test_an_amount_of_another_currency_moves_at_the_rate_that_is_known() -> None:
    """10.5 euros at 1.1 are 11.55, also where a price says 1.2, for the rules come first."""
    driver = funded({"rates": {"EUR": "1.1"}}, deposit="100", a="0")

    step = driver.command("deposit", amount="10.5", currency="EUR")

    assert step.reply["result"] == {"amount": "11.55", "balances": {"world": "-111.55", "wallet": "111.55"}}
    driver.balance("a", prices={"BTC/USDT": "50000", "EUR/USDT": "1.2"})
    assert driver.command("withdraw", amount="0.001", currency="BTC").reply["result"]["amount"] == "50"
    assert driver.command("allocate", agent="a", amount="10.5", currency="EUR").reply["status"] == "ok"
    assert driver.agent_of("a")["cash"] == "11.55"
    assert driver.command("deposit", amount="1", currency="USDT").reply["result"]["amount"] == "1"


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"amount": "1", "currency": "DOGE"}, "unknown_currency"),
        ({"amount": "1", "currency": "US DOLLAR"}, "invalid_member"),
        ({"amount": "0.000000001", "currency": "EUR"}, "amount_too_fine"),
        ({"amount": "0.00000001", "currency": "CENT"}, "amount_not_positive"),  # a hundredth of a unit
    ],
)
def test_a_currency_is_known_and_its_amount_is_one(members: Json, expected: str) -> None:
    """A rate is never guessed."""
    driver = funded({"rates": {"EUR": "1.1", "CENT": "0.01"}})

    assert driver.command("deposit", **members).reply["refusal"] == expected
    assert driver.wallet["cash"] == "10000"


@pytest.mark.parametrize("kind", ["deposit", "withdraw"])
@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("0", "amount_not_positive"),
        ("-1", "amount_not_positive"),
        ("-0.000000001", "amount_not_positive"),
        ("0.000000001", "amount_too_fine"),
        ("1.123456789", "amount_too_fine"),
        ("5.0000000000001", "amount_too_fine"),  # finer than prices and quantities are kept, too
        ("0.0000000000001", "amount_too_fine"),
        ("-0.0000000000001", "amount_not_positive"),
        ("1e-300", "amount_too_fine"),
        (1e-9, "amount_too_fine"),
    ],
)
def test_an_amount_is_above_zero_and_has_at_most_eight_decimals(
    kind: str, amount: object, expected: str
) -> None:
    """Nothing is rounded that somebody asked for."""
    assert funded().command(kind, amount=amount).refusal == expected


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        (None, "invalid_number"),
        ("", "invalid_number"),
        ("ten", "invalid_number"),
        ("NaN", "invalid_number"),
        ("Infinity", "invalid_number"),
        (True, "invalid_number"),
        ([1], "invalid_number"),
        ({"x": 1}, "invalid_number"),
        ("1" * 40, "invalid_number"),
        ("1e19", "out_of_range"),
        ("1000000000000000001", "out_of_range"),
        (10**30, "out_of_range"),
        ("-1e19", "out_of_range"),
    ],
)
def test_an_amount_that_is_no_number_is_a_dead_letter(amount: object, reason: str) -> None:
    """With a reason that stays the same."""
    driver = funded()

    step = driver.command("deposit", amount=amount)

    assert step.reasons == [reason]
    assert step.reply["status"] == "rejected"


def test_deposits_may_sum_to_more_than_one_may_be() -> None:
    """Twice the largest number there is, and a worker that loads it."""
    driver = funded(deposit="1e18")
    driver.command("deposit", amount="1000000000000000000")

    fresh = driver.restarted()

    assert fresh.command("deposit", amount="1").reply["result"]["balances"]["wallet"] == "2000000000000000001"


# -- between scopes ----------------------------------------------------------------------------------------


def test_money_moves_between_any_two_scopes() -> None:
    """Master to farm to agent to agent, and each knows what it has."""
    driver = funded(a="100", b="0")
    driver.command("farm_create", farm="g")

    assert move(driver, MASTER, farm("g"), "50").reply["status"] == "ok"
    assert move(driver, farm("g"), agent("b"), "30").reply["status"] == "ok"
    step = move(driver, agent("a"), agent("b"), "25")

    assert step.reply["result"] == {"amount": "25", "balances": {"agent/a": "75", "agent/b": "55"}}
    told = [(data["agent"], data["amount"], data["budget"]) for data in step.named("fund_allocation")]
    assert told == [("a", "-25", "75"), ("b", "25", "55")]
    assert (driver.farm_of("g")["cash"], driver.farm_of("g")["equity"]) == ("20", "20")
    assert (driver.farm_of("f")["cash"], driver.farm_of("f")["equity"]) == ("0", "130")
    assert (driver.wallet["cash"], driver.wallet["equity"]) == ("9850", "10000")


def test_at_most_takes_what_is_there() -> None:
    """And refuses where there is nothing."""
    driver = funded(a="100")

    assert move(driver, agent("a"), MASTER, "150", at_most=True).reply["result"]["amount"] == "100"
    assert move(driver, agent("a"), MASTER, "150", at_most=True).refusal == "exceeds_available"
    assert driver.agent_of("a")["cash"] == "0"


def test_what_is_tied_up_does_not_move() -> None:
    """100 are in a position, 30 in orders."""
    driver = funded(a="200")
    driver.fill("a", "buy", "1", "100")
    driver.balance("a", free={"USDT": "70"}, used={"USDT": "30"})

    assert move(driver, agent("a"), MASTER, "70.00000001").refusal == "exceeds_available"
    assert move(driver, agent("a"), MASTER, "500", at_most=True).reply["result"]["amount"] == "70"


@pytest.mark.parametrize(
    ("source", "target", "amount", "expected"),
    [
        (MASTER, MASTER, "5", "accounts_must_be_different"),
        (MASTER, MASTER, "0", "amount_not_positive"),
        (MASTER, MASTER, "100000", "accounts_must_be_different"),
        (agent("a"), agent("a"), "5", "accounts_must_be_different"),
        (farm("f"), MASTER, "5", "exceeds_available"),
        (MASTER, farm("f"), "100000", "exceeds_available"),
        (MASTER, farm("f"), "0.000000001", "amount_too_fine"),
    ],
)
def test_a_transfer_that_breaks_a_rule_is_refused_by_the_first_it_breaks(
    source: Json, target: Json, amount: str, expected: str
) -> None:
    """And nothing moves."""
    driver = funded(a="100")
    before = (driver.wallet["cash"], driver.agent_of("a")["cash"])

    step = move(driver, source, target, amount)

    assert step.refusal == expected
    assert step.named("wallet_transaction") == []
    assert (driver.wallet["cash"], driver.agent_of("a")["cash"]) == before


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        (agent("x"), MASTER, "unknown_agent"),
        (MASTER, farm("x"), "unknown_farm"),
        (MASTER, {"type": "wallet", "id": "v"}, "unknown_wallet"),
        ({"type": "planet", "id": "x"}, MASTER, "invalid_member"),
        ({"id": "x"}, MASTER, "invalid_member"),
        ("wallet", MASTER, "invalid_member"),
    ],
)
def test_a_scope_there_is_not_is_a_dead_letter(source: Json, target: Json, reason: str) -> None:
    """Of another wallet, of no kind, or not at all."""
    assert move(funded(), source, target, "5").reasons == [reason]


def test_nothing_is_given_to_who_is_stopped() -> None:
    """By no way: not allocated, not transferred; what it has may be taken."""
    driver = funded(a="100", b="100")
    driver.fill("a", "buy", "1", "50")
    driver.command("emergency_stop", scope=agent("a"))

    assert driver.command("allocate", agent="a", amount="5").refusal == "agent_stopped"
    assert move(driver, MASTER, agent("a"), "5").refusal == "agent_stopped"
    assert move(driver, agent("b"), agent("a"), "5").refusal == "agent_stopped"
    assert driver.agent_of("a")["cash"] == "0"


def test_an_allocation_is_told_to_its_agent() -> None:
    """All that docs/wire.md promises."""
    driver = funded(a="100")

    step = driver.command("allocate", agent="a", amount="50")

    assert step.one("fund_allocation") == {
        "agent": "a",
        "farm": "f",
        "amount": "50",
        "budget": "150",
        "cash": "150",
        "weight": 0.0,
        "pending_return": "0",
        "reason": "allocate",
        "state": "posted",
        "transfer": None,
    }
    assert [said.stream for said in step.said if said.name == "fund_allocation"] == ["allocation"]
    assert driver.command("allocate", agent="a", amount="100000").refusal == "exceeds_available"


def test_moving_money_is_no_profit_and_no_loss() -> None:
    """Not for who gives, not for who gets."""
    driver = funded(a="100", b="100")
    driver.fill("a", "buy", "1", "10")
    driver.fill("a", "sell", "1", "5")  # a twentieth of 100

    move(driver, agent("a"), agent("b"), "90")
    driver.after(DAY).tick()

    drawdowns = [driver.agent_of(name)["drawdown"] for name in ("a", "b")]
    assert drawdowns == [0.05, 0.0]
    assert driver.agent_of("b")["realized_pnl"] == "0"
    assert (driver.farm_of("f")["drawdown"], driver.farm_of("f")["realized_pnl"]) == (0.025, "-5")


# -- back to the master ------------------------------------------------------------------------------------


def earned(profit: str = "100") -> Driver:
    """Return agents a, which got 1000 and earned a profit, and b, which got 500."""
    driver = funded(CALM, a="1000", b="500")
    driver.fill("a", "buy", "1", "100")
    driver.fill("a", "sell", "1", str(100 + float(profit)))
    return driver


def test_half_of_the_profit_is_collected_and_no_profit_twice() -> None:
    """Of 100 above the mark 50 go; the other 50 are the agent's to keep."""
    driver = earned()

    step = driver.command("collect", scope=agent("a"))

    assert step.reply["result"] == {"collected": "50", "pending": "0"}
    assert step.one("fund_collection") == {
        "amount": "50",
        "cash": "1050",
        "reason": "command",
        "agent": "a",
        "farm": "f",
        "budget": "950",
        "pending_return": "0",
    }
    assert step.named("wallet_transaction")[-1]["reason"] == "collect_command"
    assert driver.command("collect", scope=MASTER).refusal == "nothing_to_collect"
    driver.fill("a", "buy", "1", "100")
    driver.fill("a", "sell", "1", "110")
    assert driver.command("collect", scope=farm("f")).reply["result"] == {"collected": "5", "pending": "0"}


def test_money_that_is_given_is_not_profit_to_collect() -> None:
    """The mark moves with every transfer."""
    driver = earned()
    driver.command("allocate", agent="a", amount="1000")

    assert driver.command("collect", scope=agent("a")).reply["result"] == {"collected": "50", "pending": "0"}


def test_a_loss_has_to_be_earned_back_before_there_is_profit() -> None:
    """From 950 to 990 is no profit above a mark of 1000."""
    driver = earned("-50")
    driver.fill("a", "buy", "1", "100")
    driver.fill("a", "sell", "1", "140")

    assert driver.command("collect", scope=agent("a")).refusal == "nothing_to_collect"


def test_all_that_is_free_is_collected_under_a_scope() -> None:
    """Positions stay; the farm's other agent gives what it has."""
    driver = earned()
    driver.fill("b", "buy", "1", "200")

    step = driver.command("collect", scope=farm("f"), what="all")

    assert step.reply["result"] == {"collected": "1400", "pending": "200"}
    assert [(data["agent"], data["amount"]) for data in step.named("fund_collection")] == [
        ("a", "1100"),
        ("b", "300"),
    ]
    assert driver.agent_of("b")["equity"] == "200"


def test_profit_that_was_collected_with_all_the_rest_is_not_collected_again() -> None:
    """1100 went; the 1000 that come next are no profit."""
    driver = earned()
    driver.command("collect", scope=agent("a"), what="all")
    driver.command("allocate", agent="a", amount="1000")

    assert driver.command("collect", scope=agent("a")).refusal == "nothing_to_collect"
    driver.fill("a", "buy", "1", "100")
    driver.fill("a", "sell", "1", "120")
    assert driver.command("collect", scope=agent("a")).reply["result"] == {"collected": "10", "pending": "0"}


def test_an_amount_is_collected_from_one_agent_after_the_other() -> None:
    """In the order of their ids, each as far as it can; with ``at_most`` what is there is enough."""
    driver = earned()

    def collect(**members: Any) -> Step:
        return driver.command("collect", scope=MASTER, amount="1300", **members)

    assert collect().reply["result"] == {"collected": "1300", "pending": "0"}
    assert [driver.agent_of(name)["cash"] for name in ("a", "b")] == ["0", "300"]
    assert collect(at_most=True).reply["result"] == {"collected": "300", "pending": "0"}
    assert collect(at_most=True).refusal == "nothing_to_collect"


def test_no_more_is_collected_than_there_is() -> None:
    """An amount is meant exactly: all of it or nothing."""
    driver = earned()

    assert driver.command("collect", scope=agent("b"), amount="500.00000001").refusal == "exceeds_available"
    assert driver.agent_of("b")["cash"] == "500"
    assert driver.command("collect", scope=agent("b"), amount="500").reply["result"] == {
        "collected": "500",
        "pending": "0",
    }


@pytest.mark.parametrize("scope", [MASTER, farm("f"), agent("b")])
def test_who_has_nothing_gives_nothing(scope: Json) -> None:
    """Nothing to collect is a refusal."""
    assert funded(b="0").command("collect", scope=scope, what="all").refusal == "nothing_to_collect"


def test_profit_is_swept_on_schedule() -> None:
    """Every day of stream time, if the rules say so, and counted from there."""
    driver = funded({**CALM, "collection": {"interval": "1d", "share": 1}}, a="1000")
    driver.fill("a", "buy", "1", "100")
    driver.fill("a", "sell", "1", "130")
    assert driver.after(DAY - 2 * SECOND).tick().named("fund_collection") == []

    step = driver.after(2 * SECOND).tick()

    assert [(data["amount"], data["reason"]) for data in step.named("fund_collection")] == [("30", "profit")]
    assert driver.agent_of("a")["equity"] == "1000"
    assert driver.after(DAY).tick().named("fund_collection") == []


# -- on request --------------------------------------------------------------------------------------------


def test_a_rebalance_is_made_now_and_answered_with_its_plan() -> None:
    """Two agents alike share all but what their bounds leave: 40 % each of 10 000."""
    driver = funded({"rebalance": {**QUIET["rebalance"], "threshold": 0.1}}, a="0", b="0")
    before = driver.wallet["rebalanced"]

    step = driver.command("rebalance", method="equal")

    assert step.reply["status"] == "ok"
    assert step.reply["result"] == step.one("farm_rebalance")
    plan = step.one("farm_rebalance")
    assert (plan["method"], plan["trigger"], plan["capital"], plan["reserve"]) == (
        "equal",
        "command",
        "10000",
        "0",
    )
    assert plan["transfers"] == [{"agent": "a", "amount": "4000"}, {"agent": "b", "amount": "4000"}]
    assert plan["held_back"] == [{"agent": None, "amount": "2000", "reason": "bounds"}]
    assert plan["farms"] == {"f": 0.8}
    assert [driver.agent_of(name)["budget"] for name in ("a", "b")] == ["4000", "4000"]
    assert driver.wallet["rebalanced"] == before + SECOND


def test_a_rebalance_that_is_refused_changes_nothing() -> None:
    """Neither the next one's time, nor one that was asked for, nor anybody's tier."""
    driver = Driver()
    driver.command("wallet_create", currency="USDT", rules={"rebalance": {"interval": 0, "settle": "1m"}})
    driver.command("deposit", amount="1000")
    driver.command("farm_create", farm="f")
    driver.command("agent_register", agent="a", farm="f")
    before = (driver.wallet["rebalanced"], driver.wallet["rebalance_due"], driver.wallet["rebalance_trigger"])

    step = driver.after(SECOND).command("rebalance", method="magic")

    assert step.refusal == "unknown_method"
    assert (
        driver.wallet["rebalanced"],
        driver.wallet["rebalance_due"],
        driver.wallet["rebalance_trigger"],
    ) == before
    assert driver.after(MINUTE).tick().one("farm_rebalance")["trigger"] == "deposit"


def test_bounds_that_cannot_hold_are_refused() -> None:
    """Two agents with at least 60 % each, from a time when nobody looked at it before money was to move."""
    driver = funded(a="0", b="0")
    for name in ("a", "b"):
        stored = driver.agent_of(name) | {"min_weight": 0.6, "max_weight": 1.0}
        driver.state["agents"][f"w/{name}"] = msgspec.json.encode(stored)

    assert driver.restarted().command("rebalance").refusal == "infeasible_bounds"


def test_a_wallet_that_is_stopped_is_not_rebalanced() -> None:
    """It is not for a command to get round a stop."""
    driver = funded(a="0")
    driver.command("emergency_stop", scope=MASTER)

    assert driver.command("rebalance").refusal == "wallet_stopped"
