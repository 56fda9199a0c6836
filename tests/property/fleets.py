"""
Two wallets of one partition, and a second copy of the partition that forgets.

``w`` lives by ticks, ``v`` by its events. The copy is dropped and loaded again at every other entry; it must
never say or store another byte. What may happen to them is said in `operators` and `bots`.
"""

from datetime import datetime
from typing import Any

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.audit import Audit
from stream.types import Entry
from tests.support.driver import DAY, MINUTE, SECOND, Driver, Json, Said, Step
from tests.support.laws import Books, Journal, Updates, check_books, money_of, units

UNIT = 10**8
AGENTS = ("a", "b", "c", "equity")  # the last one only ever tells its equity
FARMS = ("f", "g")
SYMBOLS = ("BTC/USDT", "ETH/USDT", "BTC/EUR", "BTC/USDT:USDT", "BTC/EUR:EUR")
WALLETS = ("w", "v")

RULES: Json = {
    "rates": {"EUR": "1.1", "BNB": "300.000000000001"},
    "rebalance": {"smallest": "0.00000001", "cooldown": "1s"},
    "collection": {"interval": "2d"},
    "breakers": {"cool_off": "1h"},
    "performance": {"benchmark": "BTC/USDT"},
}

# Biased to the edges: a few units around nothing, what is usual, what is huge. Uniform amounts find no fault.
amounts = st.one_of(
    st.integers(-3, 3),
    st.integers(1, 10**12),
    st.sampled_from([10**26, 10**26 - 1, 10**18, UNIT, 1000 * UNIT]),
)
near = st.integers(-3, 3)
waits = st.sampled_from(
    [0, 0, 0, 1, 100, 249, 250, SECOND, 5 * SECOND, MINUTE, 5 * MINUTE, DAY // 2, DAY, 3 * DAY]
)
wallets = st.sampled_from(WALLETS)
agents = st.sampled_from(AGENTS)
traders = st.sampled_from(AGENTS[:-1])
farms = st.sampled_from(FARMS)


def stamp(event: Json) -> int:
    """Return the stream time at which something was said."""
    moment = datetime.fromisoformat(event["time"])
    return round(moment.timestamp() * 1000)


class Fleets(RuleBasedStateMachine):
    """Two wallets, one partition, and a second copy of it that forgets."""

    def __init__(self) -> None:
        super().__init__()
        self.driver = Driver()
        self.copy = Driver()
        self.journals = {wallet: Journal() for wallet in WALLETS}
        self.updates = Updates(250)
        self.stopped: dict[str, set[str]] = {wallet: set() for wallet in WALLETS}  # as bots were told
        self.goals = 0

    @initialize(method=st.sampled_from(["equal", "performance"]), threshold=st.sampled_from([0.0, 0.1, 0.5]))
    def begin(self, method: str, threshold: float) -> None:
        """Create two wallets with two farms and some agents each."""
        rebalance = {**RULES["rebalance"], "method": method, "threshold": threshold}
        for wallet, clock in zip(WALLETS, ("tick", "event"), strict=True):
            rules = {**RULES, "rebalance": rebalance, "clock": clock}
            self.command(wallet, "wallet_create", currency="USDT", rules=rules)
            self.command(wallet, "deposit", amount="10000")
            for farm in FARMS:
                self.command(wallet, "farm_create", farm=farm)
            for agent, farm in (("a", "f"), ("b", "g"), ("equity", "f")):
                self.command(wallet, "agent_register", agent=agent, farm=farm)

    # -- sending -------------------------------------------------------------------------------------------

    def send(self, stream: str, event: Json | bytes | None) -> Step:
        """Send an event to both partitions and look at all that comes out."""
        entry = self.driver.entry(stream, event)
        self.copy.now = self.driver.now
        return self.process(entry)

    def process(self, entry: Entry) -> Step:
        """Process an entry on both."""
        before = {kind: dict(fields) for kind, fields in self.driver.state.items()}
        if len(self.driver.entries) % 2:
            self.copy = self.copy.restarted()
        step = self.driver.process([entry])
        self.copy.process([entry])
        assert self.copy.outputs[-len(step.said) :] == self.driver.outputs[-len(step.said) :] or not step.said
        assert len(self.copy.outputs) == len(self.driver.outputs)
        assert self.copy.state == self.driver.state
        assert len(step.dead) <= 1
        if step.dead or step.repeats:
            assert self.driver.state == before
        for said in step.said:
            self.read(said)
        named = [(said.event["source"], said.data["id"]) for said in step.said if "hash" in said.data]
        assert len(set(named)) == len(named)
        return step

    def read(self, said: Said) -> None:
        """Take in one event."""
        wallet = said.event["source"].removeprefix("/sluicegate/")
        if said.name == "wallet_transaction":
            self.journals[wallet].read(said)
        elif said.name == "wallet_balance_update" and wallet == "w":
            self.updates.read(said, stamp(said.event))
        elif said.name == "emergency_stop":
            self.stopped[wallet].update(said.data["agents"])
        elif said.name == "emergency_resume":
            self.stopped[wallet].difference_update(said.data["agents"])

    def command(self, wallet: str, kind: str, **members: Any) -> Step:
        """Send a command; one that is refused changes nothing."""
        self.send("clock", {"timestamp": self.driver.now})  # what is due happens now and not with the command
        before = money_of(self.driver.state)
        event = self.driver.event({"kind": kind, **members, "wallet": wallet})
        step = self.send("command", event)
        if step.reply["status"] != "ok" and wallet == "w":
            assert money_of(self.driver.state) == before
        return step

    def stored(self, wallet: str, agent: str) -> Json | None:
        """Return an agent as it is stored."""
        document = self.driver.state["agents"].get(f"{wallet}/{agent}")
        return None if document is None else msgspec.json.decode(document)

    def cash(self, wallet: str, agent: str | None) -> int:
        """Return the cash of an agent, or the master's, in units."""
        document = self.stored(wallet, agent) if agent else None
        found = document or msgspec.json.decode(self.driver.state["wallets"][wallet])
        return units(found["cash"])

    def available(self, wallet: str, agent: str | None) -> int:
        """Return what of its cash an agent, or the master, may give."""
        books = Books(self.driver.state, wallet)
        scope = books.wallet if agent is None else books.agents.get(agent)
        return units(scope["cash"]) - units(scope["held"]) if scope else 0

    @rule(ms=waits)
    def time_passes(self, ms: int) -> None:
        """Nothing happens by that alone."""
        self.driver.after(ms)

    @rule(ms=waits)
    def tick(self, ms: int) -> None:
        """The partition's owner appends one."""
        self.driver.after(ms)
        self.send("clock", {"timestamp": self.driver.now})

    @precondition(lambda self: self.driver.entries)
    @rule(which=st.integers(0, 10**6))
    def repeat(self, which: int) -> None:
        """An entry comes again under a new entry id, as a publisher's retry does."""
        again = self.driver.entries[which % len(self.driver.entries)]
        stream = self.driver.fleet.inputs[again.stream]
        if stream != "clock":
            self.send(stream, again.event)

    @rule(
        stream=st.sampled_from(["trade", "balance", "goal", "command", "clock"]), raw=st.binary(max_size=12)
    )
    def noise(self, stream: str, raw: bytes) -> None:
        """Bytes."""
        step = self.send(stream, raw)
        assert len(step.dead) == 1

    # -- what holds ----------------------------------------------------------------------------------------

    @invariant()
    def accounts_sum_to_zero_and_wholes_are_the_sums_of_their_parts(self) -> None:
        """After every commit, in integers."""
        check_books(self.driver, self.driver.state["wallets"])

    @invariant()
    def the_journal_gives_the_balances(self) -> None:
        """With the fills that are not told yet."""
        for wallet in self.driver.state["wallets"]:
            self.journals[wallet].check(Books(self.driver.state, wallet))

    @invariant()
    def who_is_stopped_has_nothing_free(self) -> None:
        """And no budget; a retired agent neither."""
        for wallet in self.driver.state["wallets"]:
            for agent in Books(self.driver.state, wallet).agents.values():
                if agent["state"] != "active":
                    assert (agent["budget"], agent["weight"]) == ("0", 0.0)

    @invariant()
    def who_may_trade_is_what_bots_were_told(self) -> None:
        """By stops and resumes alone; a retired agent is told nothing any more."""
        for wallet in self.driver.state["wallets"]:
            for name, agent in Books(self.driver.state, wallet).agents.items():
                if agent["state"] != "retired":
                    assert (name in self.stopped[wallet]) is (agent["state"] == "stopped"), name

    def teardown(self) -> None:
        """The last update of every scope is told, by a tick if nothing else comes."""
        if not self.driver.state["wallets"]:
            return
        self.driver.after(SECOND)
        self.send("clock", {"timestamp": self.driver.now})
        self.driver.after(SECOND)
        self.send("clock", {"timestamp": self.driver.now})
        self.updates.check_latest(Books(self.driver.state, "w"))
        fresh = self.driver.restarted()
        assert fresh.fleet.view.books.keys() == self.driver.fleet.view.books.keys()
        self.audit(fresh)

    def audit(self, fresh: Driver) -> None:
        """What `sluicegate ledger verify` does finds nothing, from the beginning and behind a trimmed one."""
        told = [Said(stream, msgspec.json.decode(event)) for stream, event in self.driver.outputs]
        told = [said for said in told if said.name == "wallet_transaction"]
        for wallet, book in fresh.fleet.view.books.items():
            mine = [said.data for said in told if said.event["source"] == f"/sluicegate/{wallet}"]
            for first in (0, len(mine) // 2):
                found = Audit(wallet)
                for data in mine[first:]:
                    found.read(data)
                found.end(book, trimmed=first > 0)
                assert found.problems == []
