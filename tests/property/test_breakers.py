"""Breakers beside a unit price recomputed from the whole history; and the shortcuts of their arithmetic."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.breakers import Colour, Limits, Measure, calm, read
from domain.standing import SCALE, Standing, flow, note_fall, window_start
from tests.support.driver import DAY, NO_BREAKERS, Driver, funded
from tests.support.standings import gain

amounts = st.one_of(st.integers(0, 200), st.integers(0, 10**15))
parts = st.one_of(st.just(0), st.integers(1, 10**9), st.sampled_from([10**8, 2 * 10**8, 10**9]))

# -- the whole history, every time ---------------------------------------------------------------------------

WINDOW = 120_000
DRAWDOWN, DAILY, WINDOWED, STREAK = Fraction(3, 10), Fraction(15, 100), Fraction(1, 10), 4
RULES = {
    "breakers": NO_BREAKERS
    | {
        "agent_drawdown": 0.3,
        "agent_daily_loss": 0.15,
        "agent_window_loss": 0.1,
        "loss_window": WINDOW,
        "agent_losing_streak": STREAK,
        "smoothing": 0,
    }
}


class Level(NamedTuple):
    """A unit price, and the time from which on it was that."""

    since: int
    price: Fraction


class Naive:
    """
    An agent as a fund: money buys or gives back units at their price, profit changes the price.

    So what is measured in unit prices is net of flows by construction. Nothing is kept but what happened.
    """

    def __init__(self) -> None:
        self.happened: list[tuple[int, str, int]] = []

    def levels(self) -> list[Level]:
        """Return every unit price there was."""
        units = equity = Fraction(0)
        levels: list[Level] = []
        for time, kind, amount in self.happened:
            equity += amount
            if kind == "flow":
                units += amount / (levels[-1].price if levels else Fraction(1))
            levels.append(Level(time, equity / units))
        return levels

    def uses(self, now: int) -> list[Fraction]:
        """Return how much of each limit is used."""
        levels = self.levels()
        last = levels[-1].price
        peak = max(level.price for level in levels)
        midnight = now // DAY * DAY
        opening = next((level.price for level in reversed(levels) if level.since < midnight), levels[0].price)
        begin = (now - WINDOW) // (WINDOW // 60) * (WINDOW // 60)
        # A price was held until the next one came.
        ends = [level.since for level in levels[1:]] + [now]
        recent = [level.price for level, end in zip(levels, ends, strict=True) if end >= begin]
        streak = 0
        for _, kind, amount in self.happened:
            if kind == "fill" and amount:
                streak = streak + 1 if amount < 0 else 0
        return [
            (1 - last / peak) / DRAWDOWN,
            (1 - last / opening) / DAILY,
            (1 - last / max(recent)) / WINDOWED,
            Fraction(streak, STREAK),
        ]


def colour_of(used: Fraction) -> Colour:
    """Return the colour that a share of a limit has."""
    steps = ((Fraction(1), Colour.RED), (Fraction(4, 5), Colour.ORANGE), (Fraction(1, 2), Colour.YELLOW))
    return next((colour for least, colour in steps if used >= least), Colour.GREEN)


def near_a_step(used: Sequence[Fraction]) -> bool:
    """Whether scaling by a flow, in steps of 1e-16, may have moved one to the other side."""
    steps = (Fraction(1, 2), Fraction(4, 5), Fraction(1))
    return any(0 < abs(one - step) < Fraction(1, 10**12) for one in used for step in steps)


pauses = st.one_of(st.sampled_from([0, 1_000, 2_000, 120_000, 122_000, DAY]), st.integers(0, 200_000))
profits = st.one_of(st.sampled_from([-100, -50, -25, -1, 1, 25, 50, 100]), st.integers(-60, 40))
steps = st.lists(
    st.one_of(
        st.tuples(pauses, st.just("fill"), profits),
        st.tuples(pauses, st.just("mark"), profits),
        st.tuples(pauses, st.just("flow"), st.integers(-300, 600).filter(bool)),
        st.tuples(pauses, st.sampled_from(["tick", "restart"]), st.just(0)),
    ),
    max_size=25,
)


@settings(max_examples=150)
@given(steps)
@example([(0, "fill", -50), (120_000, "fill", -50)])
@example([(0, "fill", -50), (122_000, "fill", -50)])
@example([(1_000, "flow", 500), (0, "mark", -140), (DAY, "mark", -20), (0, "flow", -300), (0, "fill", -11)])
@example(
    [(0, "fill", -1), (0, "fill", -1), (0, "fill", 0), (DAY, "fill", -1), (0, "restart", 0), (0, "fill", -1)]
)
def test_colours_and_trips_are_those_of_the_whole_history(happening: list[tuple[int, str, int]]) -> None:
    """After every event, with flows, days, windows and restarts between: the worst, until one trips."""
    driver = funded(RULES, a="1000")
    driver.fill("a", "buy", "1", "500", symbol="ETH/USDT")
    naive = Naive()
    naive.happened.append((driver.now, "flow", 1000))
    mark = 500
    for pause, kind, amount in happening:
        driver.after(pause)
        before = driver.stored("agents", "w/a")
        cash, price = Fraction(before["cash"]), mark + amount
        if kind == "restart":
            driver = driver.restarted()
        if (
            kind in ("tick", "restart")
            or (kind == "flow" and amount < 0 and cash + amount < 50)
            or price <= 0
        ):
            driver.tick()
        elif kind == "fill":
            driver.fill("a", "buy", "1", "0.00000001", symbol="X/USDT", realized_pnl=amount)
            naive.happened.append((driver.now, "fill", amount))
        elif kind == "mark":
            mark = price
            driver.balance("a", prices={"ETH/USDT": mark})
            naive.happened.append((driver.now, "mark", amount))
        else:
            move(driver, amount)
            naive.happened.append((driver.now, "flow", amount))
        used = naive.uses(driver.now)
        if near_a_step(used):
            return
        agent = driver.agent_of("a")
        assert agent["breaker"] == max((colour_of(one) for one in used), key=list(Colour).index)
        if agent["trip"] is not None:
            first = next(m for m, one in zip(Measure, used, strict=True) if one >= 1)
            assert agent["trip"]["reason"] == first
            return


def move(driver: Driver, amount: int) -> None:
    """Give money to the agent, or take it."""
    if amount > 0:
        driver.command("allocate", agent="a", amount=str(amount))
    else:
        driver.command("collect", scope={"type": "agent", "id": "a"}, amount=str(-amount))


# -- the edge ------------------------------------------------------------------------------------------------


def reaching(measure: str, limit: int, start: int) -> Any:
    """Return a scope with an equity of one measure, the limit on it, and what makes a loss of it."""
    standing = Standing()
    flow(standing, start)
    standing.day_open_equity = start * SCALE
    return standing, Limits(**{"drawdown": 0, "daily_loss": 0, measure: limit})


@given(
    measure=st.sampled_from(["drawdown", "daily_loss", "window_loss"]),
    limit=st.integers(1, 10**9),
    equity=st.one_of(st.integers(1, 1000), st.integers(1, 10**20)),
)
def test_exactly_the_limit_trips_and_a_unit_less_does_not(measure: str, limit: int, equity: int) -> None:
    """The least loss that trips is the limit's share, rounded up to the next unit of 1e-8."""
    least = -(-equity * limit // 10**9)
    for loss, trips in ((least, True), (least - 1, False)):
        standing, allowed = reaching(measure, limit, equity)
        gain(standing, -loss)
        note_fall(standing, equity, 600_000, 60_000)
        found = read(standing, allowed, window_start(600_000, 60_000))
        assert (found.colour is Colour.RED) is trips


# -- the shortcut --------------------------------------------------------------------------------------------


@given(
    peak=amounts,
    opening=amounts,
    before=amounts,
    change=st.one_of(st.integers(-3, 3), st.integers(-(10**15), 10**15)),
    drawdown=parts,
    daily=parts,
    windowed=parts,
    fallen=amounts,
)
@example(peak=1000, opening=1000, before=901, change=-1, drawdown=2 * 10**8, daily=0, windowed=0, fallen=0)
@example(
    peak=1000, opening=1000, before=1000, change=10, drawdown=2 * 10**8, daily=10**8, windowed=0, fallen=0
)
@example(
    peak=150, opening=0, before=99, change=5, drawdown=6 * 10**8, daily=0, windowed=5 * 10**7, fallen=100
)
def test_a_scope_that_is_calm_keeps_its_colour(
    *,
    peak: int,
    opening: int,
    before: int,
    change: int,
    drawdown: int,
    daily: int,
    windowed: int,
    fallen: int,
) -> None:
    """Between the calm equities the colour found anew is the colour shown, whatever is earned or lost."""
    limit = Limits(drawdown, daily, windowed)
    standing = Standing(
        equity=before,
        peak_equity=max(peak, before) * SCALE,
        day_open_equity=opening * SCALE,
        highs=[(0, fallen * SCALE)],
    )
    shown = read(standing, limit).colour
    low, high = calm(standing, limit, shown)

    gain(standing, change)

    if low < standing.equity < high:
        assert read(standing, limit).colour is shown
        # What it may fall from now on is within the window too.
        note_fall(standing, standing.equity, 0, 60_000)
        gain(standing, -change)
        if low < standing.equity < high:
            assert read(standing, limit).colour is shown


def test_a_green_scope_far_from_its_limit_is_calm() -> None:
    """The shortcut is taken where it matters: a scope near its peak does not need the arithmetic."""
    standing = Standing(equity=1000, peak_equity=1000 * SCALE, day_open_equity=1000 * SCALE)

    low, high = calm(standing, Limits(2 * 10**8, 10**8, 10**8), Colour.GREEN)

    assert low < 990
    assert high > 1005
