"""The window in which a repeat is recognised."""

from stream.repeats import DEFAULT_WINDOW, Repeats


def window_of(size: int, *identities: str | None) -> Repeats:
    """Make a window that has taken these."""
    found = Repeats(size)
    for identity in identities:
        found.add(identity)
    return found


def test_the_wire_promises_two_hundred_thousand_entries() -> None:
    """What is promised is the default."""
    assert DEFAULT_WINDOW == 200_000


def test_an_identity_is_known_once_it_was_taken() -> None:
    """And no other is."""
    window = window_of(3, "a")

    assert "a" in window
    assert "b" not in window
    assert "a" not in Repeats(3)


def test_an_identity_is_forgotten_with_the_entry_that_left_the_window() -> None:
    """The window has the last entries, as many as it was made for."""
    window = window_of(3, "a", "b", "c")
    assert all(identity in window for identity in "abc")

    window.add("d")

    assert "a" not in window
    assert all(identity in window for identity in "bcd")


def test_entries_without_identity_take_their_place_too() -> None:
    """Dead letters count, so that a window loaded from the streams is the same; none is ever a repeat."""
    window = window_of(3, "a", None, None)
    assert "a" in window

    window.add(None)

    assert "a" not in window


def test_a_repeat_keeps_its_identity_in_the_window() -> None:
    """It is an entry like another: the identity leaves with the last that has it."""
    window = window_of(3, "a", "b", "a", "c")
    assert "a" in window
    assert "b" in window

    window.add("d")
    assert "b" not in window
    assert "a" in window

    window.add("e")
    assert "a" not in window


def test_many_repeats_of_one_leave_one_by_one() -> None:
    """However often it came, it is forgotten exactly when the last has left."""
    window = window_of(4, "a", "a", "a", "a")

    for identity in "bcd":
        window.add(identity)
        assert "a" in window
    window.add("e")

    assert "a" not in window
    assert all(identity in window for identity in "bcde")


def test_an_identity_forgotten_may_come_again() -> None:
    """Beyond the window nothing is promised, and nothing is left over."""
    window = window_of(2, "a", "a", "b", "c", "a")

    assert "a" in window
    window.add(None)
    window.add(None)
    assert "a" not in window


def test_a_window_of_one_knows_the_last_entry_only() -> None:
    """The smallest window there is."""
    window = window_of(1, "a", "a", "b")

    assert "a" not in window
    assert "b" in window
