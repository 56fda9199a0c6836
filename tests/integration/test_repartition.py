"""Changing the number of partitions, killed before every command it sends, while publishers go on."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import anyio
import msgspec
import pytest
import redis as redis_py

from app.config import Config
from app.connect import open_redis
from app.deployment import open_deployment
from app.repartition.run import repartition
from state.view import KINDS
from stream.client import Argument, Client
from stream.errors import BrokenInvariantError, ConfigurationError, FencedError
from stream.keys import Keys, partition_of
from tests.integration.command_line import CommandLine, wait_until

NOW: Final = 1_700_000_000_000
WALLETS: Final = ("alpha", "beta", "gamma", "delta", "epsilon")
WINDOW: Final = 200_000
FLEET: Final = "".join(
    f'[[wallet]]\nid = "{name}"\ncurrency = "USDT"\ndeposit = "1000"\nrules = {{ clock = "event" }}\n'
    f'[[wallet.farm]]\nid = "f"\n[[wallet.farm.agent]]\nid = "a"\n'
    for name in WALLETS
)


class KilledError(BaseException):
    """What SIGKILL is to a process: nothing is done after it."""


class Dying(Client):
    """A client of a process that is killed before so many commands."""

    def __init__(self, redis: Any, left: int) -> None:
        super().__init__(redis)
        self._left = left

    async def ask(self, *command: Argument) -> Any:
        """Send a command, or die."""
        self._step()
        return await super().ask(*command)

    async def run(self, *words: Any) -> Any:
        """Run a script, or die."""
        self._step()
        return await super().run(*words)

    def _step(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise KilledError


class Floor:
    """A fleet on a server of its own prefix, with what it had when the test began."""

    def __init__(self, sluicegate: CommandLine, partitions: int, folder: Path) -> None:
        self.cli = sluicegate
        self.before = partitions
        self.config = Config(redis=sluicegate.variables["SLUICEGATE_REDIS"], prefix=sluicegate.prefix)
        self.raw: Any = redis_py.Redis.from_url(self.config.redis)
        self._published = 0
        (folder / "fleet.toml").write_text(FLEET, encoding="utf-8")
        with self._worker(partitions):
            assert sluicegate("apply", folder / "fleet.toml").exit_code == 0
            self.publish(partitions)
            wait_until(lambda: self.trades() == dict.fromkeys(WALLETS, 1))
        self._dumps = {key: self.raw.dump(key) for key in self.raw.scan_iter(f"*{self.cli.prefix}*")}
        self.state = self.stored()

    def _worker(self, partitions: int) -> Any:
        return self.cli.worker("--partitions", str(partitions))

    def publish(self, partitions: int) -> int:
        """Publish a fill of each wallet to where it lives among so many partitions; return its number."""
        self._published += 1
        for wallet in WALLETS:
            self.cli.redis.xadd(
                Keys(self.cli.prefix, partition_of(wallet, partitions)).input("trade"),
                {"event": json.dumps(self.fill(wallet, self._published))},
            )
        return self._published

    @staticmethod
    def fill(wallet: str, number: int) -> dict[str, Any]:
        """Make a fill."""
        event = {"id": f"f{number}", "wallet": wallet, "agent": "a", "timestamp": NOW + number}
        return event | {"symbol": "X/USDT", "side": "buy", "price": "1", "amount": "1"}

    def begin_again(self) -> None:
        """Put all keys back to what they were."""
        for key in list(self.raw.scan_iter(f"*{self.cli.prefix}*")):
            self.raw.delete(key)
        for key, value in self._dumps.items():
            if value is not None:
                self.raw.restore(key, 0, value)
        self._published = 1

    def stored(self) -> dict[str, dict[bytes, bytes]]:
        """Return all stored state, by kind."""
        found: dict[str, dict[bytes, bytes]] = {kind: {} for kind in KINDS}
        for partition in range(4):
            for kind in KINDS:
                found[kind] |= self.raw.hgetall(Keys(self.cli.prefix, partition).state(kind))
        return found

    def trades(self) -> dict[str, int]:
        """Return how many fills of each wallet are applied."""
        agents = self.stored()["agents"]
        return {
            wallet: json.loads(agents.get(f"{wallet}/a".encode(), b'{"trades":0}'))["trades"]
            for wallet in WALLETS
        }

    def waiting(self, partition: int, name: str = "trade") -> list[dict[str, Any]]:
        """Return what waits in a partition."""
        keys = Keys(self.cli.prefix, partition)
        at = self.cli.redis.hget(keys.checkpoint, f"in:{name}") or "0-0"
        found = self.cli.redis.xrange(keys.input(name), f"({at}")
        return [json.loads(fields["event"]) for _, fields in found]

    def change(self, to: int, left: int = 1_000_000) -> int:
        """Change the number of partitions as a process that dies before so many commands."""

        async def go() -> int:
            async with open_deployment(self.config) as deployment:
                client = Dying(open_redis(self.config), left)
                try:
                    dying = msgspec.structs.replace(deployment, client=client)
                    return await repartition(dying, to, WINDOW, lambda _: None)
                finally:
                    await client.close()

        return anyio.run(go)

    def check(self, to: int) -> None:
        """What was stored is stored, at its home; what waits is at its home, in order, once."""
        assert self.stored() == self.state
        for partition in range(4):
            homed = {w.encode() for w in WALLETS if partition_of(w, to) == partition and partition < to}
            assert set(self.raw.hgetall(Keys(self.cli.prefix, partition).state("wallets"))) == homed
            waiting = self.waiting(partition)
            assert {event["wallet"].encode() for event in waiting} <= homed
            for wallet in homed:
                mine = [event["id"] for event in waiting if event["wallet"].encode() == wallet]
                assert mine == [f"f{number}" for number in range(2, self._published + 1)]
        assert not [key for key in self.raw.scan_iter(f"*{self.cli.prefix}*") if b":next:" in key]

    def work(self, partitions: int) -> None:
        """Let a worker apply what waits; every fill of all publishers counts once."""
        with self._worker(partitions):
            wait_until(lambda: self.trades() == dict.fromkeys(WALLETS, self._published))


CHANGES = [
    (1, 4),
    pytest.param((2, 3), marks=pytest.mark.long),
    pytest.param((3, 2), marks=pytest.mark.long),
    pytest.param((4, 1), marks=pytest.mark.long),
]


@pytest.fixture(params=CHANGES, ids=["1 to 4", "2 to 3", "3 to 2", "4 to 1"])
def change(request: pytest.FixtureRequest) -> tuple[int, int]:
    """Give a number of partitions that there is, and one that there is to be."""
    found: tuple[int, int] = request.param
    return found


@pytest.fixture
def floor(sluicegate: CommandLine, tmp_path: Path, change: tuple[int, int]) -> Iterator[Floor]:
    """Give a fleet at rest."""
    floor = Floor(sluicegate, change[0], tmp_path)
    yield floor
    floor.raw.close()


@pytest.mark.slow
def test_killed_before_every_command(floor: Floor, change: tuple[int, int]) -> None:
    """
    The same command then finishes it: nothing is lost, doubled or out of order.

    Publishers who know nothing of it publish to the old places before it is killed and before it goes on.
    """
    before, to = change
    left = 0
    while True:
        floor.begin_again()
        try:
            floor.change(to, left)
        except KilledError:
            begun = floor.raw.hexists(f"{floor.cli.prefix}:meta", "repartition")
            if begun:
                floor.publish(before)
            floor.change(to)
        else:
            break
        floor.check(to)
        left += 1
    floor.check(to)
    assert left > 50

    floor.publish(to)
    floor.work(to)
    assert "agree" in floor.cli("replay").stdout
    assert floor.cli("ledger", "verify").exit_code == 0


@pytest.mark.parametrize("change", [(2, 3)], ids=str)
def test_inputs_that_come_while_it_is_done(floor: Floor) -> None:
    """Each is applied once, whether it came before, between two kills, or after; a replay proves it."""
    left = 0
    while True:
        floor.publish(2) if floor.raw.hexists(f"{floor.cli.prefix}:meta", "repartition") else None
        try:
            floor.change(3, left)
        except KilledError:
            left += 7
        else:
            break
    floor.check(3)
    floor.work(3)
    assert "agree" in floor.cli("replay").stdout
    assert floor.cli("ledger", "verify").exit_code == 0
    assert floor.cli("report", "alpha").exit_code == 0


class Held(Client):
    """A client that stands still once, before a script."""

    def __init__(self, redis: Any, left: int) -> None:
        super().__init__(redis)
        self.left = left
        self.is_held = anyio.Event()
        self.may_go_on = anyio.Event()

    async def run(self, *words: Any) -> Any:
        """Run a script."""
        self.left -= 1
        if self.left == 0:
            self.is_held.set()
            await self.may_go_on.wait()
        return await super().run(*words)


@pytest.mark.slow
@pytest.mark.parametrize("change", [(2, 3)], ids=str)
def test_a_process_that_was_held_up(floor: Floor) -> None:
    """Once another has carried it out, what the first still sends changes nothing, and it is told so."""

    async def is_overtaken(left: int) -> bool:
        fenced: list[FencedError] = []
        async with open_deployment(floor.config) as deployment, anyio.create_task_group() as tasks:
            client = Held(open_redis(floor.config), left)

            async def change_slowly() -> None:
                try:
                    slow = msgspec.structs.replace(deployment, client=client)
                    await repartition(slow, 3, WINDOW, lambda _: None)
                except FencedError as error:
                    fenced.append(error)
                finally:
                    client.is_held.set()
                    await client.close()

            tasks.start_soon(change_slowly)
            await client.is_held.wait()
            if client.left:
                return False
            await repartition(deployment, 3, WINDOW, lambda _: None)
            client.may_go_on.set()
        assert len(fenced) == 1
        return True

    left = 1
    while anyio.run(is_overtaken, left):
        floor.check(3)
        assert not floor.raw.hexists(f"{floor.cli.prefix}:meta", "repartition")
        for partition in range(3):
            assert not floor.raw.hexists(Keys(floor.cli.prefix, partition).checkpoint, "closed")
        floor.begin_again()
        left += 1
    assert left > 40


@pytest.mark.parametrize("change", [(2, 3)], ids=str)
def test_repeats_are_recognised_behind_it(floor: Floor) -> None:
    """A publisher that sends again what was applied before changes nothing, also after two changes."""
    floor.change(3)
    floor.change(1)
    for wallet in WALLETS:
        again = {"event": json.dumps(floor.fill(wallet, 1) | {"price": "7"})}
        floor.cli.redis.xadd(floor.cli.keys().input("trade"), again)
    floor.publish(1)
    floor.work(1)

    assert floor.trades() == dict.fromkeys(WALLETS, 2)
    assert "agree" in floor.cli("replay").stdout


@pytest.mark.parametrize("change", [(2, 3)], ids=str)
def test_weights_and_ticks_that_wait(floor: Floor) -> None:
    """Weights go with their wallet; a tick stays, for it is of whoever lives there."""
    moved = next(wallet for wallet in WALLETS if partition_of(wallet, 2) != partition_of(wallet, 3))
    keys = Keys(floor.cli.prefix, partition_of(moved, 2))
    plan = {"timestamp": NOW, "plan": {"wallet": moved, "number": 1, "cause": "c", "weighing": None}}
    for event in ({"timestamp": NOW}, plan):
        floor.cli.redis.xadd(keys.input("clock"), {"event": json.dumps(event)})

    assert floor.change(3) == 1

    assert floor.waiting(keys.partition, "clock") == [{"timestamp": NOW}]
    assert floor.waiting(partition_of(moved, 3), "clock") == [plan]


@pytest.mark.parametrize("change", [(2, 1)], ids=str)
def test_what_comes_late_to_a_partition_that_was_given_up(floor: Floor) -> None:
    """It is told, stands in the way of the next change, and is brought home by the same command."""
    cli = floor.cli
    assert "Done: there are 1 partitions." in cli("repartition", "--partitions", 1, "--yes").stdout
    for wallet in WALLETS:
        if partition_of(wallet, 2) == 1:
            cli.redis.xadd(cli.keys(1).input("trade"), {"event": json.dumps(floor.fill(wallet, 2))})
    late = sum(partition_of(wallet, 2) for wallet in WALLETS)

    assert cli.json("repartition", "--partitions", 1)["late"] == late
    assert "came late" in cli.refused("repartition", "--partitions", 2, "--yes")
    assert f"{late} inputs were brought home" in cli("repartition", "--partitions", 1, "--yes").stdout

    assert cli.json("repartition", "--partitions", 1)["late"] == 0
    assert len(floor.waiting(0)) == late


@pytest.mark.parametrize("change", [(2, 3)], ids=str)
def test_what_is_in_the_way(floor: Floor) -> None:
    """Nothing is changed, and every reason is told at once, with what to do about it."""
    cli = floor.cli
    before = cli.json("repartition", "--partitions", 3)
    assert before["problems"] == []
    assert before["wallets"] == len(WALLETS)
    assert "Nothing was changed; --yes does it." in cli("repartition", "--partitions", 3).stdout
    with cli.worker("--partitions", "2"):
        assert "Workers are at work (test): stop them" in cli.refused(
            "repartition", "--partitions", 3, "--yes"
        )
        cli.redis.xadd(cli.keys().input("trade"), {"event": "{}"})
        wait_until(lambda: cli.redis.xlen(cli.keys().dead))
    floor.publish(2)
    said = cli.refused("repartition", "--partitions", 3, "--yes")
    assert f"{len(WALLETS)} inputs are not applied" in said
    assert "1 dead letters are not handled" in said
    assert not cli.redis.hexists(f"{cli.prefix}:meta", "repartition")
    with pytest.raises(ConfigurationError, match="has inputs that no worker has applied"):
        floor.change(3)
    assert not cli.redis.hexists(f"{cli.prefix}:meta", "repartition")

    cli("dead", "drop", "--all")
    floor.work(2)


@pytest.mark.parametrize("change", [(2, 3)], ids=str)
def test_a_wallet_that_is_there_twice(floor: Floor) -> None:
    """As after a wallet was created by a publisher with the wrong number: nobody guesses which counts."""
    wrong = 1 - partition_of("alpha", 2)
    alpha = floor.raw.hget(floor.cli.keys(1 - wrong).state("wallets"), "alpha")
    floor.raw.hset(floor.cli.keys(wrong).state("wallets"), "alpha", alpha)

    said = floor.cli.refused("repartition", "--partitions", 3, "--yes")

    assert said.startswith("Wallet alpha is in more than one partition")
    assert said.endswith(f"of all but {1 - wrong}.")
    with pytest.raises(BrokenInvariantError, match="wallets alpha is in partition 1 and in another"):
        floor.change(3)
    floor.raw.hdel(floor.cli.keys(wrong).state("wallets"), "alpha")
    floor.change(3)
    floor.check(3)


@pytest.mark.parametrize("change", [(2, 3)], ids=str)
def test_half_way(floor: Floor) -> None:
    """A worker refuses and says what to do, another number is refused, and it can be taken back."""
    cli = floor.cli
    with pytest.raises(KilledError):
        floor.change(3, 30)
    says = (
        "The deployment is being changed from 2 to 3 partitions: run sluicegate repartition --partitions 3 "
        "--yes until it says that it is done."
    )
    for partitions in (2, 3):
        assert cli.refused("worker", "--partitions", partitions, "--metrics-port", 0) == says
    assert cli.refused("repartition", "--partitions", 4, "--yes") == (
        "A change from 2 to 3 partitions was begun: finish it first, by sluicegate repartition "
        "--partitions 3 --yes."
    )
    assert "goes on where it was interrupted (copying)" in cli("repartition", "--partitions", 3).stdout
    floor.publish(2)

    assert "Taken back" in cli("repartition", "--partitions", 2, "--yes").stdout

    floor.work(2)
    assert "agree" in cli("replay").stdout
    assert cli("repartition", "--partitions", 3, "--yes").exit_code == 0
    refused_old = cli.refused("worker", "--partitions", 2, "--metrics-port", 0)
    assert refused_old.startswith("This deployment has 3 partitions, not 2")


@pytest.mark.parametrize("change", [(2, 3)], ids=str)
def test_past_the_first_switch_it_is_not_taken_back(floor: Floor) -> None:
    """It says how it is finished."""
    left = 60
    while True:
        floor.begin_again()
        with pytest.raises(KilledError):
            floor.change(3, left)
        record = json.loads(floor.cli.redis.hget(f"{floor.cli.prefix}:meta", "repartition"))
        if record["phase"] == "switching":
            break
        left += 5

    said = floor.cli.refused("repartition", "--partitions", 2, "--yes")

    assert said.startswith("A change from 2 to 3 partitions was begun: finish it first")


@pytest.mark.parametrize("change", [(2, 3)], ids=str)
def test_a_dead_letter_of_a_wallet_that_lives_elsewhere(floor: Floor) -> None:
    """A publisher of the old number is told so by a dead letter; sent again it gets where it belongs."""
    floor.change(3)
    moved = [wallet for wallet in WALLETS if partition_of(wallet, 2) != partition_of(wallet, 3)]
    floor.publish(2)
    cli = floor.cli
    with cli.worker("--partitions", "3"):
        wait_until(lambda: len(cli.json("dead", "list")) == len(moved))
        assert {letter["reason"] for letter in cli.json("dead", "list")} == {"unknown_wallet"}

        assert cli("dead", "retry", "--all").stdout == f"{len(moved)} retried\n"

        wait_until(lambda: floor.trades() == dict.fromkeys(WALLETS, 2))
        assert cli.json("dead", "list") == []
