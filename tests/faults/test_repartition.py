"""
A loaded fleet whose number of partitions is changed again and again: nothing of it is lost or applied twice.

What every wallet has is the same to the byte before and after, and after all of it the whole is held against
the fold of all inputs, wherever they came in.
"""

import json
import os
import signal
import subprocess
import sys
from binascii import crc_hqx
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec
import pytest

from state.view import KINDS
from tests.faults.checker import (
    OUTPUTS,
    Found,
    check_fills_journalled,
    check_journal,
    check_ledgers_balance,
    check_outputs_in_order,
    check_outputs_once,
    check_replies,
    check_state,
    read_partition,
    stream,
)
from tests.faults.cluster import ClusterOfServers
from tests.faults.load import Fields, Load, make_load
from tests.faults.process import ROOT, WorkerProcess, check_replay
from tests.faults.reference import fold
from tests.faults.server import Server, now_ms, wait_until

WALLETS: Final = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta")
MOST: Final = 4  # partitions


class Deployment:
    """A deployment from outside, with as many partitions as it has at the moment."""

    def __init__(self, url: str, client: Any, folder: Path) -> None:
        self.url = url
        self.client = client
        self.partitions = 1
        self._log = folder / "worker.log"

    def home(self, event: bytes) -> int:
        """Partition to which a publisher sends an event; what cannot be read goes anywhere."""
        for decode in (msgspec.json.decode, msgspec.msgpack.decode):
            try:
                return crc_hqx(str(decode(event)["wallet"]).encode(), 0) % self.partitions
            except (msgspec.DecodeError, KeyError, TypeError):
                continue
        return 0

    def publish(self, name: str, entries: Sequence[Fields]) -> None:
        """Publish, each entry to its home."""
        for field, value in entries:
            home = self.home(value) if field == b"event" else 0
            self.client.xadd(f"{{sluicegate:{home}}}:in:{name}", {field: value})

    def work(self) -> None:
        """Let a worker apply all there is, and stop it."""
        settings: dict[str, object] = {"redis": self.url, "name": "w", "partitions": self.partitions}
        with WorkerProcess(self._log, **settings) as worker:
            worker.wait_for("partition owned", times=self.partitions)
            wait_until(self._is_applied, 60, f"all is applied; it said:\n{worker.text()}")
            assert worker.terminate() == 0

    def _is_applied(self) -> bool:
        for partition in range(self.partitions):
            tag = f"{{sluicegate:{partition}}}"
            for name in ("trade", "command"):
                last = self.client.xrevrange(f"{tag}:in:{name}", count=1)
                at = self.client.hget(f"{tag}:checkpoint", f"in:{name}")
                if last and _place(at or b"0-0") < _place(last[0][0]):
                    return False
        return True

    def command(self, *words: str) -> str:
        """Run a command and return what it said."""
        done = self._run("app", *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def is_killed(self, partitions: int, scripts: int) -> bool:
        """Change it in a process that is killed before so many scripts; whether it got there."""
        words = ("repartition", "--partitions", str(partitions), "--yes")
        done = self._run("tests.faults.dying", *words, variables={"DIE_AT": str(scripts)})
        assert done.returncode in (0, -signal.SIGKILL), done.stdout + done.stderr
        return done.returncode != 0

    def _run(
        self, module: str, *words: str, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", module, *words, "--redis", self.url],
            cwd=ROOT,
            env={**os.environ, **(variables or {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def rest(self) -> dict[str, dict[bytes, bytes]]:
        """Handle what cannot be applied, and return all stored state, by kind."""
        self.command("dead", "drop", "--all")
        return self.state()

    def state(self) -> dict[str, dict[bytes, bytes]]:
        """All stored state, by kind, each wallet at its home and nowhere else."""
        found: dict[str, dict[bytes, bytes]] = {kind: {} for kind in KINDS}
        for partition in range(MOST):
            for kind in KINDS:
                fields = self.client.hgetall(f"{{sluicegate:{partition}}}:state:{kind}")
                for field in fields:
                    wallet = field.split(b"/")[1 if kind == "returns" else 0]
                    assert crc_hqx(wallet, 0) % self.partitions == partition
                found[kind] |= fields
        return found

    def repartition(self, partitions: int) -> str:
        """Change the number of partitions."""
        said = self.command("repartition", "--partitions", str(partitions), "--yes")
        self.partitions = partitions
        return said

    def check(self) -> None:
        """Hold all there is against the fold of all inputs, and let it prove itself."""
        parts = [read_partition(self.client, partition) for partition in range(MOST)]
        for part in parts:
            check_outputs_once(part)
            check_outputs_in_order(part)
            check_replies(part)
            assert {one.stream for one in part.waiting} <= {"in:clock"}
        whole = self._whole(parts)
        expected = fold(whole.inputs)
        check_state(whole, expected)
        check_journal(whole)
        check_fills_journalled(whole, expected)
        check_ledgers_balance(whole)
        check_replay(self.url, self.partitions)
        assert "chain, balances and holds agree" in self.command("ledger", "verify")

    def _whole(self, parts: Sequence[Found]) -> Found:
        """All partitions as one, in the order of time."""
        told = [
            (_place(entry_id), json.loads(fields[b"event"]))
            for part in parts
            for entry_id, fields in stream(self.client, f"{{sluicegate:{part.partition}}}:out:wallet")
        ]
        told.sort(key=lambda one: one[0])
        return replace(
            parts[0],
            inputs=sorted(one for part in parts for one in part.inputs),
            outputs={name: [] for name in OUTPUTS} | {"out:wallet": [event for _, event in told]},
            state={
                kind: {name: one for part in parts for name, one in part.state[kind].items()}
                for kind in parts[0].state
            },
        )


def _place(entry_id: bytes) -> tuple[int, ...]:
    return tuple(map(int, entry_id.split(b"-")))


@pytest.fixture
def load(server: Server, random: Random) -> Load:
    """Make a load with repeats near and far, and some that cannot be applied."""
    return make_load(random, wallets=WALLETS, agents=21, fills=4000, now_ms=now_ms(server.client()))


@pytest.fixture
def fleet(server: Server, load: Load, tmp_path: Path) -> Deployment:
    """Give a deployment of one partition that has applied a quarter of the load."""
    deployment = Deployment(server.url, server.client(), tmp_path)
    begin(deployment, load)
    return deployment


def begin(deployment: Deployment, load: Load) -> None:
    """Let a worker apply all commands and the first fills."""
    deployment.publish("command", [(b"event", one) for one in load.commands])
    deployment.work()
    deployment.publish("trade", load.fills[:1000])
    deployment.work()


@pytest.mark.slow
def test_again_and_again_while_a_fleet_trades(fleet: Deployment, load: Load) -> None:
    """From 1 to 4, 3 and 1: the state stays to the byte, repeats are recognised, and the fold agrees."""
    for number, partitions in enumerate((4, 3, 1), 1):
        before = fleet.rest()
        said = fleet.repartition(partitions)
        assert f"Done: there are {partitions} partitions." in said
        assert fleet.state() == before
        fleet.publish("trade", load.fills[1000 * number : 1000 * (number + 1)])
        fleet.work()
    fleet.check()


@pytest.mark.slow
@pytest.mark.parametrize("partitions", [4, pytest.param(1, marks=pytest.mark.long)])
def test_killed_again_and_again_while_bots_go_on(
    fleet: Deployment, load: Load, random: Random, partitions: int
) -> None:
    """What a killed process leaves the next one finishes; what bots send meanwhile follows their wallets."""
    if partitions == 1:
        fleet.rest()
        fleet.repartition(3)
    before = fleet.rest()
    sent = 1000
    for scripts in sorted(random.sample(range(4, 75), 6)):
        if not fleet.is_killed(partitions, scripts):
            break
        fleet.publish("trade", load.fills[sent : sent + 100])
        sent += 100
    else:
        fleet.command("repartition", "--partitions", str(partitions), "--yes")
    fleet.partitions = partitions

    assert fleet.state() == before
    fleet.publish("trade", load.fills[sent : sent + 500])
    fleet.work()
    fleet.check()


@pytest.mark.long
def test_on_a_cluster(cluster: ClusterOfServers, random: Random, tmp_path: Path) -> None:
    """Where partitions are in different slots, at different nodes."""
    client = cluster.client()
    clock = now_ms(cluster.servers[0].client())
    load = make_load(random, wallets=WALLETS, agents=14, fills=2500, now_ms=clock)
    fleet = Deployment(cluster.url, client, tmp_path)
    begin(fleet, load)
    for number, partitions in enumerate((4, 2), 2):
        before = fleet.rest()
        fleet.is_killed(partitions, random.randrange(4, 60))
        fleet.publish("trade", load.fills[500 * number : 500 * number + 100])
        fleet.repartition(partitions)
        assert fleet.state() == before
        fleet.publish("trade", load.fills[500 * number + 100 : 500 * (number + 1)])
        fleet.work()
    fleet.check()
