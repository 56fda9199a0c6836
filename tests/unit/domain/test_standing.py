"""Profit changes what a scope is worth; moving money changes only its size."""

import pytest

from domain.money import money
from domain.rules import DAY_MS
from domain.standing import (
    SCALE,
    Standing,
    bin_return,
    count_streak,
    doubt,
    drawdown,
    effective_equity,
    flow,
    note_fall,
    raise_peak,
    rebase,
    roll,
    take_back_peak,
    window_end,
    window_high,
    window_start,
)
from tests.support.standings import daily_loss, gain

MONDAY = 20_458 * DAY_MS  # 2026-01-05 00:00 UTC
HOUR = 3_600_000
WINDOW = 365


def funded(amount: str = "1000") -> Standing:
    """Return a scope that got its first money on Monday."""
    standing = Standing()
    roll(standing, MONDAY, DAY_MS, WINDOW)
    flow(standing, money(amount))
    return standing


def test_a_scope_that_was_never_funded_has_no_loss_and_no_return() -> None:
    """There is nothing to measure against."""
    standing = Standing()

    assert (drawdown(standing), daily_loss(standing), bin_return(standing)) == (0.0, 0.0, 0.0)
    assert roll(standing, MONDAY, DAY_MS, WINDOW) == []


def test_drawdown_is_the_loss_since_the_peak() -> None:
    """1000, up to 1250, down to 1000: a fifth of the peak."""
    standing = funded()

    gain(standing, money("250"))
    gain(standing, money("-250"))

    assert (drawdown(standing), daily_loss(standing), bin_return(standing)) == (0.2, 0.0, 0.0)


def test_a_daily_loss_is_measured_from_the_opening() -> None:
    """Down from 1000 to 950 is a twentieth of what the day began with."""
    standing = funded()

    gain(standing, money("-50"))

    assert daily_loss(standing) == 0.05
    assert bin_return(standing) == pytest.approx(-0.05, abs=1e-15)


@pytest.mark.parametrize("moved", ["500", "-500", "-999.99999999", "1000000", "0.00000001"])
def test_moving_money_changes_no_measure(moved: str) -> None:
    """Neither drawdown nor the day's loss nor the bin's return, at any size, down to the last unit."""
    standing = funded()
    gain(standing, money("250"))
    gain(standing, money("-250"))
    gain(standing, money("-100"))
    before = (drawdown(standing), daily_loss(standing), bin_return(standing))

    flow(standing, money(moved))

    assert standing.equity == money("900") + money(moved)
    after = (drawdown(standing), daily_loss(standing), bin_return(standing))
    assert after == pytest.approx(before, abs=1e-8)


def test_a_peak_scales_with_the_money() -> None:
    """Half of 1000 that once were 1250 is taken: the peak is 625."""
    standing = funded()
    gain(standing, money("250"))
    gain(standing, money("-250"))

    flow(standing, money("-500"))

    assert standing.peak_equity == money("625") * SCALE


def test_a_return_is_chained_over_a_flow() -> None:
    """1000 earns 10 %, gets 1100 more, loses 10 %: 1.1 x 0.9 - 1 = -1 %, not the -1 % of 2000 by luck."""
    standing = funded()
    gain(standing, money("100"))
    flow(standing, money("1100"))

    gain(standing, money("-220"))

    assert bin_return(standing) == pytest.approx(1.1 * 0.9 - 1, abs=1e-12)
    assert standing.equity == money("1980")


def test_an_emptied_scope_keeps_its_drawdown_until_it_is_funded_again() -> None:
    """Taken to nothing at 20 % under its peak; refunded with ten times as much it is still 20 % under."""
    standing = funded()
    gain(standing, money("-200"))

    flow(standing, money("-800"))

    assert (standing.equity, standing.anchor) == (0, money("800"))
    assert (drawdown(standing), bin_return(standing)) == pytest.approx((0.2, -0.2))

    flow(standing, money("8000"))

    assert (standing.equity, standing.anchor) == (money("8000"), 0)
    assert (drawdown(standing), bin_return(standing)) == pytest.approx((0.2, -0.2))
    assert standing.peak_equity == money("10000") * SCALE


def test_an_emptied_scope_may_be_refunded_in_steps() -> None:
    """What it is measured against follows each of them."""
    standing = funded()
    gain(standing, money("-200"))
    flow(standing, money("-800"))

    for step in ("0.00000001", "3", "797"):
        flow(standing, money(step))

    assert drawdown(standing) == pytest.approx(0.2, abs=1e-8)


def test_a_scope_that_lost_its_last_unit_begins_anew() -> None:
    """Nothing is left to compare with, so what it gets next is where it starts."""
    standing = funded()
    gain(standing, money("-1000"))
    assert (drawdown(standing), daily_loss(standing)) == (1.0, 1.0)

    flow(standing, money("500"))

    assert (drawdown(standing), daily_loss(standing), bin_return(standing)) == (0.0, 0.0, 0.0)


