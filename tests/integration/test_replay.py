"""``sluicegate replay``: the retained input folded again gives what is stored, or what differs is said."""

import json
from typing import Any

import pytest

from tests.integration.command_line import CommandLine, wait_until

NOW = 1_700_000_000_000


def _send(sluicegate: CommandLine, stream: str, *events: dict[str, Any]) -> None:
    for event in events:
        body = {"wallet": "alpha", "timestamp": NOW, **event}
        sluicegate.redis.xadd(sluicegate.keys().input(stream), {"event": json.dumps(body)})


def _fill(number: int) -> dict[str, Any]:
    side = "buy" if number % 2 == 0 else "sell"
    return {
        "id": f"f{number}",
        "agent": "a1",
        "timestamp": NOW + 1000 * number,
        "symbol": "BTC/USDT",
        "side": side,
        "price": f"{100 + number}.5",
        "amount": "0.1",
    }


@pytest.fixture
def worked(sluicegate: CommandLine) -> CommandLine:
    """Give a deployment whose worker has applied commands, fills, a repeat and a dead letter, and ended."""
    with sluicegate.worker():
        _send(
            sluicegate,
            "command",
            {"id": "c1", "kind": "wallet_create", "currency": "USDT", "rules": {"clock": "event"}},
            {"id": "c2", "kind": "deposit", "amount": "10000"},
            {"id": "c3", "kind": "farm_create", "farm": "f"},
            {"id": "c4", "kind": "agent_register", "agent": "a1", "farm": "f"},
        )
        _send(sluicegate, "trade", *(_fill(n) for n in range(40)), _fill(7), {"id": "nonsense"})
        applied = sluicegate.keys().checkpoint
        wait_until(lambda: sluicegate.redis.hget(applied, "in:trade:applied") == "42")
    return sluicegate


def test_an_untouched_deployment_agrees(worked: CommandLine) -> None:
    """State and outputs are what the fold of the input gives, to the byte."""
    result = worked("replay")

    assert result.exit_code == 0, result.output
    assert "agree" in result.stdout


def test_a_changed_entity_is_named(worked: CommandLine) -> None:
    """Somebody who changes a stored balance by hand is found out, with the member that differs."""
    agents = worked.keys().state("agents")
    agent = json.loads(worked.redis.hget(agents, "alpha/a1"))
    worked.redis.hset(agents, "alpha/a1", json.dumps(agent | {"cash": "1"}, separators=(",", ":")))

    result = worked("replay")

    assert result.exit_code == 1
    assert "agents alpha/a1 differs in cash" in result.output


def test_a_missing_entity_is_named(worked: CommandLine) -> None:
    """An entity that was removed by hand is named."""
    worked.redis.hdel(worked.keys().state("farms"), "alpha/f")

    result = worked("replay")

    assert result.exit_code == 1
    assert "farms alpha/f is in the fold but not stored" in result.output


def test_a_missing_output_is_named(worked: CommandLine) -> None:
    """An output event that was deleted is noticed, with the id the fold gives it."""
    stream = worked.keys().output("wallet")
    first = worked.redis.xrange(stream, count=1)[0][0]
    worked.redis.xdel(stream, first)

    result = worked("replay")

    assert result.exit_code == 1
    assert stream in result.output


def test_trimmed_input_cannot_be_folded(worked: CommandLine) -> None:
    """Where the beginning of the input is gone, that is said in one line instead of a wrong answer."""
    worked.redis.xtrim(worked.keys().input("trade"), maxlen=5, approximate=False)

    assert "was trimmed" in worked.refused("replay")
