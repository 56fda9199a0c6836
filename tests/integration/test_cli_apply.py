"""``sluicegate apply``, against a worker that runs."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.deployment import Deployment
from app.fleet.known import KnownFleet, read_known
from app.fleet.tables import FleetTable
from stream.keys import partition_of
from tests.integration.command_line import CommandLine

EXAMPLE = Path(__file__).parents[2] / "examples" / "fleet" / "fleet.toml"

FLEET = """\
[[wallet]]
id = "{wallet}"
currency = "USDT"
deposit = "1000.50"
[wallet.rules.rebalance]
threshold = 0.2
[[wallet.farm]]
id = "trend"
type = "trend_following"
[[wallet.farm.agent]]
id = "one"
risk_mode = "safe"
max_weight = 0.3
[[wallet.farm]]
id = "other"
[[wallet.goal]]
id = "g"
goal_type = "strategy_performance"
target = {{ metric = "sharpe", at_least = 2.0, periods = 30 }}
deadline = 2099-01-01T00:00:00Z
assigned = [{{ type = "farm", id = "trend" }}]
"""


class Fleet:
    """A fleet file, and sluicegate with a worker to apply it."""

    def __init__(self, sluicegate: CommandLine, folder: Path) -> None:
        self.sluicegate = sluicegate
        self.path = folder / "fleet.toml"
        self.text = FLEET.format(wallet="alpha")

    def write(self, changes: Mapping[str, str] | None = None) -> Path:
        """Write the file, with some texts in it replaced."""
        text = self.text
        for old, new in (changes or {}).items():
            assert old in text
            text = text.replace(old, new)
        self.path.write_text(text, encoding="utf-8")
        return self.path

    def apply(self, changes: Mapping[str, str] | None = None) -> list[tuple[str, str, str]]:
        """Write and apply the file; return what was done, and how it was answered."""
        return self.seen("apply", self.write(changes))

    def seen(self, *words: object) -> list[tuple[str, str, str]]:
        """Return what a command says it did or would do."""
        document = self.sluicegate.json(*words)
        return [(one["action"], one["what"], one["status"]) for one in document["changes"]]

    def stored(self, kind: str) -> list[Any]:
        """Return what is stored."""
        found: list[Any] = self.sluicegate.json("status")[kind]
        return found


@pytest.fixture
def fleet(sluicegate: CommandLine, tmp_path: Path) -> Iterator[Fleet]:
    """Give a fleet file and a worker that waits."""
    with sluicegate.worker("--partitions", "2"):
        yield Fleet(sluicegate, tmp_path)


def test_a_fleet_is_made_as_declared(fleet: Fleet) -> None:
    """Wallet, deposit, farms, agents, bounds and goals are there when apply ends."""
    assert fleet.apply() == [
        ("create", "wallet alpha", "ok"),
        ("deposit", "wallet alpha", "ok"),
        ("create", "farm trend", "ok"),
        ("create", "farm other", "ok"),
        ("create", "agent one", "ok"),
        ("change", "agent one", "ok"),
        ("create", "goal g", "ok"),
    ]
    (wallet,) = fleet.stored("wallets")
    assert (wallet["cash"], wallet["rules"]["rebalance"]["threshold"]) == ("1000.5", 0.2)
    (agent,) = fleet.stored("agents")
    assert (agent["farm"], agent["risk_mode"], agent["max_weight"]) == ("trend", "safe", 0.3)
    (goal,) = fleet.stored("goals")
    assert goal["assigned"] == [{"type": "farm", "id": "trend", "weight": 1.0}]


def test_applied_twice_changes_nothing(fleet: Fleet) -> None:
    """The second time there is nothing to do, and not one command is sent."""
    fleet.apply()
    key = fleet.sluicegate.keys(partition_of("alpha", 2)).input("command")
    sent = fleet.sluicegate.redis.xlen(key)

    assert fleet.apply() == []
    assert fleet.sluicegate.redis.xlen(key) == sent
    assert fleet.sluicegate("apply", fleet.path).stdout.startswith("Nothing to do: all is as ")


def test_a_dry_run_changes_nothing(fleet: Fleet) -> None:
    """A dry run shows what would be done, and sends nothing."""
    seen = fleet.seen("apply", fleet.write(), "--dry-run")

    assert [status for _, _, status in seen] == [None] * 7
    assert fleet.stored("wallets") == []


def test_back_and_forth(fleet: Fleet) -> None:
    """A change that is taken back and made again is made each time: rules, bounds and goals."""
    fleet.apply()
    changes = {
        "threshold = 0.2": "threshold = 0.3",
        "max_weight = 0.3": "max_weight = 0.2",
        "at_least = 2.0": "at_least = 3.0",
    }
    done = [("change", "wallet alpha", "ok"), ("change", "agent one", "ok"), ("change", "goal g", "ok")]
    for _ in range(2):
        assert fleet.apply(changes) == done
        assert fleet.stored("wallets")[0]["rules"]["rebalance"]["threshold"] == 0.3
        assert fleet.apply() == done
        assert fleet.stored("wallets")[0]["rules"]["rebalance"]["threshold"] == 0.2
    assert fleet.apply() == []


def test_the_deposit_is_made_once_for_all_time(fleet: Fleet) -> None:
    """Neither another amount in the file nor money that was paid out since makes a second deposit."""
    fleet.apply()
    command = '{"id":"w","wallet":"alpha","timestamp":1795000000000,"kind":"withdraw","amount":"1000"}'
    fleet.sluicegate("publish", "command", "-", text=command)

    assert fleet.apply({"1000.50": "7000"}) == []
    assert "had its deposit of 1000.5, and that was once" in fleet.sluicegate("apply", fleet.path).stdout


def test_an_agent_moves(fleet: Fleet) -> None:
    """An agent that the file has in another farm is assigned to it."""
    fleet.apply()
    fleet.text = fleet.text.replace('id = "other"', 'id = "was-other"').replace(
        '"trend"\ntype', '"other"\ntype'
    )
    fleet.text = fleet.text.replace('"was-other"', '"trend"').replace('type = "trend_following"\n', "")

    assert fleet.apply() == [("move", "agent one", "ok")]
    assert fleet.stored("agents")[0]["farm"] == "other"


def test_what_the_file_does_not_mention_stays(fleet: Fleet) -> None:
    """Another file with another wallet leaves the first alone, and says so."""
    fleet.apply()
    fleet.text = FLEET.format(wallet="omega")
    fleet.apply()

    out = fleet.sluicegate("apply", fleet.path).stdout

    assert "Note: left alone, not in the file: wallet alpha." in out
    assert [wallet["id"] for wallet in fleet.stored("wallets")] == ["alpha", "omega"]


def test_time_by_events_is_not_moved_on(fleet: Fleet) -> None:
    """A wallet whose time is that of its events begins in 2000 and is not moved by applying, now or later."""
    fleet.text = fleet.text.replace(
        "[wallet.rules.rebalance]", '[wallet.rules]\nclock = "event"\n[wallet.rules.rebalance]'
    )
    fleet.apply()
    assert fleet.stored("wallets")[0]["time"] == 946_684_800_000

    fill = (
        '{"id":"f","wallet":"alpha","agent":"one","timestamp":1400000000000,"symbol":"X/USDT","side":"buy",'
        '"price":"1","amount":"1"}'
    )
    fleet.sluicegate("publish", "trade", "-", text=fill)
    fleet.apply({"threshold = 0.2": "threshold = 0.3"})

    assert fleet.stored("wallets")[0]["time"] == 1_400_000_000_000


def _outdated(monkeypatch: pytest.MonkeyPatch, **members: Any) -> None:
    """Have apply look at a state that has moved on since in these members."""

    async def read(deployment: Deployment, declared: FleetTable) -> KnownFleet:
        known = await read_known(deployment, declared)
        for name, wallet in known.wallets.items():
            known.wallets[name] = msgspec.structs.replace(wallet, **members)
        return known

    monkeypatch.setattr("app.cli.apply.read_known", read)


def test_a_refusal_ends_it(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that is refused is told with its reason, and what needs it is not sent."""
    fleet.apply()
    _outdated(monkeypatch, wallet=None, deposits=[], farms={}, agents={}, goals={})

    said = fleet.sluicegate.refused("apply", fleet.write({"USDT": "EUR"}))

    assert said.startswith("create wallet alpha of wallet alpha was refused: Wallet alpha exists;")
    assert said.endswith("6 further steps were not sent.")


