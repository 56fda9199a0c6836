"""What holds for the plan of any fleet by any method: newcomers, gates, weights of another time."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.allocation import KEEPS_CASH, METHODS
from domain.holding import Holding, bounds_of
from domain.rebalance import Plan, Reason, plan
from domain.rules import RebalanceRules, RiskMode, Tier
from domain.weighing import Basis, Weighing, fitted, refusal, weigh_fleet

FARMS = ["f", "g"]
WEIGHT = st.sampled_from([0.0, 0.05, 0.4, 1.0]) | st.floats(0, 1)

every_method = pytest.mark.parametrize("method", list(METHODS))
some = settings(max_examples=25)


@st.composite
def holdings(draw: st.DrawFn, agent: str) -> Holding:
    """Draw an agent that is new or not, gated or not, stopped or not, with bounds of its own or without."""
    bins = draw(st.sampled_from([0, 29, 30, 45]))
    chance = np.random.default_rng(draw(st.integers(0, 9)))
    return Holding(
        agent=agent,
        farm=draw(st.sampled_from(FARMS)),
        equity=draw(st.integers(0, 10**12)),
        free=draw(st.integers(0, 10**12)),
        pending_return=draw(st.sampled_from([0, 10**10])),
        stopped=draw(st.integers(0, 4)) == 0,
        tier=draw(st.sampled_from(Tier)),
        risk_mode=draw(st.sampled_from(RiskMode)),
        score=draw(st.floats(0, 1)),
        returns=chance.normal(draw(st.sampled_from([0.002, -0.01])), 0.02, 45)[45 - bins :],
        max_weight=draw(st.none() | WEIGHT),
        gated=draw(st.booleans()),
    )


@st.composite
def fleets(draw: st.DrawFn, most: int = 7) -> list[Holding]:
    """Draw a fleet, some of whose agents an operator wants to have at least something."""
    fleet = [draw(holdings(f"agent-{i}")) for i in range(draw(st.integers(0, most)))]
    return [
        msgspec.structs.replace(one, min_weight=min(0.1, 1.0 if one.max_weight is None else one.max_weight))
        if draw(st.integers(0, 3)) == 0
        else one
        for one in fleet
    ]


rulebooks = st.builds(
    RebalanceRules,
    max_weight=st.sampled_from([0.05, 0.2, 0.4, 1.0]),
    new_agent_cap=st.sampled_from([0.0, 0.05, 0.3, 1.0]),
    new_agent_bins=st.sampled_from([0, 30]),
    turnover=st.sampled_from([0.0, 0.25, 1.0]),
)


def planned(fleet: list[Holding], rules: RebalanceRules, method: str) -> Plan:
    """Plan what the rules allow."""
    found = plan(fleet, FARMS, 10**12, rules, method=method)
    assert isinstance(found, Plan), found
    return found


@every_method
@given(fleet=fleets(), rules=rulebooks)
@some
def test_every_agent_is_told_what_decided_its_weight_and_what_kept_it_from_it(
    method: str, fleet: list[Holding], rules: RebalanceRules
) -> None:
    """One basis first, the gate where it held, then the reasons for what was held back, and no others."""
    found = planned(fleet, rules, method)
    gated = {holding.agent: holding.gated for holding in fleet}
    back: dict[str | None, list[Reason]] = {}
    for held in found.held_back:
        back.setdefault(held.agent, []).append(held.reason)

    for share in found.shares:
        first, *rest = share.reasons
        expected = [Basis.GATE] if gated[share.agent] else []
        assert isinstance(first, Basis)
        assert first is not Basis.GATE
        assert rest == expected + back.get(share.agent, [])
        assert math.isfinite(share.weight)


@every_method
@given(fleet=fleets(), rules=rulebooks)
@some
def test_no_newcomer_gets_more_than_the_cap_while_others_have_room(
    method: str, fleet: list[Holding], rules: RebalanceRules
) -> None:
    """Its own lower bound aside; that others have room shows in that one of them is below its upper bound."""
    found = {share.agent: share for share in planned(fleet, rules, method).shares}
    new = {holding.agent: holding.returns.size < rules.new_agent_bins for holding in fleet}
    room = [
        found[h.agent].weight < (rules.max_weight if h.max_weight is None else h.max_weight) - 1e-9
        for h in fleet
        if not new[h.agent]
    ]
    if any(room):
        for holding in fleet:
            if new[holding.agent]:
                most = max(rules.new_agent_cap, holding.min_weight or 0.0)
                assert found[holding.agent].weight <= most + 1e-9


@every_method
@given(before=fleets(), now=fleets(), rules=rulebooks, later=rulebooks)
@some
def test_weights_of_another_time_keep_the_bounds_of_now(
    method: str, before: list[Holding], now: list[Holding], rules: RebalanceRules, later: RebalanceRules
) -> None:
    """Whoever came, left or was bounded anew: bounds hold exactly, the sum is what they allow."""
    computed = weigh_fleet(before, FARMS, rules, method, 0.0)
    assert isinstance(computed, Weighing)
    assert refusal(now, later, method) is None
    fit = fitted(computed, now, later)
    bounds = bounds_of(now, later, keeps_cash=method in KEEPS_CASH)
    share = min(1.0, math.fsum(bound.upper for bound in bounds))

    assert list(fit.weights) == [holding.agent for holding in now] or fit is computed
    for holding, bound in zip(now, bounds, strict=True):
        assert bound.lower <= fit.weights[holding.agent] <= bound.upper
    if method in KEEPS_CASH:
        assert math.fsum(fit.weights.values()) <= share + 1e-9
    else:
        assert math.fsum(fit.weights.values()) == pytest.approx(share, abs=1e-9)
    assert fitted(fit, now, later) is fit


@every_method
@given(fleet=fleets(), rules=rulebooks)
@some
def test_a_plan_by_weights_that_were_computed_is_the_plan_by_the_method(
    method: str, fleet: list[Holding], rules: RebalanceRules
) -> None:
    """Beside the stream or in it, as long as nothing has changed; also through JSON."""
    computed = weigh_fleet(fleet, FARMS, rules, method, 0.0)
    assert isinstance(computed, Weighing)
    stored = msgspec.json.decode(msgspec.json.encode(computed), type=Weighing)

    assert plan(fleet, FARMS, 10**12, rules, weighing=stored) == planned(fleet, rules, method)
