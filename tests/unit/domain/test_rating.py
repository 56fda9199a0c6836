"""What follows from a record, with probabilities by hand."""

import math
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from domain.performance import PROFILE, Absent, Profile, Returns
from domain.rating import Evidence, Rating, Recommendation, Record, rate
from domain.rules import Gate, ScoreRules, ScoreWeights, Tier

MANY = 10**9  # so many trades that nothing is shrunk
BINS = 64


def alternating(lead: float, bins: int = BINS) -> Returns:
    """
    Returns of ±1 % around a mean of ``lead`` %.

    Skewness is 0 and kurtosis 1, so the spread of the ratio is 1, and with 64 bins the probability that the
    true ratio is above 0 is Φ(lead·63/8).
    """
    returns: Returns = 0.01 * (lead + np.resize([1.0, -1.0], bins))
    return returns


def record(
    better: float = 0.0,
    lead: float = 0.25,
    *,
    tier: Tier = Tier.AVERAGE,
    bins: int = BINS,
    trades: int = MANY,
) -> Record:
    """Make a record that is as good as ``better`` in every metric, with returns that lead by so much."""
    profile: Profile = {name: -better if name == "volatility" else better for name in PROFILE}
    return Record(profile, alternating(lead, bins), trades, tier)


def near(number: float, within: float) -> Any:
    """Compare a number within a field of a struct."""
    return pytest.approx(number, abs=within)


def rated(*records: Record, gate: Gate = Gate.NONE, departed: tuple[Returns, ...] = ()) -> list[Rating]:
    """Rate by the rules as they come, but for the gate."""
    return rate(records, departed, ScoreRules(gate=gate))


def ten(lead: float, **best: Any) -> list[Record]:
    """Make nine who do as they do, and a tenth who is better in everything and leads by so much."""
    return [*(record(float(i)) for i in range(9)), record(9.0, lead, **best)]


def test_without_a_gate_the_best_of_ten_is_elite_whatever_its_odds() -> None:
    """.95 of ten; increase it, it says, for the three metrics that come first."""
    best = rated(*ten(0.01))[-1]

    assert best == Rating(
        score=near(0.95, 1e-6),
        tier=Tier.ELITE,
        gated=False,
        recommendation=Recommendation.INCREASE,
        because=tuple(Evidence(metric, 9.0, 0.95) for metric in PROFILE[:3]),
    )


@pytest.mark.parametrize(
    ("lead", "tier", "gated"),
    [
        (0.25, Tier.ELITE, False),  # Φ(1.96875) = .9755
        (0.20, Tier.AVERAGE, True),  # Φ(1.575) = .9424
    ],
)
def test_the_gate_asks_for_a_probability(lead: float, tier: Tier, *, gated: bool) -> None:
    """Of 95 %, to stand above average; the score is told as it is."""
    best = rated(*ten(lead), gate=Gate.PROBABILISTIC)[-1]

    assert (best.tier, best.gated, best.score) == (tier, gated, near(0.95, 1e-6))


def test_who_is_shut_out_is_held_and_told_why() -> None:
    """The probability first, with what it was held against."""
    best = rated(*ten(0.20), gate=Gate.PROBABILISTIC)[-1]

    assert best.recommendation is Recommendation.HOLD
    assert best.because[0] == Evidence("probabilistic_sharpe", near(0.94237, 5e-6), limit=0.95)
    assert [evidence.metric for evidence in best.because[1:]] == list(PROFILE[:2])


def test_who_is_past_the_gate_is_shut_out_only_beyond_the_margin() -> None:
    """.9424 is below .95 and not below .93, so noise at the gate moves no capital."""
    best = rated(*ten(0.20, tier=Tier.HIGH), gate=Gate.PROBABILISTIC)[-1]
    worse = rated(*ten(0.18, tier=Tier.HIGH), gate=Gate.PROBABILISTIC)[-1]  # Φ(1.4175) = .9218

    assert (best.tier, best.gated) == (Tier.ELITE, False)
    assert (worse.tier, worse.gated) == (Tier.AVERAGE, True)


