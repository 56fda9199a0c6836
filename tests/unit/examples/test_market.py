"""The prices that are shipped."""

import itertools

from examples.fleet.market import PRICES, days

HISTORY = days()


def test_every_day_has_every_symbol() -> None:
    """All instruments share their days, oldest first, none twice."""
    symbols = {"AAPL", "GOOG", "IBM", "MSFT", "NASDAQ", "SP500"}

    assert len(HISTORY) == 2148
    assert all(set(day.bars) == symbols for day in HISTORY)
    assert all(one.date < next_one.date for one, next_one in itertools.pairwise(HISTORY))


def test_every_bar_is_possible() -> None:
    """Open and close lie within the day's range, and all prices are positive."""
    for bar in (bar for day in HISTORY for bar in day.bars.values()):
        assert 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high


def test_no_split_is_left_in_the_prices() -> None:
    """Apple's splits would show as a day that halves the price; adjusted, no day moves a quarter."""
    for symbol in HISTORY[0].bars:
        closes = [day.bars[symbol].close for day in HISTORY]
        assert all(0.75 < after / before < 1.25 for before, after in itertools.pairwise(closes))


def test_a_day_opens_before_it_closes_in_milliseconds() -> None:
    """Times are of the day itself, in the wire's unit."""
    first = HISTORY[0]

    assert (first.open_ms, first.close_ms) == (1092925800000, 1092949200000)


def test_the_readme_says_where_the_prices_come_from() -> None:
    """Data that are shipped name their source and licence beside them."""
    readme = PRICES.with_name("README.md").read_text(encoding="utf-8")

    assert all(word in readme for word in ("bokeh_sampledata", "arch", "public domain", "NCSA"))
