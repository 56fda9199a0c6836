"""``recover``: what an operator does after an input stream was lost."""

import json
import time
from typing import Any

from tests.integration.command_line import CommandLine, wait_until
from tests.support.fleet_file import one_bot

NOW = 1_700_000_000_000
FLEET = one_bot()


def _fill(number: int) -> dict[str, str]:
    event = {"id": f"f{number}", "wallet": "alpha", "agent": "a", "timestamp": NOW + number}
    return {"event": json.dumps(event | {"symbol": "X/USDT", "side": "buy", "price": "1", "amount": "1"})}


def test_a_stream_that_was_deleted(sluicegate: CommandLine, tmp_path: Any) -> None:
    """A worker refuses; ``recover`` tells, and with ``--yes`` what comes next is applied, once."""
    redis, keys = sluicegate.redis, sluicegate.keys()
    (tmp_path / "fleet.toml").write_text(FLEET, encoding="utf-8")
    with sluicegate.worker():
        assert sluicegate("apply", tmp_path / "fleet.toml").exit_code == 0
        for number in range(3):
            redis.xadd(keys.input("trade"), _fill(number))
        wait_until(lambda: _trades(sluicegate) == 3)
        assert "has partition 0" in _refused_while_a_worker_runs(sluicegate)
    first = redis.xrange(keys.input("trade"), count=1)[0][0]
    redis.delete(keys.input("trade"))
    refused = sluicegate("worker", "--metrics-port", "0")
    assert refused.exit_code == 1
    assert "in:trade ends at 0-0, before" in refused.stderr.splitlines()[-1]
    checkpoint = redis.hgetall(keys.checkpoint)

    said = sluicegate("recover").stdout

    assert "3 entries were applied of it; it has 0 now." in said
    assert "applied twice" in said
    assert "Nothing was changed" in said
    assert redis.hgetall(keys.checkpoint) == checkpoint

    assert "Recovered" in sluicegate("recover", "--yes").stdout
    assert "nothing to recover" in sluicegate("recover").stdout
    assert redis.hget(keys.checkpoint, "in:trade:applied") in (b"0", "0")
    # An id before the old position, as of a server whose clock is behind: it is applied all the same.
    redis.xadd(keys.input("trade"), _fill(3), id=first)
    with sluicegate.worker():
        wait_until(lambda: _trades(sluicegate) == 4)
    assert sluicegate("ledger", "verify").exit_code == 0


def _refused_while_a_worker_runs(sluicegate: CommandLine) -> str:
    """Set the checkpoint ahead, which a worker only looks at when it takes the partition."""
    key = sluicegate.keys().checkpoint
    ahead = f"{int(time.time() * 1000) + 1}-0"
    before = sluicegate.redis.hget(key, "in:goal") or "0-0"
    sluicegate.redis.hset(key, "in:goal", ahead)
    said = sluicegate.refused("recover", "--yes")
    sluicegate.redis.hset(key, "in:goal", before)
    return said


def _trades(sluicegate: CommandLine) -> int:
    stored = sluicegate.redis.hget(sluicegate.keys().state("agents"), "alpha/a")
    return int(json.loads(stored)["trades"]) if stored else 0