def test_an_overdrawn_scope_is_down_by_more_than_all() -> None:
    """1000 at the peak, 200 owed: 120 %."""
    standing = funded()

    gain(standing, money("-1200"))

    assert drawdown(standing) == 1.2


def test_the_day_opens_with_what_there_is() -> None:
    """Monday's loss is no loss of Tuesday's."""
    standing = funded()
    gain(standing, money("-50"))

    roll(standing, MONDAY + DAY_MS, DAY_MS, WINDOW)

    assert daily_loss(standing) == 0.0
    assert drawdown(standing) == 0.05
    assert standing.day_open_equity == money("950") * SCALE


def test_a_bin_closes_with_its_return_and_empty_ones_with_none() -> None:
    """5 % on Monday, nobody looks until Thursday: Monday's return, then two days without."""
    standing = funded()
    gain(standing, money("50"))

    assert roll(standing, MONDAY + 3 * DAY_MS + HOUR, DAY_MS, WINDOW) == [pytest.approx(0.05), 0.0, 0.0]
    assert roll(standing, MONDAY + 3 * DAY_MS + 2 * HOUR, DAY_MS, WINDOW) == []
    assert bin_return(standing) == 0.0


def test_no_more_bins_are_returned_than_are_kept() -> None:
    """After an age of silence the newest ones are empty, and an age of seconds is not counted one by one."""
    standing = funded()
    gain(standing, money("50"))

    assert roll(standing, MONDAY + 3 * DAY_MS, DAY_MS, 3) == [pytest.approx(0.05), 0.0, 0.0]
    gain(standing, money("50"))
    assert roll(standing, MONDAY + 40_000 * DAY_MS, DAY_MS, 3) == [0.0, 0.0, 0.0]


def test_bins_need_not_be_days() -> None:
    """An hour's bin closes twenty-four times before the day does."""
    standing = Standing()
    roll(standing, MONDAY, HOUR, WINDOW)
    flow(standing, money("1000"))
    gain(standing, money("-100"))

    assert roll(standing, MONDAY + HOUR, HOUR, WINDOW) == [pytest.approx(-0.1)]
    assert daily_loss(standing) == 0.1
    gain(standing, money("90"))
    assert bin_return(standing) == pytest.approx(0.1)
    assert daily_loss(standing) == pytest.approx(0.01)


def test_a_late_event_counts_into_the_bin_that_is_open() -> None:
    """Time does not run backwards: what comes late closes nothing and opens nothing."""
    standing = funded()
    roll(standing, MONDAY + DAY_MS, DAY_MS, WINDOW)

    assert roll(standing, MONDAY + HOUR, DAY_MS, WINDOW) == []
    gain(standing, money("-100"))
    assert (standing.day, standing.bin) == (20_459, 20_459)
    assert (daily_loss(standing), bin_return(standing)) == pytest.approx((0.1, -0.1))


def test_a_day_that_rolls_while_a_scope_is_empty_opens_with_what_it_had() -> None:
    """Emptied on Monday, refunded on Tuesday: no loss on Tuesday, the drawdown as before."""
    standing = funded()
    gain(standing, money("-200"))
    flow(standing, money("-800"))

    roll(standing, MONDAY + DAY_MS, DAY_MS, WINDOW)
    flow(standing, money("400"))

    assert (daily_loss(standing), drawdown(standing)) == (0.0, 0.2)
    assert standing.day_open_equity == money("400") * SCALE


def test_after_a_reset_it_is_measured_from_here_on() -> None:
    """The loss that led to a stop does not stop it again."""
    standing = funded()
    gain(standing, money("-200"))

    rebase(standing)

    assert (drawdown(standing), daily_loss(standing)) == (0.0, 0.0)
    gain(standing, money("-80"))
    assert (drawdown(standing), daily_loss(standing)) == (0.1, 0.1)


def test_a_reset_of_what_is_overdrawn_measures_from_nothing() -> None:
    """There is no peak below zero."""
    standing = funded()
    gain(standing, money("-1200"))

    rebase(standing)

    assert (standing.peak_equity, standing.day_open_equity) == (0, 0)
    assert effective_equity(standing) == money("-200") * SCALE


# -- what only some limits ask for -------------------------------------------------------------------------

MINUTE = 60_000


def test_a_window_begins_with_the_part_that_lies_its_length_back() -> None:
    """Of 15 minutes in parts of 15 seconds: at 12:00:07 it began at 11:45:00, and does so to 12:00:15."""
    noon = MONDAY + 12 * HOUR

    assert window_start(noon + 7_000, 15 * MINUTE) == noon - 15 * MINUTE
    assert window_end(noon - 15 * MINUTE, 15 * MINUTE) == noon + 15_000
    assert window_start(noon + 14_999, 15 * MINUTE) == noon - 15 * MINUTE
    assert window_start(noon + 15_000, 15 * MINUTE) == noon - 15 * MINUTE + 15_000


