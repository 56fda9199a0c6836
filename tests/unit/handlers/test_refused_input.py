"""
Input that breaks a rule, case by case, as docs/wire.md lists it: each gets its name, and changes nothing.

The list here and the list there are held against each other, so neither can say what the other does not.
"""

import re
from pathlib import Path
from typing import Any, Final

import pytest

from domain.refusals import Refusal
from tests.support.driver import NO_BREAKERS, SECOND, Driver, Json, Step, agent, farm, funded
from tests.support.laws import money_of

WIRE: Final = Path(__file__).parents[3] / "docs" / "wire.md"


def wallet(name: str = "w") -> Json:
    """Name a wallet as a scope."""
    return {"type": "wallet", "id": name}


def command(kind: str, **members: Any) -> tuple[str, Json]:
    """Make a command."""
    return "command", {"kind": kind, **members}


def goal(target: Json, goal_type: str = "custom", **members: Any) -> tuple[str, Json]:
    """Make the event that creates goal new."""
    event = {"kind": "goal_created", "goal": "new", "goal_type": goal_type, "target": target}
    return "goal", event | members


def transfer(source: Json, target: Json, amount: str = "5", **members: Any) -> tuple[str, Json]:
    """Make a transfer."""
    return command("transfer", source=source, target=target, amount=amount, **members)


def least(metric: str, value: float) -> Json:
    """Ask for a metric to reach a value."""
    return {"metric": metric, "at_least": value}


def most(metric: str, value: float) -> Json:
    """Ask for a metric to stay below a value."""
    return {"metric": metric, "at_most": value}


PAST: Final = funded().now
MINIMUM: Final = {"rebalance": {"min_weight": 0.31, "max_weight": 0.4}}
CROSSED: Final = {"rebalance": {"min_weight": 0.5, "max_weight": 0.4}}

