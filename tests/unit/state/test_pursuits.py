"""Who works towards which active goals, found without a walk through all there are."""

from typing import Any

from domain.goals import GoalType
from state.pursuits import Pursuits
from state.records import Assignment, Goal, GoalState

WALLET, FARM, AGENT = Assignment("wallet", "w"), Assignment("farm", "f"), Assignment("agent", "a")


def goal(name: str, *assigned: Assignment, **members: Any) -> Goal:
    """Return a goal of ten trades."""
    target, kind = {"trades": 10}, GoalType.TRADE_VOLUME
    made = Goal(id=name, wallet="w", goal_type=kind, target=target, assigned=list(assigned), created=1)
    for member, value in members.items():
        setattr(made, member, value)
    return made


def pursuits(*goals: Goal) -> Pursuits:
    """Return what is known of some goals of wallet w."""
    known = Pursuits("w")
    for one in goals:
        known.take(one)
    return known


def works(known: Pursuits, agent: str, farm: str) -> list[tuple[str, float]]:
    """Return the goals an agent works towards, with its weights."""
    return [(work.pursuit.goal.id, work.weight) for work in known.of(agent, farm)]


def test_an_agent_works_towards_its_active_goals_in_the_order_of_their_ids() -> None:
    """An ended one is none."""
    known = pursuits(
        goal("z", WALLET),
        goal("m", Assignment("agent", "a", 0.5)),
        goal("k", AGENT, state=GoalState.COMPLETED),
        goal("b", FARM),
    )

    assert works(known, "a", "f") == [("b", 1.0), ("m", 0.5), ("z", 1.0)]
    assert works(known, "b", "g") == [("z", 1.0)]
    assert [found.id for found in known.active()] == ["b", "m", "z"]


def test_of_several_assignments_the_nearest_counts() -> None:
    """The agent's own before its farm's before the wallet's, in whatever order they stand."""
    assigned = (
        Assignment("agent", "a", 3.0),
        Assignment("wallet", "w", 1.0),
        Assignment("farm", "f", 2.0),
    )
    known = pursuits(goal("x", *assigned))

    found = [works(known, agent, farm)[0][1] for agent, farm in (("a", "f"), ("b", "f"), ("c", "g"))]
    assert found == [3.0, 2.0, 1.0]
    assert [work.parts for work in known.of("b", "f")] == [2 * 10**9]


def test_who_comes_to_a_farm_works_towards_its_goals() -> None:
    """Once it is noted that it moved."""
    known = pursuits(goal("x", Assignment("farm", "g")))
    assert works(known, "a", "f") == []

    known.forget_agent("a")

    assert works(known, "a", "g") == [("x", 1.0)]


def test_a_goal_that_changes_is_known_as_it_is_now() -> None:
    """Assigned to others, with another deadline, ended, begun again."""
    changing = goal("x", AGENT, FARM, deadline=5)
    known = pursuits(changing, goal("y", Assignment("agent", "b")))
    assert [works(known, agent, "f") for agent in ("a", "b")] == [[("x", 1.0)], [("x", 1.0), ("y", 1.0)]]

    changing.assigned, changing.deadline = [Assignment("agent", "b", 2.0)], 9
    known.take(changing)
    assert [works(known, agent, "f") for agent in ("a", "b")] == [[], [("x", 2.0), ("y", 1.0)]]
    assert known.next_deadline == 9

    changing.state = GoalState.COMPLETED
    known.take(changing)
    assert works(known, "b", "f") == [("y", 1.0)]
    assert not known.overdue(9)

    changing.state = GoalState.ACTIVE
    known.take(changing)
    assert works(known, "b", "f") == [("x", 2.0), ("y", 1.0)]


def test_goals_that_are_overdue_come_in_the_order_of_their_ids() -> None:
    """At their very deadline they are; those without one never."""
    known = pursuits(*(goal(name, deadline=at) for name, at in (("c", 3), ("b", 5), ("a", 6), ("d", None))))

    assert [found.id for found in known.overdue(5)] == ["b", "c"]
    assert known.overdue(2) == []
    assert known.next_deadline == 3


def test_a_change_touches_no_other_goal_and_no_other_agent() -> None:
    """What was found for them is the very same after it, and so is what was read of a goal that stays."""
    mine, shared = goal("m", AGENT), goal("s", FARM)
    known = pursuits(mine, shared, *(goal(f"o{number}", Assignment("agent", "o")) for number in range(9)))
    others, stays = known.of("o", "g"), known.of("a", "f")[1].pursuit

    mine.state = GoalState.COMPLETED
    known.take(mine)
    known.take(goal("n", AGENT))
    known.forget_agent("a")

    assert known.of("o", "g") is others
    assert [work.pursuit.goal.id for work in known.of("a", "f")] == ["n", "s"]
    assert known.of("a", "f")[1].pursuit is stays
