"""
Goals and collections beside folds of their own: what counts, when a round ends, and what is swept.

The folds use fractions and the words of docs/wire.md, nothing of the code they check.
"""

from fractions import Fraction
from math import ceil

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.collection import sweep_all, sweep_profit
from tests.support.driver import NO_BREAKERS, SECOND, Json, funded
from tests.support.laws import text_of, units

AGENTS = ("a", "b", "c")
weights = st.sampled_from(["1", "0.1", "0.25", "0.333", "2", "3.5", "0.000001", "1000"])
raises = st.sampled_from([None, "0.001", "0.2", "1", "12.5"])
# Profit of a fill, in units of 1e-8: around nothing, what is usual, and more than a float can count.
profits = st.one_of(
    st.integers(-3, 3), st.integers(-(10**9), 10**10), st.sampled_from([10**16 + 1, -(10**17)])
)
fills = st.lists(st.tuples(st.sampled_from(AGENTS), profits), min_size=1, max_size=12)


def half_even(exact: Fraction) -> int:
    """Round to a whole number as Python rounds fractions, half to even."""
    return round(exact)


class Fold:
    """A goal of fills, or of profit, as it is described."""

    def __init__(
        self, kind: str, target: int, weight: dict[str, Fraction], raise_by: Fraction | None
    ) -> None:
        self.kind, self.target, self.weight, self.raise_by = kind, target, weight, raise_by
        self.trades, self.profit, self.round, self.met = Fraction(0), 0, 1, False

    def take(self, agent: str, profit: int) -> None:
        """Count a fill."""
        if self.met or agent not in self.weight:
            return
        self.trades += self.weight[agent]
        self.profit += half_even(profit * self.weight[agent])
        if (self.trades if self.kind == "trades" else self.profit) < self.target:
            return
        if self.raise_by is None:
            self.met = True
            return
        exact = self.target * (1 + self.raise_by)
        raised = ceil(exact) if self.kind == "trades" else half_even(exact)
        self.target = max(raised, self.target + 1)
        self.round += 1
        self.trades, self.profit = Fraction(0), 0


@given(
    kind=st.sampled_from(["trades", "profit"]),
    target=st.integers(1, 8),
    assigned=st.dictionaries(st.sampled_from(AGENTS), weights, min_size=1),
    raise_by=raises,
    made=fills,
)
@settings(max_examples=150, suppress_health_check=list(HealthCheck))
def test_a_goal_counts_as_it_is_described(
    kind: str, target: int, assigned: dict[str, str], raise_by: str | None, made: list[tuple[str, int]]
) -> None:
    """Weighted fills and profit since its round began; each round raised as said; also after a restart."""
    driver = funded({"breakers": NO_BREAKERS | {"agent_daily_loss": None}}, a="1000", b="1000", c="1000")
    size = target if kind == "trades" else target * 10**8
    goal: Json = {
        "goal_type": "trade_volume" if kind == "trades" else "profit_target",
        "target": {kind: target},
        "assigned": [{"type": "agent", "id": name, "weight": float(one)} for name, one in assigned.items()],
        "raise_by": None if raise_by is None else float(raise_by),
    }
    driver.goal("goal_created", "g", **goal)
    weight = {name: Fraction(one) for name, one in assigned.items()}
    fold = Fold(kind, size, weight, None if raise_by is None else Fraction(raise_by))

    for n, (agent, profit) in enumerate(made):
        if n % 3 == 2:
            driver = driver.restarted()
        driver.after(SECOND).fill(agent, "buy", "0.00000001", "1", realized_pnl=text_of(profit))
        fold.take(agent, profit)

        stored = driver.goal_of("g")
        assert (stored["round"], stored["state"] == "completed") == (fold.round, fold.met)
        assert units(stored["profit"]) == fold.profit
        assert round(stored["trades"], 9) == float(fold.trades)
        asked = stored["target"][kind]
        assert (asked if kind == "trades" else units(str(asked))) == fold.target


@given(
    gains=st.lists(st.one_of(st.integers(-5, 5), st.integers(-(10**12), 10**12)), max_size=20),
    reward=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    frees=st.lists(st.integers(-100, 10**12), min_size=20, max_size=20),
)
def test_no_profit_is_swept_twice_however_gains_and_sweeps_follow_each_other(
    gains: list[int], reward: float, frees: list[int]
) -> None:
    """All that is taken, owed or left as a reward is the highest that all gains ever summed to."""
    equity = high_water = 10**13
    due = total = highest = 0
    for gain, free in zip(gains, frees, strict=False):
        equity, total = equity + gain, total + gain
        highest = max(highest, total)
        found = sweep_profit(equity, high_water, free, 1.0, reward)
        due += sum(found)
        assert 0 <= found.taken <= max(free, 0)
        assert found.owed >= 0
        # What was asked for leaves, now or later, and takes the mark with it.
        equity -= found.taken + found.owed
        high_water = max(high_water, equity + found.taken + found.owed) - found.taken - found.owed

    assert due == highest


@given(
    equity=st.integers(-(10**12), 10**12),
    high_water=st.integers(0, 10**12),
    free=st.integers(-(10**12), 10**12),
    reward=st.fractions(0, 1, max_denominator=1000),
)
def test_all_is_taken_owed_or_left_as_a_reward(
    equity: int, high_water: int, free: int, reward: Fraction
) -> None:
    """And the reward is a share of the profit, in steps of 1e-9."""
    found = sweep_all(equity, high_water, free, float(reward))

    assert sum(found) == max(equity, 0)
    assert found.taken == min(max(free, 0), max(equity, 0) - found.reward)
    share = Fraction(round(reward * 10**9), 10**9)
    assert found.reward == half_even(max(equity - high_water, 0) * share)


def test_the_fold_is_not_empty() -> None:
    """It raises, meets and counts: three fills of weight 2 towards 5, raised by a fifth to 6."""
    fold = Fold("trades", 5, {"a": Fraction(2)}, Fraction("0.2"))

    for _ in range(4):
        fold.take("a", 0)

    assert (fold.round, fold.target, float(fold.trades)) == (2, 6, 2.0)