CASES: Final[list[tuple[str, tuple[str, Json], str]]] = [
    (
        "an agent's lower bound with which those of all agents sum to more than 1",
        command("agent_configure", agent="b", min_weight=0.41, max_weight=1),
        "refused: infeasible_bounds",
    ),
    (
        "rules whose lower bound the agents have no room for",
        command("wallet_configure", rules=MINIMUM),
        "refused: infeasible_bounds",
    ),
    (
        "an agent that is registered where the rules' lower bound is not left for it",
        command("agent_register", wallet="full", agent="d", farm="f"),
        "refused: infeasible_bounds",
    ),
    (
        "an agent's lower bound above its upper one",
        command("agent_configure", agent="b", min_weight=0.3, max_weight=0.2),
        "refused: infeasible_bounds",
    ),
    (
        "a bound below 0 or above 1",
        command("agent_configure", agent="b", max_weight=1.1),
        "refused: infeasible_bounds",
    ),
    (
        "rules with a lower bound above the upper one",
        command("wallet_configure", rules=CROSSED),
        "rejected: invalid_rules",
    ),
    (
        "upper bounds that sum to less than 1",
        command("agent_configure", agent="b", max_weight=0.01),
        "ok: the rest stays with the master",
    ),
    ("a rebalance by an unknown method", command("rebalance", method="magic"), "refused: unknown_method"),
    (
        "rules with an unknown method",
        command("wallet_configure", rules={"rebalance": {"method": "magic"}}),
        "rejected: invalid_rules",
    ),
    ("a rule there is not", command("wallet_configure", rules={"luck": 1}), "rejected: invalid_rules"),
    ("a goal of an unknown metric", goal({"all": [least("luck", 1)]}), "dead letter: invalid_target"),
    ("a goal of no trades", goal({"trades": 0}, "trade_volume"), "dead letter: invalid_target"),
    ("a goal of a negative profit", goal({"profit": "-1"}, "profit_target"), "dead letter: invalid_target"),
    ("a goal of a win rate of 1.5", goal({"all": [least("win_rate", 1.5)]}), "dead letter: invalid_target"),
    (
        "a goal of a drawdown below zero",
        goal({"all": [most("drawdown", -0.1)]}),
        "dead letter: invalid_target",
    ),
    (
        "a goal of a `max_drawdown`, which is negative, above zero",
        goal({**least("max_drawdown", 0.1), "periods": 30}, "strategy_performance"),
        "dead letter: invalid_target",
    ),
    (
        "a goal of at least 200 and at most 100 of one metric",
        goal({"all": [least("equity", 200), most("equity", 100)]}),
        "dead letter: invalid_target",
    ),
    (
        "a goal over more periods than returns are kept",
        goal({**least("sharpe", 1), "periods": 366}, "strategy_performance"),
        "dead letter: invalid_target",
    ),
    (
        "a goal that is to be raised and only has limits",
        goal({"all": [most("drawdown", 0.1)]}, raise_by=0.1),
        "dead letter: invalid_target",
    ),
    (
        "a goal whose target fits another type",
        goal({"trades": 5}, "profit_target"),
        "dead letter: invalid_target",
    ),
    (
        "a goal with a reward above 1",
        goal({"trades": 5}, "trade_volume", reward=1.1),
        "dead letter: out_of_range",
    ),
    (
        "a goal whose deadline has passed",
        goal({"trades": 5}, "trade_volume", deadline=PAST),
        "dead letter: deadline_passed",
    ),
    (
        "a goal assigned to a farm there is not",
        goal({"trades": 5}, "trade_volume", assigned=[farm("x")]),
        "dead letter: unknown_farm",
    ),
    (
        "a goal that exists, created again",
        goal({"trades": 5}, "trade_volume", goal="runs"),
        "dead letter: goal_exists",
    ),
    (
        "a goal that has ended, changed",
        ("goal", {"kind": "goal_updated", "goal": "ended", "name": "x"}),
        "dead letter: goal_ended",
    ),
    ("a deposit of nothing", command("deposit", amount="0"), "refused: amount_not_positive"),
    (
        "a withdrawal of a negative amount",
        command("withdraw", amount="-5"),
        "refused: amount_not_positive",
    ),
    ("a deposit of 0.000000001", command("deposit", amount="0.000000001"), "refused: amount_too_fine"),
    ("a deposit of what is no number", command("deposit", amount="much"), "rejected: invalid_number"),
    ("a deposit beyond 1e18", command("deposit", amount="1e19"), "rejected: out_of_range"),
    ("a transfer to itself", transfer(farm("f"), farm("f")), "refused: accounts_must_be_different"),
    (
        "a transfer in a currency without a rate",
        transfer(wallet(), farm("f"), currency="DOGE"),
        "rejected: unknown_currency",
    ),
    (
        "a fill in a currency without a rate",
        ("trade", {"agent": "a", "symbol": "BTC/DOGE", "side": "buy", "price": "1", "amount": "1"}),
        "dead letter: unknown_currency",
    ),
    ("a transfer to a closed farm", transfer(wallet(), farm("closed")), "refused: account_closed"),
    ("a transfer to a retired agent", transfer(wallet(), agent("retired")), "refused: account_closed"),
    (
        "a deposit to a closed wallet",
        command("deposit", wallet="closed", amount="5"),
        "refused: account_closed",
    ),
    (
        "an allocation to a retired agent",
        command("allocate", agent="retired", amount="5"),
        "refused: agent_retired",
    ),
    (
        "an allocation to a stopped agent",
        command("allocate", agent="stopped", amount="5"),
        "refused: agent_stopped",
    ),
    (
        "a transfer from a farm of another wallet",
        transfer(farm("theirs"), wallet()),
        "rejected: unknown_farm",
    ),
    ("a transfer to another wallet", transfer(wallet(), wallet("full")), "rejected: unknown_wallet"),
    (
        "a transfer of more than there is",
        transfer(agent("b"), wallet(), "500.00000001"),
        "refused: exceeds_available",
    ),
    (
        "a withdrawal of more than there is",
        command("withdraw", amount="100000"),
        "refused: exceeds_available",
    ),
    (
        "an allocation of more than there is",
        command("allocate", agent="b", amount="100000"),
        "refused: exceeds_available",
    ),
    (
        "a collection of more than there is",
        command("collect", scope=agent("b"), amount="500.00000001"),
        "refused: exceeds_available",
    ),
    (
        "a collection where there is no profit",
        command("collect", scope=agent("b")),
        "refused: nothing_to_collect",
    ),
    ("resuming what is not stopped", command("emergency_resume", scope=agent("b")), "refused: not_stopped"),
    (
        "resuming what is held by a stop above it",
        command("emergency_resume", scope=agent("held")),
        "refused: stopped_above",
    ),
    (
        "stopping what is stopped",
        command("emergency_stop", scope=agent("stopped")),
        "refused: already_stopped",
    ),
    ("closing a wallet with money", command("wallet_close"), "refused: wallet_not_empty"),
    (
        "closing a wallet with open positions",
        command("wallet_close", wallet="worthless"),
        "refused: wallet_not_empty",
    ),
    ("closing a farm with agents", command("farm_close", farm="f"), "refused: farm_not_empty"),
    ("closing a farm with money", command("farm_close", farm="rich"), "refused: farm_not_empty"),
    (
        "an agent in a closed farm",
        command("agent_register", agent="new", farm="closed"),
        "refused: farm_closed",
    ),
    ("a rebalance of a stopped wallet", command("rebalance", wallet="halted"), "refused: wallet_stopped"),
    (
        "an agent that is registered again, otherwise",
        command("agent_register", agent="a", farm="f", strategy="other"),
        "refused: exists_with_different_body",
    ),
    (
        "a command's id for another command",
        command("deposit", id="used", amount="6"),
        "refused: exists_with_different_amount",
    ),
    (
        "a command to a wallet there is not",
        command("deposit", wallet="nowhere", amount="5"),
        "rejected: unknown_wallet",
    ),
    ("a command of an unknown kind", command("wish", amount="5"), "rejected: unknown_kind"),
    ("a command without a member it needs", command("deposit"), "rejected: invalid_member"),
]


