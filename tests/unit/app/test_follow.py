"""Streams read as one, in the order of their entry ids."""

import pytest

from app import follow
from app.follow import Found, _ready

Reply = list[tuple[bytes, list[tuple[bytes, list[bytes]]]]]


def _reply(**streams: list[str]) -> Reply:
    return [
        (name.encode(), [(entry.encode(), [b"event", b"{}"]) for entry in entries])
        for name, entries in streams.items()
    ]


def _places(found: list[Found]) -> list[tuple[str, str]]:
    return [(one.name, one.id.decode()) for one in found]


def test_entries_of_several_streams_are_merged() -> None:
    """Entries come in the order of their ids as numbers, whatever stream they are of."""
    found = _ready(_reply(a=["9-0", "10-2"], b=["10-0", "10-10"]))

    assert _places(found) == [("a", "9-0"), ("b", "10-0"), ("a", "10-2"), ("b", "10-10")]


def test_a_stream_that_was_cut_off_holds_back_later_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind the last entry of a full read more may stand, so what lies after it in others waits."""
    monkeypatch.setattr(follow, "_CHUNK", 2)

    found = _ready(_reply(a=["1-0", "3-0"], b=["2-0"], c=["4-0"]))

    assert _places(found) == [("a", "1-0"), ("b", "2-0"), ("a", "3-0")]
