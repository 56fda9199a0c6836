"""
What turns the stored state of an older version into that of this one.

`MIGRATIONS` is the whole table: schema → what leads to it from the schema before. The state of this version
has the last one; the first schema is 1. A new member with a default needs none (`state.codec` takes state
without it); one that is renamed, computed from others or moved to another kind does.

A migration gets all entities of a partition, as the JSON that is stored, by kind and field, and changes them
in place. Like a handler it is pure: the same state gives the same state, whenever it runs.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from state.view import Changes

Documents = dict[str, dict[str, Any]]
"""Stored JSON, by kind and field."""

Migration = Callable[[Documents], None]

MIGRATIONS: Final[dict[int, Migration]] = {}

FIRST: Final = 1


def schema() -> int:
    """Return the schema of this version."""
    return max(MIGRATIONS, default=FIRST)


def migrate(before: int, stored: Mapping[str, Mapping[bytes, bytes]]) -> Changes:
    """Tell what changes in the stored state of an older schema, all kinds of it; no more than has to."""
    documents = _decoded(stored)
    for number in range(before + 1, schema() + 1):
        MIGRATIONS[number](documents)
    were = _decoded(stored)
    changes: Changes = {}
    for kind in sorted(were.keys() | documents.keys()):
        old, new = were.get(kind, {}), documents.get(kind, {})
        written = {
            field: msgspec.json.encode(value)
            for field, value in new.items()
            if field not in old or old[field] != value
        }
        removed = [field for field in old if field not in new]
        if written or removed:
            changes[kind] = written, removed
    return changes


def _decoded(stored: Mapping[str, Mapping[bytes, bytes]]) -> Documents:
    return {
        kind: {field.decode(): msgspec.json.decode(value) for field, value in fields.items()}
        for kind, fields in stored.items()
    }
