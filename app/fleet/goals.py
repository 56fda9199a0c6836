"""The difference between a fleet file and what is stored, as steps: goals."""

from collections.abc import Iterable

import msgspec

from app.fleet.known import Known
from app.fleet.step import Pairs, Phase, Plan, arrow, arrows, asked, differing, given
from app.fleet.tables import AssignedTable, GoalTable, WalletTable
from domain.goals import read_target
from state.records import Assignment, Goal, GoalState
from stream.errors import ConfigurationError


def plan_goals(plan: Plan, table: WalletTable, known: Known) -> None:
    """Plan the goals of a wallet. Raises `ConfigurationError` where one cannot be as the file has it."""
    scopes = {"wallet": {table.id}, "farm": set(known.farms), "agent": set(known.agents)}
    scopes["farm"] |= {farm.id for farm in table.farm}
    scopes["agent"] |= {agent.id for farm in table.farm for agent in farm.agent}
    for goal in table.goal:
        for one in goal.assigned or ():
            if one.id not in scopes[one.type]:
                raise ConfigurationError(
                    f"Goal {goal.id} is assigned to {one.type} {one.id}, "
                    f"which is neither in the file nor in wallet {table.id}."
                )
        stored = known.goals.get(goal.id)
        if stored is None:
            _create(plan, goal)
        else:
            _change(plan, goal, stored)


def _create(plan: Plan, table: GoalTable) -> None:
    body = {
        "kind": "goal_created",
        "goal": table.id,
        "name": table.name,
        "goal_type": table.goal_type,
        "target": table.target,
        "assigned": _assigned(table.assigned) if table.assigned else None,
        "deadline": table.deadline_ms,
        "collect": table.collect,
        "reward": table.reward,
        "raise_by": table.raise_by,
    }
    detail = given(
        type=table.goal_type,
        target=table.target,
        deadline=table.deadline,
        collect=table.collect,
        reward=table.reward,
        raise_by=table.raise_by,
    )
    plan.ask(Phase.GOAL, "create", f"goal {table.id}", detail, body)


def _change(plan: Plan, table: GoalTable, goal: Goal) -> None:
    pairs: Pairs = {
        "name": (goal.name, table.name),
        "deadline": (goal.deadline, table.deadline_ms),
        "collect": (goal.collect, table.collect),
        "reward": (goal.reward, table.reward),
        "raise_by": (goal.raise_by, table.raise_by),
    }
    changes = dict(differing(pairs))
    # A goal that was raised since is still the one that was declared.
    declared = goal.declared or goal.target
    if read_target(goal.goal_type, declared) != read_target(table.goal_type, table.target):
        changes["target"] = (declared, table.target)
    moved = table.assigned is not None and _set(goal.assigned) != _set(table.assigned)
    if not changes and not moved:
        return
    if goal.state is not GoalState.ACTIVE:
        plan.notes.append(
            f"goal {goal.id} of wallet {goal.wallet} is {goal.state} and stays as it is: declare another id"
        )
        return
    if goal.goal_type != table.goal_type:
        raise ConfigurationError(
            f"Goal {goal.id} of wallet {goal.wallet} is one of {goal.goal_type}, which cannot become "
            f"{table.goal_type}: declare another id."
        )
    what = f"goal {goal.id}"
    if changes:
        body = {"kind": "goal_updated", "goal": goal.id}
        plan.ask(Phase.GOAL, "change", what, arrows(changes), body | asked(changes))
    if moved:
        assigned = _assigned(table.assigned or [])
        detail = arrow("assigned", _words(goal.assigned), _words(table.assigned or []))
        plan.ask(
            Phase.GOAL,
            "change",
            what,
            detail,
            {"kind": "goal_assigned", "goal": goal.id, "assigned": assigned},
        )


def _assigned(assigned: Iterable[AssignedTable]) -> list[dict[str, object]]:
    return [msgspec.to_builtins(one) for one in assigned]


def _set(assigned: Iterable[AssignedTable | Assignment]) -> set[tuple[str, str, float]]:
    return {(one.type, one.id, one.weight) for one in assigned}


def _words(assigned: Iterable[AssignedTable | Assignment]) -> str:
    return ", ".join(f"{one.type} {one.id}" for one in assigned)
