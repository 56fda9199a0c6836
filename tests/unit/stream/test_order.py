"""The rule by which `stream.order` lets entries leave."""

import pytest

from stream.order import Order, order_key, parse_id
from stream.types import Entry

START = b"0-0"


def look(*streams: str) -> list[list[Entry]]:
    """Make a look: for each stream, ids separated by spaces."""
    return [
        [Entry(stream, entry_id.encode(), b"") for entry_id in ids.split()]
        for stream, ids in enumerate(streams)
    ]


def left(entries: list[Entry]) -> list[str]:
    """Tell what left, as stream and id."""
    return [f"{entry.stream}:{entry.id.decode()}" for entry in entries]


def fresh(streams: int = 3, count: int = 4) -> Order:
    """Make an order at the very beginning."""
    return Order([START] * streams, count)


@pytest.mark.parametrize(
    ("entry_id", "parsed"),
    [
        (b"0-0", (0, 0)),
        (b"1763716322000-7", (1763716322000, 7)),
        (b"1763716322000", (1763716322000, 0)),
        (b"18446744073709551615-18446744073709551615", (2**64 - 1, 2**64 - 1)),
    ],
)
def test_an_entry_id_is_milliseconds_and_a_sequence_number(entry_id: bytes, parsed: tuple[int, int]) -> None:
    """Without a sequence number it means the first; both are 64 bits wide."""
    assert parse_id(entry_id) == parsed


def test_places_compare_by_milliseconds_then_sequence_then_stream() -> None:
    """As numbers, not as text, and even at the ends of their ranges."""
    top = 2**64 - 1
    ids = [(b"9-9", 4), (b"10-0", 0), (b"10-0", 1), (b"10-1", 0), (b"10-10", 0), (b"11-0", 0)]
    ids += [(f"{top}-0".encode(), 0), (f"{top}-{top}".encode(), 0), (f"{top}-{top}".encode(), 4)]

    places = [order_key(Entry(stream, entry_id, b"")) for entry_id, stream in ids]

    assert places == sorted(places)
    assert len(set(places)) == len(places)


def test_streams_seen_to_their_end_are_merged_by_id() -> None:
    """All that lies before the moment of the look leaves at once."""
    order = fresh()

    ready = order.push(look("1-0 4-0", "2-0", "3-0 9-0"))

    # In millisecond 9 the streams before the third may still get a 9-0, which would come first.
    assert left(ready) == ["0:1-0", "1:2-0", "2:3-0", "0:4-0"]
    assert order.holds


def test_equal_ids_leave_by_the_order_of_the_streams() -> None:
    """Ties go by the streams' order, whatever the order of arrival."""
    order = fresh()
    order.push(look("", "", "5-0"))
    order.push(look("", "5-0", ""))
    order.millisecond_passed()

    assert left(order.push(look("5-0", "", ""))) == ["0:5-0", "1:5-0", "2:5-0"]


def test_a_lone_entry_of_the_first_stream_leaves_at_once() -> None:
    """Nothing can come before it, so it need not wait for its millisecond to end."""
    order = fresh()

    assert left(order.push(look("5-0", "", ""))) == ["0:5-0"]
    assert not order.holds
    assert not order.waits


def test_an_entry_of_a_millisecond_that_goes_on_is_held_back() -> None:
    """An entry of another stream may still get a lower sequence number in the same millisecond."""
    order = fresh()

    assert left(order.push(look("5-0 5-1", "", ""))) == ["0:5-0"]
    assert order.holds
    assert order.waits

    assert left(order.push(look("", "5-0", "5-0"))) == ["1:5-0", "2:5-0", "0:5-1"]


def test_what_was_held_back_leaves_when_its_millisecond_is_over() -> None:
    """A look at least a millisecond later shows it, even if it brings nothing."""
    order = fresh()
    order.push(look("", "", "5-3"))

    assert left(order.push(look("", "", ""))) == []
    order.millisecond_passed()
    assert left(order.push(look("", "", ""))) == ["2:5-3"]
    assert not order.holds


def test_a_later_entry_of_another_stream_ends_the_millisecond() -> None:
    """Time is seen to have moved on by the entries themselves."""
    order = fresh()
    order.push(look("", "5-3", ""))

    assert left(order.push(look("6-0", "", ""))) == ["1:5-3", "0:6-0"]


