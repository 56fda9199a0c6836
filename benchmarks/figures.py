"""What a benchmark finds: rows of a table, each with the values of all runs, and curves."""

import statistics

import msgspec


class Row(msgspec.Struct, frozen=True):
    """One figure, measured several times."""

    name: str  # in the file of results
    what: str  # in the table
    unit: str
    values: list[float]  # of each run
    target: float | None = None
    at_most: bool = False  # whether the target is a limit
    error: float | None = None  # standard error, of a figure that is fitted over all runs

    @property
    def median(self) -> float:
        """The median of the runs."""
        return statistics.median(self.values)

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None: there is none."""
        if self.target is None:
            return None
        return self.median <= self.target if self.at_most else self.median >= self.target


class Curve(msgspec.Struct, frozen=True):
    """A figure that depends on another."""

    name: str
    points: list[tuple[float, float]]


class Found(msgspec.Struct, frozen=True):
    """What one measurement found."""

    name: str
    title: str
    rows: list[Row]
    curves: list[Curve] = []
    notes: list[str] = []  # sentences that belong to it
