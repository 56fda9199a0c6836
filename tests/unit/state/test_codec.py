"""What is stored is what was there: to the unit, at any size, and readable by a person."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.breakers import Colour, Measure
from domain.goals import Collect, GoalType
from domain.ledger import Phase, Transfer
from domain.positions import Position, fill, mark
from domain.rules import Action, RiskMode, Rules, Tier, changed
from state.codec import AGENTS, COMMANDS, FARMS, GOALS, NOT_STORED, PENDING, WALLETS, AnyCodec, members
from state.entities import Agent, Farm, Wallet
from state.moving import MOVING
from state.records import Assignment, Booked, Command, Goal, GoalState, Pending, Resumed, State, Trip, Wanted

STANDING: dict[str, Any] = {
    "equity": 1_050_000_000_01,
    "peak_equity": 1_100_000_000_000_000_000_1,
    "day": 20_458,
    "day_open_equity": -3,
    "bin": 20_457,
    "bin_open_equity": 10**18,
    "anchor": 7,
    "realized_pnl": -5,
    "unrealized_pnl": 6,
    "fees": -1,
    "trades": 9,
    "closed": 8,
    "wins": 4,
    "losses": 3,
    "gross_profit": 12,
    "gross_loss": 13,
    "id": "x",
    "wallet": "w",
    "state": State.STOPPED,
    "held": 12,
    "cash": -(10**26) - 1,
    "breaker": Colour.ORANGE,
    "measure": Measure.DAILY_LOSS,
    "trip": Trip("drawdown", Action.LIQUIDATE, 5, 6, "ann"),
    "updated": 1,
    "resumed": Resumed("checked", 7, "ann"),
    "streak": 3,
    "highs": [(1_767_571_200_000, 10**24 + 1), (1_767_571_215_000, 10**24)],
    "doubt": 14,
    "doubt_at": 1_767_571_200_000,
    "reached": 1_767_571_200_001,
    "peak_at": 15,
    "firm_peak": 10**25 + 1,
    "update_due": 2,
    "squared_profit": 16,
    "changed": 17,
    "changed_by": "bob",
}
RULES = changed(Rules(), {"rates": {"EUR": "1.1"}, "breakers": {"cool_off": "1d"}, "clock": "event"})

ENTITIES: list[tuple[AnyCodec, Any]] = [
    (
        WALLETS,
        Wallet(
            **{**STANDING, "id": "w"},
            currency="USDT",
            time=1_767_571_200_000,
            created=1_767_571_200_001,
            rules=RULES,
            world=-1,
            market=2,
            fees_account=3,
            suspense=-4,
            booked_market=5,
            booked_fees=6,
            reserve=7,
            transactions=8,
            commands=9,
            hash="f" * 64,
            rates={"BTC": 31_999_990_000_000_001, "A.b-C": 1},
            rebalanced=10,
            rebalance_due=11,
            rebalance_trigger="drift",
            collected=12,
            plans=13,
            wanted=Wanted(14, "kelly", "command", "c1", "ann"),
            benchmark_mark=15,
            benchmark_open=16,
        ),
    ),
    (FARMS, Farm(**STANDING, name="Trend; «quoted» \u0000", type="trend_following")),
    (
        AGENTS,
        Agent(
            **STANDING,
            farm="f",
            strategy="darvas_box",
            risk_mode=RiskMode.RISKY,
            tier=Tier.ELITE,
            score=0.1 + 0.2,
            weight=1 / 3,
            budget=1,
            pending_return=2,
            high_water=3,
            cost=-4,
            positions={
                "BTC/USDT": Position(-(10**40), 5 * 10**40, 1, -1),
                "A/B:C": Position(1, 0, 10**30, 3),
            },
            reported_used=5,
            reported_equity=-6,
            flows_since=7,
            moved=8,
            min_weight=0.0,
            max_weight=1e-9,
            booked=Booked(1, -2, 3, 4),
            told_trading=True,
            public_key="key",
            rate_second=9,
            rate_count=10,
        ),
    ),
    (
        PENDING,
        Pending(
            id="tick-1/x",
            wallet="w",
            number=5,
            reason="transfer",
            transfers=[Transfer("wallet", "agent/a", 1), Transfer("farm/f", "wallet", 10**40)],
            created=1,
            due=2,
            acknowledge=True,
            state=Phase.EXPIRED,
            ended=6,
        ),
    ),
    (
        GOALS,
        Goal(
            id="g",
            wallet="w",
            name="first 200",
            goal_type=GoalType.CUSTOM,
            target={"all": [{"metric": "win_rate", "at_least": 0.55}]},
            assigned=[Assignment("farm", "f", 0.25), Assignment("agent", "x")],
            deadline=1,
            collect=Collect.ALL,
            reward=0.25,
            raise_by=0.5,
            round=2,
            declared={"all": []},
            changed_by="bob",
            state=GoalState.FAILED,
            created=2,
            ended=3,
            trades=2.5,
            profit=-10_000_000_001,
            progress=1 - 2**-53,
            percent=99,
            told=4,
            current={"win_rate": None, "equity": 0.1},
        ),
    ),
    (
        COMMANDS,
        Command(
            id="c",
            wallet="w",
            number=7,
            digest="d" * 64,
            reply=msgspec.Raw(b'{"status":"ok","result":{"x":[1.5,null]}}'),
            terms={"kind": "deposit", "amount": "1"},
        ),
    ),
]


def members_of(entity: object) -> dict[str, Any]:
    """Return what of an entity is stored, by name."""
    return {name: getattr(entity, name) for name in members(type(entity)) if name not in NOT_STORED}


@pytest.mark.parametrize(("codec", "entity"), ENTITIES, ids=lambda case: type(case).__name__)
def test_every_member_of_every_entity_is_read_as_it_was(codec: AnyCodec, entity: Any) -> None:
    """Exactly, and written again it gives the same bytes."""
    stored = codec.encode(entity)

    read = codec.decode(stored)

    assert members_of(read) == members_of(entity)
    assert codec.encode(read) == stored


@pytest.mark.parametrize(
    ("codec", "entity"),
    [
        (WALLETS, Wallet(id="w", wallet="w", currency="USDT", time=1, created=1)),
        (FARMS, Farm(id="f", wallet="w")),
        (AGENTS, Agent(id="a", wallet="w", farm="f")),
        (GOALS, Goal(id="g", wallet="w", goal_type=GoalType.TRADE_VOLUME, target={"trades": 1}, created=1)),
    ],
    ids=lambda case: type(case).__name__,
)
def test_an_entity_that_has_just_begun_is_read_as_it_was(codec: AnyCodec, entity: Any) -> None:
    """With nothing but its defaults."""
    assert members_of(codec.decode(codec.encode(entity))) == members_of(entity)


BEGUN: list[tuple[Any, Any]] = [
    (WALLETS, Wallet(id="other", wallet="other", currency="EUR", time=1, created=1)),
    (FARMS, Farm(id="other", wallet="other")),
    (AGENTS, Agent(id="other", wallet="other", farm="other")),
    (
        GOALS,
        Goal(id="other", wallet="other", goal_type=GoalType.STRATEGY_PERFORMANCE, target={}, created=1),
    ),
]
KEPT = [(codec, entity) for codec, entity in ENTITIES if codec in (WALLETS, FARMS, AGENTS, GOALS)]


@pytest.mark.parametrize(
    ("codec", "entity", "name", "value"),
    [
        pytest.param(codec, entity, name, value, id=f"{type(entity).__name__}-{name}")
        for (codec, entity), (_, other) in zip(KEPT, BEGUN, strict=True)
        for name, value in members_of(other).items()
    ],
)
def test_whatever_changes_of_a_scope_that_was_written_is_written(
    codec: AnyCodec, entity: Any, name: str, value: object
) -> None:
    """What is kept of it, or of a goal, as it was written last is kept no longer."""
    scope = codec.decode(codec.encode(entity))
    codec.encode(scope)
    assert getattr(scope, name) != value
    setattr(scope, name, value)

    assert members_of(codec.decode(codec.encode(scope))) == {**members_of(entity), name: value}


def test_what_changes_in_itself_is_written_each_time() -> None:
    """Rates, highs, positions and what was booked of an agent are changed in place."""
    wallet = WALLETS.decode(WALLETS.encode(ENTITIES[0][1]))
    agent = AGENTS.decode(AGENTS.encode(ENTITIES[2][1]))
    WALLETS.encode(wallet)
    AGENTS.encode(agent)
    wallet.rates["BTC"] = 5
    assert agent.highs is not None
    agent.highs[0] = (7, 8)
    agent.booked.trades = 99
    del agent.positions[next(iter(agent.positions))]
    agent.positions["NEW/USDT"] = Position(1, 2, 3, 4)
    fill(agent.positions["NEW/USDT"], 5, 6)
    AGENTS.encode(agent)
    fill(agent.positions["NEW/USDT"], 5, 6)
    mark(agent.positions["NEW/USDT"], 10**12, None)

    assert members_of(WALLETS.decode(WALLETS.encode(wallet))) == members_of(wallet)
    assert members_of(AGENTS.decode(AGENTS.encode(agent))) == members_of(agent)


def test_a_target_that_equals_the_one_before_is_written_as_it_is() -> None:
    """Else what is stored would depend on whether both came in one batch."""
    goal = Goal(id="g", wallet="w", goal_type=GoalType.PROFIT_TARGET, target={"profit": 500}, created=1)
    GOALS.encode(goal)
    goal.target = {"profit": 500.0}

    assert b'{"profit":500.0}' in GOALS.encode(goal)


@pytest.mark.parametrize(("codec", "entity"), KEPT[:3], ids=lambda case: type(case).__name__)
def test_only_what_cannot_change_in_itself_is_kept(codec: AnyCodec, entity: Any) -> None:
    """Numbers, text, enumerations and frozen structs."""
    kept = {name: value for name, value in members_of(entity).items() if name not in MOVING}

    assert codec.encode(entity)
    for name, value in kept.items():
        frozen = isinstance(value, msgspec.Struct) and value.__struct_config__.frozen
        assert frozen or isinstance(value, int | float | str | None), name


@given(
    st.integers(-3, 3) | st.integers(-(10**60), 10**60),
    st.integers(-3, 3) | st.integers(-(10**60), 10**60),
    st.integers(-3, 3) | st.integers(-(10**60), 10**60),
)
def test_amounts_of_any_size_are_read_as_they_were(cash: int, peak: int, amount: int) -> None:
    """A sum may go beyond what one number may be; what was kept must always be loadable."""
    agent = Agent(id="a", wallet="w", farm="f", cash=cash, peak_equity=peak)
    agent.positions = {"BTC/USDT": Position(amount, cash, abs(amount), peak)}

    read = AGENTS.decode(AGENTS.encode(agent))

    assert (read.cash, read.peak_equity, read.positions) == (cash, peak, agent.positions)


def test_a_person_can_read_what_is_stored() -> None:
    """Money is decimal text; who it is comes first, and the drawdown is there to see."""
    agent = Agent(
        id="a",
        wallet="w",
        farm="f",
        equity=90_000_000_000,
        peak_equity=10**19,
        cash=1,
        realized_pnl=200_000_000,
        unrealized_pnl=-300_000_000,
        fees=-50_000_000,
        positions={"BTC/USDT": Position(5 * 10**11, 16_000_000_000_00, 32_000 * 10**12, 0)},
    )

    document = json.loads(AGENTS.encode(agent))

    assert list(document)[:4] == ["id", "wallet", "state", "farm"]
    assert (document["equity"], document["peak_equity"], document["cash"]) == ("900", "1000", "0.00000001")
    assert document["drawdown"] == 0.1
    assert document["trading_pnl"] == "-0.5"
    assert document["positions"]["BTC/USDT"] == {
        "amount": "0.5",
        "cost": "16000",
        "mark": "32000",
        "unrealized_pnl": "0",
    }


def test_the_names_that_status_promises_are_there() -> None:
    """Those of the issue, for agents and wallets."""
    agent = json.loads(AGENTS.encode(Agent(id="a", wallet="w", farm="f")))
    wallet = json.loads(WALLETS.encode(Wallet(id="w", wallet="w", currency="USDT", time=1, created=1)))

    of_agents = (
        "id wallet farm state risk_mode tier cash equity peak_equity drawdown realized_pnl unrealized_pnl "
        "fees trades wins positions breaker"
    )
    assert set(of_agents.split()) <= agent.keys()
    of_wallets = "id currency state cash equity peak_equity drawdown breaker reserve"
    assert set(of_wallets.split()) <= wallet.keys()


def test_what_is_derived_is_not_stored() -> None:
    """It is found again."""
    document = json.loads(AGENTS.encode(Agent(id="a", wallet="w", farm="f", calm_low=5, calm_high=6)))

    assert not document.keys() & set(NOT_STORED)


@pytest.mark.parametrize(
    ("codec", "entity", "kept"),
    [
        (
            WALLETS,
            Wallet(id="w", wallet="w", currency="USDT", time=1, created=2),
            ("currency", "time", "created"),
        ),
        (FARMS, Farm(id="f", wallet="w"), ()),
        (AGENTS, Agent(id="a", wallet="w", farm="f"), ("farm",)),
    ],
)
def test_members_that_an_earlier_version_did_not_have_take_their_defaults(
    codec: AnyCodec, entity: Any, kept: tuple[str, ...]
) -> None:
    """Who it is is enough."""
    written = codec.encode(entity)
    document = json.loads(written)
    old = {name: document[name] for name in ("id", "wallet", *kept)}

    assert codec.encode(codec.decode(json.dumps(old).encode())) == written


def test_members_of_a_later_version_are_passed_over() -> None:
    """And what a person wants to see is not read back."""
    agent = Agent(id="a", wallet="w", farm="f")
    document = json.loads(AGENTS.encode(agent)) | {"later": [1], "drawdown": 0.9}

    assert members_of(AGENTS.decode(json.dumps(document).encode())) == members_of(agent)


@pytest.mark.parametrize(
    "damage",
    [{"state": "asleep"}, {"trades": "many"}, {"trades": 1.5}, {"positions": []}, {"cash": "1e5"}],
)
def test_what_is_not_an_entity_is_not_read(damage: dict[str, Any]) -> None:
    """It is said, not guessed at."""
    document = json.loads(AGENTS.encode(Agent(id="a", wallet="w", farm="f"))) | damage

    with pytest.raises((ValueError, AttributeError)):
        AGENTS.decode(json.dumps(document).encode())


def test_what_a_scope_begins_with_is_its_own() -> None:
    """What changes in itself is not shared with the next that was stored without it."""
    stored = b'{"id":"a","wallet":"w","farm":"f"}'
    agents = [AGENTS.decode(stored), AGENTS.decode(stored)]
    stored = b'{"id":"w","wallet":"w","currency":"USDT","time":1,"created":2}'
    wallets = [WALLETS.decode(stored), WALLETS.decode(stored)]

    agents[0].positions["A/B"] = Position(1, 2, 3, 4)
    agents[0].booked.trades = 5
    wallets[0].rates["EUR"] = 6

    assert (agents[1].positions, agents[1].booked, wallets[1].rates) == ({}, Booked(), {})
