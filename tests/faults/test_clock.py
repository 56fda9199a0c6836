"""Clocks are stepped by an hour: the server's, which gives ids and ends leases, and a worker's own."""

import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from tests.faults.checker import check_partition
from tests.faults.clock import HOUR_S, WallClock, clocks_can_be_stepped
from tests.faults.conftest import random, server
from tests.faults.load import make_load, rules
from tests.faults.process import WorkerProcess, check_replay, wait_until_applied
from tests.faults.publishing import Publisher, publish_commands
from tests.faults.server import Server, now_ms, wait_until
from tests.integration.command_line import CommandLine

__all__ = ["random", "server"]  # fixtures

BALANCES = "{sluicegate:0}:in:balance"
CLOCK = "{sluicegate:0}:in:clock"
DEAD = "{sluicegate:0}:dead"
LEASE = "{sluicegate:0}:lease"
FILLS = "{sluicegate:0}:in:trade"
WALLET = "{sluicegate:0}:out:wallet"
STEPS = pytest.mark.parametrize("step_s", [-HOUR_S, HOUR_S], ids=["back", "forward"])


@pytest.fixture
def clock(tmp_path: Path) -> WallClock:
    """Give a clock that is right so far."""
    if not clocks_can_be_stepped(tmp_path):
        pytest.skip("libfaketime is not here, or for another machine: no clock can be stepped")
    return WallClock(tmp_path / "clock")


@pytest.fixture
def stepped(clock: WallClock, tmp_path: Path) -> Iterator[Server]:
    """Start a server that goes by the clock."""
    with Server(tmp_path / "valkey", environment=clock.environment) as server:
        yield server


def asked(wallet: str, **more: Any) -> list[bytes]:
    """Declare a wallet that lives by ticks, with one agent; ``more`` are rules."""
    header = {"wallet": wallet, "timestamp": 1_700_000_000_000}
    bodies: list[dict[str, Any]] = [
        {
            "kind": "wallet_create",
            "currency": "USDT",
            "rules": {**rules(clock="tick"), "conflation": "250ms", **more},
        },
        {"kind": "deposit", "amount": "1000"},
        {"kind": "farm_create", "farm": "f"},
        {"kind": "agent_register", "agent": "a", "farm": "f"},
        {"kind": "allocate", "agent": "a", "amount": "500"},
    ]
    return [msgspec.json.encode({"id": f"c{n}", **header, **body}) for n, body in enumerate(bodies)]


def balance(number: int, timestamp: int, **members: Any) -> dict[str, bytes]:
    """Make a bot's snapshot: with an equity it is a figure to be told of."""
    event = {"id": f"b{number}", "wallet": "alpha", "agent": "a", "timestamp": timestamp, **members}
    return {"event": msgspec.json.encode(event)}


def told(client: Any) -> str | None:
    """Equity of the agent as it was told last."""
    for _, fields in client.xrevrange(WALLET):
        event = msgspec.json.decode(fields[b"event"])
        if event["type"] == "sluicegate.wallet_balance_update.v1" and event["data"]["scope"] == "agent":
            return str(event["data"]["equity"])
    return None


@STEPS
@pytest.mark.slow
def test_the_server_s_clock_is_stepped_under_load(
    stepped: Server, clock: WallClock, random: Random, tmp_path: Path, step_s: int
) -> None:
    """And set right again: nothing is lost, doubled, or dead that would not be otherwise."""
    client = stepped.client()
    load = make_load(random, wallets=["alpha", "beta"], agents=20, fills=6000, now_ms=now_ms(client))
    publish_commands(client, load.commands)
    with (
        WorkerProcess(tmp_path / "first", redis=stepped.url, lease_ms=1000, batch=400) as worker,
        Publisher(stepped.client(), load.fills, FILLS, a_second=2000) as publisher,
    ):
        worker.wait_for("partition owned")
        for allowed, seconds in ((2000, step_s), (4000, 0)):
            publisher.allow(allowed)
            wait_until(lambda: publisher.rests, 30, "a part is published")
            clock.step(seconds)
            time.sleep(1.2)  # leases lapse
        publisher.wait()
        wait_until_applied(client, worker)
        wait_until(lambda: worker.page("/readyz")[0] == 200, 10, "it is ready")
        assert worker.metric("sluicegate_lag_seconds", partition="0") == 0
        assert worker.terminate() == 0
    check_partition(client)
    check_replay(stepped.url)


