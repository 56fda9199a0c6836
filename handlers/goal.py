"""``in:goal``: goals are created, changed, assigned and cancelled."""

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from domain.goals import WEIGHT_MAX, WEIGHT_MIN, Collect, GoalType, Target, read_target
from domain.targets import RAISE_MAX, can_be_raised, never_met
from handlers.reading import (
    LATEST_MS,
    MEMBERS_MAX,
    YEAR_2000_MS,
    check_by,
    check_id,
    check_time,
    find_book,
    given,
)
from handlers.steps.goals import end_goal, measure, target_of, tell_goal
from handlers.steps.timers import advance, finish
from handlers.turn import WALLET, Turn
from state.book import Book
from state.records import Assignment, Goal, GoalState
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
    """
    Any of the four kinds of goal events; which members count follows from the kind.

    Where null may stand beside unset, null is what the member is if it was never given.
    """

    id: str
    wallet: str
    timestamp: int
    kind: str
    goal: str
    name: str | UnsetType | None = UNSET
    goal_type: GoalType | None = None
    target: dict[str, Any] | None = None
    assigned: Annotated[list[Assigned], msgspec.Meta(max_length=MEMBERS_MAX)] | None = None
    deadline: int | UnsetType | None = UNSET
    collect: Collect | UnsetType | None = UNSET
    reward: float | UnsetType | None = UNSET
    raise_by: float | UnsetType | None = UNSET
    by: str | None = None


decode: Final[Callable[[bytes], GoalEvent]] = Decoder(GoalEvent).decode


def identity(event: GoalEvent) -> str:
    """Tell what makes a second goal event a repeat."""
    return f"goal/{event.wallet}/{event.id}"


def handle(view: View, entry: Entry, event: GoalEvent, emits: list[Emit]) -> bool:
    """Apply a goal event. Raises `MalformedError`, having changed nothing."""
    book = find_book(view, event.wallet)
    check_id(event.id, "id")
    check_id(event.goal, "goal")
    check_time(event.timestamp, entry)
    _check_members(book, event)
    apply = _KINDS.get(event.kind)
    if apply is None:
        text = f"{event.kind[:40]!r} is no kind of goal event: there are {', '.join(_KINDS)}."
        raise MalformedError("unknown_kind", text)
    change = apply(book, event)

    view.touch(book)
    turn = Turn(book, event.id, emits)
    advance(turn, event.timestamp)
    turn.by = event.by
    goal = book.goals.get(event.goal)
    # Its deadline may have passed with the time that this event brought; then it has ended, and been told so.
    if goal is None or goal.state is GoalState.ACTIVE:
        change(turn)
    finish(turn)
    return True


Change = Callable[[Turn], None]


def _check_members(book: Book, event: GoalEvent) -> None:
    """Check what needs neither the kind nor the goal."""
    check_by(event.by)
    if isinstance(event.deadline, int):
        if not YEAR_2000_MS <= event.deadline <= LATEST_MS:
            raise MalformedError("invalid_timestamp", "The deadline is in milliseconds, from 2000 to 9999.")
        if event.deadline <= max(book.wallet.time, event.timestamp):
            raise MalformedError("deadline_passed", "The deadline is not in the future of the wallet.")
    if isinstance(event.reward, float) and not 0 <= event.reward <= 1:
        raise MalformedError("out_of_range", "A reward is a share between 0 and 1.")
    if isinstance(event.raise_by, float) and not 0 < event.raise_by <= RAISE_MAX:
        text = f"raise_by is a share above 0 and at most {RAISE_MAX:g}: 0.2 raises a target by a fifth."
        raise MalformedError("out_of_range", text)


