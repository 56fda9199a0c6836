"""Limits that trip at the limit, and the colours on the way there."""

import pytest

from domain.breakers import Colour, Limits, Measure, Reading, certain, limits, read
from domain.money import money
from domain.rules import BreakerRules
from domain.standing import SCALE, Standing, flow
from tests.support.standings import gain

GREEN, YELLOW, ORANGE, RED = Colour
TENTH = 10**8  # in parts of 1e-9


def colour(scope: Standing, limit: Limits) -> Colour:
    """Return the worst colour of a scope."""
    return read(scope, limit).colour


def standing(equity: str, peak: str, day_open: str | None = None) -> Standing:
    """Return a scope with an equity, a peak, and what its day opened with."""
    opened = money(day_open or peak)
    return Standing(equity=money(equity), peak_equity=money(peak) * SCALE, day_open_equity=opened * SCALE)


@pytest.mark.parametrize(
    ("equity", "expected"),
    [
        ("1200", GREEN),
        ("1000", GREEN),
        ("900.00000001", GREEN),
        ("900", YELLOW),  # 10 % of the 20 %
        ("840.00000001", YELLOW),
        ("840", ORANGE),  # 16 %
        ("800.00000001", ORANGE),
        ("800", RED),  # 20 % exactly
        ("0", RED),
        ("-50", RED),
    ],
)
def test_colours_begin_exactly_at_their_shares_of_the_limit(equity: str, expected: Colour) -> None:
    """Yellow at half, orange at four fifths, red at the limit itself, to the unit."""
    assert colour(standing(equity, "1000"), Limits(2 * TENTH, 0)) is expected


@pytest.mark.parametrize(("loss", "expected"), [(99, ORANGE), (100, RED), (101, RED)])
def test_a_limit_is_compared_in_integers(loss: int, expected: Colour) -> None:
    """0.1 is no binary fraction; a loss of a tenth trips all the same, and a unit less does not."""
    scope = Standing(equity=1000 - loss, peak_equity=1000 * SCALE, day_open_equity=1000 * SCALE)

    assert colour(scope, Limits(TENTH, 0)) is expected


def test_the_worst_of_two_limits_counts() -> None:
    """Down 10 % from the peak (half of 20 %), down 9 % on the day (nine tenths of 10 %)."""
    scope = standing("910", "1011.11111111", "1000")

    reading = read(scope, Limits(2 * TENTH, TENTH))

    assert (reading.colour, reading.measure) == (ORANGE, Measure.DAILY_LOSS)
    assert (reading.value, reading.limit) == pytest.approx((0.09, 0.1))
    assert colour(scope, Limits(2 * TENTH, TENTH)) is ORANGE


def test_of_two_limits_alike_the_drawdown_is_named() -> None:
    """Both trip at once: the reason is the one that weighs more."""
    reading = read(standing("700", "1000"), Limits(2 * TENTH, TENTH))

    assert (reading.colour, reading.measure, reading.value) == (RED, Measure.DRAWDOWN, 0.3)


def test_without_a_limit_every_scope_is_green() -> None:
    """Zero parts stand for none."""
    assert colour(standing("1", "1000"), Limits(0, 0)) is GREEN
    assert read(standing("1", "1000"), Limits(0, 0)).colour is GREEN


def test_without_a_reference_there_is_no_loss() -> None:
    """A scope that was never funded, be it overdrawn."""
    assert colour(Standing(equity=-500), Limits(TENTH, TENTH)) is GREEN


def test_the_default_limits_are_those_of_the_rules() -> None:
    """Agent 20 % and 10 % a day, farm 10 % a day, wallet 15 % and 10 % a day."""
    assert limits(BreakerRules()) == {
        "agent": Limits(2 * TENTH, TENTH),
        "farm": Limits(0, TENTH),
        "wallet": Limits(15 * TENTH // 10, TENTH),
    }


def test_the_smallest_limit_is_one_and_not_none() -> None:
    """A share of 1e-10 is less than a part of 1e-9, and is still a limit: any loss trips."""
    found = limits(BreakerRules(agent_drawdown=1e-10, agent_daily_loss=None))["agent"]

    assert found == Limits(1, 0)
    standing = Standing(equity=10**9 - 1, peak_equity=10**9 * SCALE)
    assert read(standing, found).colour is Colour.RED


def test_moving_money_changes_no_colour() -> None:
    """Out, to nothing, and in again."""
    scope = Standing()
    flow(scope, money("1000"))
    gain(scope, money("-161"))
    limit = Limits(2 * TENTH, 0)

    for moved in ("-400", "-440", "10", "99990"):
        flow(scope, money(moved))
        assert colour(scope, limit) is ORANGE


def test_a_window_loss_is_measured_from_the_highest_within_it() -> None:
    """1100 a while ago, 1050 lately, 990 now: 10 % of the first is half of 20 %; of the second it is less."""
    scope = standing("990", "1100")
    scope.highs = [(5_000, money("1100") * SCALE), (9_000, money("1050") * SCALE)]
    limit = Limits(0, 0, window_loss=2 * TENTH)

    assert read(scope, limit, 5_000) == Reading(YELLOW, Measure.WINDOW_LOSS, 0.1, 0.2)
    assert read(scope, limit, 5_001).colour is GREEN
    assert read(scope, limit, 9_001, Measure.WINDOW_LOSS).value == 0


@pytest.mark.parametrize(("streak", "expected"), [(2, GREEN), (3, YELLOW), (4, ORANGE), (5, RED), (6, RED)])
def test_a_streak_has_the_colour_of_its_share(streak: int, expected: Colour) -> None:
    """Of five: three are more than half, four are four fifths."""
    scope = standing("1000", "1000")
    scope.streak = streak
    limit = Limits(0, 0, losing_streak=5)

    assert read(scope, limit).colour is expected
    if expected is not GREEN:
        assert read(scope, limit) == Reading(expected, Measure.LOSING_STREAK, streak, 5)


def test_a_limit_is_certain_when_it_is_reached_without_the_doubt() -> None:
    """200 lost of 1000, by a limit of 20 %: with a unit of it in doubt it is not."""
    scope = standing("800", "1000")
    limit = Limits(2 * TENTH, 0)
    assert certain(scope, limit)

    scope.doubt = 1

    assert not certain(scope, limit)


def test_green_is_told_of_the_measure_that_was_not() -> None:
    """A daily loss that is made good is no news of the drawdown."""
    scope = standing("1000", "1000")

    assert read(scope, Limits(TENTH, TENTH), told=Measure.DAILY_LOSS).measure is Measure.DAILY_LOSS
    assert read(scope, Limits(TENTH, TENTH), told=Measure.WINDOW_LOSS).measure is Measure.DRAWDOWN
