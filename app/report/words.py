"""Figures and facts of a report as people read them, in a terminal and on a page alike."""

from typing import Final

from app.report.document import Report
from stream.envelope import rfc3339

_SHARES: Final = frozenset(
    {
        *("total_return", "cagr", "volatility", "max_drawdown", "var_95", "cvar_95", "best_bin", "worst_bin"),
        *("win_rate", "probabilistic_sharpe", "deflated_sharpe", "excess_return"),
    }
)
_MONEY: Final = frozenset({"expectancy"})

MEANING: Final = {
    "total_return": "compounded over the bins",
    "sharpe": "mean return above the risk-free rate, by its deviation, a year",
    "sortino": "mean return by the deviation of losses, a year",
    "calmar": "growth a year by the maximum drawdown",
    "max_drawdown": "deepest fall from a high, at the ends of bins",
    "volatility": "deviation of returns, a year",
    "win_rate": "closed fills that won",
    "profit_factor": "sum of wins by sum of losses",
    "expectancy": "mean profit of a closed fill, in the currency",
    "cagr": "growth a year",
    "var_95": "19 of 20 bins were no worse",
    "cvar_95": "mean of the bins that were",
    "best_bin": "largest return",
    "worst_bin": "smallest return",
    "expectancy_ratio": "what a closed fill brings for each unit lost when it goes wrong",
    "sqn": "system quality number of the closed fills",
    "probabilistic_sharpe": "probability that the true Sharpe ratio is above the risk-free rate",
    "deflated_sharpe": "the same, beyond the luck of the best of the wallet's agents",
    "correlation_within_farm": "of an agent with the mean of its farm's others; of a farm, the mean of that",
}


def money(text: str) -> str:
    """Money to the cent, which is to be looked over: --json has every digit."""
    return f"{float(text):,.2f}"


def percent(share: float) -> str:
    """Write a share in percent."""
    return f"{share:,.2%}" if abs(share) < 1000 else f"{share:.3e}"


def metric_text(name: str, value: float) -> str:
    """Write a metric in its unit."""
    if name in _SHARES:
        return percent(value)
    if name in _MONEY:
        return f"{value:,.2f}"
    return f"{value:,.3f}"


def moment(ms: int) -> str:
    """Write a stream time to the minute, in UTC."""
    return f"{rfc3339(ms)[:16].replace('T', ' ')} UTC"


def title_of(report: Report) -> str:
    """Say what is reported."""
    of = f", {report.label}" if report.label not in ("", report.id) else ""
    return f"{report.kind} {report.name}{of} at {moment(report.time)}"


def length_of(ms: int) -> str:
    """Write the length of a bin."""
    units = ((86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second"))
    count, unit = next(((ms // size, unit) for size, unit in units if ms % size == 0), (ms, "millisecond"))
    return f"{count} {unit}s" if count > 1 else f"{count} {unit}"


def availability(report: Report) -> list[str]:
    """Say from when on there are data."""
    bins, history = report.bins, report.history
    told = []
    if bins.returns:
        told.append(
            f"Returns: {len(bins.returns)} bins of {length_of(bins.length_ms)}, since {moment(bins.first)}."
        )
    else:
        told.append(f"Returns: no bin of {length_of(bins.length_ms)} has closed yet.")
    if not history.since:
        told.append("Events: none are retained.")
    else:
        whole = "" if history.since.get("wallet", report.time) <= report.created else " (older are trimmed)"
        streams = (
            ("equity", "wallet"),
            ("plans", "rebalance"),
            ("moves", "allocation"),
            ("stops", "emergency"),
        )
        parts = [f"{what} {moment(history.since[name])}" for what, name in streams if name in history.since]
        told.append(f"Events, since: {', '.join(parts)}{whole}.")
    return told
