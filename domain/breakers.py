"""
Limits on losses, and the colours on the way to them.

Rules kept here:

1. A limit is compared exactly, in integers: a loss of precisely the limit trips.
2. The colour says how much of a limit is used: yellow from a half, orange from four fifths, red when it
   tripped. Of several limits the worst counts.
"""

from enum import StrEnum
from typing import Final, Literal

import msgspec

from domain.rules import BreakerRules
from domain.standing import SCALE, Standing, effective_equity

Scope = Literal["agent", "farm", "wallet"]

_PARTS: Final = 10**9  # a limit of 0.2 is 200 million parts


class Colour(StrEnum):
    """How near a scope is to its limits."""

    GREEN = "green"
    YELLOW = "yellow"
    ORANGE = "orange"
    RED = "red"


class Measure(StrEnum):
    """What is limited."""

    DRAWDOWN = "drawdown"
    DAILY_LOSS = "daily_loss"


class Limits(msgspec.Struct, frozen=True):
    """Limits of one kind of scope, in parts of 1e-9; 0 for none."""

    drawdown: int
    daily_loss: int


class Reading(msgspec.Struct, frozen=True):
    """The worst colour of a scope, and the measure it comes from."""

    colour: Colour
    measure: Measure
    value: float
    limit: float


def limits(rules: BreakerRules) -> dict[Scope, Limits]:
    """Limits by kind of scope."""

    def parts(limit: float | None) -> int:
        return round((limit or 0.0) * _PARTS)

    return {
        "agent": Limits(parts(rules.agent_drawdown), parts(rules.agent_daily_loss)),
        "farm": Limits(parts(rules.farm_drawdown), parts(rules.farm_daily_loss)),
        "wallet": Limits(parts(rules.wallet_drawdown), parts(rules.wallet_daily_loss)),
    }


def colour(standing: Standing, limit: Limits) -> Colour:
    """Worst colour of a scope."""
    equity = effective_equity(standing)
    worst = _colour(standing.peak_equity - equity, standing.peak_equity, limit.drawdown)
    if worst is Colour.RED:
        return worst
    daily = _colour(standing.day_open_equity - equity, standing.day_open_equity, limit.daily_loss)
    return daily if _RANK[daily] > _RANK[worst] else worst


def read(standing: Standing, limit: Limits) -> Reading:
    """Worst colour of a scope with the measure that gives it: what an alert tells."""
    equity = effective_equity(standing)
    by_peak = _colour(standing.peak_equity - equity, standing.peak_equity, limit.drawdown)
    by_day = _colour(standing.day_open_equity - equity, standing.day_open_equity, limit.daily_loss)
    if _RANK[by_day] > _RANK[by_peak]:
        value = _share(standing.day_open_equity - equity, standing.day_open_equity)
        return Reading(by_day, Measure.DAILY_LOSS, value, limit.daily_loss / _PARTS)
    value = _share(standing.peak_equity - equity, standing.peak_equity)
    return Reading(by_peak, Measure.DRAWDOWN, value, limit.drawdown / _PARTS)


def calm(standing: Standing, limit: Limits, shown: Colour) -> tuple[int, int]:
    """
    Find two equities between which the colour that is shown stays.

    They lie inside the exact ones: outside them the colour is to be found anew, and may be the same. A green
    scope's peak may rise by up to 1 % in between, so that one that earns steadily is not looked at with
    every fill.
    """
    if standing.anchor or shown is Colour.RED:
        return 0, -1
    low, high = 0, 0
    worse, better = _STEPS[shown]
    for reference, allowed in (
        (standing.peak_equity, limit.drawdown),
        (standing.day_open_equity, limit.daily_loss),
    ):
        raised = reference if better else reference * 101 // 100
        if allowed:
            low = max(low, raised - raised * allowed * worse // (100 * _PARTS))
            if better:
                high = max(high, reference - reference * allowed * better // (100 * _PARTS))
        if not better:
            high = max(high, raised)
    return low // SCALE + 1, high // SCALE


def _colour(loss: int, reference: int, limit: int) -> Colour:
    if loss <= 0 or limit == 0 or reference <= 0:
        return Colour.GREEN
    used, allowed = loss * _PARTS, reference * limit
    if used >= allowed:
        return Colour.RED
    if 2 * used < allowed:
        return Colour.GREEN
    return Colour.YELLOW if 5 * used < 4 * allowed else Colour.ORANGE


def _share(loss: int, reference: int) -> float:
    return loss / reference if loss > 0 and reference > 0 else 0.0


# Percent of a limit at which a colour gets worse, and at which it gets better.
_STEPS: Final = {Colour.GREEN: (50, 0), Colour.YELLOW: (80, 50), Colour.ORANGE: (100, 80)}
_RANK: Final = {colour: rank for rank, colour in enumerate(Colour)}
