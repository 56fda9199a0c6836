"""
``in:clock``: what the partition's owner appends.

A tick, when a timer is due or an update waits; and the weights of a plan that was computed beside the stream.
"""

from collections.abc import Callable
from functools import partial
from operator import itemgetter
from typing import Final

import msgspec

from domain.refusals import Refused
from domain.weighing import Weighing
from handlers.reading import check_time, find_book
from handlers.steps.planning import Outlook, survey, weigh
from handlers.steps.rebalancing import apply_weights
from handlers.steps.timers import advance, finish
from handlers.steps.updates import tell_waiting
from handlers.turn import Turn
from state.book import Book
from state.records import Wanted
from state.view import View
from stream.decode import Decoder
from stream.types import Emit, Entry, Job


class Computed(msgspec.Struct):
    """
    Weights that were asked for. None of them where the rules had come to allow none.

    ``number`` is of the wallet's plans, ``cause`` the id of the input that asked.
    """

    wallet: str
    number: int
    cause: str
    weighing: Weighing | None


class Tick(msgspec.Struct, gc=False):
    """
    The wall time at which a tick was appended.

    With a plan it is the wallet's own time at which the work began, and moves none.
    """

    timestamp: int
    plan: Computed | None = None

    @property
    def id(self) -> str:
        """Name of the tick, as a cause; what a plan does was caused by whoever asked for it."""
        return f"tick-{self.timestamp}" if self.plan is None else self.plan.cause


decode: Final[Callable[[bytes], Tick]] = Decoder(Tick).decode


def identity(_tick: Tick) -> None:
    """Nothing repeats a tick. That a plan came before is seen from its number."""


def handle(view: View, entry: Entry, tick: Tick, emits: list[Emit]) -> bool:
    """
    Have every wallet do what is due. Raises `MalformedError`, having changed nothing.

    Where the rule ``clock`` is "event", a tick moves no time; it tells the updates that wait, because it came
    when nothing else did.
    """
    check_time(tick.timestamp, entry)
    if tick.plan is not None:
        return _take(view, tick.plan, emits)
    for _, book in sorted(view.books.items()):
        turn = Turn(book, tick.id, emits)
        if book.wallet.rules.clock == "event":
            if book.updates:
                view.touch(book)
                tell_waiting(turn)
                finish(turn)
        elif book.next_due <= tick.timestamp:
            view.touch(book)
            advance(turn, tick.timestamp)
            finish(turn)
    return True


def until_tick(view: View, now_ms: int, quiet_ms: int) -> int | None:
    """
    Tell in how many milliseconds of wall time a timer is due, or updates that wait although nothing came.

    0: one is, None: nothing waits.
    """
    left: int | None = None
    for book in view.books.values():
        rules = book.wallet.rules
        if rules.clock != "event":
            due_in = book.next_due - now_ms
        elif book.updates:
            due_in = rules.conflation - quiet_ms
        else:
            continue
        if due_in <= 0:
            return 0
        if left is None or due_in < left:
            left = due_in
    return left


def jobs(view: View) -> list[Job]:
    """Return the plans that are wanted, by wallet."""
    books = view.books.items()
    found = [(name, book, wanted) for name, book in books if (wanted := book.wallet.wanted) is not None]
    found.sort(key=itemgetter(0))
    return [Job(f"{name}/{wanted.number}", partial(_prepare, book, wanted)) for name, book, wanted in found]


def _prepare(book: Book, wanted: Wanted) -> Callable[[], bytes]:
    return partial(_compute, survey(book), book.wallet.id, book.wallet.time, wanted)


def _compute(outlook: Outlook, wallet: str, time: int, wanted: Wanted) -> bytes:
    """Compute a plan's weights; this is what takes long."""
    found = weigh(outlook, wanted.method)
    weighing = None if isinstance(found, Refused) else found
    return msgspec.json.encode(Tick(time, Computed(wallet, wanted.number, wanted.cause, weighing)))


def _take(view: View, plan: Computed, emits: list[Emit]) -> bool:
    """Apply a plan's weights if they are those that are wanted; whether they are."""
    book = find_book(view, plan.wallet)
    wanted = book.wallet.wanted
    if wanted is None or wanted.number != plan.number:
        return False
    view.touch(book)
    turn = Turn(book, wanted.cause, emits, wanted.by)
    apply_weights(turn, wanted, plan.weighing)
    finish(turn)
    return True
