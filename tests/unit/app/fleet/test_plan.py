"""The difference between a fleet file and what is stored."""

from typing import Any

from app.fleet.known import Known
from app.fleet.plan import plan_wallet
from app.fleet.step import Phase, Plan
from domain.goals import Collect
from domain.rules import Rules, changed
from state.entities import Farm
from state.records import GoalState
from tests.unit.app.fleet.tables import FILE, stored, table


def _asked(plan: Plan) -> list[tuple[str, str, dict[str, Any]]]:
    return [(step.action, step.what, step.body) for step in plan.steps]


def test_a_fleet_that_is_not_there() -> None:
    """All is created in the order in which one thing needs another; bounds go to an agent that is there."""
    plan = plan_wallet(table(), Known())

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
    plan = plan_wallet(table(), stored())

    assert (plan.steps, plan.notes) == ([], [])


def test_what_the_file_leaves_out_is_left_alone() -> None:
    """Members, rules and whole scopes that the file does not mention stay; what is not usual is noted."""
    plan = plan_wallet(table(rules={}, farm=[], goal=[], deposit=None), stored())

    assert plan.steps == []
    assert plan.notes == [
        "left alone, not in the file: rule rebalance.interval 1h of wallet alpha",
        "left alone, not in the file: rule rebalance.threshold 0.2 of wallet alpha",
        "left alone, not in the file: farm trend, agent one, goal g of wallet alpha",
    ]


def test_a_rule_that_changed() -> None:
    """Only what changes is asked for, and shown as before and after."""
    plan = plan_wallet(table(rules={"rebalance": {"interval": "5m"}, "tolerance": 0.001}), stored())

    (step,) = plan.steps
    assert step.body == {
        "kind": "wallet_configure",
        "rules": {"rebalance": {"interval": 300_000}},
        "by": "apply",
    }
    assert step.detail == "rebalance.interval 1h → 5m"


def test_a_duration_is_spoken_of_as_one() -> None:
    """Each rule that is one, wherever it stands."""
    durations: dict[str, Any] = {"conflation": "2s", "signature_age": "2h", "performance": {"bin": "90m"}}
    (step,) = plan_wallet(table(rules=FILE["rules"] | durations), stored()).steps

    assert step.detail == "performance.bin 1d → 90m, conflation 250ms → 2s, signature_age 1h → 2h"


def test_false_is_none() -> None:
    """TOML has no null: a limit, a benchmark and the bins of a year are taken back by false."""
    known = stored()
    assert known.wallet is not None
    before: dict[str, Any] = {
        "performance": {"benchmark": "wallet", "bins_per_year": 252},
        "breakers": {"cool_off": "1h"},
    }
    known.wallet.rules = changed(known.wallet.rules, before)
    unset = {name: dict.fromkeys(rules, False) for name, rules in before.items()}

    (step,) = plan_wallet(table(rules=FILE["rules"] | unset), known).steps

    assert changed(known.wallet.rules, step.body["rules"]) == changed(Rules(), FILE["rules"])
    assert step.detail == (
        "breakers.cool_off 1h → none, performance.bins_per_year 252.0 → none, "
        "performance.benchmark wallet → none"
    )


def test_rates_are_replaced_as_a_whole() -> None:
    """A currency left out of the file's rates has no rate any more, as the rules themselves have it."""
    known = stored()
    assert known.wallet is not None
    known.wallet.rules = changed(known.wallet.rules, {"rates": {"EUR": "1.1", "BTC": "50000"}})

    (step,) = plan_wallet(table(rules=FILE["rules"] | {"rates": {"EUR": "1.1"}}), known).steps

    assert step.body["rules"] == {"rates": {"EUR": "1.1"}}


def test_an_agent_in_another_farm_is_moved() -> None:
    """An agent keeps its id and goes to the farm that the file has it in."""
    known = stored()
    known.agents["one"].farm = "old"
    known.farms["old"] = Farm(id="old", wallet="alpha")

    plan = plan_wallet(table(), known)

    assert _asked(plan) == [
        ("move", "agent one", {"kind": "agent_assign", "agent": "one", "farm": "trend", "by": "apply"})
    ]
    assert plan.notes == ["left alone, not in the file: farm old of wallet alpha"]


def test_a_goal_that_changed() -> None:
    """What a goal asks for and who works towards it are changed by events of their own."""
    goal = FILE["goal"][0] | {"target": {"profit": "600"}, "assigned": [{"type": "wallet", "id": "alpha"}]}
    plan = plan_wallet(table(goal=[goal | {"collect": "all"}]), stored())

    assert [step.body for step in plan.steps] == [
        {"kind": "goal_updated", "goal": "g", "collect": Collect.ALL, "target": {"profit": "600"}},
        {
            "kind": "goal_assigned",
            "goal": "g",
            "assigned": [{"type": "wallet", "id": "alpha", "weight": 1.0}],
        },
    ]
    assert {step.phase for step in plan.steps} == {Phase.GOAL}


def test_a_goal_that_was_raised_since_is_still_the_one_that_was_declared() -> None:
    """Its target grows by itself with each round; that is no difference from the file."""
    known = stored()
    goal = known.goals["g"]
    goal.declared, goal.target, goal.round = goal.target, {"profit": "720"}, 3

    assert plan_wallet(table(), known).steps == []
    (step,) = plan_wallet(table(goal=[FILE["goal"][0] | {"raise_by": 0.2, "reward": 0.1}]), known).steps

    assert step.body == {"kind": "goal_updated", "goal": "g", "reward": 0.1, "raise_by": 0.2}


def test_a_goal_that_ended_stays() -> None:
    """An ended goal is never changed; if the file has it otherwise, that is noted."""
    known = stored()
    known.goals["g"].state = GoalState.COMPLETED

    assert plan_wallet(table(), known).notes == []
    plan = plan_wallet(table(goal=[FILE["goal"][0] | {"target": {"profit": "600"}}]), known)

    assert plan.steps == []
    assert plan.notes == ["goal g of wallet alpha is completed and stays as it is: declare another id"]


def test_back_and_forth_is_asked_for_each_time() -> None:
    """The same change of another state of the wallet is another command, else it would be a repeat."""
    other = {"rebalance": {"threshold": 0.3}}
    first = plan_wallet(table(rules=other), stored()).steps[0].id
    again = stored()
    assert again.wallet is not None
    again.wallet.commands += 2

    assert plan_wallet(table(rules=other), again).steps[0].id != first


def test_back_and_forth_of_goals() -> None:
    """Goal events are told apart by how many their partition has taken, as they do not count as commands."""
    other = [FILE["goal"][0] | {"target": {"profit": "600"}}]
    first = plan_wallet(table(goal=other), stored()).steps[0].id
    again = stored()
    again.goals_applied += 2

    assert plan_wallet(table(goal=other), again).steps[0].id != first


def test_the_same_step_has_the_same_id() -> None:
    """Applied again before the first try was carried out, a file asks for the same by the same ids."""
    ids = [step.id for step in plan_wallet(table(), Known()).steps]

    assert [step.id for step in plan_wallet(table(), Known()).steps] == ids
    assert len(set(ids)) == len(ids)
    assert all(len(one) <= 64 for one in ids)
