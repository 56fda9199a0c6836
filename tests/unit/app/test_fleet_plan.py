"""The difference between a fleet file and what is stored."""

from typing import Any

import msgspec
import pytest

from app.fleet_known import Known, deposit_id
from app.fleet_plan import plan_wallet
from app.fleet_step import Phase, Plan
from app.fleet_tables import WalletTable
from domain.goals import Collect, GoalType
from domain.rules import Rules, changed
from state.book import COMMANDS_KEPT
from state.entities import Agent, Assignment, Command, Farm, Goal, GoalState, State, Wallet
from stream.errors import ConfigurationError

FILE: dict[str, Any] = {
    "id": "alpha",
    "currency": "USDT",
    "deposit": "1000",
    "rules": {"rebalance": {"threshold": 0.2, "interval": "1h"}},
    "farm": [
        {
            "id": "trend",
            "type": "trend_following",
            "agent": [{"id": "one", "risk_mode": "safe", "max_weight": 0.3}],
        }
    ],
    "goal": [
        {
            "id": "g",
            "goal_type": "profit_target",
            "target": {"profit": "500"},
            "assigned": [{"type": "farm", "id": "trend"}],
        }
    ],
}
DEPOSITED = Command(
    id=deposit_id("alpha", 0),
    wallet="alpha",
    number=2,
    digest="",
    reply={"kind": "deposit", "status": "ok", "result": {"amount": "1000", "balances": {}}},
)


def _table(**members: Any) -> WalletTable:
    return msgspec.convert(FILE | members, WalletTable)


def _known() -> Known:
    """Give what is stored once the file was applied."""
    rules = changed(Rules(), FILE["rules"])
    return Known(
        wallet=Wallet(
            id="alpha", wallet="alpha", currency="USDT", time=0, created=0, rules=rules, commands=5
        ),
        farms={"trend": Farm(id="trend", wallet="alpha", name="trend", type="trend_following")},
        agents={"one": Agent(id="one", wallet="alpha", farm="trend", risk_mode="safe", max_weight=0.3)},  # type: ignore[arg-type]  # as read
        goals={
            "g": Goal(
                id="g",
                wallet="alpha",
                name="g",
                goal_type=GoalType.PROFIT_TARGET,
                target={"profit": "500"},
                assigned=[Assignment("farm", "trend")],
                created=0,
            )
        },
        deposits=[DEPOSITED],
        goals_applied=1,
    )


def _asked(plan: Plan) -> list[tuple[str, str, dict[str, Any]]]:
    return [(step.action, step.what, step.body) for step in plan.steps]


def test_a_fleet_that_is_not_there() -> None:
    """All is created in the order in which one thing needs another; bounds go to an agent that is there."""
    plan = plan_wallet(_table(), Known())

    assert [(step.action, step.what) for step in plan.steps] == [
        ("create", "wallet alpha"),
        ("deposit", "wallet alpha"),
        ("create", "farm trend"),
        ("create", "agent one"),
        ("change", "agent one"),
        ("create", "goal g"),
    ]
    assert [step.phase for step in plan.steps] == sorted(step.phase for step in plan.steps)
    assert plan.steps[0].body["rules"] == {"rebalance": {"threshold": 0.2, "interval": 3_600_000}}
    assert plan.steps[1].body == {"kind": "deposit", "amount": "1000", "by": "apply"}
    assert plan.steps[4].body == {"kind": "agent_configure", "agent": "one", "max_weight": 0.3, "by": "apply"}
    assert plan.notes == []


def test_a_fleet_as_the_file_has_it() -> None:
    """Nothing is asked for, and nothing is noted."""
    plan = plan_wallet(_table(), _known())

    assert (plan.steps, plan.notes) == ([], [])


def test_what_the_file_leaves_out_is_left_alone() -> None:
    """Members, rules and whole scopes that the file does not mention stay; what is not usual is noted."""
    plan = plan_wallet(_table(rules={}, farm=[], goal=[], deposit=None), _known())

    assert plan.steps == []
    assert plan.notes == [
        "left alone, not in the file: rule rebalance.interval 1h of wallet alpha",
        "left alone, not in the file: rule rebalance.threshold 0.2 of wallet alpha",
        "left alone, not in the file: farm trend, agent one, goal g of wallet alpha",
    ]


