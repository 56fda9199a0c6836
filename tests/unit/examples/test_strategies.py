"""The strategies on bars made by hand."""

from examples.fleet.strategies import STRATEGIES, Alligator, Bar, DarvasBox, Donchian, Signal, Strategy
from examples.fleet.strategies.alligator import SmoothedAverage


def flat(price: float) -> Bar:
    """Make a bar that does not move."""
    return Bar(price, price, price, price)


def feed(strategy: Strategy, bars: list[Bar], *, holding: bool = False) -> Signal:
    """Show all bars; the answer to the last one counts."""
    signal = Signal.HOLD
    for bar in bars:
        signal = strategy.signal(bar, holding=holding)
    return signal


def box() -> tuple[DarvasBox, list[Bar]]:
    """Make a strategy and the seven bars that draw it a box from 8 to 10."""
    return DarvasBox(), [
        Bar(9.5, 10.0, 9.0, 9.5),  # the high that holds
        *[Bar(9.0, 9.5, 8.5, 9.0)] * 2,
        Bar(9.0, 9.5, 8.0, 9.0),  # the third day: top; its low is the bottom
        *[Bar(9.0, 9.5, 8.5, 9.0)] * 3,
    ]


def test_donchian_enters_above_the_highest_high() -> None:
    """A close above every high of the channel's days is the signal, an equal one is not."""
    quiet = [Bar(9, 10, 8, 9)] * 20

    assert feed(Donchian(), [*quiet, flat(10.0)]) is Signal.HOLD
    assert feed(Donchian(), [*quiet, flat(10.01)]) is Signal.ENTER


def test_donchian_waits_for_a_full_channel() -> None:
    """Before the channel has its days there is no signal."""
    assert feed(Donchian(), [*[Bar(9, 10, 8, 9)] * 19, flat(11.0)]) is Signal.HOLD


def test_donchian_leaves_below_the_lowest_low_of_the_shorter_channel() -> None:
    """The exit looks back half as far as the entry: an older, lower low does not count."""
    bars = [*[Bar(9, 10, 5, 9)] * 10, *[Bar(9, 10, 8, 9)] * 10]

    assert feed(Donchian(), [*bars, flat(8.0)], holding=True) is Signal.HOLD
    assert feed(Donchian(), [*bars, flat(7.99)], holding=True) is Signal.EXIT


def test_smoothed_average_starts_as_a_mean_and_is_shifted() -> None:
    """The first value is the plain mean, each further value moves it by 1/length, drawn later."""
    average = SmoothedAverage(length=2, shift=1)
    seen = []
    for value in (1.0, 3.0, 6.0, 0.0):
        average.add(value)
        seen.append(average.value)

    assert seen == [None, None, 2.0, 4.0]


def test_alligator_wakes_in_a_rising_market() -> None:
    """Lips above teeth above jaw is the signal, once all three lines are drawn."""
    rising = [flat(100.0 + day) for day in range(22)]

    assert feed(Alligator(), rising[:20]) is Signal.HOLD
    assert feed(Alligator(), rising) is Signal.ENTER


def test_alligator_stays_out_of_a_flat_market() -> None:
    """Lines that lie on each other are no order."""
    assert feed(Alligator(), [flat(100.0)] * 60) is Signal.HOLD


def test_alligator_leaves_when_the_lines_cross() -> None:
    """A held position goes as soon as the order is lost."""
    turning = [flat(100.0 + day) for day in range(40)] + [flat(139.0 - 5 * day) for day in range(12)]

    assert feed(Alligator(), turning, holding=True) is Signal.EXIT


def test_darvas_draws_the_box_after_three_days_each() -> None:
    """A top that held three days, then a bottom that held three days, are the box."""
    strategy, bars = box()

    feed(strategy, bars[:-1])
    assert strategy.box is None
    feed(strategy, bars[-1:])
    assert strategy.box == (8.0, 10.0)


def test_darvas_enters_on_a_close_above_the_top() -> None:
    """A spike that does not close above the top is no breakout."""
    strategy, bars = box()

    assert feed(strategy, [*bars, Bar(9.5, 10.5, 9.0, 9.9)]) is Signal.HOLD
    assert feed(strategy, [Bar(9.9, 10.5, 9.8, 10.1)]) is Signal.ENTER


def test_darvas_new_high_before_the_bottom_starts_again() -> None:
    """A top that is passed before its box is complete was none."""
    strategy, bars = box()

    assert feed(strategy, [*bars[:5], Bar(10, 11, 10, 11), *bars[5:]]) is Signal.HOLD
    assert strategy.box is None


def test_darvas_stops_below_the_bottom() -> None:
    """A held position goes on a close below the box it broke out of, and not on one inside it."""
    strategy, bars = box()
    feed(strategy, [*bars, flat(10.5)])

    assert feed(strategy, [flat(8.0)], holding=True) is Signal.HOLD
    assert feed(strategy, [flat(7.9)], holding=True) is Signal.EXIT


def test_darvas_higher_box_pulls_the_stop_up() -> None:
    """With a second box above the first, its bottom is the stop."""
    strategy, bars = box()
    feed(strategy, [*bars, flat(12.0)])
    second = [Bar(13, 14, 12.5, 13), *[Bar(13, 13.5, 12, 13)] * 6]

    assert feed(strategy, second, holding=True) is Signal.HOLD
    assert strategy.box == (12.0, 14.0)
    assert feed(strategy, [flat(11.9)], holding=True) is Signal.EXIT


def test_every_strategy_is_long_or_out() -> None:
    """Whatever comes, none enters while it holds or leaves while it does not."""
    bars = [flat(100.0 + (day * 37 % 50) - day * 0.1) for day in range(300)]
    for make in STRATEGIES.values():
        holding, out = make(), make()
        assert all(holding.signal(bar, holding=True) is not Signal.ENTER for bar in bars)
        assert all(out.signal(bar, holding=False) is not Signal.EXIT for bar in bars)