def test_a_truncated_stream_is_known_only_up_to_its_last_entry() -> None:
    """A stream that returned as many as were asked for may have more right behind."""
    order = fresh(count=2)

    assert left(order.push(look("1-0 2-0", "3-0", "2-0 2-2"))) == ["0:1-0", "0:2-0", "2:2-0"]

    # Its next entries come before what was held back.
    assert left(order.push(look("2-1 2-2", "", ""))) == ["0:2-1", "0:2-2", "2:2-2"]
    order.millisecond_passed()
    assert left(order.push(look("", "", ""))) == ["1:3-0"]


def test_of_two_truncated_streams_the_one_that_lies_behind_decides() -> None:
    """Everything up to the lowest last id leaves, what is above it waits."""
    order = fresh(count=2)

    assert left(order.push(look("1-0 8-0", "2-0 4-0", ""))) == ["0:1-0", "1:2-0", "1:4-0"]
    assert left(order.push(look("9-0", "5-0 6-0", ""))) == ["1:5-0", "1:6-0"]
    assert left(order.push(look("", "7-0", ""))) == ["1:7-0", "0:8-0", "0:9-0"]


def test_a_look_that_left_entries_behind_is_followed_at_once() -> None:
    """While entries leave, the next look brings more: there is nothing to wait for."""
    order = fresh(count=2)
    order.push(look("1-0 2-0", "3-0", ""))

    assert order.holds
    assert not order.waits


def test_a_stream_that_holds_a_look_full_is_left_out_of_the_next() -> None:
    """Memory stays bounded by twice what is asked for, and the stream counts as one that may have more."""
    order = fresh(count=2)
    order.push(look("8-0 9-0", "1-0 2-0", ""))
    assert order.full == [0]

    ready = order.push(look("", "3-0 4-0", ""))

    assert left(ready) == ["1:3-0", "1:4-0"]
    assert order.full == [0]
    # A 9-1 may still follow in the full stream, so what is above it has to wait for the next look.
    assert left(order.push(look("", "9-0 9-2", "9-0"))) == ["0:8-0", "0:9-0", "1:9-0", "2:9-0"]
    assert order.full == []


def test_never_are_all_streams_full() -> None:
    """The one that lies furthest behind is always emptied, so there is always something to look at."""
    order = fresh(streams=2, count=1)

    for ms in range(1, 50):
        skipped = set(order.full)
        assert len(skipped) < 2
        ids = ["" if stream in skipped else f"{ms}-{stream}" for stream in range(2)]
        order.push(look(*ids))


def test_more_entries_of_one_millisecond_than_are_asked_for_leave_after_it() -> None:
    """Silent streams must not hold up a full one for ever, nor have it looked past without end."""
    order = fresh(count=2)
    ids = [f"5-{n}" for n in range(9)]
    released = []

    for _ in range(20):
        if order.waits:
            order.millisecond_passed()
        batch, ids = ([], ids) if 0 in order.full else (ids[:2], ids[2:])
        released += order.push(look(" ".join(batch), "", ""))

    assert left(released) == [f"0:5-{n}" for n in range(9)]


def test_a_late_arrival_leaves_at_once() -> None:
    """An id below what has left already cannot be put in order any more, and must not be lost."""
    order = fresh()
    order.push(look("9-0 10-0", "", ""))

    assert left(order.push(look("", "3-0", ""))) == ["1:3-0"]


def test_an_id_far_in_the_future_does_not_hold_up_the_others() -> None:
    """A publisher that chose such an id is applied, and so is what comes below it."""
    order = fresh()

    assert left(order.push(look("99999-0", "", ""))) == ["0:99999-0"]
    assert left(order.push(look("", "5-0", "5-0"))) == ["1:5-0", "2:5-0"]


def test_the_start_is_behind_what_is_applied() -> None:
    """Entries right behind the checkpoint leave as if the order had never been made anew."""
    order = Order([b"7-2", b"3-0", START], 4)

    assert left(order.push(look("7-3", "8-0", ""))) == ["0:7-3"]
    order.millisecond_passed()
    assert left(order.push(look("", "", ""))) == ["1:8-0"]


def test_looks_that_bring_nothing_change_nothing() -> None:
    """An idle partition neither waits nor holds."""
    order = fresh()

    assert order.push(look("", "", "")) == []
    assert not order.holds
    assert not order.waits
    assert order.full == []


def test_entries_leave_as_they_came() -> None:
    """The order moves entries, it does not touch them."""
    order = fresh()
    entry = Entry(0, b"1-0", None)

    assert order.push([[entry], [], []])[0] is entry
