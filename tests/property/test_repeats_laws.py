"""The laws of `stream.repeats`: the window is what it says, and a reload from the entries gives the same."""

import string
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from stream.keys import Keys
from stream.processor import Processor
from stream.repeats import Repeats
from stream.types import BatchDetails, DeadLetter, Entry
from tests.contract.words import FORBIDDEN, ONCE, WordCounter, word
from tests.support.window import remember

IDENTITIES: Final = "abcd"
SEQUENCE = st.lists(st.sampled_from([*IDENTITIES, None]), max_size=40)
WINDOW = st.integers(1, 8)


def known(repeats: Repeats, identities: str = IDENTITIES) -> set[str]:
    """Tell which identities are in the window."""
    return {identity for identity in identities if identity in repeats}


@given(sequence=SEQUENCE, window=WINDOW)
def test_the_window_has_the_last_entries_and_no_other(sequence: list[str | None], window: int) -> None:
    """After each entry, against a list that is simply cut."""
    repeats = Repeats(window)
    for end, identity in enumerate(sequence, start=1):
        repeats.add(identity)
        assert known(repeats) == {held for held in sequence[max(end - window, 0) : end] if held}


@given(sequence=SEQUENCE, later=SEQUENCE, window=WINDOW)
def test_a_window_filled_with_the_last_entries_goes_on_like_the_old(
    sequence: list[str | None], later: list[str | None], window: int
) -> None:
    """What left it before leaves no trace, now or later."""
    live, loaded = Repeats(window), Repeats(window)
    for identity in sequence:
        live.add(identity)
    for identity in sequence[-window:]:
        loaded.add(identity)

    for identity in later:
        assert known(loaded) == known(live)
        live.add(identity)
        loaded.add(identity)
    assert known(loaded) == known(live)
    assert loaded.in_order() == live.in_order()


EVENT = st.builds(
    word, st.sampled_from(string.ascii_lowercase[:6]), st.sampled_from(["one", "two", FORBIDDEN, ONCE])
) | st.sampled_from([b"\xff", b"{}", b'{"id": 7}', None])
EVENTS = st.lists(st.tuples(st.integers(0, 1), EVENT), max_size=40)


def entries_of(events: list[tuple[int, bytes | None]]) -> list[Entry]:
    """Give the events ids in the order they are in."""
    return [Entry(stream, f"{1 + n // 3}-{n}".encode(), event) for n, (stream, event) in enumerate(events)]


def processor_of(application: WordCounter, repeats: Repeats) -> Processor:
    """Make a processor with a window."""
    return Processor(Keys("words", 0), application, repeats, [b"0-0", b"0-0"], [0, 0])


def counts(details: BatchDetails) -> tuple[int, int, dict[str, int]]:
    """Tell what became of a batch."""
    return details.applied, details.repeats, details.dead


@given(events=EVENTS, cut=st.integers(0, 40), window=WINDOW)
def test_a_reload_from_the_entries_goes_on_like_the_live_one(
    events: list[tuple[int, bytes | None]], cut: int, window: int
) -> None:
    """With repeats, dead letters, and repeats that only the application knows, anywhere among them."""
    entries = entries_of(events)
    live = WordCounter()
    processor = processor_of(live, Repeats(window))
    dead: set[tuple[str, bytes]] = set()
    for entry in entries[:cut]:
        dead.update((letter.stream, letter.id) for letter in processor.process([entry]).dead)

    loaded, repeats = WordCounter(), Repeats(window)
    loaded.counts, loaded.chain = dict(live.counts), live.chain
    remember(loaded, repeats, entries[:cut][-window:], dead)
    again = processor_of(loaded, repeats)
    assert processor.repeats.in_order() == repeats.in_order()

    for entry in entries[cut:]:
        [first, second] = [each.process([entry]) for each in (processor, again)]
        assert counts(first.details) == counts(second.details)
        assert (first.state, first.outputs, first.dead) == (second.state, second.outputs, second.dead)


@given(events=EVENTS, sizes=st.lists(st.integers(1, 10), min_size=1, max_size=10), window=WINDOW)
def test_batches_of_any_size_come_to_the_same(
    events: list[tuple[int, bytes | None]], sizes: list[int], window: int
) -> None:
    """State, outputs with their ids, and dead letters do not show how entries fell into batches."""
    entries = entries_of(events)
    found = [outcome_of(entries, cuts, window) for cuts in ([1] * len(entries), sizes * len(entries))]

    assert found[0] == found[1]


def outcome_of(entries: list[Entry], sizes: list[int], window: int) -> tuple[object, ...]:
    """Process entries in batches of these sizes, and tell all that can be seen of it."""
    application = WordCounter()
    processor = processor_of(application, Repeats(window))
    outputs: list[tuple[str, bytes]] = []
    dead: list[DeadLetter] = []
    state: dict[tuple[str, str], bytes] = {}
    start = 0
    for size in sizes:
        if start < len(entries):
            outcome = processor.process(entries[start : start + size])
            outputs += outcome.outputs
            dead += outcome.dead
            for kind, changes in outcome.state.items():
                for field in changes.removed:
                    state.pop((kind, field), None)
                state.update({(kind, field): value for field, value in changes.written.items()})
        start += size
    return outputs, dead, state, processor.positions, processor.applied