def test_a_rule_that_changed() -> None:
    """Only what changes is asked for, and shown as before and after."""
    plan = plan_wallet(_table(rules={"rebalance": {"interval": "5m"}, "tolerance": 0.001}), _known())

    (step,) = plan.steps
    assert step.body == {
        "kind": "wallet_configure",
        "rules": {"rebalance": {"interval": 300_000}},
        "by": "apply",
    }
    assert step.detail == "rebalance.interval 1h → 5m"


def test_rates_are_replaced_as_a_whole() -> None:
    """A currency left out of the file's rates has no rate any more, as the rules themselves have it."""
    known = _known()
    assert known.wallet is not None
    known.wallet.rules = changed(known.wallet.rules, {"rates": {"EUR": "1.1", "BTC": "50000"}})

    (step,) = plan_wallet(_table(rules=FILE["rules"] | {"rates": {"EUR": "1.1"}}), known).steps

    assert step.body["rules"] == {"rates": {"EUR": "1.1"}}


def test_an_agent_in_another_farm_is_moved() -> None:
    """An agent keeps its id and goes to the farm that the file has it in."""
    known = _known()
    known.agents["one"].farm = "old"
    known.farms["old"] = Farm(id="old", wallet="alpha")

    plan = plan_wallet(_table(), known)

    assert _asked(plan) == [
        ("move", "agent one", {"kind": "agent_assign", "agent": "one", "farm": "trend", "by": "apply"})
    ]
    assert plan.notes == ["left alone, not in the file: farm old of wallet alpha"]


def test_a_goal_that_changed() -> None:
    """What a goal asks for and who works towards it are changed by events of their own."""
    goal = FILE["goal"][0] | {"target": {"profit": "600"}, "assigned": [{"type": "wallet", "id": "alpha"}]}
    plan = plan_wallet(_table(goal=[goal | {"collect": "all"}]), _known())

    assert [step.body for step in plan.steps] == [
        {"kind": "goal_updated", "goal": "g", "collect": Collect.ALL, "target": {"profit": "600"}},
        {
            "kind": "goal_assigned",
            "goal": "g",
            "assigned": [{"type": "wallet", "id": "alpha", "weight": 1.0}],
        },
    ]
    assert {step.phase for step in plan.steps} == {Phase.GOAL}


def test_a_goal_that_ended_stays() -> None:
    """An ended goal is never changed; if the file has it otherwise, that is noted."""
    known = _known()
    known.goals["g"].state = GoalState.COMPLETED

    assert plan_wallet(_table(), known).notes == []
    plan = plan_wallet(_table(goal=[FILE["goal"][0] | {"target": {"profit": "600"}}]), known)

    assert plan.steps == []
    assert plan.notes == ["goal g of wallet alpha is completed and stays as it is: declare another id"]


def test_back_and_forth_is_asked_for_each_time() -> None:
    """The same change of another state of the wallet is another command, else it would be a repeat."""
    other = {"rebalance": {"threshold": 0.3}}
    first = plan_wallet(_table(rules=other), _known()).steps[0].id
    again = _known()
    assert again.wallet is not None
    again.wallet.commands += 2

    assert plan_wallet(_table(rules=other), again).steps[0].id != first


def test_back_and_forth_of_goals() -> None:
    """Goal events are told apart by how many their partition has taken, as they do not count as commands."""
    other = [FILE["goal"][0] | {"target": {"profit": "600"}}]
    first = plan_wallet(_table(goal=other), _known()).steps[0].id
    again = _known()
    again.goals_applied += 2

    assert plan_wallet(_table(goal=other), again).steps[0].id != first


def test_the_same_step_has_the_same_id() -> None:
    """Applied again before the first try was carried out, a file asks for the same by the same ids."""
    ids = [step.id for step in plan_wallet(_table(), Known()).steps]

    assert [step.id for step in plan_wallet(_table(), Known()).steps] == ids
    assert len(set(ids)) == len(ids)
    assert all(len(one) <= 64 for one in ids)


