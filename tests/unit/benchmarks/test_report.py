"""Tables, the place they are written to, and drawings that a browser can read."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks import report
from benchmarks.figures import Curve, Found, Row
from benchmarks.report import BEGIN, END, ROOT, Results, drawings, inserted, recorded, table, tables, write

SVG = "{http://www.w3.org/2000/svg}"
RATES = Row("fills_per_second", "one worker", "fills/s", [53_248.4, 51_000.0, 54_110.0], 150_000)


def test_a_row_has_its_median_its_range_and_its_target() -> None:
    """The median of three is the middle one; large figures are whole, small ones have three digits."""
    rows = [
        RATES,
        Row("start_s", "start", "s", [2.514, 2.4, 2.6], 3.0, at_most=True),
        Row("share", "of one core", "%", [0.5123]),
    ]

    assert table(rows).splitlines() == [
        "| | median | lowest to highest | target |",
        "|---|---|---|---|",
        "| one worker | 53,248 fills/s | 51,000 to 54,110 | at least 150,000: **missed** |",
        "| start | 2.51 s | 2.40 to 2.60 | at most 3.00: met |",
        "| of one core | 0.512 % |  |  |",
    ]


@pytest.mark.parametrize(
    ("value", "at_most", "met"),
    [(1.0, False, True), (0.99, False, False), (1.0, True, True), (1.01, True, False)],
)
def test_a_target_is_met_from_its_very_value_on(value: float, at_most: bool, met: bool) -> None:
    """A target of 1: at least, or at the most."""
    assert Row("x", "x", "", [value], 1.0, at_most=at_most).met is met


def test_a_fitted_figure_is_written_with_its_error() -> None:
    """A slope without its error says nothing."""
    row = Row("growth", "a fill costs more", "%", [0.731], 5.0, at_most=True, error=0.42)

    assert "| 0.731 ± 0.4 % |" in table([row])


def test_only_what_stands_between_the_marks_is_replaced() -> None:
    """What people wrote before and behind them stays, however often it is done."""
    page = f"# Page\n\n{BEGIN}\nold\n{END}\n\nmore\n"

    once = inserted(page, "new")

    assert once == f"# Page\n\n{BEGIN}\n\nnew\n\n{END}\n\nmore\n"
    assert inserted(once, "new") == once


@pytest.mark.parametrize("page", ["# Page", f"{BEGIN} without an end", f"an end {END} first"])
def test_a_page_without_marks_is_left_alone(page: str) -> None:
    """Figures are not written over what a person wrote."""
    with pytest.raises(ValueError, match="no place"):
        inserted(page, "new")


def found() -> list[Found]:
    """Give every kind of finding that is drawn."""
    points = [(0.0, 1.5), (20_000.0, 3.0), (20_000.0, 5.0), (40_000.0, 9.0)]
    other = Row("bytewax", "Bytewax & more", "fills/s", [104_000.0])
    return [
        Found("throughput", "Throughput", [RATES, other, Row("ratio", "ratio", "times", [0.5])]),
        Found("latency", "Stops", [], [Curve("p50", points), Curve("p99", points)]),
        Found("growth", "Growth", [], [Curve("agents", points)]),
        Found("memory", "Memory", [], [Curve("worker", points)]),
    ]


def test_throughput_has_a_bar_for_every_rate() -> None:
    """Ratios are no rates; ours is marked; text from outside stays text."""
    drawing = ET.fromstring(drawings(found())["throughput"])  # noqa: S314  # our own

    bars = drawing.findall(f".//{SVG}rect")
    assert [bar.get("class") for bar in bars] == ["ours", "bar"]
    assert "Bytewax & more" in [text.text for text in drawing.findall(f".//{SVG}text")]
    widths = [float(bar.get("width", "0")) for bar in bars]
    assert widths[0] / widths[1] == pytest.approx(53_248.4 / 104_000, rel=0.01)


def test_a_curve_shows_every_run_and_goes_through_the_medians() -> None:
    """Of 3 and 5 at one place the line takes 4; the four points are all there, and one for the legend."""
    drawing = ET.fromstring(drawings(found())["memory"])  # noqa: S314  # as above

    assert len(drawing.findall(f".//{SVG}circle")) == 5
    line = drawing.find(f".//{SVG}polyline")
    assert line is not None
    places = [tuple(map(float, place.split(","))) for place in line.get("points", "").split()]
    # From 1.5 over 4 to 9: heights 0, 2.5 and 7.5 above the first.
    assert (places[0][1] - places[1][1]) / (places[0][1] - places[2][1]) == pytest.approx(1 / 3, abs=0.01)


def test_the_page_shows_every_drawing_there_is() -> None:
    """Each under its title, and the machine is told."""
    text = tables(Results("2026-11-21", {"cores": "2", "python": "CPython 3.11.7"}, 760.0, found()))

    assert text.startswith("Measured 2026-11-21 on 2 cores in 13 minutes: python CPython 3.11.7.")
    assert [f"plots/{name}.svg" in text for name in drawings(found())] == [True] * 4


def test_what_is_written_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check of every change reads the median of 51,000, 53,248.4 and 54,110 from the file."""
    page = tmp_path / "page.md"
    page.write_text(f"{BEGIN}{END}")
    monkeypatch.setattr(report, "RESULTS", tmp_path / "results" / "figures.json")
    monkeypatch.setattr(report, "PAGE", page)
    monkeypatch.setattr(report, "PLOTS", tmp_path / "plots")
    assert recorded("fills_per_second") is None

    write(Results("2026-11-21", {"cores": "2"}, 760.0, found()))

    assert recorded("fills_per_second") == 53_248.4
    assert recorded("another") is None
    assert "| one worker | 53,248 fills/s |" in page.read_text()
    assert sorted(path.stem for path in (tmp_path / "plots").iterdir()) == sorted(drawings(found()))


def test_a_part_that_failed_is_told_on_the_page() -> None:
    """Its drawing and its table are left out."""
    failed = Found("latency", "Latency", [], notes=["Not measured: AssertionError."])

    text = tables(Results("2026-11-21", {"cores": "2"}, 760.0, [failed]))

    assert text.endswith("### Latency\n\nNot measured: AssertionError.")


@pytest.mark.parametrize("page", ["performance.md", "scaling.md"])
def test_the_pages_have_a_place_for_the_figures(page: str) -> None:
    """What takes a quarter of an hour must not fail at its end."""
    text = (ROOT / "docs" / page).read_text()

    assert "\n\nfigures\n\n" in inserted(text, "figures")
