"""The application that the engine runs: a fleet's wallets, and the handlers over them."""

from collections.abc import Mapping, Sequence
from typing import Any

from handlers import HANDLERS, INPUTS
from handlers.clock import jobs, until_tick
from handlers.steps.timers import finish
from handlers.turn import Turn
from state.migrations import migrate, schema
from state.view import KINDS, View
from stream.decode import raw_event
from stream.types import Changes, Emit, Entry, Event, Job


class Fleet:
    """Implements `stream.types.Application`."""

    inputs: Sequence[str] = INPUTS
    kinds: Sequence[str] = KINDS
    schema: int

    def __init__(self) -> None:
        self.view = View()
        self.schema = schema()
        self._decode = [handler.decode for handler in HANDLERS.values()]
        self._identity = [handler.identity for handler in HANDLERS.values()]
        self._handle = [handler.handle for handler in HANDLERS.values()]

    def migrate(self, schema: int, stored: Mapping[str, Mapping[bytes, bytes]]) -> dict[str, Changes]:
        """Tell what makes of stored state of an older schema that of ours."""
        return {kind: Changes(*written) for kind, written in migrate(schema, stored).items()}

    def forget(self) -> None:
        """Forget everything: stored state follows."""
        self.view = View()

    def restore(self, kind: str, fields: Mapping[bytes, bytes]) -> None:
        """Take in a part of the stored state."""
        self.view.restore(kind, fields)

    def restored(self) -> None:
        """Go on from the stored state."""
        self.view.restored()
        for book in self.view.books.values():
            finish(Turn(book, "load", []))  # nothing was touched; it finds out what is due next

    def decode(self, entry: Entry) -> Event:
        """Decode an entry by its stream. Raises `MalformedError`."""
        event: Event = self._decode[entry.stream](raw_event(entry))
        return event

    def identity(self, entry: Entry, event: Any) -> str | None:  # noqa: ANN401  # the stream's event type
        """Tell what makes a second event a repeat."""
        return self._identity[entry.stream](event)

    def apply(self, entry: Entry, event: Any, emits: list[Emit]) -> bool:  # noqa: ANN401  # as above
        """Apply an event by its stream's handler. Raises `MalformedError`."""
        return self._handle[entry.stream](self.view, entry, event, emits)

    def changes(self) -> dict[str, Changes]:
        """Return what changed since the last call."""
        return {kind: Changes(*written) for kind, written in self.view.changes().items()}

    def until_tick(self, now_ms: int, quiet_ms: int) -> int | None:
        """Tell in how many milliseconds a timer is due, or an update that waits although nothing came."""
        return until_tick(self.view, now_ms, quiet_ms)

    def jobs(self) -> Sequence[Job]:
        """Return the plans that are wanted, by wallet."""
        return jobs(self.view)