def test_of_the_equities_fallen_from_the_higher_and_later_hides_the_lower_and_earlier() -> None:
    """Falls from 10, 8, 9 in three seconds: 10 and 9 are left. A fall from 11 hides both."""
    standing = funded("10")
    kept = []
    for second, before in enumerate((10, 8, 9, 11)):
        note_fall(standing, before, MONDAY + second * 1_000, MINUTE)
        kept.append([high // SCALE for _, high in standing.highs or []])

    assert kept == [[10], [10, 8], [10, 9], [11]]


def test_what_lies_before_the_window_is_forgotten_with_the_next_fall() -> None:
    """A minute and a part later."""
    standing = funded("10")
    assert note_fall(standing, 10, MONDAY, MINUTE)
    assert not note_fall(standing, 9, MONDAY + MINUTE, MINUTE)
    assert window_high(standing, window_start(MONDAY + MINUTE, MINUTE)) == (MONDAY, 10 * SCALE)

    later = MONDAY + MINUTE + 1_000
    assert window_high(standing, window_start(later, MINUTE)) == (MONDAY + MINUTE, 9 * SCALE)
    note_fall(standing, 8, later, MINUTE)
    assert standing.highs == [(MONDAY + MINUTE, 9 * SCALE), (later, 8 * SCALE)]


def test_a_flow_scales_all_that_a_loss_may_be_measured_from() -> None:
    """Half is taken: the highs of the window and the peak before the latest are halved as well."""
    standing = funded("1000")
    gain(standing, money("-200"))
    note_fall(standing, money("1000"), MONDAY, MINUTE)
    standing.firm_peak = money("900") * SCALE

    flow(standing, money("-400"))

    assert standing.highs == [(MONDAY, money("500") * SCALE)]
    assert standing.firm_peak == money("450") * SCALE


def test_an_emptied_scope_falls_from_nothing() -> None:
    """Its measures wait for money."""
    standing = funded("1000")
    flow(standing, money("-1000"))
    gain(standing, -1)

    assert not note_fall(standing, 0, MONDAY, MINUTE)
    assert standing.highs is None


def raised(to: str, unrealized: str, at: int, standing: Standing) -> Standing:
    """Bring a scope to a new high of which some is open profit, with a smoothing of 15 seconds."""
    gain_of = money(to) - standing.equity
    standing.equity += gain_of
    standing.unrealized_pnl = money(unrealized)
    raise_peak(standing, at, 15_000)
    return standing


def test_a_high_by_marks_is_taken_back_while_it_is_young() -> None:
    """1000 marked up to 1300: half a minute later it stands."""
    young, old = (raised("1300", "300", MONDAY, funded("1000")) for _ in range(2))
    for standing in (young, old):
        gain(standing, money("-400"))

    assert take_back_peak(young, MONDAY + 29_999, 15_000)
    assert not take_back_peak(old, MONDAY + 30_000, 15_000)

    assert (young.peak_equity, old.peak_equity) == (money("1000") * SCALE, money("1300") * SCALE)


def test_what_of_a_high_was_earned_is_not_taken_back() -> None:
    """Of 300 above the peak 200 are open profit: 1100 are left."""
    standing = raised("1300", "200", MONDAY, funded("1000"))
    gain(standing, money("-400"))

    take_back_peak(standing, MONDAY, 15_000)

    assert standing.peak_equity == money("1100") * SCALE


def test_a_peak_is_not_taken_back_below_the_equity() -> None:
    """There is no loss then."""
    standing = raised("1300", "300", MONDAY, funded("1000"))
    gain(standing, money("-100"))

    take_back_peak(standing, MONDAY, 15_000)

    assert standing.peak_equity == money("1200") * SCALE


def test_a_doubt_ends_when_prices_have_given_all_of_it_back() -> None:
    """What they gave beyond it is no credit."""
    standing = funded("1000")
    doubt(standing, 100, MONDAY)
    doubt(standing, -60, MONDAY + 1)
    assert (standing.doubt, standing.doubt_at) == (40, MONDAY)

    doubt(standing, -50, MONDAY + 2)

    assert (standing.doubt, standing.doubt_at) == (0, None)


def test_after_a_stop_was_lifted_nothing_of_before_counts() -> None:
    """Neither streak nor window nor doubt nor a peak that may be taken back."""
    standing = raised("1300", "300", MONDAY, funded("1000"))
    note_fall(standing, money("1300"), MONDAY, MINUTE)
    count_streak(standing, -1, 5)
    doubt(standing, 100, MONDAY)

    rebase(standing)

    assert (standing.streak, standing.highs, standing.doubt, standing.doubt_at) == (0, None, 0, None)
    assert (standing.peak_at, standing.firm_peak, standing.peak_equity) == (0, 0, money("1300") * SCALE)
