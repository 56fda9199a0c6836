"""
Limits on losses, and the colours on the way to them.

Rules kept here:

1. A limit is compared exactly, in integers: a loss of precisely the limit trips.
2. The colour says how much of a limit is used: yellow from a half, orange from four fifths, red when it
   tripped. Of several limits the worst counts.
3. A limit is reached for certain when it would be without the loss in doubt: what marks took lately, and one
   bad price may have made.
"""

from enum import StrEnum
from typing import Final, Literal, NamedTuple

import msgspec

from domain.rules import BreakerRules
from domain.standing import SCALE, Standing, effective_equity, window_high

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
    WINDOW_LOSS = "window_loss"
    LOSING_STREAK = "losing_streak"


class Limits(msgspec.Struct, frozen=True):
    """Limits of one kind of scope, in parts of 1e-9, of the streak in fills; 0 for none."""

    drawdown: int
    daily_loss: int
    window_loss: int = 0
    losing_streak: int = 0


class Reading(msgspec.Struct, frozen=True):
    """The worst colour of a scope, and the measure it comes from: shares, or fills of a streak."""

    colour: Colour
    measure: Measure
    value: float
    limit: float


class _Use(NamedTuple):
    """A loss, what it is measured against, and how much of that is allowed, in parts."""

    measure: Measure
    loss: int
    reference: int
    allowed: int

    @property
    def colour(self) -> "Colour":
        return _colour(self.loss, self.reference, self.allowed)


def limits(rules: BreakerRules) -> dict[Scope, Limits]:
    """Limits by kind of scope, from the inside out."""

    def parts(limit: float | None) -> int:
        return 0 if limit is None else max(round(limit * _PARTS), 1)

    def of(scope: Scope) -> Limits:
        return Limits(
            parts(getattr(rules, f"{scope}_drawdown")),
            parts(getattr(rules, f"{scope}_daily_loss")),
            parts(getattr(rules, f"{scope}_window_loss")),
            getattr(rules, f"{scope}_losing_streak") or 0,
        )

    return {"agent": of("agent"), "farm": of("farm"), "wallet": of("wallet")}


def read(standing: Standing, limit: Limits, start: int = 0, told: Measure | None = None) -> Reading:
    """
    Worst colour of a scope with the measure that gives it: what an alert tells.

    ``start`` is where the window of the window loss begins, in ms. Of measures with the same colour the first
    counts; where all are green, the one that was told of before.
    """
    uses = _uses(standing, limit, start, effective_equity(standing))
    worst = max(uses, key=lambda use: _RANK[use.colour])
    colour = worst.colour
    if colour is Colour.GREEN:
        worst = next((use for use in uses if use.measure is told), worst)
    if worst.measure is Measure.LOSING_STREAK:
        return Reading(colour, worst.measure, worst.loss, limit.losing_streak)
    return Reading(colour, worst.measure, _share(worst.loss, worst.reference), worst.allowed / _PARTS)


def certain(standing: Standing, limit: Limits, start: int = 0) -> bool:
    """Whether a limit is reached without the loss in doubt."""
    equity = effective_equity(standing) + standing.doubt * SCALE
    return any(use.colour is Colour.RED for use in _uses(standing, limit, start, equity))


def worse(one: Colour, other: Colour) -> bool:
    """Whether one colour is nearer to the limit than another."""
    return _RANK[one] > _RANK[other]


def calm(standing: Standing, limit: Limits, shown: Colour, start: int = 0) -> tuple[int, int]:
    """
    Find two equities between which the colour that is shown stays.

    They lie inside the exact ones: outside them the colour is to be found anew, and may be the same. A green
    scope's peak may rise by up to 1 % in between, so that one that earns steadily is not looked at with
    every fill. A streak is not looked at here, nor what time alone changes. With a loss in doubt no two are.
    """
    if standing.anchor or standing.doubt or shown is Colour.RED:
        return 0, -1
    worse_at, better_at = _STEPS[shown]
    uses = [
        use
        for use in _uses(standing, limit, start, effective_equity(standing))
        if use.measure is not Measure.LOSING_STREAK
    ]
    low, better, highest = 0, 0, []
    for measure, _, reference, allowed in uses:
        raised = reference if better_at else reference * 101 // 100
        if allowed:
            low = max(low, raised - raised * allowed * worse_at // (100 * _PARTS))
            better = max(better, reference - reference * allowed * better_at // (100 * _PARTS))
        # Above these the loss would be measured from another equity.
        if measure is not Measure.DAILY_LOSS:
            highest.append(raised)
    high = min(better, *highest) if better_at else min(highest)
    return low // SCALE + 1, high // SCALE


def _uses(standing: Standing, limit: Limits, start: int, equity: int) -> list[_Use]:
    uses = [
        _Use(Measure.DRAWDOWN, standing.peak_equity - equity, standing.peak_equity, limit.drawdown),
        _Use(
            Measure.DAILY_LOSS, standing.day_open_equity - equity, standing.day_open_equity, limit.daily_loss
        ),
    ]
    if limit.window_loss:
        fallen_from = window_high(standing, start)
        high = equity if fallen_from is None else max(fallen_from[1], equity)
        uses.append(_Use(Measure.WINDOW_LOSS, high - equity, high, limit.window_loss))
    if limit.losing_streak:
        uses.append(_Use(Measure.LOSING_STREAK, standing.streak, 1, limit.losing_streak * _PARTS))
    return uses


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
