"""Profit changes what a scope is worth; moving money changes only its size."""

import pytest

from domain.money import money
from domain.rules import DAY_MS
from domain.standing import (
    SCALE,
    Standing,
    bin_return,
    daily_loss,
    drawdown,
    effective_equity,
    flow,
    gain,
    rebase,
    roll,
)

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
