"""``in:goal``: goals are created, changed, assigned and cancelled."""

from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec

from domain.goals import Collect, GoalType, read_target
from handlers.reading import LATEST_MS, YEAR_2000_MS, check_id, check_time, find_book
from handlers.steps.goals import end_goal
from handlers.steps.timers import advance, finish
from handlers.turn import WALLET, Turn
from state.book import Book
from state.entities import Assignment, Goal, GoalState
from state.view import View
from stream.decode import Decoder
from stream.errors import MalformedError
from stream.types import Emit, Entry


class Assigned(msgspec.Struct):
    """A scope that is to work towards a goal."""

    type: Literal["wallet", "farm", "agent"]
    id: str
    weight: float = 1.0


class GoalEvent(msgspec.Struct):
    """Any of the four kinds of goal events; which members count follows from the kind."""

    id: str
    wallet: str
    timestamp: int
    kind: str
    goal: str
    name: str | None = None
    goal_type: GoalType | None = None
    target: dict[str, Any] | None = None
    assigned: list[Assigned] | None = None
    deadline: int | None = None
    collect: Collect | None = None


decode = Decoder(GoalEvent).decode


def identity(event: GoalEvent) -> str:
    """Tell what makes a second goal event a repeat."""
    return f"goal/{event.wallet}/{event.id}"


def handle(view: View, entry: Entry, event: GoalEvent, emits: list[Emit]) -> bool:
    """Apply a goal event. Raises `MalformedError`, having changed nothing."""
    book = find_book(view, event.wallet)
    check_id(event.id, "id")
    check_id(event.goal, "goal")
    check_time(event.timestamp, entry)
    if event.deadline is not None and not YEAR_2000_MS <= event.deadline <= LATEST_MS:
        raise MalformedError("invalid_timestamp", "The deadline is in milliseconds, from 2000 to 9999.")
    apply = _KINDS.get(event.kind)
    if apply is None:
        text = f"{event.kind[:40]!r} is no kind of goal event: there are {', '.join(_KINDS)}."
        raise MalformedError("unknown_kind", text)
    change = apply(book, event)

    view.touch(book)
    turn = Turn(book, event.id, emits)
    advance(turn, event.timestamp)
    goal = book.goals.get(event.goal)
    # Its deadline may have passed with the time that this event brought; then it has ended, and been told so.
    if goal is None or goal.state is GoalState.ACTIVE:
        change(turn)
    book.goals_changed()
    book.timers_changed()
    finish(turn)
    return True


Change = Callable[[Turn], None]


def _create(book: Book, event: GoalEvent) -> Change:
    if event.goal in book.goals:
        raise MalformedError("goal_exists", f"Goal {event.goal} exists already; goal_updated changes it.")
    if event.goal_type is None or event.target is None:
        raise MalformedError("invalid_member", "goal_created needs goal_type and target.")
    target = _read_target(event.goal_type, event.target)
    goal = Goal(
        id=event.goal,
        wallet=event.wallet,
        name=event.name or event.goal,
        goal_type=event.goal_type,
        target=target,
        assigned=_assignments(book, event.assigned or []),
        deadline=event.deadline,
        collect=event.collect or Collect.NONE,
        created=0,
    )

    def change(turn: Turn) -> None:
        goal.created = turn.now
        book.goals[goal.id] = goal
        book.mark(goal)
        _tell_goal(turn, goal)
        if goal.assigned:
            _tell_assignment(turn, goal)

    return change


def _update(book: Book, event: GoalEvent) -> Change:
    goal = _find(book, event)
    target = goal.target if event.target is None else _read_target(goal.goal_type, event.target)

    def change(turn: Turn) -> None:
        goal.name = event.name if event.name is not None else goal.name
        goal.target = target
        goal.deadline = event.deadline if event.deadline is not None else goal.deadline
        goal.collect = event.collect if event.collect is not None else goal.collect
        book.mark(goal)
        _tell_goal(turn, goal)

    return change


def _assign(book: Book, event: GoalEvent) -> Change:
    goal = _find(book, event)
    if event.assigned is None:
        raise MalformedError("invalid_member", "goal_assigned needs assigned.")
    assigned = _assignments(book, event.assigned)

    def change(turn: Turn) -> None:
        goal.assigned = assigned
        book.mark(goal)
        _tell_assignment(turn, goal)

    return change


def _cancel(book: Book, event: GoalEvent) -> Change:
    goal = _find(book, event)

    def change(turn: Turn) -> None:
        end_goal(turn, goal, GoalState.CANCELLED, "cancelled")

    return change


_KINDS: Final[dict[str, Callable[[Book, GoalEvent], Change]]] = {
    "goal_created": _create,
    "goal_updated": _update,
    "goal_assigned": _assign,
    "goal_cancelled": _cancel,
}


def _find(book: Book, event: GoalEvent) -> Goal:
    goal = book.goals.get(event.goal)
    if goal is None:
        text = f"Wallet {event.wallet} has no goal {event.goal}; create it, then retry this."
        raise MalformedError("unknown_goal", text)
    if goal.state is not GoalState.ACTIVE:
        raise MalformedError("goal_ended", f"Goal {event.goal} is {goal.state}; create another.")
    return goal


def _read_target(goal_type: GoalType, target: dict[str, Any]) -> dict[str, Any]:
    try:
        read: dict[str, Any] = msgspec.to_builtins(read_target(goal_type, target))
    except ValueError as error:
        raise MalformedError("invalid_target", str(error)) from None
    return read


def _assignments(book: Book, assigned: list[Assigned]) -> list[Assignment]:
    for one in assigned:
        if book.scope(one.type, one.id) is None:
            text = f"Wallet {book.wallet.id} has no {one.type} {one.id[:64]}; create it, then retry this."
            raise MalformedError(f"unknown_{one.type}", text)
        if not 0 < one.weight <= 1000:
            raise MalformedError("out_of_range", "A weight is above 0 and at most 1000.")
    return [Assignment(one.type, one.id, one.weight) for one in assigned]


def _tell_goal(turn: Turn, goal: Goal) -> None:
    data = {
        "goal": goal.id,
        "name": goal.name,
        "goal_type": goal.goal_type,
        "target": goal.target,
        "deadline": goal.deadline,
        "collect": goal.collect,
    }
    turn.emit(WALLET, "goal_created", goal.id, data)


def _tell_assignment(turn: Turn, goal: Goal) -> None:
    turn.emit(WALLET, "goal_assignment", goal.id, {"goal": goal.id, "assigned": goal.assigned})
