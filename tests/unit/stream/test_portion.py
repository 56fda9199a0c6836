"""How many entries are asked for: few at first, and never more than some megabytes."""

from hypothesis import given
from hypothesis import strategies as st

from stream.portion import REPLY_BYTES, Portion

MEBIBYTE = 1 << 20


def test_a_backlog_of_small_entries_is_soon_read_in_full_portions() -> None:
    """Each twice the one before."""
    portion = Portion(4000)
    asked = []
    for _ in range(10):
        asked.append(portion.count)
        portion.got(portion.count, portion.count, 200 * portion.count)

    assert asked == [16, 32, 64, 128, 256, 512, 1024, 2048, 4000, 4000]


def test_an_idle_stream_is_read_with_care() -> None:
    """What comes next may be of any size."""
    portion = Portion(4000)
    for longest in (16, 32, 64, 1):
        portion.got(longest, longest, 200 * longest)

    assert portion.count == 16


@given(st.integers(1, 5000), st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 2 * MEBIBYTE))))
def test_entries_as_large_as_the_last_ones_fit(most: int, replies: list[tuple[int, int]]) -> None:
    """And one is asked for however large they are."""
    portion = Portion(most)
    for entries, mean in replies:
        portion.got(entries, entries, entries * mean)
        assert 1 <= portion.count <= most
        if entries:
            assert portion.count == 1 or portion.count * mean <= REPLY_BYTES
