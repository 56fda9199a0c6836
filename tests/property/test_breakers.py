"""The shortcut past a breaker's arithmetic never changes its answer."""

from hypothesis import example, given
from hypothesis import strategies as st

from domain.breakers import Colour, Limits, calm, colour
from domain.standing import SCALE, Standing, gain

amounts = st.one_of(st.integers(0, 200), st.integers(0, 10**15))
parts = st.one_of(st.just(0), st.integers(1, 10**9), st.sampled_from([10**8, 2 * 10**8, 10**9]))


@given(
    peak=amounts,
    opening=amounts,
    before=amounts,
    change=st.one_of(st.integers(-3, 3), st.integers(-(10**15), 10**15)),
    drawdown=parts,
    daily=parts,
)
@example(peak=1000, opening=1000, before=901, change=-1, drawdown=2 * 10**8, daily=0)
@example(peak=1000, opening=1000, before=1000, change=10, drawdown=2 * 10**8, daily=10**8)
def test_a_scope_that_is_calm_keeps_its_colour(
    peak: int, opening: int, before: int, change: int, drawdown: int, daily: int
) -> None:
    """Between the calm equities the colour found anew is the colour shown, whatever is earned or lost."""
    limit = Limits(drawdown, daily)
    standing = Standing(
        equity=before,
        peak_equity=max(peak, before) * SCALE,
        day_open_equity=opening * SCALE,
    )
    shown = colour(standing, limit)
    low, high = calm(standing, limit, shown)

    gain(standing, change)

    if low < standing.equity < high:
        assert colour(standing, limit) is shown


def test_a_green_scope_far_from_its_limit_is_calm() -> None:
    """The shortcut is taken where it matters: a scope near its peak does not need the arithmetic."""
    standing = Standing(equity=1000, peak_equity=1000 * SCALE, day_open_equity=1000 * SCALE)

    low, high = calm(standing, Limits(2 * 10**8, 10**8), Colour.GREEN)

    assert low < 990
    assert high > 1005
