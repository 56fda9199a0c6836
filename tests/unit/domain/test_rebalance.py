"""Plans, by hand, and what holds for every plan."""

import random
from fractions import Fraction
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.allocation import METHODS
from domain.holding import Holding
from domain.money import MONEY, money
from domain.rebalance import Plan, Reason, plan
from domain.refusals import Refusal, Refused
from domain.rules import RebalanceRules, RiskMode, Tier
from tests.support.holdings import holding

NONE = np.zeros(0)
# Whole numbers are easier to follow without a reserve or a bound.
PLAIN = RebalanceRules(method="equal", reserve=0.0, max_weight=1.0)


def owning(agent: str, equity: object, free: object = None, **given: Any) -> Holding:
    """Make an agent whose money is free unless said otherwise."""
    free = equity if free is None else free
    return holding(agent, equity=money(equity), free=money(free), **given)


def planned(
    *holdings: Holding, idle: object = 0, rules: RebalanceRules = PLAIN, method: str | None = None
) -> Plan:
    """Plan for farms f and g; the rules allow it."""
    found = plan(holdings, ["f", "g"], money(idle), rules, method=method)
    assert isinstance(found, Plan), found
    return found


def refused(holdings: list[Holding], rules: RebalanceRules = PLAIN, method: str | None = None) -> Refused:
    """Plan what the rules do not allow."""
    found = plan(holdings, ["f"], 0, rules, method=method)
    assert isinstance(found, Refused), found
    return found


def changed(**rules: Any) -> RebalanceRules:
    """Give the plain rules with some changed."""
    return msgspec.structs.replace(PLAIN, **rules)


def targets(found: Plan) -> dict[str, int]:
    """Target of each agent."""
    return {share.agent: share.target for share in found.shares}


def moves(found: Plan) -> list[tuple[str, int]]:
    """Give the moves in their order."""
    return [(move.agent, move.amount) for move in found.moves]


def held(found: Plan) -> list[tuple[str | None, int, str]]:
    """Give what was held back, in its order."""
    return [(h.agent, h.amount, h.reason.value) for h in found.held_back]


def test_money_goes_by_tier_and_risk_mode() -> None:
    """The finance sheet's three: 2.4 : 1 : 1.05 of 445."""
    found = planned(
        owning("a", 0, tier=Tier.ELITE, risk_mode=RiskMode.BALANCED),
        owning("b", 0),
        owning("c", 0, tier=Tier.LOW, risk_mode=RiskMode.RISKY),
        idle=445,
        method="performance",
    )

    assert found.method == "performance"
    assert [share.weight for share in found.shares] == pytest.approx([0.5393, 0.2247, 0.2360], abs=5e-5)
    assert moves(found) == [("a", 240 * MONEY), ("b", 100 * MONEY), ("c", 105 * MONEY)]
    assert found.held_back == []


def test_the_reserve_stays_with_the_master() -> None:
    """5 % of 1000; the other 950 in two."""
    found = planned(owning("a", 0), owning("b", 0), idle=1000, rules=changed(reserve=0.05))

    assert (found.capital, found.reserve, found.investable) == (1000 * MONEY, 50 * MONEY, 950 * MONEY)
    assert moves(found) == [("a", 475 * MONEY), ("b", 475 * MONEY)]


def test_targets_sum_to_the_last_unit() -> None:
    """100 in three, by largest remainder, ties to the lower id."""
    found = planned(*(owning(agent, 0) for agent in "cba"), idle=100)

    third = 33_33333333
    assert targets(found) == {"a": third + 1, "b": third, "c": third}


def test_what_the_bounds_leave_stays_with_the_master_and_is_named() -> None:
    """Two of at most .4 of 1000."""
    found = planned(owning("a", 0), owning("b", 0), idle=1000, rules=changed(max_weight=0.4))

    assert moves(found) == [("a", 400 * MONEY), ("b", 400 * MONEY)]
    assert held(found) == [(None, 200 * MONEY, "bounds")]


