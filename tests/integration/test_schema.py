"""A newer version migrates the stored state, once, with a backup; an older one refuses it."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from state.view import KINDS
from stream.keys import Keys, partition_of
from tests.integration.command_line import CommandLine, wait_until
from tests.integration.next_version import SCRIPTS
from tests.support.fleet_file import one_bot

NOW = 1_700_000_000_000
FLEET = one_bot() + 'strategy = "darvas"\n'


@pytest.fixture
def stored(sluicegate: CommandLine, tmp_path: Path) -> CommandLine:
    """Give a deployment in which this version has worked."""
    (tmp_path / "fleet.toml").write_text(FLEET, encoding="utf-8")
    with sluicegate.worker():
        assert sluicegate("apply", tmp_path / "fleet.toml").exit_code == 0
        _fill(sluicegate, 1)
        _fill(sluicegate, 2)
        wait_until(lambda: _agent(sluicegate)["trades"] == 2)
    return sluicegate


def _fill(sluicegate: CommandLine, number: int, home: Keys | None = None) -> None:
    event = {"id": f"f{number}", "wallet": "alpha", "agent": "a", "timestamp": NOW + number}
    event |= {"symbol": "X/USDT", "side": "buy", "price": "1", "amount": "1"}
    keys = sluicegate.keys() if home is None else home
    sluicegate.redis.xadd(keys.input("trade"), {"event": json.dumps(event)})


def _agent(sluicegate: CommandLine) -> dict[str, Any]:
    stored = sluicegate.redis.hget(sluicegate.keys().state("agents"), "alpha/a")
    return dict(json.loads(stored)) if stored else {"trades": 0}


def _state(sluicegate: CommandLine) -> dict[str, Any]:
    """Return all hashes of the state, by kind."""
    return {kind: sluicegate.redis.hgetall(sluicegate.keys().state(kind)) for kind in KINDS}


@contextmanager
def _next_version(sluicegate: CommandLine, die_at: int = -1) -> Iterator[Popen[str]]:
    """Run a worker of the next version, under the name of the one before."""
    variables = {**sluicegate.variables, "DIE_AT": str(die_at)}
    words = ("worker", "--name", "test", "--metrics-port", "0")
    with sluicegate.process(*words, module="tests.integration.next_version", variables=variables) as process:
        yield process


def _migrate(sluicegate: CommandLine) -> None:
    """Let the next version work until it has applied one fill more."""
    before = _agent(sluicegate)["trades"]
    with _next_version(sluicegate) as process:
        wait_until(lambda: sluicegate.redis.hget(sluicegate.keys().checkpoint, "schema") == "2")
        _fill(sluicegate, before + 1)
        wait_until(lambda: process.poll() is not None or _agent(sluicegate)["trades"] == before + 1)
        process.terminate()
        assert process.wait(20) == 0


def test_a_newer_version_migrates_once(stored: CommandLine) -> None:
    """The state changes, what it was is kept, and the next start of the same version changes nothing."""
    before, checkpoint = _state(stored), stored.redis.hgetall(stored.keys().checkpoint)

    _migrate(stored)
    _migrate(stored)

    assert _agent(stored)["strategy"] == "darvas+"
    assert _agent(stored)["trades"] == 4
    keys = stored.keys()
    assert {kind: stored.redis.hgetall(keys.backup(1, f"state:{kind}")) for kind in KINDS} == before
    kept = stored.redis.hgetall(keys.backup(1, "checkpoint"))
    assert {name: kept[name] for name in ("seq", "in:trade", "schema")} == {
        name: checkpoint[name] for name in ("seq", "in:trade", "schema")
    }
    assert not [key for key in stored.redis.scan_iter(f"*{stored.prefix}*") if ":next:" in key]


@pytest.mark.parametrize("die_at", range(SCRIPTS + 1))
def test_one_that_is_killed_on_the_way(stored: CommandLine, die_at: int) -> None:
    """Before all is in place the state is as it was, then it is migrated; it never happens twice."""
    before = _state(stored)

    with _next_version(stored, die_at) as process:
        assert process.wait(20) == -signal.SIGKILL

    if die_at < SCRIPTS:
        assert _state(stored) == before
    else:
        assert _agent(stored)["strategy"] == "darvas+"
    _migrate(stored)
    assert _agent(stored)["strategy"] == "darvas+"
    keys = stored.keys()
    assert {kind: stored.redis.hgetall(keys.backup(1, f"state:{kind}")) for kind in KINDS} == before


def test_an_older_version_refuses(stored: CommandLine) -> None:
    """Whether it starts anew or was at work when the newer one came: one sentence, and nothing is changed."""
    said = "The state has schema 2, this version knows up to 1: run a newer sluicegate."
    words = ("worker", "--name", "older", "--metrics-port", "0")
    with stored.process(*words) as older:
        wait_until(lambda: stored.redis.zcard(f"{stored.prefix}:workers") == 1)
        older.send_signal(signal.SIGSTOP)
        wait_until(lambda: not stored.redis.exists(stored.keys().lease))
        _migrate(stored)
        migrated = _state(stored)
        older.send_signal(signal.SIGCONT)
        _, log = older.communicate(timeout=30)
        assert older.returncode == 1
        assert log.splitlines()[-1] == f"Error: {said}"

    assert stored.refused("worker", "--metrics-port", 0) == said
    assert _state(stored) == migrated


def test_the_way_back(stored: CommandLine) -> None:
    """As docs/operations.md has it: the backup is put in place, and what came since is applied again."""
    _migrate(stored)
    redis, keys = stored.redis, stored.keys()

    for key in list(redis.scan_iter(f"{keys.tag}:state:*")):
        redis.delete(key)
    for key in list(redis.scan_iter(f"{keys.tag}:backup:1:*")):
        redis.rename(key, key.replace(":backup:1:", ":"))
    redis.hset(f"{stored.prefix}:meta", "schema", 1)

    assert _agent(stored)["trades"] == 2
    with stored.worker():
        wait_until(lambda: _agent(stored)["trades"] == 3)
    assert _agent(stored)["strategy"] == "darvas"


def test_a_replay_that_begins_at_a_change_of_partitions(stored: CommandLine) -> None:
    """It begins with state of the older schema, as the partition did, and comes to what is stored."""
    assert stored("repartition", "--partitions", 2, "--yes").exit_code == 0
    home = stored.keys(partition_of("alpha", 2))
    module = "tests.integration.next_version"
    words = ("worker", "--partitions", "2", "--name", "test", "--metrics-port", "0")
    with stored.process(*words, module=module) as process:
        wait_until(lambda: stored.redis.hget(home.checkpoint, "schema") == "2")
        _fill(stored, 3, home)
        wait_until(lambda: json.loads(stored.redis.hget(home.state("agents"), "alpha/a"))["trades"] == 3)
        process.terminate()
        assert process.wait(20) == 0

    with stored.process("replay", module=module) as process:
        said, _ = process.communicate(timeout=30)

    assert "state and outputs agree." in said
    assert json.loads(stored.redis.hget(home.state("agents"), "alpha/a"))["strategy"] == "darvas+"
    assert "schema 2, this version knows up to 1" in stored.refused("repartition", "--partitions", 1, "--yes")
