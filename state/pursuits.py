"""
The active goals of a wallet: who works towards them, and when the next is over.

Rules kept here:

1. What one goal or one agent changes costs in proportion to that, however many goals there are or were.
2. All of it follows from the goals and the hierarchy; nothing here is stored.
"""

from bisect import bisect_left, insort
from typing import NamedTuple

from domain.goals import Target, read_target
from domain.money import PARTS
from state.records import Assignment, Goal, GoalState


class Pursuit:
    """An active goal, its target read, and a stretch of figures in which its percentage stays the same."""

    __slots__ = ("assigned", "deadline", "goal", "high", "low", "target")

    def __init__(self, goal: Goal) -> None:
        self.goal = goal
        self.assigned: list[Assignment] = goal.assigned  # as they were when it was taken in
        self.deadline: int | None = goal.deadline
        self.target: Target = read_target(goal.goal_type, goal.target)
        self.low = self.high = 0.0  # nothing lies between: not known


class Work(NamedTuple):
    """A goal as one agent works towards it; ``parts`` is the weight in steps of 1e-9, for money."""

    pursuit: Pursuit
    weight: float
    parts: int


class Pursuits:
    """Active goals by id, by the scopes they are assigned to, and by deadline."""

    def __init__(self, wallet: str) -> None:
        self._wallet = wallet
        self._pursuits: dict[str, Pursuit] = {}
        self._weights: dict[str, dict[str, float]] = {}  # by scope, such as "farm/f": goal → weight
        self._deadlines: list[tuple[int, str]] = []  # in order
        self._works: dict[str, list[Work]] = {}  # by agent, as far as somebody asked

    @property
    def next_deadline(self) -> int | None:
        """Stream time at which the next goal is over; None where none ever is."""
        return self._deadlines[0][0] if self._deadlines else None

    def active(self) -> list[Goal]:
        """Goals that are not ended, in the order of their ids."""
        return [self._pursuits[name].goal for name in sorted(self._pursuits)]

    def overdue(self, now: int) -> list[Goal]:
        """Active goals whose deadline has come, in the order of their ids."""
        found = self._deadlines[: bisect_left(self._deadlines, (now + 1, ""))]
        return [self._pursuits[name].goal for name in sorted(name for _, name in found)]

    def take(self, goal: Goal) -> None:
        """Take in a goal as it is now: new, changed, ended, or in another round."""
        known = self._pursuits.pop(goal.id, None)
        if known is not None:
            self._forget(known)
        if goal.state is not GoalState.ACTIVE:
            return
        pursuit = self._pursuits[goal.id] = Pursuit(goal)
        for one in pursuit.assigned:
            self._weights.setdefault(f"{one.type}/{one.id}", {})[goal.id] = one.weight
        if pursuit.deadline is not None:
            insort(self._deadlines, (pursuit.deadline, goal.id))
        self._forget_works(pursuit)

    def forget_agent(self, agent: str) -> None:
        """Note that an agent came, or is under another farm: it works towards other goals."""
        self._works.pop(agent, None)

    def of(self, agent: str, farm: str) -> list[Work]:
        """Active goals of an agent, in the order of their ids; of several assignments the nearest counts."""
        works = self._works.get(agent)
        if works is None:
            weights: dict[str, float] = {}
            for scope in (f"wallet/{self._wallet}", f"farm/{farm}", f"agent/{agent}"):
                weights.update(self._weights.get(scope, _NO_WEIGHTS))
            works = self._works[agent] = [
                Work(self._pursuits[name], weight, round(weight * PARTS))
                for name, weight in sorted(weights.items())
            ]
        return works

    def _forget(self, pursuit: Pursuit) -> None:
        name = pursuit.goal.id
        for one in pursuit.assigned:
            scope = f"{one.type}/{one.id}"
            weights = self._weights[scope]
            del weights[name]
            if not weights:
                del self._weights[scope]
        if pursuit.deadline is not None:
            del self._deadlines[bisect_left(self._deadlines, (pursuit.deadline, name))]
        self._forget_works(pursuit)

    def _forget_works(self, pursuit: Pursuit) -> None:
        """Have the works of its agents found again when they are asked for."""
        if any(one.type != "agent" for one in pursuit.assigned):
            self._works.clear()
        else:
            for one in pursuit.assigned:
                self._works.pop(one.id, None)


_NO_WEIGHTS: dict[str, float] = {}