def test_bounds_are_shares_of_the_wallet_not_of_the_farm() -> None:
    """At most .25 each: a farm of one gets .25, though alone it could have half."""
    found = planned(
        owning("a", 0),
        owning("b", 0),
        owning("c", 0, farm="g"),
        idle=1000,
        rules=changed(max_weight=0.25),
    )

    assert found.farm_weights == pytest.approx({"f": 0.5, "g": 0.25}, abs=1e-15)
    assert targets(found) == dict.fromkeys("abc", 250 * MONEY)
    assert held(found) == [(None, 250 * MONEY, "bounds")]


def test_an_agents_own_bound_outweighs_the_rules() -> None:
    """At least .7 where others have at most .2; at most .1 where others have at least .2."""
    raised = planned(owning("a", 0, min_weight=0.7), owning("b", 0), idle=1000, rules=changed(max_weight=0.2))
    lowered = planned(
        owning("a", 0, max_weight=0.1), owning("b", 0), idle=1000, rules=changed(min_weight=0.2)
    )

    assert targets(raised) == {"a": 700 * MONEY, "b": 200 * MONEY}
    assert targets(lowered) == {"a": 100 * MONEY, "b": 900 * MONEY}


def test_lower_bounds_above_all_there_is_are_refused() -> None:
    """.6 and .6; or a minimum of .5 beside a maximum of .4 of the same agent."""
    sums = [owning("a", 0, min_weight=0.6), owning("b", 0, min_weight=0.6)]
    excluding = [owning("a", 0, min_weight=0.5, max_weight=0.4)]

    assert refused(sums) == (
        Refusal.INFEASIBLE_BOUNDS,
        "The lower bounds of the agents sum to 1.2, and there is 1 to give: lower a min_weight.",
    )
    assert refused(excluding) == (
        Refusal.INFEASIBLE_BOUNDS,
        "Agent a has a min_weight of 0.5 and a max_weight of 0.4.",
    )


def test_a_method_that_is_not_in_the_table_is_refused() -> None:
    """Before anything else, from the rules or from the command."""
    infeasible = [owning("a", 0, min_weight=0.5, max_weight=0.4)]

    assert refused(infeasible, method="astrology").refusal is Refusal.UNKNOWN_METHOD
    assert refused([], changed(method="astrology")).refusal is Refusal.UNKNOWN_METHOD


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ("risk_partiy", "There is no method 'risk_partiy'; did you mean risk_parity?"),
        ("momentun", "There is no method 'momentun'; did you mean momentum?"),
        ("zzz", f"There is no method 'zzz'; there are {', '.join(METHODS)}."),
    ],
)
def test_an_unknown_method_is_answered_with_the_nearest(given_: str, said: str) -> None:
    """Or with all, where none is near."""
    assert refused([], method=given_).detail == said


def test_at_the_edge_of_the_band_nothing_moves() -> None:
    """Targets 500; 550 and 450 are 10 % off, just within."""
    found = planned(owning("a", 550), owning("b", 450))

    assert moves(found) == []
    assert held(found) == [("a", -50 * MONEY, "within_band"), ("b", 50 * MONEY, "within_band")]


def test_beyond_the_band_it_moves_all_the_way() -> None:
    """551 and 449 go to 500; takings come first."""
    found = planned(owning("b", 551), owning("a", 449))

    assert moves(found) == [("b", -51 * MONEY), ("a", 51 * MONEY)]
    assert held(found) == []


def test_less_than_the_smallest_transfer_is_left() -> None:
    """8 of 50 is beyond the band and below 10."""
    found = planned(owning("a", 58), owning("b", 42))

    assert moves(found) == []
    assert held(found) == [("a", -8 * MONEY, "below_smallest"), ("b", 8 * MONEY, "below_smallest")]


def test_the_turnover_of_one_cycle_is_capped() -> None:
    """750 too much, a quarter of 1000 is taken; three share it, and lack 500 in all."""
    found = planned(owning("a", 1000), *(owning(agent, 0) for agent in "bcd"))
    third = 83_33333333

    assert moves(found) == [("a", -250 * MONEY), ("b", third + 1), ("c", third), ("d", third)]
    assert held(found) == [
        ("a", -500 * MONEY, "turnover"),
        ("b", 250 * MONEY - third - 1, "no_cash"),
        ("c", 250 * MONEY - third, "no_cash"),
        ("d", 250 * MONEY - third, "no_cash"),
    ]
    assert found.pending["a"] == 0