def _create(book: Book, event: GoalEvent) -> Change:
    if event.goal in book.goals:
        raise MalformedError("goal_exists", f"Goal {event.goal} exists already; goal_updated changes it.")
    if event.goal_type is None or event.target is None:
        raise MalformedError("invalid_member", "goal_created needs goal_type and target.")
    goal = Goal(id=event.goal, wallet=event.wallet, goal_type=event.goal_type, target={}, created=0)
    goal.name = event.goal
    goal.assigned = _assignments(book, event.assigned or [])
    declare = _declare(book, goal, event)

    def change(turn: Turn) -> None:
        goal.created = turn.now
        declare()
        goal.changed_by = turn.by
        book.goal_changed(goal)
        tell_goal(turn, goal)
        if goal.assigned:
            _tell_assignment(turn, goal)

    return change


def _update(book: Book, event: GoalEvent) -> Change:
    goal = _find(book, event)
    declare = _declare(book, goal, event)

    def change(turn: Turn) -> None:
        declare()
        goal.changed_by = turn.by
        book.goal_changed(goal)
        tell_goal(turn, goal)
        if event.target is not None:
            # What was done so far may be all that is asked for now.
            measure(turn, goal, target_of(goal))

    return change


def _declare(book: Book, goal: Goal, event: GoalEvent) -> Callable[[], None]:
    """Read what a goal is to be; return what makes it so. Raises `MalformedError`."""
    raise_by = given(event.raise_by, goal.raise_by, None)
    kind, asked = goal.goal_type, event.target
    target = target_of(goal) if asked is None else _read_target(book, kind, asked)
    if raise_by is not None and not can_be_raised(target):
        text = "A target that only sets limits has nothing that raise_by could raise."
        raise MalformedError("invalid_target", text)

    def declare() -> None:
        goal.name = given(event.name, goal.name, goal.id)
        goal.deadline = given(event.deadline, goal.deadline, None)
        goal.collect = given(event.collect, goal.collect, Collect.NONE)
        goal.reward = given(event.reward, goal.reward, 0.0)
        goal.raise_by = raise_by
        if asked is not None:
            goal.target = msgspec.to_builtins(target)
            goal.declared = None

    return declare


def _assign(book: Book, event: GoalEvent) -> Change:
    goal = _find(book, event)
    if event.assigned is None:
        raise MalformedError("invalid_member", "goal_assigned needs assigned.")
    assigned = _assignments(book, event.assigned)

    def change(turn: Turn) -> None:
        goal.assigned = assigned
        goal.changed_by = turn.by
        book.goal_changed(goal)
        _tell_assignment(turn, goal)

    return change


def _cancel(book: Book, event: GoalEvent) -> Change:
    goal = _find(book, event)

    def change(turn: Turn) -> None:
        goal.changed_by = turn.by
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


def _read_target(book: Book, goal_type: GoalType, target: dict[str, Any]) -> Target:
    try:
        found = read_target(goal_type, target)
    except ValueError as error:
        raise MalformedError("invalid_target", str(error)) from None
    why = never_met(found, book.wallet.rules.performance.window)
    if why is not None:
        raise MalformedError("invalid_target", why)
    return found


def _assignments(book: Book, assigned: list[Assigned]) -> list[Assignment]:
    for one in assigned:
        if book.scope(one.type, one.id) is None:
            text = f"Wallet {book.wallet.id} has no {one.type} {one.id[:64]}; create it, then retry this."
            raise MalformedError(f"unknown_{one.type}", text)
        if not WEIGHT_MIN <= one.weight <= WEIGHT_MAX:
            text = f"A weight is at least {WEIGHT_MIN:g} and at most {WEIGHT_MAX:g}."
            raise MalformedError("out_of_range", text)
    if len({(one.type, one.id) for one in assigned}) < len(assigned):
        raise MalformedError("invalid_member", "assigned names each scope once.")
    return [Assignment(one.type, one.id, one.weight) for one in assigned]


def _tell_assignment(turn: Turn, goal: Goal) -> None:
    turn.emit(WALLET, "goal_assignment", goal.id, {"goal": goal.id, "assigned": goal.assigned, "by": turn.by})
