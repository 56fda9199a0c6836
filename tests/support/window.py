"""Fills a window of repeats as `stream.load` does, from entries at hand."""

from collections.abc import Iterable

from stream.processor import identify
from stream.repeats import Repeats
from stream.types import Application, Entry


def remember(
    application: Application, repeats: Repeats, entries: Iterable[Entry], dead: set[tuple[str, bytes]]
) -> None:
    """Take in applied entries, in order, less the dead letters among them: stream and id."""
    for entry in entries:
        died = (f"in:{application.inputs[entry.stream]}", entry.id) in dead
        repeats.add(None if died else identify(application, entry))