def test_what_is_tied_up_becomes_the_pending_return() -> None:
    """200 too much, 50 free: 50 move now, 150 are owed, and lack elsewhere."""
    found = planned(owning("a", 700, 50), owning("b", 300))

    assert moves(found) == [("a", -50 * MONEY), ("b", 50 * MONEY)]
    assert held(found) == [("a", -150 * MONEY, "tied_up"), ("b", 150 * MONEY, "no_cash")]
    assert found.pending == {"a": 150 * MONEY, "b": 0}


def test_free_money_below_the_smallest_transfer_waits_for_more() -> None:
    """5 of 200 are free: nothing moves, all is owed."""
    found = planned(owning("a", 700, 5), owning("b", 300))

    assert moves(found) == []
    assert found.pending == {"a": 200 * MONEY, "b": 0}


@pytest.mark.parametrize(
    ("equity", "owed", "pending"),
    [
        (540, 30, 30),  # within the band it is asked for nothing new, and owes what it owed
        (540, 100, 40),  # but never more than it has too much
        (460, 30, 0),
    ],
)
def test_a_debt_outlasts_the_band(equity: int, owed: int, pending: int) -> None:
    """What an agent was asked for is not forgiven because it is nearly paid."""
    found = planned(owning("a", equity, 0, pending_return=owed * MONEY), owning("b", 1000 - equity))

    assert moves(found) == []
    assert found.pending == {"a": pending * MONEY, "b": 0}


def test_a_debt_outlasts_a_smaller_turnover() -> None:
    """Asked for 300 before, capped at 100 now, 40 free: 260 remain."""
    found = planned(
        owning("a", 900, 40, pending_return=300 * MONEY), owning("b", 100), rules=changed(turnover=0.1)
    )

    assert moves(found) == [("a", -40 * MONEY), ("b", 40 * MONEY)]
    assert found.pending == {"a": 260 * MONEY, "b": 0}


def test_a_short_reserve_is_filled_before_anything_is_given() -> None:
    """Reserve 50, idle 20. Of 225 too much 100 are free: 30 fill the reserve, 70 are given."""
    found = planned(owning("a", 700, 100), owning("b", 280), idle=20, rules=changed(reserve=0.05))

    assert moves(found) == [("a", -100 * MONEY), ("b", 70 * MONEY)]
    assert held(found) == [("a", -125 * MONEY, "tied_up"), ("b", 125 * MONEY, "no_cash")]


def test_while_the_reserve_is_short_nothing_is_given() -> None:
    """Reserve 50, idle 20, 25 free: still 5 short."""
    found = planned(owning("a", 700, 25), owning("b", 280), idle=20, rules=changed(reserve=0.05))

    assert moves(found) == [("a", -25 * MONEY)]


def test_a_stopped_agents_share_stays_with_the_master() -> None:
    """A third each: the neighbours keep 300, the master gets what is free of the third."""
    found = planned(owning("a", 300, 200, stopped=True), owning("b", 300), owning("c", 300))

    assert moves(found) == [("a", -200 * MONEY)]
    assert held(found) == [("a", 300 * MONEY, "stopped"), ("a", -100 * MONEY, "tied_up")]
    assert found.pending == {"a": 100 * MONEY, "b": 0, "c": 0}
    assert targets(found) == {"a": 0, "b": 300 * MONEY, "c": 300 * MONEY}
    assert [share.weight for share in found.shares] == pytest.approx([1 / 3] * 3, abs=1e-15)


def test_a_stopped_agent_gives_all_it_has_whatever_the_turnover_and_the_smallest() -> None:
    """8 is below the smallest transfer and turnover is none."""
    found = planned(owning("a", 8, stopped=True), owning("b", 92), rules=changed(turnover=0.0))

    assert moves(found) == [("a", -8 * MONEY)]


def test_with_all_stopped_everything_comes_back() -> None:
    """Nothing is given, what is free is taken."""
    found = planned(owning("a", 300, 200, stopped=True), owning("b", 700, stopped=True), idle=100)

    assert moves(found) == [("a", -200 * MONEY), ("b", -700 * MONEY)]
    assert targets(found) == {"a": 0, "b": 0}


