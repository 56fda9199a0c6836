"""The whole command line on a cluster whose partitions are at several nodes."""

import json
from pathlib import Path
from typing import Any, Final

import click.testing

from app.cli.commands import cli
from tests.faults.cluster import ClusterOfServers, home_of
from tests.faults.process import WorkerProcess
from tests.faults.server import wait_until
from tests.support.fleet_file import one_bot

PARTITIONS: Final = 4
FLEET: Final = one_bot("one")
LATE: Final = '[[wallet.farm.agent]]\nid = "late"\n'


def test_every_command_works_on_a_cluster(cluster: ClusterOfServers, tmp_path: Path) -> None:
    """Each gets at all partitions, wherever they are."""
    homes = {cluster.server_of(home_of(partition)) for partition in range(PARTITIONS)}
    assert len(homes) == 3, "every primary has partitions"
    settings: dict[str, object] = {"redis": cluster.url, "name": "w", "partitions": PARTITIONS}
    with WorkerProcess(tmp_path / "log", **settings) as worker:
        worker.wait_for("partition owned", times=PARTITIONS)
        said(cluster, "subscribers", "add", "desk", "wallet", "emergency", "--expires", "1d")
        declare_and_look(cluster, tmp_path)
        handle_dead_letters(cluster, tmp_path)
        listed = told(cluster, "subscribers", "list")
        assert len(listed) == 2 * PARTITIONS
        assert sum(one["behind_ms"] > 0 for one in listed) == 1, (
            "the wallet's partition has something to read"
        )
        assert said(cluster, "subscribers", "remove", "desk")
        assert told(cluster, "subscribers", "list") == []
        said(cluster, "partitions", "move", "1", "w")
        assert told(cluster, "partitions", "list") == {"workers": {"w": [0, 1, 2, 3]}, "moved": {"1": "w"}}
        said(cluster, "partitions", "move", "1", "any")
        assert worker.terminate() == 0
    said(cluster, "replay")
    recover(cluster, tmp_path, settings)


def declare_and_look(cluster: ClusterOfServers, folder: Path) -> None:
    """Say what there should be, and see what there is."""
    (folder / "fleet.toml").write_text(FLEET, encoding="utf-8")
    assert "one" in said(cluster, "apply", str(folder / "fleet.toml"))
    status = told(cluster, "status")
    assert len(status["partitions"]) == PARTITIONS
    assert [wallet["id"] for wallet in status["wallets"]] == ["one"]
    assert "wallet_transaction" in said(cluster, "tail", "--no-follow", "--json")
    assert "chain, balances and holds agree" in said(cluster, "ledger", "verify")
    shown = told(cluster, "ledger", "show", "one/wallet")
    assert [(line["reason"], line["balance"]) for line in shown] == [("deposit", "1000")]
    assert said(cluster, "report", "one")
    assert said(cluster, "plan", "one")


def handle_dead_letters(cluster: ClusterOfServers, folder: Path) -> None:
    """A fill of an agent that comes later is sent again, another is dropped."""
    fill = {"wallet": "one", "timestamp": 1_700_000_000_000, "symbol": "BTC/USDT", "side": "buy"}
    fill |= {"price": "1", "amount": "1"}
    lines = [json.dumps({"id": agent, "agent": agent, **fill}) for agent in ("late", "never")]
    (folder / "fills.jsonl").write_text("\n".join(lines), encoding="utf-8")
    said(cluster, "publish", "trade", str(folder / "fills.jsonl"))
    wait_until(lambda: len(told(cluster, "dead", "list")) == 2, 20, "two dead letters")
    late, never = (one["id"] for one in told(cluster, "dead", "list"))
    (folder / "fleet.toml").write_text(FLEET + LATE, encoding="utf-8")
    said(cluster, "apply", str(folder / "fleet.toml"))
    assert said(cluster, "dead", "retry", late) == "1 retried\n"
    assert told(cluster, "dead", "drop", never) == {"dropped": 1, "refused": []}
    assert told(cluster, "dead", "list") == []
    wait_until(lambda: "BTC/USDT" in said(cluster, "status", "--json"), 20, "the fill is applied")


def recover(cluster: ClusterOfServers, folder: Path, settings: dict[str, object]) -> None:
    """Lose the wallet's input stream: a worker refuses, until an operator says to go on."""
    assert "nothing to recover" in said(cluster, "recover")
    client = cluster.client()
    streams = [f"{{sluicegate:{partition}}}:in:trade" for partition in range(PARTITIONS)]
    assert sum(client.delete(stream) for stream in streams if client.xlen(stream)) == 1
    with WorkerProcess(folder / "refused", **settings) as worker:
        assert worker.wait() == 1
    assert "Recovered" in said(cluster, "recover", "--yes")
    with WorkerProcess(folder / "log", **settings) as worker:
        worker.wait_for("partition owned", times=PARTITIONS)
        assert worker.terminate() == 0


def told(cluster: ClusterOfServers, *words: str) -> Any:
    """Run a command that succeeds, and read what it prints for programs."""
    return json.loads(said(cluster, *words, "--json"))


def said(cluster: ClusterOfServers, *words: str) -> str:
    """Run a command that succeeds; return what it printed."""
    done = click.testing.CliRunner().invoke(cli, [*words, "--redis", cluster.url])
    assert done.exit_code == 0, done.output
    return done.stdout