def test_a_deposit_is_made_once() -> None:
    """Whatever the file says later, the deposit is not made again; that it says otherwise is noted."""
    plan = plan_wallet(_table(deposit="2000"), _known())

    assert plan.steps == []
    assert plan.notes[0].startswith("wallet alpha had its deposit of 1000, and that was once")


def test_a_deposit_that_was_refused_is_tried_again() -> None:
    """A refusal is remembered under its id, so the next try has another one."""
    known = _known()
    known.deposits = [
        msgspec.structs.replace(DEPOSITED, reply={"kind": "deposit", "status": "refused", "result": None})
    ]

    (step,) = plan_wallet(_table(), known).steps

    assert step.id == "apply-deposit-alpha-1"


def test_a_deposit_whose_id_was_used_for_something_else() -> None:
    """A command of another kind under the deposit's id is no deposit."""
    known = _known()
    reply = {"kind": "farm_create", "status": "ok", "result": {"farm": "x"}}
    known.deposits = [msgspec.structs.replace(DEPOSITED, reply=reply)]

    (step,) = plan_wallet(_table(), known).steps

    assert step.id == "apply-deposit-alpha-1"


def test_a_deposit_whose_answer_is_forgotten_is_not_made_again() -> None:
    """Past the number of commands that are remembered, none found does not mean none made."""
    known = _known()
    assert known.wallet is not None
    known.deposits, known.wallet.commands = [], COMMANDS_KEPT + 1

    plan = plan_wallet(_table(), known)

    assert plan.steps == []
    assert "no longer known whether wallet alpha had its deposit" in plan.notes[0]


def test_a_deposit_for_the_longest_of_names() -> None:
    """The id of a deposit is an id whatever the wallet's is, and each wallet has its own."""
    ids = {deposit_id(letter * 64, attempt) for letter in "ab" for attempt in (0, 1)}

    assert len(ids) == 4
    assert all(len(one) <= 64 for one in ids)


def _closed_wallet(known: Known) -> None:
    assert known.wallet is not None
    known.wallet.state = State.CLOSED


def _other_currency(known: Known) -> None:
    assert known.wallet is not None
    known.wallet.currency = "EUR"


def _crossing_rules(known: Known) -> None:
    assert known.wallet is not None
    known.wallet.rules = changed(known.wallet.rules, {"rebalance": {"max_weight": 0.9, "min_weight": 0.5}})


def _closed_farm(known: Known) -> None:
    known.farms["trend"].state = State.CLOSED


def _retired_agent(known: Known) -> None:
    known.agents["one"].state = State.RETIRED


def _other_goal(known: Known) -> None:
    known.goals["g"].goal_type = GoalType.TRADE_VOLUME
    known.goals["g"].target = {"trades": 5}


@pytest.mark.parametrize(
    ("stored", "says"),
    [
        (_closed_wallet, "Wallet alpha is closed"),
        (_other_currency, "Wallet alpha is kept in EUR, which cannot become USDT"),
        (
            _crossing_rules,
            "The rules of the file do not go with those of wallet alpha: rebalance.min_weight is above",
        ),
        (_closed_farm, "Farm trend of wallet alpha is closed"),
        (_retired_agent, "Agent one of wallet alpha is retired"),
        (_other_goal, "Goal g of wallet alpha is one of trade_volume, which cannot become profit_target"),
    ],
)
def test_what_cannot_become_so_is_refused_before_anything_is_sent(stored: Any, says: str) -> None:
    """A file that what is stored cannot follow is refused with the reason."""
    known = _known()
    stored(known)
    table = _table(rules={"rebalance": {"max_weight": 0.4}})

    with pytest.raises(ConfigurationError, match=says):
        plan_wallet(table, known)


def test_a_goal_for_nobody_is_refused() -> None:
    """A goal is assigned to what is in the file or in the wallet."""
    goal = FILE["goal"][0] | {"assigned": [{"type": "agent", "id": "nobody"}]}

    with pytest.raises(
        ConfigurationError, match="assigned to agent nobody, which is neither in the file nor"
    ):
        plan_wallet(_table(goal=[goal]), _known())