def test_an_overdrawn_agent_counts_as_empty() -> None:
    """Its debt is not taken out of the others' capital, and nothing is asked of it."""
    found = planned(owning("a", -100, -100), owning("b", 0), idle=1000)

    assert found.capital == 1000 * MONEY
    assert moves(found) == [("a", 500 * MONEY), ("b", 500 * MONEY)]
    assert found.shares[0].before == 0


def test_without_capital_nothing_moves() -> None:
    """Targets of zero are met by agents that have nothing."""
    found = planned(owning("a", 0), owning("b", 0))

    assert (found.capital, found.moves, found.held_back) == (0, [], [])
    assert targets(found) == {"a": 0, "b": 0}


def test_without_agents_the_master_keeps_it_all() -> None:
    """No upper bound has room for any of it."""
    found = planned(idle=1000, rules=changed(reserve=0.05))

    assert found.farm_weights == {"f": 0.0, "g": 0.0}
    assert (found.shares, found.moves, found.pending) == ([], [], {})
    assert held(found) == [(None, 950 * MONEY, "bounds")]


def test_one_agent_gets_what_its_bound_allows() -> None:
    """With the rules as they come: 40 % of 950."""
    found = planned(owning("a", 0), idle=1000, rules=RebalanceRules())

    assert moves(found) == [("a", 380 * MONEY)]
    assert held(found) == [(None, 570 * MONEY, "bounds")]


def test_shares_tell_what_was_and_what_is_meant_of_the_same_whole() -> None:
    """100 of 800 investable before, half of it meant."""
    found = planned(owning("a", 100, score=0.7), owning("b", 0), idle=900, rules=changed(reserve=0.2))
    first = found.shares[0]

    assert (first.agent, first.farm, first.before, first.weight) == ("a", "f", 0.125, 0.5)
    assert (first.target, first.score, first.tier) == (400 * MONEY, 0.7, Tier.AVERAGE)


def test_a_fleet_of_twelve_hundred_in_forty_farms() -> None:
    """Every unit of the investable capital has a place."""
    chance = random.Random(11)
    fleet = [
        owning(
            f"agent-{i}",
            str(chance.randrange(2000)),
            farm=f"farm-{i % 40}",
            tier=chance.choice(list(Tier)),
            risk_mode=chance.choice(list(RiskMode)),
            returns=np.zeros(365),
        )
        for i in range(1200)
    ]
    found = plan(fleet, [f"farm-{i}" for i in range(40)], money("250000"), RebalanceRules())

    assert isinstance(found, Plan)
    assert sum(targets(found).values()) == found.investable
    assert sum(1 for move in found.moves if move.amount > 0) > 0


AMOUNTS = st.sampled_from([0, 1, 10 * MONEY - 1, 10 * MONEY, 10 * MONEY + 1]) | st.integers(0, 2000 * MONEY)
SHARES = st.sampled_from([0.0, 0.05, 0.25, 1.0, 1 / 3]) | st.floats(0, 1)


@st.composite
def fleets(draw: st.DrawFn) -> list[Holding]:
    """Draw up to seven agents, some stopped, overdrawn, tied up or in debt, with feasible bounds."""
    return [
        Holding(
            agent=f"agent-{i}",
            farm=draw(st.sampled_from(["f", "g"])),
            equity=draw(AMOUNTS) * draw(st.sampled_from([1, 1, 1, -1])),
            free=draw(AMOUNTS) * draw(st.sampled_from([1, 1, 1, -1])),
            pending_return=draw(AMOUNTS),
            stopped=draw(st.integers(0, 3)) == 0,
            tier=draw(st.sampled_from(Tier)),
            risk_mode=draw(st.sampled_from(RiskMode)),
            score=draw(st.floats(0, 1)),
            returns=NONE,
            max_weight=draw(st.none() | SHARES),
        )
        for i in range(draw(st.integers(0, 7)))
    ]


rulebooks = st.builds(
    RebalanceRules,
    method=st.sampled_from(["equal", "performance"]),
    threshold=SHARES,
    reserve=SHARES,
    max_weight=SHARES.filter(lambda share: share >= 0.05),
    min_weight=st.sampled_from([0.0, 0.05]),
    turnover=SHARES,
    smallest=st.sampled_from(["0", "10", "0.00000001"]),
)


