"""``in:clock``: a tick, appended by the partition's owner when a timer is due or an update waits."""

import msgspec

from handlers.reading import check_time
from handlers.steps.timers import advance, finish
from handlers.steps.updates import tell_waiting
from handlers.turn import Turn
from state.view import View
from stream.decode import Decoder
from stream.types import Emit, Entry


class Tick(msgspec.Struct, gc=False):
    """The wall time at which a tick was appended."""

    timestamp: int

    @property
    def id(self) -> str:
        """Name of the tick, as a cause."""
        return f"tick-{self.timestamp}"


decode = Decoder(Tick).decode


def identity(_tick: Tick) -> None:
    """Nothing repeats a tick."""


def handle(view: View, entry: Entry, tick: Tick, emits: list[Emit]) -> bool:
    """
    Have every wallet do what is due. Raises `MalformedError`, having changed nothing.

    Where the rule ``clock`` is "event", a tick moves no time; it tells the updates that wait, because it came
    when nothing else did.
    """
    check_time(tick.timestamp, entry)
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


def wants_tick(view: View, now_ms: int, quiet_ms: int) -> bool:
    """Whether a timer is due at a wall time, or updates wait although nothing came for a while."""
    for book in view.books.values():
        if book.wallet.rules.clock == "event":
            if book.updates and quiet_ms >= book.wallet.rules.conflation:
                return True
        elif book.next_due <= now_ms:
            return True
    return False
