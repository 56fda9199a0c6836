"""``sluicegate plan``: what a rebalance would do, and that the worker then does it."""

import json
from typing import Any

import pytest

from domain.allocation import METHODS
from tests.integration.command_line import CommandLine, wait_until

NOW = 1_700_000_000_000
RULES = {
    "clock": "event",
    "rebalance": {"interval": 0, "settle": "1000d", "threshold": 0.1, "max_weight": 0.9, "method": "equal"},
}


def _send(sluicegate: CommandLine, *commands: dict[str, Any]) -> None:
    for command in commands:
        body = {"wallet": "alpha", "timestamp": NOW, **command}
        sluicegate.redis.xadd(sluicegate.keys().input("command"), {"event": json.dumps(body)})


def _answered(sluicegate: CommandLine, command: str) -> bool:
    replies = sluicegate.redis.xrange(sluicegate.keys().output("reply"))
    return any(json.loads(fields["event"])["data"]["command"] == command for _, fields in replies)


@pytest.fixture
def worked(sluicegate: CommandLine) -> CommandLine:
    """Give a deployment with two agents, of which one has 1000 of 2000."""
    with sluicegate.worker():
        _send(
            sluicegate,
            {"id": "c1", "kind": "wallet_create", "currency": "USDT", "rules": RULES},
            {"id": "c2", "kind": "deposit", "amount": "2000"},
            {"id": "c3", "kind": "farm_create", "farm": "f"},
            {"id": "c4", "kind": "agent_register", "agent": "a", "farm": "f"},
            {"id": "c5", "kind": "agent_register", "agent": "b", "farm": "f"},
            {"id": "c6", "kind": "allocate", "agent": "a", "amount": "1000"},
        )
        wait_until(lambda: _answered(sluicegate, "c6"))
    return sluicegate


def test_one_method_shows_the_whole_plan(worked: CommandLine) -> None:
    """5 % stay; halves of 1900 are 950: a is within the band, b gets its 900 of what is there."""
    plan = worked.json("plan", "alpha", "--method", "equal")["equal"]

    assert (plan["capital"], plan["reserve"], plan["trigger"]) == ("2000", "100", "plan")
    assert plan["transfers"] == [{"agent": "b", "amount": "900"}]
    assert plan["agents"]["a"]["reasons"] == ["method", "within_band"]
    assert plan["agents"]["b"]["reasons"] == ["method", "no_cash"]

    lines = worked("plan", "alpha", "--method", "equal").stdout.splitlines()
    assert lines[0].split() == [
        *("agent", "farm", "tier", "score", "now", "weight", "target", "move", "why", "advice", "because")
    ]
    assert " ".join(lines[2].split()) == "b f average 0.50 0.00% 50.00% 950.00 +900.00 method, no_cash hold"
    assert lines[-1].startswith("equal: capital 2,000.00, reserve 100.00, 1 transfer of 900.00")


def test_the_worker_does_what_was_shown(worked: CommandLine) -> None:
    """Not another implementation: the same plan, but for its trigger."""
    shown = worked.json("plan", "alpha", "--method", "performance")["performance"]
    with worked.worker():
        _send(worked, {"id": "c7", "kind": "rebalance", "method": "performance"})
        wait_until(lambda: _answered(worked, "c7"))

    ((_, fields),) = worked.redis.xrange(worked.keys().output("rebalance"))
    assert json.loads(fields["event"])["data"] | {"trigger": "plan"} == shown


def test_it_only_reads(worked: CommandLine) -> None:
    """Not a key changes, and no stream grows."""
    keys = sorted(worked.redis.keys("*"))
    before = [worked.redis.dump(key) for key in keys]

    worked("plan", "alpha")

    assert sorted(worked.redis.keys("*")) == keys
    assert [worked.redis.dump(key) for key in keys] == before


def test_without_a_method_all_are_shown_side_by_side(worked: CommandLine) -> None:
    """A column each, a row an agent, and what stays with the master; several can be chosen."""
    lines = worked("plan", "alpha").stdout.splitlines()
    few = worked("plan", "alpha", "--method", "kelly", "--method", "equal").stdout.splitlines()

    assert lines[0].split() == ["agent", "farm", "tier", "advice", "now", *METHODS]
    assert lines[1].split()[:6] == ["a", "f", "average", "hold", "52.63%", "50.00%"]
    assert [line.split(":")[0] for line in lines[4:]] == list(METHODS)
    assert few[0].split()[5:] == ["kelly", "equal"]
    assert list(worked.json("plan", "alpha")) == list(METHODS)
    # Nobody has a history, so Kelly bets 5 % on the farm, and on each of its agents 5 % of that.
    assert few[3].split() == ["(the", "master)", "99.50%", "0.00%"]


def test_bounds_that_cannot_hold_are_said_for_each_method(worked: CommandLine) -> None:
    """
    And the exit code says so, too.

    Such bounds are from a time when nobody looked at them before money was to move.
    """
    agents = worked.keys().state("agents")
    for name, agent in worked.redis.hgetall(agents).items():
        worked.redis.hset(agents, name, json.dumps(json.loads(agent) | {"min_weight": 0.7}))

    result = worked("plan", "alpha", "--method", "equal")

    assert result.exit_code == 1
    assert result.stdout == (
        "equal: The lower bounds of the agents sum to 1.4, and there is 1 to give: lower a min_weight.\n"
    )
    refused = json.loads(worked("plan", "alpha", "--json").stdout)["kelly"]
    assert refused["refusal"] == "infeasible_bounds"


def test_what_there_is_not_is_named(worked: CommandLine) -> None:
    """A wallet, or a method with the nearest there is."""
    assert worked.refused("plan", "gamma").startswith("There is no wallet gamma with the prefix ")
    assert worked.refused("plan", "alpha", "--method", "risk_party") == (
        "There is no method 'risk_party'; did you mean risk_parity?"
    )
