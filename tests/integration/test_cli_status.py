"""``sluicegate status`` and ``sluicegate version``."""

import json

import pytest

from app.snapshot import KINDS
from domain.goals import GoalType
from domain.ledger import Phase, Transfer
from state.codec import AGENTS, FARMS, GOALS, PENDING, WALLETS
from state.entities import Agent, Farm, Wallet
from state.records import Assignment, Goal, Pending
from stream.keys import partition_of
from tests.integration.command_line import CommandLine


@pytest.fixture
def filled(sluicegate: CommandLine) -> CommandLine:
    """Give two partitions, with two wallets that live in different ones."""
    sluicegate.created(partitions=2)
    for name in ("alpha", "omega"):
        keys = sluicegate.keys(partition_of(name, 2))
        wallet = Wallet(id=name, wallet=name, currency="USDT", time=0, created=0, equity=10**13, cash=10**13)
        wallet.realized_pnl, wallet.unrealized_pnl, wallet.fees = 7 * 10**8, -(10**8), 5 * 10**7
        sluicegate.redis.hset(keys.state("wallets"), name, WALLETS.encode(wallet))
        for farm in ("y", "x"):
            value = FARMS.encode(Farm(id=farm, wallet=name))
            sluicegate.redis.hset(keys.state("farms"), f"{name}/{farm}", value)
        agent = Agent(id="one", wallet=name, farm="x", equity=75, peak_equity=100 * 10**8, budget=40 * 10**8)
        sluicegate.redis.hset(keys.state("agents"), f"{name}/one", AGENTS.encode(agent))
    goal = Goal(
        id="g",
        wallet="alpha",
        goal_type=GoalType.CUSTOM,
        target={"all": [{"metric": "trades", "at_least": 5}]},
        assigned=[Assignment("farm", "x")],
        progress=0.999,
        created=0,
    )
    keys = sluicegate.keys(partition_of("alpha", 2))
    sluicegate.redis.hset(keys.state("goals"), "alpha/g", GOALS.encode(goal))
    for name, state in (("open", Phase.PENDING), ("over", Phase.VOIDED)):
        pending = Pending(
            id=name,
            wallet="alpha",
            number=1,
            reason="allocate",
            transfers=[Transfer("wallet", "agent/one", 5 * 10**8)],
            created=0,
            due=1000,
            state=state,
        )
        sluicegate.redis.hset(keys.state("pending"), f"alpha/{name}", PENDING.encode(pending))
    return sluicegate


def test_the_test_has_wallets_in_both_partitions() -> None:
    """The two wallets live apart."""
    assert {partition_of(name, 2) for name in ("alpha", "omega")} == {0, 1}


def test_json_is_what_is_stored(filled: CommandLine) -> None:
    """Entities are the stored documents, by wallet and id, over all partitions."""
    document = filled.json("status")

    assert list(document) == ["prefix", "partitions", *KINDS, "performance"]
    assert [one["id"] for one in document["wallets"]] == ["alpha", "omega"]
    named = [(one["wallet"], one["id"]) for one in document["farms"]]
    assert named == [("alpha", "x"), ("alpha", "y"), ("omega", "x"), ("omega", "y")]
    stored = filled.redis.hget(filled.keys(partition_of("omega", 2)).state("agents"), "omega/one")
    assert document["agents"][1] == json.loads(stored)


