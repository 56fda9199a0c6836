"""Plots are well-formed, keep what they draw inside their axes, and escape what they are given."""

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.plot.charts import Line, bars, histogram, lines, ranking, stacked
from app.plot.frame import NUMBER, PERCENT, money_unit
from app.plot.markup import Markup, element, join

DAY = 86_400_000.0
EVIL = "<script>alert('x')</script> & \"y\""


def drawing(markup: Markup) -> ET.Element:
    """Read a figure as XML."""
    return ET.fromstring(markup)  # noqa: S314  # our own


def path_of(markup: Markup, style: str) -> list[tuple[float, float]]:
    """Return the points of the only path of a style."""
    (found,) = (one for one in drawing(markup).iter("path") if one.get("class") == style)
    text = (found.get("d") or "").removeprefix("M").removesuffix("Z")
    return [(float(x), float(y)) for x, y in (pair.split() for pair in text.split("L"))]


def test_an_element_escapes_what_is_no_markup() -> None:
    """In its text and in its attributes; what is markup stays."""
    made = element("b", EVIL, element("i", "ok"), title=EVIL)

    assert "<script" not in made
    assert ET.fromstring(made).get("title") == EVIL  # noqa: S314  # our own
    assert made.endswith("<i>ok</i></b>")
    assert join(["a<b", Markup("<br/>")]) == "a&lt;b<br/>"


def test_names_from_outside_stay_text() -> None:
    """Titles, legends, units and names of bars."""
    line = Line(EVIL, [0.0, DAY], [1.0, 2.0], "s1")
    figures = [
        lines(EVIL, [line], money_unit(EVIL)),
        stacked(EVIL, [0.0, DAY], {EVIL: [0.5, 0.25]}, 2 * DAY),
        ranking(EVIL, [(EVIL, 1.0)], money_unit(EVIL)),
        histogram(EVIL, [-0.1, 0.1], [(EVIL, 0.0)]),
    ]

    assert not [figure for figure in figures if "<script" in figure]
    assert [drawing(figure).findtext("figcaption") for figure in figures] == [EVIL] * 4


def test_a_line_goes_from_corner_to_corner() -> None:
    """The axis from 0 to 10 is 182 high and 644 wide: left at 62, the bottom at 204, the top at 22."""
    line = Line("equity", [0.0, 7 * DAY], [0.0, 10.0], "s1")

    assert path_of(lines("t", [line], NUMBER), "line s1") == [(62.0, 204.0), (706.0, 22.0)]


def test_steps_hold_a_value_until_the_next() -> None:
    """And the last one to the end of the axis."""
    line = Line("budget", [0.0, 7 * DAY], [0.0, 10.0], "s1", steps=True)

    assert path_of(lines("t", [line], NUMBER), "line s1") == [(62, 204), (706, 204), (706, 22), (706, 22)]


def test_what_is_filled_is_filled_to_zero() -> None:
    """From -10 to 10 zero is in the middle."""
    line = Line("profit", [0.0, DAY], [-10.0, 10.0], "s1", filled=True)

    assert path_of(lines("t", [line], NUMBER), "area s1") == [(62, 113), (62, 204), (706, 22), (706, 113)]


def test_shares_lie_on_top_of_each_other() -> None:
    """A half and a quarter: from 0 to a half, and from there to three quarters of an axis to .8."""
    figure = stacked("t", [0.0], {"a": [0.5], "b": [0.25]}, DAY)

    ends = [sorted({y for _, y in path_of(figure, style)}) for style in ("share s1", "share s2")]
    assert ends[0] == [pytest.approx(204 - 182 * 0.5 / 0.8, abs=0.06), 204]
    assert ends[1] == [pytest.approx(204 - 182 * 0.75 / 0.8, abs=0.06), ends[0][0]]


def test_a_histogram_counts_every_value() -> None:
    """The largest too, which lies on the last edge."""
    figure = histogram("t", [0.0, 0.1, 0.1, 0.2, 1.0], [])

    told = [(one.findtext("title") or "").rpartition(": ")[2] for one in drawing(figure).iter("rect")]
    assert sum(map(int, told)) == 5


def test_a_mark_beside_all_values_is_still_within_the_axes() -> None:
    """Only gains, and a value at risk of nothing."""
    figure = histogram("t", [0.01, 0.02], [("VaR 95", 0.0)])

    (mark,) = (one for one in drawing(figure).iter("line") if "dashed" in (one.get("class") or ""))
    assert 62 <= float(mark.get("x1") or 0) <= 706


def test_weights_of_nothing_are_drawn_on_a_whole_axis() -> None:
    """Everybody may be stopped."""
    figure = stacked("t", [0.0], {"a": [0.0]}, DAY)

    assert "100 %" in [one.text for one in drawing(figure).iter("text")]


def test_gains_and_losses_have_their_own_colour() -> None:
    """Down from zero and up from it."""
    figure = bars("t", [0.0, DAY], [-0.1, 0.2], DAY, PERCENT)

    assert [one.get("class") for one in drawing(figure).iter("rect")] == ["loss", "gain"]


values = st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=20)


@given(drawn=values)
def test_nothing_lies_outside_the_axes(drawn: list[float]) -> None:
    """Whatever the values, also where all are one."""
    times = [DAY * place for place in range(len(drawn))]

    points = path_of(lines("t", [Line("l", times, drawn, "s1")], NUMBER, zero=True), "line s1")

    assert all(61.9 <= x <= 706.1 and 21.9 <= y <= 204.1 for x, y in points)
