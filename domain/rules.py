"""
The rules a wallet lives by: every number that changes a result, with its default.

They come from the wallet's configuration and are recorded with its state, so a change of rule is an event
with an author. Shares are floats (0.10 = 10 %), durations are milliseconds (written "5m" or 300000).
"""

import math
import re
from enum import StrEnum
from typing import Any, Final, Literal

import msgspec

from domain.money import fine, money

DAY_MS: Final = 86_400_000
DURATION_MAX_MS: Final = 36_525 * DAY_MS  # a century

WALLET_BENCHMARK: Final = "wallet"

_symbol: Final = re.compile(r"[\w.\-]{1,20}/[\w.\-]{1,20}(?::[\w.\-]{1,40})?", re.ASCII).fullmatch
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
UNIT_MS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": DAY_MS, "w": 7 * DAY_MS}


def duration_ms(value: object) -> int:
    """
    Read a duration: an int of milliseconds, or text such as "250ms", "5m", "1d".

    Raises:
        ValueError: anything else, a negative one, or more than a century.

    """
    if isinstance(value, int) and not isinstance(value, bool):
        ms: float = value
    else:
        match = _DURATION.fullmatch(value) if isinstance(value, str) else None
        # A negative one, like what is none at all, is told as such below.
        ms = float(match[1]) * UNIT_MS[match[2]] if match else -1
    if ms < 0:
        text = f"{str(value)[:40]!r} is no duration: write milliseconds, or a number with ms, s, m, h, d or w"
        raise ValueError(text)
    if ms > DURATION_MAX_MS:
        raise ValueError(f"{str(value)[:40]!r} is more than a century")
    return round(ms)


class RiskMode(StrEnum):
    """How much risk an agent is asked to take; multiplies its weight."""

    SAFE = "safe"
    BALANCED = "balanced"
    RISKY = "risky"
    AGGRESSIVE = "aggressive"


class Tier(StrEnum):
    """How an agent's score stands among its wallet's agents."""

    ELITE = "elite"
    HIGH = "high"
    AVERAGE = "average"
    LOW = "low"
    POOR = "poor"


class Action(StrEnum):
    """What a stop asks of the bots."""

    BLOCK_ENTRIES = "block_entries"
    STOP = "stop"
    LIQUIDATE = "liquidate"


class Objective(StrEnum):
    """What the method `mean_variance` looks for."""

    MAX_SHARPE = "max_sharpe"
    MAX_UTILITY = "max_utility"
    MIN_VARIANCE = "min_variance"


class Gate(StrEnum):
    """What an agent has to show before it may stand above average."""

    NONE = "none"
    PROBABILISTIC = "probabilistic"  # that its Sharpe ratio is no accident of a short history
    DEFLATED = "deflated"  # nor of being the luckiest of so many


