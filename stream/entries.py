"""Entries of input streams, as replies have them: every fill passes here, so it is compiled."""

from collections.abc import Sequence
from typing import Any

from stream.client import fields_of
from stream.keys import FIELD, SIGNATURE
from stream.types import Entry


def read_entries(stream: int, reply: Sequence[Any]) -> list[Entry]:
    """Entries of an input stream, each given as its id and its fields."""
    return [read_entry(stream, entry_id, values) for entry_id, values in reply]


def read_entry(stream: int, entry_id: bytes, values: Any) -> Entry:  # noqa: ANN401  # see `fields_of`
    """Entry of an input stream, of the fields it came with; others than ours are left out."""
    if isinstance(values, list) and len(values) == 2 and values[0] == FIELD:
        return Entry(stream, entry_id, values[1])  # nearly all are so
    fields = fields_of(values)
    return Entry(stream, entry_id, fields.get(FIELD), fields.get(SIGNATURE))


def bytes_in(entries: Sequence[Entry]) -> int:
    """Tell how many bytes the events of entries have."""
    size = 0
    for entry in entries:
        event = entry.event
        if event is not None:
            size += len(event)
    return size
