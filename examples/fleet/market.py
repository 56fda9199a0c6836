"""The market that the bots see: real daily prices, one day after the other."""

import csv
import gzip
from datetime import UTC, date, datetime, time
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from examples.fleet.strategies.bar import Bar

PRICES: Final = Path(__file__).with_name("prices") / "daily.csv.gz"

# New York's opening and closing bell, in winter; an hour off in summer, which no bot here can tell.
_OPEN: Final = time(14, 30, tzinfo=UTC)
_CLOSE: Final = time(21, 0, tzinfo=UTC)


class Day(NamedTuple):
    """One trading day of all symbols."""

    date: date
    bars: dict[str, Bar]

    @property
    def open_ms(self) -> int:
        """When the market opens, in milliseconds since 1970 UTC."""
        return _milliseconds(self.date, _OPEN)

    @property
    def close_ms(self) -> int:
        """When the market closes, in milliseconds since 1970 UTC."""
        return _milliseconds(self.date, _CLOSE)


def days(path: Path = PRICES) -> list[Day]:
    """Read all days, oldest first."""
    with gzip.open(path, "rt", encoding="ascii") as file:
        rows = list(csv.DictReader(file))
    return [
        Day(date.fromisoformat(day), {row["symbol"]: _bar(row) for row in group})
        for day, group in groupby(rows, key=lambda row: row["date"])
    ]


def _bar(row: dict[str, str]) -> Bar:
    return msgspec.convert(row, Bar, strict=False)


def _milliseconds(day: date, at: time) -> int:
    return int(datetime.combine(day, at).timestamp()) * 1000