@given(fleet=fleets(), idle=AMOUNTS, rules=rulebooks)
@settings(max_examples=300)
def test_every_plan_keeps_the_rules(fleet: list[Holding], idle: int, rules: RebalanceRules) -> None:
    """What holds whatever the fleet: reserve, free money, turnover, smallest, and a reason for every unit."""
    found = plan(fleet, ["f", "g"], idle, rules)
    assert isinstance(found, Plan)
    agents = {h.agent: h for h in fleet}
    moved = {move.agent: move.amount for move in found.moves}
    taken = {agent: -amount for agent, amount in moved.items() if amount < 0}
    given_out = {agent: amount for agent, amount in moved.items() if amount > 0}
    running_taken = sum(amount for agent, amount in taken.items() if not agents[agent].stopped)

    assert len(moved) == len(found.moves)
    assert [move.agent for move in found.moves] == [*sorted(taken), *sorted(given_out)]
    assert idle - sum(moved.values()) >= min(idle, found.reserve)
    assert running_taken <= found.capital * Fraction(rules.turnover) + Fraction(found.capital, 10**12)
    assert found.capital == idle + sum(max(h.equity, 0) for h in fleet)
    for share in found.shares:
        h = agents[share.agent]
        equity = max(h.equity, 0)
        move = moved.get(share.agent, 0)
        said = sum(b.amount for b in found.held_back if b.agent == h.agent and b.reason is not Reason.STOPPED)
        assert -move <= max(h.free, 0)
        assert move + said == share.target - equity
        assert 0 <= found.pending[h.agent] <= equity + move if move <= 0 else found.pending[h.agent] == 0
        if h.stopped:
            assert move == -min(equity, max(h.free, 0))
            assert found.pending[h.agent] == equity + move
        elif move:
            assert abs(move) >= max(money(rules.smallest), 1)


@given(fleet=fleets(), idle=AMOUNTS, rules=rulebooks)
def test_every_unit_of_the_investable_has_a_place(
    fleet: list[Holding], idle: int, rules: RebalanceRules
) -> None:
    """Targets, the shares of the stopped and what the bounds leave sum to it exactly."""
    found = plan(fleet, ["f", "g"], idle, rules)
    assert isinstance(found, Plan)
    kept = sum(h.amount for h in found.held_back if h.reason in {Reason.STOPPED, Reason.BOUNDS})

    assert found.reserve + found.investable == found.capital
    assert sum(targets(found).values()) + kept == found.investable


@given(fleet=fleets(), idle=AMOUNTS, rules=rulebooks, order=st.randoms(use_true_random=False))
def test_the_order_of_agents_does_not_change_a_plan(
    fleet: list[Holding], idle: int, rules: RebalanceRules, order: random.Random
) -> None:
    """To the last digit."""
    shuffled = list(fleet)
    order.shuffle(shuffled)

    assert plan(shuffled, ["f", "g"], idle, rules) == plan(fleet, ["f", "g"], idle, rules)


@given(fleet=fleets(), idle=AMOUNTS, rules=rulebooks)
def test_a_plan_that_was_carried_out_is_not_planned_again(
    fleet: list[Holding], idle: int, rules: RebalanceRules
) -> None:
    """With no limit on turnover and all money free and wanted, a second plan moves nothing."""
    free = [msgspec.structs.replace(h, equity=max(h.equity, 0), free=max(h.equity, 0)) for h in fleet]
    at_will = msgspec.structs.replace(rules, turnover=1.0, threshold=0.0, smallest="0")
    first = plan(free, ["f", "g"], idle, at_will)
    assert isinstance(first, Plan)
    moved = {move.agent: move.amount for move in first.moves}
    after = [
        msgspec.structs.replace(
            h,
            equity=h.equity + moved.get(h.agent, 0),
            free=h.equity + moved.get(h.agent, 0),
            pending_return=first.pending[h.agent],
        )
        for h in free
    ]
    second = plan(after, ["f", "g"], idle - sum(moved.values()), at_will)

    assert isinstance(second, Plan)
    assert second.moves == []
    assert all(amount == 0 for amount in second.pending.values())
