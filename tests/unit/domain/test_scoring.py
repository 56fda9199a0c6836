"""Ranks and tiers, by hand."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.performance import PROFILE, Absent, Profile
from domain.rules import RiskMode, ScoreWeights, Tier
from domain.scoring import EQUAL, RISK_MULTIPLE, TIER_MULTIPLE, standings, tiers
from domain.scoring import score as score_of

MANY = 10**12  # so many trades that nothing is shrunk
AVERAGE = Tier.AVERAGE


def profile(**metrics: float) -> Profile:
    """Profile without values but those given."""
    return {name: metrics.get(name, Absent.TOO_FEW_SAMPLES) for name in PROFILE}


def everywhere(value: float) -> Profile:
    """Profile with one value throughout, but for volatility, where less is better."""
    return {name: -value if name == "volatility" else value for name in PROFILE}


def score(profiles: Sequence[Profile], trades: Sequence[int], weights: ScoreWeights = EQUAL) -> list[float]:
    """Score agents by their profiles."""
    return score_of(standings(profiles), trades, weights)


def test_the_multiples_are_the_designs() -> None:
    """Each tier and each risk mode has its factor."""
    assert TIER_MULTIPLE == {"elite": 2.0, "high": 1.5, "average": 1.0, "low": 0.7, "poor": 0.5}
    assert RISK_MULTIPLE == {"safe": 1.0, "balanced": 1.2, "risky": 1.5, "aggressive": 2.0}
    assert set(TIER_MULTIPLE) == set(Tier)
    assert set(RISK_MULTIPLE) == set(RiskMode)


def test_the_better_in_everything_scores_by_rank() -> None:
    """Of four, the mid-rank percentiles are 1/8, 3/8, 5/8, 7/8."""
    scores = score([everywhere(v) for v in (3, 1, 4, 2)], [MANY] * 4)

    assert scores == pytest.approx([0.625, 0.125, 0.875, 0.375], abs=1e-9)


def test_equals_share_the_mean_rank() -> None:
    """Ranks 1, 2½, 2½, 4 of four."""
    scores = score([everywhere(v) for v in (1, 2, 2, 3)], [MANY] * 4)

    assert scores == pytest.approx([0.125, 0.5, 0.5, 0.875], abs=1e-9)


def test_one_metric_counts_a_ninth() -> None:
    """Two agents that differ in one metric: ½ ± ¼/9."""
    scores = score([profile(sharpe=1), profile(sharpe=2)], [MANY] * 2)

    assert scores == pytest.approx([0.5 - 0.25 / 9, 0.5 + 0.25 / 9], abs=1e-9)


def test_a_metric_counts_by_its_weight() -> None:
    """First in a metric of weight 3, last in one of weight 1, alike in seven of weight 1: (3·¾+¼+7·½)/11."""
    first, second = score(
        [profile(sharpe=2, calmar=1), profile(sharpe=1, calmar=2)], [MANY] * 2, ScoreWeights(sharpe=3.0)
    )

    assert first == pytest.approx(0.25 * (3 - 1) / 11 + 0.5, abs=1e-9)
    assert second == pytest.approx(0.5 - 0.25 * (3 - 1) / 11, abs=1e-9)


def test_a_metric_of_no_weight_does_not_count() -> None:
    """Who is better in nothing else stands in the middle; only proportions matter."""
    found = [profile(sharpe=1, calmar=1), profile(sharpe=2, calmar=1)]
    alone = ScoreWeights(**{name: float(name == "calmar") for name in PROFILE})
    tenfold = ScoreWeights(**dict.fromkeys(PROFILE, 10.0))

    assert score(found, [MANY] * 2, alone) == [0.5, 0.5]
    assert score(found, [MANY] * 2, tenfold) == pytest.approx(score(found, [MANY] * 2), abs=1e-12)


@pytest.mark.parametrize(
    ("metric", "better", "worse"), [("volatility", 0.1, 0.2), ("max_drawdown", -0.1, -0.2)]
)
def test_calm_is_better(metric: str, better: float, worse: float) -> None:
    """Less volatility is better; a drawdown is negative, so a larger one is the smaller fall."""
    first, second = score([profile(**{metric: better}), profile(**{metric: worse})], [MANY] * 2)

    assert first > second


def test_who_has_no_value_stands_in_the_middle_and_out_of_the_ranking() -> None:
    """The two with a value have ¼ and ¾ between themselves."""
    scores = score([profile(sharpe=1), profile(), profile(sharpe=2)], [MANY] * 3)

    assert scores == pytest.approx([0.5 - 0.25 / 9, 0.5, 0.5 + 0.25 / 9], abs=1e-9)


def test_thirty_trades_are_half_believed() -> None:
    """0.5 + (¾ - ½)·30/60 = .625; without trades, the middle."""
    assert score([everywhere(1), everywhere(2)], [0, 30]) == pytest.approx([0.5, 0.625], abs=1e-12)


def test_a_wallet_without_agents_has_no_scores() -> None:
    """Nothing in, nothing out."""
    assert score([], []) == []
    assert tiers([], [], []) == []


def test_tiers_follow_the_percentile() -> None:
    """Of twenty, those below .15, .40, .70 and .90 are 3, 8, 14 and 18."""
    found = tiers([float(i) for i in range(20)], [MANY] * 20, [AVERAGE] * 20)

    assert found == [*["poor"] * 3, *["low"] * 5, *["average"] * 6, *["high"] * 4, *["elite"] * 2]


def test_little_evidence_makes_no_elite() -> None:
    """First of a hundred with 100 trades: ½ + .495·100/130 = .881; with 130: .902."""
    scores = [i / 100 for i in range(100)]
    few = tiers(scores, [100] * 100, [AVERAGE] * 100)
    more = tiers(scores, [130] * 100, [AVERAGE] * 100)

    assert few[-1] is Tier.HIGH
    assert more[-1] is Tier.ELITE


# With one of k smaller agents of n, the mid-rank percentile is (k + ½)/n.
@pytest.mark.parametrize(
    ("below", "current", "expected"),
    [
        (70, Tier.AVERAGE, Tier.AVERAGE),  # .705: over the line, within the margin
        (72, Tier.AVERAGE, Tier.HIGH),  # .725
        (70, Tier.HIGH, Tier.HIGH),
        (68, Tier.HIGH, Tier.HIGH),  # .685: under the line, within the margin
        (67, Tier.HIGH, Tier.AVERAGE),  # .675
        (90, Tier.HIGH, Tier.HIGH),  # .905
        (90, Tier.AVERAGE, Tier.ELITE),  # far from average, it goes where the percentile says
        (88, Tier.ELITE, Tier.ELITE),  # .885
        (87, Tier.ELITE, Tier.HIGH),
        (99, Tier.ELITE, Tier.ELITE),
        (0, Tier.POOR, Tier.POOR),
        (16, Tier.POOR, Tier.POOR),  # .165
        (17, Tier.POOR, Tier.LOW),
        (13, Tier.LOW, Tier.LOW),  # .135
        (12, Tier.LOW, Tier.POOR),
    ],
)
def test_a_tier_is_left_only_beyond_its_margin(below: int, current: Tier, expected: Tier) -> None:
    """Two hundredths past the boundary, so that noise at the line does not move capital."""
    scores = [float(i) for i in range(100)]
    now = [AVERAGE] * 100
    now[below] = current

    assert tiers(scores, [MANY] * 100, now)[below] is expected


@given(
    agents=st.lists(
        st.tuples(
            st.lists(st.floats(-2, 2) | st.sampled_from(list(Absent)), min_size=9, max_size=9),
            st.integers(0, 99),
        ),
        max_size=12,
    ),
    order=st.randoms(use_true_random=False),
)
def test_the_order_of_agents_does_not_matter(
    agents: list[tuple[list[float | Absent], int]], order: random.Random
) -> None:
    """Permuted agents have permuted scores and tiers, between 0 and 1."""
    profiles: list[Profile] = [dict(zip(PROFILE, metrics, strict=True)) for metrics, _ in agents]
    trades = [n for _, n in agents]
    scores = score(profiles, trades)
    found = tiers(scores, trades, [AVERAGE] * len(agents))
    shuffled = list(range(len(agents)))
    order.shuffle(shuffled)
    moved = score([profiles[i] for i in shuffled], [trades[i] for i in shuffled])

    assert all(0 <= s <= 1 for s in scores)
    assert moved == [scores[i] for i in shuffled]
    assert tiers(moved, [trades[i] for i in shuffled], [AVERAGE] * len(agents)) == [
        found[i] for i in shuffled
    ]