def ready() -> Driver:
    """Return wallets in every state that the cases need."""
    driver = funded({"breakers": NO_BREAKERS}, a="1000", b="500", stopped="0", retired="0")
    driver.command("agent_configure", agent="a", min_weight=0.6, max_weight=1)
    for name in ("closed", "rich", "halted"):
        driver.command("farm_create", farm=name)
    driver.command("agent_register", agent="held", farm="halted")
    driver.command("emergency_stop", scope=farm("halted"))
    driver.command("emergency_stop", scope=agent("stopped"))
    driver.command("agent_retire", agent="retired")
    driver.command("farm_close", farm="closed")
    driver.send("command", driver.event(transfer(wallet(), farm("rich"))[1]))
    driver.command("deposit", id="used", amount="5")
    for name in ("runs", "ended"):
        driver.goal("goal_created", name, goal_type="trade_volume", target={"trades": 99})
    driver.goal("goal_cancelled", "ended")
    for name in ("closed", "full", "halted", "worthless"):
        rules = {"breakers": NO_BREAKERS | {"agent_daily_loss": None}, "rebalance": {"interval": 0}}
        driver.command("wallet_create", wallet=name, currency="USDT", rules=rules)
    driver.command("wallet_close", wallet="closed")
    driver.command("emergency_stop", wallet="halted", scope=wallet("halted"))
    driver.command("farm_create", wallet="full", farm="f")
    driver.command("farm_create", wallet="full", farm="theirs")
    for name in ("a", "b", "c"):
        driver.command("agent_register", wallet="full", agent=name, farm="f")
    driver.command("wallet_configure", wallet="full", rules={"rebalance": {"min_weight": 0.3}})
    driver.command("farm_create", wallet="worthless", farm="f")
    driver.command("agent_register", wallet="worthless", agent="a", farm="f")
    # Bought without money, and worth as little: no equity, but a position.
    driver.fill("a", "buy", "1", "1", wallet="worthless", cost="0")
    driver.balance("a", wallet="worthless", prices={"BTC/USDT": "0.000000000001"})
    driver.after(SECOND).tick()  # so that nothing is due any more, which the next command would bring
    return driver


@pytest.fixture(scope="module")
def driver() -> Driver:
    """Share one partition among all cases: what is refused leaves nothing behind."""
    return ready()


def outcome(step: Step) -> str:
    """Return what came of a step in the words of the list."""
    replies = step.named("command_reply")
    if not replies:
        (reason,) = step.reasons
        return f"dead letter: {reason}"
    if replies[0]["status"] == "ok":
        return "ok: the rest stays with the master"
    return f"{replies[0]['status']}: {replies[0]['refusal']}"


@pytest.mark.parametrize(("event", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_bad_input_gets_its_name_and_changes_nothing(
    driver: Driver, event: tuple[str, Json], expected: str
) -> None:
    """With a sentence that explains it; what is a dead letter leaves the state as it is to the byte."""
    before, figures = driver.bytes_of_state(), money_of(driver.state)
    stream, members = event

    step = driver.send(stream, driver.event(members))

    assert outcome(step) == expected
    if expected.startswith("ok"):
        return
    if step.dead:
        assert driver.state == before
    assert money_of(driver.state) == figures
    told = step.dead[0].detail if step.dead else step.reply["detail"]
    assert re.fullmatch(r"\S.{10,300}\.", told)
    assert {said.name for said in step.said} <= {"command_reply"}


def test_the_list_is_the_one_that_is_documented() -> None:
    """Row by row, in the same order and words."""
    section = WIRE.read_text().split("## Bad input, case by case")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", section, re.MULTILINE)[1:]

    listed = [(case, re.sub(r"(: )`(\w+)`$", r"\1\2", what)) for case, what in rows if case != "---"]
    assert listed == [(name, expected) for name, _, expected in CASES]


def test_every_refusal_has_a_row_in_the_docs() -> None:
    """A name that nobody can look up explains nothing."""
    text = WIRE.read_text()
    missing = {
        str(name)
        for name in Refusal
        if f"`{name}`" not in text and f"`…_{name.removeprefix('exists_with_different_')}`" not in text
    }

    assert missing == set()