def test_json_tells_how_wallets_and_farms_have_done(filled: CommandLine) -> None:
    """Two bins of omega, +10 % and -5 %, beside a symbol's +5 % and 0; of farms without any, the reason."""
    keys = filled.keys(partition_of("omega", 2))
    wallet = json.loads(filled.redis.hget(keys.state("wallets"), "omega"))
    wallet["rules"]["performance"]["benchmark"] = "BTC/USDT"
    filled.redis.hset(keys.state("wallets"), "omega", json.dumps(wallet))
    windows = {"wallet/omega": "[0.1,-0.05]", "benchmark/omega": "[0.05,0.0]", "farm/omega/y": "[0.1,-0.05]"}
    filled.redis.hset(keys.state("returns"), mapping=windows | {"agent/omega/one": "[1.0]"})

    found = filled.json("status")["performance"]

    named = [(one["wallet"], one["scope"], one["id"]) for one in found]
    assert named == [
        (w, *of) for w in ("alpha", "omega") for of in (("wallet", w), ("farm", "x"), ("farm", "y"))
    ]
    assert found[3]["metrics"]["total_return"] == pytest.approx(0.045)
    figures = [[one["figures"][name] for name in ("budget", "equity", "trading_pnl")] for one in found[3:]]
    assert figures == [["40", "100000", "5.5"], ["40", "0", "0"], ["0", "0", "0"]]
    assert found[4]["without_value"]["total_return"] == "too_few_samples"
    assert found[5]["benchmark"]["metrics"]["excess_return"] == pytest.approx(0.045 - 0.05)
    assert [one["wallet"] for one in filled.json("status", "omega")["performance"]] == ["omega"] * 3


def test_one_wallet(filled: CommandLine) -> None:
    """A wallet that is named is shown alone."""
    document = filled.json("status", "omega")

    assert {one["wallet"] for kind in KINDS for one in document[kind]} == {"omega"}
    assert document["goals"] == []


def test_a_wallet_that_is_not_there(filled: CommandLine) -> None:
    """A wallet that there is not is named."""
    assert filled.refused("status", "gamma").startswith("There is no wallet gamma with the prefix ")


def test_partitions(filled: CommandLine) -> None:
    """A partition says who holds it and for how long, and how many entries wait: appended less applied."""
    keys = filled.keys(1)
    filled.redis.set(keys.lease, "w1 token", px=60_000)
    filled.redis.hset(
        keys.checkpoint,
        mapping={"epoch": 3, "owner": "w1", "seq": 9, "in:trade": "2-0", "in:trade:applied": 2},
    )
    for i in range(5):
        filled.redis.xadd(keys.input("trade"), {"event": "{}"}, id=f"{i + 1}-0")
    filled.redis.xtrim(keys.input("trade"), maxlen=3)
    filled.redis.xadd(keys.dead, {"event": "x"})
    filled.redis.xadd(keys.dead, {"event": "x"})
    filled.redis.hset(keys.handled, "1-0", "{}")

    idle, held = filled.json("status")["partitions"]

    assert 50_000 < held.pop("lease_left_ms") <= 60_000
    assert held == {
        "partition": 1,
        "epoch": 3,
        "owner": "w1",
        "seq": 9,
        "lag": 3,
        "held_by": "w1",
        "dead": 1,
    }
    assert (idle["held_by"], idle["lag"], idle["lease_left_ms"]) == (None, 0, 0)


def test_tables(filled: CommandLine) -> None:
    """A person sees the hierarchy indented, with figures to the cent, and the goals.

    What was allocated, what is there, and what trading earned stand apart.
    """
    lines = [" ".join(line.split()) for line in filled("status").stdout.splitlines()]

    assert "alpha (USDT) active 40.00 100,000.00 5.50 100,000.00 0.00% 7.00 -1.00 0.50 0 green" in lines
    assert "g alpha custom active 99% farm x" in lines
    assert "open alpha wallet agent/one 5.00 allocate 1970-01-01T00:00:01.000Z" in lines
    assert not any(line.startswith("over") for line in lines)
    assert lines.index("x active 40.00 0.00 0.00 0.00 0.00% 0.00 0.00 0.00 0 green") > lines.index(
        next(line for line in lines if line.startswith("alpha"))
    )
    assert sum("nobody" in line for line in lines) == 2


def test_no_wallets_yet(sluicegate: CommandLine) -> None:
    """An empty deployment says how to go on."""
    sluicegate.created()

    assert "declare some with sluicegate apply" in sluicegate("status").stdout


def test_versions(sluicegate: CommandLine) -> None:
    """The versions of what runs are told without a server."""
    assert set(sluicegate.json("version")) == {"sluicegate", "python", "redis-py"}
    assert sluicegate("version").stdout.startswith("sluicegate 0.")