def test_a_dead_worker_s_lease_does_not_outlast_the_step(
    stepped: Server, clock: WallClock, tmp_path: Path
) -> None:
    """The clock is stepped back as its owner dies: the lease shows an hour, and another takes over."""
    client = stepped.client()
    settings = {"redis": stepped.url, "lease_ms": 1000, "batch": 400}
    with WorkerProcess(tmp_path / "first", name="first", **settings) as first:
        first.wait_for("partition owned")
        with WorkerProcess(tmp_path / "second", name="second", **settings) as second:
            second.wait_for("partition not served", reason="first holds it")
            first.kill()
            clock.step(-HOUR_S)
            assert client.pttl(LEASE) > 3_500_000
            second.wait_for("partition owned", seconds=20)
            assert client.pttl(LEASE) <= 1000
            assert second.terminate() == 0


def test_events_that_lie_in_the_future_of_a_server_that_is_behind(
    stepped: Server, clock: WallClock, tmp_path: Path
) -> None:
    """A stream that is new is by the wrong clock: what bots send is dead, and sent again once it is right."""
    client = stepped.client()
    true_ms = now_ms(client)
    clock.step(-HOUR_S)
    with WorkerProcess(tmp_path / "log", redis=stepped.url) as worker:
        publish_commands(client, asked("alpha"))
        client.xadd(BALANCES, balance(1, true_ms, equity="600"))
        said = worker.wait_for("dead letters")
        assert said["reasons"] == {"invalid_timestamp": 1}
        clock.step(0)
        line = CommandLine(stepped.url, "sluicegate")
        assert line("dead", "retry", "--all", "--reason", "invalid_timestamp").output == "1 retried\n"
        wait_until(
            lambda: client.hget("{sluicegate:0}:checkpoint", "in:balance:applied") == b"2", 20, "applied"
        )
        assert client.xlen(DEAD) == 1
        assert msgspec.json.decode(client.hget("{sluicegate:0}:state:agents", "alpha/a"))["equity"] == "600"
        assert worker.terminate() == 0


def test_a_rate_counts_what_comes_while_the_server_s_clock_catches_up(
    stepped: Server, clock: WallClock, tmp_path: Path
) -> None:
    """A stream's ids keep their millisecond until then, so all of it falls into one second."""
    client = stepped.client()
    with WorkerProcess(tmp_path / "log", redis=stepped.url) as worker:
        publish_commands(client, asked("alpha", rate_limit=1))
        worker.wait_for("partition owned")
        for number, step_s in enumerate((0, -HOUR_S, -HOUR_S, 0)):
            clock.step(step_s)
            client.xadd(BALANCES, balance(number, 1_700_000_000_000 + number))
            time.sleep(1.1)
        assert worker.wait_for("dead letters", times=2)["reasons"] == {"rate_limited": 1}
        assert client.xlen(DEAD) == 2
        assert worker.terminate() == 0


@STEPS
def test_a_worker_s_own_clock_matters_to_nothing(
    server: Server, clock: WallClock, tmp_path: Path, step_s: int
) -> None:
    """Wrong from the start, and stepped as it runs: ticks carry the server's time, updates come as ever."""
    client = server.client()
    clock.step(step_s)
    environment = clock.environment
    with WorkerProcess(tmp_path / "log", environment, redis=server.url, lease_ms=1000, batch=400) as worker:
        publish_commands(client, asked("alpha"))
        worker.wait_for("partition owned")
        for number, seconds in enumerate((step_s, 0, -step_s)):
            clock.step(seconds)
            time.sleep(0.3)
            ticks = client.xlen(CLOCK)
            client.xadd(BALANCES, balance(2 * number, now_ms(client), equity=str(600 + number)))
            time.sleep(0.01)  # of the millisecond in which its cash was corrected, a snapshot says nothing
            client.xadd(BALANCES, balance(2 * number + 1, now_ms(client), equity=str(700 + number)))
            # The second waits for a tick, as the first was told just now.
            wait_until(lambda: told(client) == str(700 + number), 20, "the last is told")
            assert client.xlen(CLOCK) - ticks <= 5
        for entry, fields in client.xrange(CLOCK):
            ticked_ms = msgspec.json.decode(fields[b"event"])["timestamp"]
            assert abs(int(entry.partition(b"-")[0]) - ticked_ms) < 60_000
        assert client.xlen(DEAD) == 0
        assert (worker.metric("sluicegate_end_to_end_seconds_sum", partition="0") or 0) < 100
        assert len(worker.said("partition owned")) == 1
        assert worker.page("/readyz")[0] == 200
        assert worker.terminate() == 0
