"""
Build daily.csv.gz again from the two packages it was taken from.

    pip install --no-deps bokeh_sampledata==2026.1 arch==8.0.0
    python examples/fleet/prices/build.py

The README beside this file says what the columns are and whose data it is.
"""

import csv
import gzip
import hashlib
import importlib.util
import io
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

TARGET: Final = Path(__file__).with_name("daily.csv.gz")
FIRST: Final = "2004-08-19"  # Google's first day on the exchange
LAST: Final = "2013-03-01"  # where the stock histories end
STOCKS: Final = ("AAPL", "GOOG", "IBM", "MSFT")
INDICES: Final = {"NASDAQ": "data/nasdaq/nasdaq.csv.gz", "SP500": "data/sp500/sp500.csv.gz"}
DIGITS: Final = 4


def main() -> int:
    """Write the file and print the digest of what is in it."""
    rows = sorted((*_stocks(), *_indices()))
    days = {row[0] for row in rows}
    if len(rows) != len(days) * (len(STOCKS) + len(INDICES)):
        print("the histories do not share their days: other versions of the packages?", file=sys.stderr)
        return 1
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("date", "symbol", "open", "high", "low", "close"))
    writer.writerows(rows)
    content = text.getvalue().encode()
    # mtime=0: the same prices give the same file.
    TARGET.write_bytes(gzip.compress(content, mtime=0))
    print(f"{len(days)} days, {len(rows)} rows, sha256 of the text {hashlib.sha256(content).hexdigest()}")
    return 0


def _stocks() -> Iterator[tuple[str, ...]]:
    for row in _read("bokeh_sampledata", "_data/stocks.csv.gz"):
        if row["Ticker"] in STOCKS and FIRST <= row["Date"] <= LAST:
            yield _adjusted(row["Date"], row["Ticker"], row)


def _indices() -> Iterator[tuple[str, ...]]:
    for symbol, path in INDICES.items():
        for row in _read("arch", path):
            # The package writes 8/19/2004; only the day is read, so no zone is meant.
            date = datetime.strptime(row["Date"], "%m/%d/%Y").date().isoformat()  # noqa: DTZ007  # a date has no zone
            if FIRST <= date <= LAST:
                yield _adjusted(date, symbol, row)


def _adjusted(date: str, symbol: str, row: dict[str, str]) -> tuple[str, ...]:
    """Scale the day by adjusted close / close, so that splits and dividends leave no jump."""
    factor = float(row["Adj Close"]) / float(row["Close"])
    prices = (f"{float(row[name]) * factor:.{DIGITS}f}" for name in ("Open", "High", "Low", "Close"))
    return (date, symbol, *prices)


def _read(package: str, path: str) -> Iterator[dict[str, str]]:
    # The packages are only located, not imported: arch would want pandas and statsmodels.
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise SystemExit(f"{package} is not installed: see the head of this file")
    with gzip.open(Path(found.submodule_search_locations[0]) / path, "rt", encoding="utf-8") as file:
        yield from csv.DictReader(file)


if __name__ == "__main__":
    sys.exit(main())