def test_too_few_bins_prove_nothing() -> None:
    """29 with odds beyond doubt are shut out, 30 are not; there is no number to tell."""
    shut = rated(*ten(2.0, bins=29), gate=Gate.PROBABILISTIC)[-1]
    let = rated(*ten(2.0, bins=30), gate=Gate.PROBABILISTIC)[-1]

    assert (shut.tier, shut.because[0]) == (
        Tier.AVERAGE,
        Evidence("probabilistic_sharpe", None, limit=0.95),
    )
    assert let.tier is Tier.ELITE


def test_the_deflated_gate_counts_those_who_tried_and_left() -> None:
    """
    Best of two is no great luck; best of two with ten who have left and were all over the place is.

    Of ratios r and r' the luck expected is √((r-r')²/2)·g·Φ⁻¹(1-1/2e) = .5198·|r-r'|/√2, as the median of
    the first term is 0.
    """
    pair = [record(0.0, 0.2), record(1.0, 0.3, tier=Tier.HIGH)]
    ratio = {lead: lead / math.sqrt(64 / 63) for lead in (0.2, 0.3)}
    luck = (
        0.5772156649 * NormalDist().inv_cdf(1 - 1 / (2 * math.e)) * (ratio[0.3] - ratio[0.2]) / math.sqrt(2)
    )
    odds = NormalDist().cdf((ratio[0.3] - luck) * math.sqrt(63))
    gone = tuple(alternating(lead) for lead in (-0.4, -0.2, 0.0, 0.2, 0.4) * 2)

    alone = rated(*pair, gate=Gate.DEFLATED)[1]
    among = rated(*pair, gate=Gate.DEFLATED, departed=gone)[1]

    assert odds == pytest.approx(0.981, abs=5e-4)
    assert (alone.tier, alone.gated) == (Tier.HIGH, False)
    assert (among.tier, among.gated) == (Tier.AVERAGE, True)
    assert among.because[0].metric == "deflated_sharpe"
    assert among.because[0].value is not None
    assert among.because[0].value < 0.5


def test_who_does_worse_than_most_is_to_be_given_less_for_what_it_does_worst() -> None:
    """Last of ten: poor, for the metrics in which it stands at .05."""
    worst = rated(*ten(0.25))[0]

    assert (worst.tier, worst.recommendation) == (Tier.POOR, Recommendation.DECREASE)
    assert worst.because == tuple(Evidence(metric, 0.0, 0.05) for metric in PROFILE[:3])


def test_who_loses_as_good_as_certainly_is_to_be_stopped() -> None:
    """Φ(-1.96875) = .0245 is below .05; Φ(-1.575) = .0576 is not, and 29 bins say nothing."""
    found = rated(record(0.0, -0.25), record(1.0, -0.2), record(2.0, -2.0, bins=29))

    assert found[0].recommendation is Recommendation.STOP
    assert found[0].because[0] == Evidence(
        "probabilistic_sharpe", near(0.0245, 5e-5), limit=near(0.05, 1e-12)
    )
    assert Recommendation.STOP not in [rating.recommendation for rating in found[1:]]


def test_what_counts_more_comes_first() -> None:
    """Good in one metric and bad in another, it is judged by the one that weighs more, and told only that."""
    mixed: Profile = {**dict.fromkeys(PROFILE, 1.0), "sharpe": 2.0, "calmar": 0.0}
    other: Profile = dict.fromkeys(PROFILE, 1.0)
    records = [Record(profile, alternating(0.25), MANY, Tier.AVERAGE) for profile in (mixed, other)]

    first, _ = rate(records, (), ScoreRules(weights=ScoreWeights(calmar=2.0)))

    assert first.recommendation is Recommendation.DECREASE
    assert first.because == (Evidence("calmar", 0.0, 0.25),)


def test_a_metric_without_a_value_is_no_evidence() -> None:
    """It stands in the middle, and so pulls nowhere."""
    nothing: Profile = dict.fromkeys(PROFILE, Absent.TOO_FEW_SAMPLES)
    (alone,) = rated(Record(nothing, np.zeros(0), 0, Tier.AVERAGE))

    assert (alone.score, alone.tier, alone.recommendation) == (0.5, Tier.AVERAGE, Recommendation.HOLD)
    assert alone.because == ()


def test_nobody_has_no_rating() -> None:
    """Nothing in, nothing out."""
    assert rate([], [], ScoreRules(gate=Gate.DEFLATED)) == []