class RiskBudget(StrEnum):
    """Whose part of the risk is how large by the method `risk_parity`."""

    EQUAL = "equal"
    PRIOR = "prior"  # by tier and risk mode


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One table of the rules."""


class RebalanceRules(_Section, frozen=True):
    """When capital moves between agents, and how much of it."""

    method: str = "performance"
    interval: int = 5 * 60_000  # of stream time; 0: never by the clock
    threshold: float = 0.10  # no-trade band: the relative drift from its target that an agent may have
    reserve: float = 0.05  # share of the wallet that stays with the master
    min_weight: float = 0.0  # bounds of an agent, as a share of the investable capital
    max_weight: float = 0.40
    new_agent_cap: float = 0.05  # upper bound of an agent that has fewer returns than the next rule says
    new_agent_bins: int = 30
    turnover: float = 0.25  # share of the capital that one cycle may take away from agents
    smallest: str = "10"  # no transfer below this, in the wallet's currency
    settle: int = 1_000  # arrivals, departures and completed goals within this are taken together
    acknowledge: int = 0  # time in which a bot confirms what it is given; 0: it is given without
    cooldown: int = 60_000  # from any rebalance to one that drift asks for
    objective: Objective = Objective.MAX_SHARPE  # of mean_variance
    risk_aversion: float = 3.0  # of mean_variance, for the greatest utility
    risk_budget: RiskBudget = RiskBudget.EQUAL  # of risk_parity
    half_life: float = 20.0  # of momentum: bins after which a return counts half
    tilt: float = 5.0  # of momentum: how much more a stronger rise gets
    kelly_fraction: float = 0.5  # of kelly: the part of its bet that is made


class BreakerRules(_Section, frozen=True):
    """
    Limits on losses, for each kind of scope.

    A share of the peak (drawdown), of the day's opening equity (daily loss) or of the highest equity within
    ``loss_window`` (window loss); or a number of losing fills in a row.
    """

    agent_drawdown: float | None = 0.20
    agent_daily_loss: float | None = 0.10
    farm_drawdown: float | None = None
    farm_daily_loss: float | None = 0.10
    wallet_drawdown: float | None = 0.15
    wallet_daily_loss: float | None = 0.10
    agent_window_loss: float | None = None
    farm_window_loss: float | None = None
    wallet_window_loss: float | None = None
    loss_window: int = 15 * 60_000
    agent_losing_streak: int | None = None
    farm_losing_streak: int | None = None
    wallet_losing_streak: int | None = None
    smoothing: int = 15_000  # how long what only marks show has to last; 0: not at all
    action: Action = Action.STOP
    cool_off: int | None = None  # latched until a command resumes it, unless set


class ScoreWeights(_Section, frozen=True):
    """How much each metric counts in the score; only their proportions matter."""

    total_return: float = 1.0
    sharpe: float = 1.0
    sortino: float = 1.0
    calmar: float = 1.0
    max_drawdown: float = 1.0
    volatility: float = 1.0
    win_rate: float = 1.0
    profit_factor: float = 1.0
    expectancy: float = 1.0


class ScoreRules(_Section, frozen=True):
    """How agents are compared, and what the best have to show."""

    weights: ScoreWeights = ScoreWeights()
    gate: Gate = Gate.NONE
    confidence: float = 0.95  # probability that the gate asks for


class CollectionRules(_Section, frozen=True):
    """Which part of new profit goes back to the master, and when."""

    share: float = 0.50
    interval: int = 0  # of stream time; 0: only by goal or command


class PerformanceRules(_Section, frozen=True):
    """How returns are counted."""

    bin: int = DAY_MS
    window: int = 365  # bins kept
    bins_per_year: float | None = None  # as many as fit into 365 days, unless set
    risk_free: float = 0.0  # a year
    benchmark: str = ""  # what farms are compared with: "wallet", or a symbol; none if empty

    @property
    def annual_bins(self) -> float:
        """How many bins a year has."""
        return 365 * DAY_MS / self.bin if self.bins_per_year is None else self.bins_per_year


class Rules(_Section, frozen=True):
    """All rules of one wallet."""

    clock: Literal["tick", "event"] = "tick"
    rebalance: RebalanceRules = RebalanceRules()
    breakers: BreakerRules = BreakerRules()
    collection: CollectionRules = CollectionRules()
    performance: PerformanceRules = PerformanceRules()
    score: ScoreRules = ScoreRules()
    conflation: int = 250  # least stream time between two balance updates of one scope
    tolerance: float = 0.001  # share by which a bot's account may differ from the ledger
    require_signature: bool = False  # from all agents; else only from those with a public key
    signature_age: int = 3_600_000  # stream time after which what was signed is not taken any more
    rate_limit: int = 0  # entries of one agent in a second; 0: no limit
    rates: dict[str, str] = {}  # currency → its value in the wallet's currency


DURATIONS: Final = {  # their paths
    ("conflation",),
    ("signature_age",),
    ("rebalance", "interval"),
    ("rebalance", "settle"),
    ("rebalance", "cooldown"),
    ("rebalance", "acknowledge"),
    ("breakers", "cool_off"),
    ("breakers", "loss_window"),
    ("breakers", "smoothing"),
    ("collection", "interval"),
    ("performance", "bin"),
}


def changed(rules: Rules, changes: dict[str, Any]) -> Rules:
    """
    Rules with some members changed; the others stay.

    Raises:
        ValueError: an unknown member, a wrong type, or a value out of its range, in a sentence.

    """
    merged = _merge(msgspec.to_builtins(rules), changes, ())
    # Not strict: numbers may arrive as their text, which is how decimals are read exactly.
    new = msgspec.convert(merged, Rules, strict=False)
    _check(new)
    return new


def _merge(base: dict[str, Any], changes: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in changes.items():
        here = (*path, name)
        if isinstance(value, dict) and isinstance(base.get(name), dict) and here != ("rates",):
            merged[name] = _merge(base[name], value, here)
        elif here in DURATIONS and value is not None:
            merged[name] = duration_ms(value)
        elif here == ("rates",) and isinstance(value, dict):
            merged[name] = {currency: _decimal_text(rate) for currency, rate in value.items()}
        elif here == ("performance", "benchmark"):
            merged[name] = "" if value is None else value
        elif here == ("rebalance", "smallest"):
            merged[name] = _decimal_text(value)
        else:
            merged[name] = value
    return merged


def _decimal_text(value: object) -> object:
    """Text of a decimal that came as a number."""
    return repr(value) if type(value) in (int, float) else value


def _check(rules: Rules) -> None:
    _check_rebalance(rules.rebalance)
    for name, value in (("collection.share", rules.collection.share), ("tolerance", rules.tolerance)):
        _check_share(name, value)
    _check_breakers(rules.breakers)
    _check_performance(rules.performance)
    _check_score(rules.score)
    if not 0 <= rules.rate_limit <= 1_000_000:
        raise ValueError(f"rate_limit is at least 0 and at most 1000000, not {rules.rate_limit}")
    for currency, rate in rules.rates.items():
        if fine(rate) <= 0:
            raise ValueError(f"rates.{currency[:40]} is above 0, not {rate}")


def _check_rebalance(rules: RebalanceRules) -> None:
    for name in ("reserve", "min_weight", "max_weight", "new_agent_cap", "turnover"):
        _check_share(f"rebalance.{name}", getattr(rules, name))
    if rules.min_weight > rules.max_weight:
        raise ValueError("rebalance.min_weight is above rebalance.max_weight")
    if rules.new_agent_bins < 0:
        raise ValueError(f"rebalance.new_agent_bins is at least 0, not {rules.new_agent_bins}")
    if not 0 <= rules.threshold < math.inf:
        raise ValueError(f"rebalance.threshold is a share of at least 0, not {rules.threshold}")
    if money(rules.smallest) < 0:
        raise ValueError(f"rebalance.smallest is not below 0, as {rules.smallest} is")
    for name, most in (("risk_aversion", 1e6), ("half_life", 1e4), ("kelly_fraction", 1)):
        if not 0 < getattr(rules, name) <= most:
            raise ValueError(f"rebalance.{name} is above 0 and at most {most:g}, not {getattr(rules, name)}")
    if not 0 <= rules.tilt <= 1e3:
        raise ValueError(f"rebalance.tilt is at least 0 and at most 1000, not {rules.tilt}")


def _check_performance(rules: PerformanceRules) -> None:
    if rules.bin < 1_000 or not 2 <= rules.window <= 10_000:
        raise ValueError("performance.bin is at least 1s and performance.window 2 to 10000 bins")
    if not 0 < rules.annual_bins < math.inf:
        raise ValueError("performance.bins_per_year is above 0")
    if not math.isfinite(rules.risk_free):
        raise ValueError("performance.risk_free is a rate a year, such as 0.03")
    if rules.benchmark not in ("", WALLET_BENCHMARK) and not _symbol(rules.benchmark):
        text = f"performance.benchmark is wallet or a symbol such as BTC/USDT, not {rules.benchmark[:40]!r}"
        raise ValueError(text)


def _check_score(rules: ScoreRules) -> None:
    weights: dict[str, float] = msgspec.to_builtins(rules.weights)
    for metric, weight in weights.items():
        if not 0 <= weight <= 1e6:
            raise ValueError(f"score.weights.{metric} is at least 0 and at most 1000000, not {weight}")
    if not sum(weights.values()):
        raise ValueError("score.weights leaves no metric to go by")
    if not 0.5 <= rules.confidence < 1:
        raise ValueError(f"score.confidence is at least 0.5 and below 1, not {rules.confidence}")


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{name} is a share between 0 and 1, not {value}")


def _check_breakers(rules: BreakerRules) -> None:
    for scope in ("agent", "farm", "wallet"):
        for measure in ("drawdown", "daily_loss", "window_loss"):
            _check_limit(f"{scope}_{measure}", getattr(rules, f"{scope}_{measure}"))
        streak = getattr(rules, f"{scope}_losing_streak")
        if streak is not None and not 1 <= streak <= 1_000_000:
            raise ValueError(f"breakers.{scope}_losing_streak is at least 1 fill, not {streak}")
    if not 1_000 <= rules.loss_window <= 30 * DAY_MS:
        raise ValueError("breakers.loss_window is between 1s and 30d")
    if rules.smoothing >= rules.loss_window:
        raise ValueError("breakers.smoothing is shorter than breakers.loss_window")


def _check_limit(name: str, limit: float | None) -> None:
    if limit is not None and not 0 < limit <= 1:
        raise ValueError(f"breakers.{name} is a share above 0 and at most 1, not {limit}")
