"""The trail: what may be in the window of repeats is known from coarse marks."""

from hypothesis import given
from hypothesis import strategies as st

from stream.retention import Trail


@given(st.integers(1, 300), st.lists(st.integers(1, 90), max_size=60))
def test_at_least_a_window_lies_behind_what_may_go(window: int, batches: list[int]) -> None:
    """And once so much came that a window lies behind a mark, little more than that."""
    trail = Trail(window)
    applied = 0
    trail.mark(0, [b"0-0"])
    for batch in batches:
        applied += batch
        trail.mark(applied, [b"%d-0" % applied])
        behind = trail.behind(applied)
        if behind is None:
            assert applied < window
        else:
            kept = applied - int(behind[0].partition(b"-")[0])
            assert window <= kept < window + window // 50 + 2 * 90


def test_nothing_is_known_before_a_window_has_passed() -> None:
    """A worker that has only just begun knows no more than what loading told it."""
    trail = Trail(100)
    trail.mark(5000, [b"7-0", b"8-0"])

    assert trail.behind(5000) is None
    assert trail.behind(5099) is None
    assert trail.behind(5100) == [b"7-0", b"8-0"]


def test_loading_tells_where_the_window_begins() -> None:
    """From the first round on: a partition with few entries a day need not wait for a window of new ones."""
    trail = Trail(100)
    trail.mark(4900, [b"7-0", b"8-0"])
    trail.mark(5000, [b"9-0", b"8-5"])

    assert trail.behind(5000) == [b"7-0", b"8-0"]