def test_a_goal_that_becomes_a_dead_letter_is_told(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """A goal event has no reply, so its dead letter's sentence is what went wrong."""
    fleet.apply()
    _outdated(monkeypatch, goals={}, goals_applied=0)
    fleet.write({'id = "g"': 'id = "g"\nname = "another"'})

    said = fleet.sluicegate.refused("apply", fleet.path)

    assert (
        said == "create goal g of wallet alpha was rejected: Goal g exists already; goal_updated changes it."
    )


def test_what_somebody_else_made_meanwhile_is_no_failure(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked to create what is there by now, just so, the worker refuses and nothing is amiss."""
    fleet.apply()
    _outdated(monkeypatch, farms={})

    assert fleet.apply() == [("create", "farm trend", "unchanged"), ("create", "farm other", "unchanged")]


def test_the_example_is_applied(fleet: Fleet) -> None:
    """The demonstration's fleet is made in one go, and the books agree with the input afterwards."""
    document = fleet.sluicegate.json("apply", EXAMPLE)

    assert {one["status"] for one in document["changes"]} == {"ok"}
    assert fleet.sluicegate.json("apply", EXAMPLE)["changes"] == []
    assert fleet.sluicegate.json("replay")["differences"] == []


def test_without_a_worker_it_says_so(sluicegate: CommandLine, tmp_path: Path) -> None:
    """Where nothing answers in time, that is said; what was sent is carried out later, and once."""
    fleet = Fleet(sluicegate, tmp_path)
    fleet.path.write_text(fleet.text, encoding="utf-8")
    sluicegate.created()
    for _ in range(2):
        said = sluicegate.refused("apply", fleet.path, "--timeout", "0.2")
        assert said.startswith("Nothing answered create wallet alpha within 0.2 s: is a worker running?")

    with sluicegate.worker():
        fleet.apply()

        assert fleet.stored("wallets")[0]["cash"] == "1000.5"
        assert fleet.apply() == []
