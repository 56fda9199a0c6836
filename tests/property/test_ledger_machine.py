"""
Random commands, fills, snapshots, goals and ticks, and what holds after each of them.

Two wallets share a partition: ``w`` lives by ticks, ``v`` by its events. Beside the partition under test runs
a second one that is dropped and loaded again at every other entry; it must never say or store another byte.
"""

from datetime import datetime
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
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


def text(amount: int) -> str:
    """Write units of 1e-8 as a decimal."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // UNIT}.{abs(amount) % UNIT:08d}"


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
        return step

    def read(self, said: Said) -> None:
        """Take in one event."""
        wallet = said.event["source"].removeprefix("/sluicegate/")
        if said.name == "wallet_transaction":
            self.journals[wallet].read(said)
        elif said.name == "wallet_balance_update" and wallet == "w":
            self.updates.read(said, stamp(said.event))

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

    # -- what may happen -----------------------------------------------------------------------------------

    @rule(ms=waits)
    def time_passes(self, ms: int) -> None:
        """Nothing happens by that alone."""
        self.driver.after(ms)

    @rule(ms=waits)
    def tick(self, ms: int) -> None:
        """The partition's owner appends one."""
        self.driver.after(ms)
        self.send("clock", {"timestamp": self.driver.now})

    @rule(wallet=wallets, agent=agents, farm=farms, mode=st.sampled_from(["safe", "aggressive"]))
    def register(self, wallet: str, agent: str, farm: str, mode: str) -> None:
        """An agent comes, if it is not there."""
        self.command(wallet, "agent_register", agent=agent, farm=farm, risk_mode=mode)

    @rule(wallet=wallets, amount=amounts, kind=st.sampled_from(["deposit", "withdraw"]))
    def deposit_or_withdraw(self, wallet: str, amount: int, kind: str) -> None:
        """Any amount; most are fine."""
        self.command(wallet, kind, amount=text(amount))

    @rule(wallet=wallets, more=near)
    def withdraw_all(self, wallet: str, more: int) -> None:
        """To the unit, and a few units more or less."""
        self.command(wallet, "withdraw", amount=text(self.cash(wallet, None) + more))

    @rule(wallet=wallets, agent=agents, amount=amounts)
    def allocate(self, wallet: str, agent: str, amount: int) -> None:
        """Dead letter where there is no such agent."""
        self.command(wallet, "allocate", agent=agent, amount=text(amount))

    @rule(wallet=wallets, source=agents, other=agents, more=near, at_most=st.booleans())
    def transfer(self, wallet: str, source: str, other: str, more: int, *, at_most: bool) -> None:
        """All that an agent has, and a few units more or less."""
        self.command(
            wallet,
            "transfer",
            source={"type": "agent", "id": source},
            target={"type": "agent", "id": other} if source != "a" else {"type": "farm", "id": "g"},
            amount=text(self.cash(wallet, source) + more),
            at_most=at_most,
        )

    @rule(
        wallet=wallets,
        source=st.sampled_from([None, *AGENTS]),
        other=agents,
        amount=amounts,
        more=st.one_of(st.none(), near),
        timeout=st.sampled_from([None, "1s", "1d"]),
        linked=st.booleans(),
    )
    def hold(
        self,
        wallet: str,
        source: str | None,
        other: str,
        amount: int,
        more: int | None,
        timeout: str | None,
        *,
        linked: bool,
    ) -> None:
        """Any amount, or all that is available and a few units more or less; in one part or two."""
        if more is not None:
            amount = self.available(wallet, source) + more
        giver = {"type": "agent", "id": source} if source else {"type": "wallet", "id": wallet}
        taker = {"type": "agent", "id": other}
        parts = [{"source": giver, "target": taker, "amount": text(amount)}]
        if linked:
            farm = {"type": "farm", "id": "g"}
            half = amount // 2
            parts = [
                {"source": giver, "target": farm, "amount": text(half)},
                {"source": giver, "target": taker, "amount": text(amount - half)},
            ]
        members: Json = {"linked": parts} if linked else parts[0]
        if timeout is not None:
            members = members | {"timeout": timeout}
        self.command(wallet, "transfer", pending=True, **members)

    @rule(
        wallet=wallets,
        which=st.integers(0, 5),
        kind=st.sampled_from(["post", "post", "void"]),
        less=st.one_of(st.none(), st.integers(-1, 3)),
    )
    def end(self, wallet: str, which: int, kind: str, less: int | None) -> None:
        """One that is pending or was, whole or a few units more or less."""
        found = sorted(Books(self.driver.state, wallet).pending.items())
        if not found:
            self.command(wallet, kind, transfer="none")
            return
        name, pending = found[which % len(found)]
        members: Json = {}
        if kind == "post" and less is not None:
            members["amount"] = text(units(pending["transfers"][0]["amount"]) - less)
        self.command(wallet, kind, transfer=name, **members)

    @rule(wallet=wallets, what=st.sampled_from(["profit", "all"]), agent=agents)
    def collect(self, wallet: str, what: str, agent: str) -> None:
        """From one agent."""
        self.command(wallet, "collect", scope={"type": "agent", "id": agent}, what=what)

    @rule(wallet=wallets, method=st.sampled_from([None, "equal", "magic", "magic"]))
    def rebalance(self, wallet: str, method: str | None) -> None:
        """By a method there is, or not."""
        self.command(wallet, "rebalance", method=method)

    @rule(
        wallet=wallets, agent=agents, low=st.sampled_from([0, 0.4, 0.7]), high=st.sampled_from([0.4, 0.7, 1])
    )
    def bound(self, wallet: str, agent: str, low: float, high: float) -> None:
        """Bounds that fit together, or not."""
        self.command(wallet, "agent_configure", agent=agent, min_weight=low, max_weight=high)

    @rule(wallet=wallets, agent=agents, farm=farms)
    def assign(self, wallet: str, agent: str, farm: str) -> None:
        """To another farm."""
        self.command(wallet, "agent_assign", agent=agent, farm=farm)

    @rule(wallet=wallets, agent=agents)
    def retire(self, wallet: str, agent: str) -> None:
        """For good."""
        self.command(wallet, "agent_retire", agent=agent)

    @rule(
        wallet=wallets,
        kind=st.sampled_from(["emergency_stop", "emergency_resume", "emergency_resume"]),
        scope=st.sampled_from(
            [("wallet", None), ("farm", "f"), ("farm", "g"), ("agent", "a"), ("agent", "b")]
        ),
    )
    def stop_or_resume(self, wallet: str, kind: str, scope: tuple[str, str | None]) -> None:
        """At any level."""
        self.command(wallet, kind, scope={"type": scope[0], "id": scope[1] or wallet})

    @rule(wallet=wallets, farm=farms)
    def close(self, wallet: str, farm: str) -> None:
        """A farm, and then the wallet, if they are empty."""
        self.command(wallet, "farm_close", farm=farm)
        self.command(wallet, "wallet_close")

    @rule(
        wallet=wallets,
        rules=st.sampled_from(
            [
                {"breakers": {"agent_drawdown": None, "agent_daily_loss": None, "farm_daily_loss": None}},
                {"breakers": {"agent_drawdown": 0.01, "cool_off": "1m"}},
                {"rebalance": {"interval": "10s", "turnover": 1, "reserve": 0.5}},
                {"rebalance": {"max_weight": 1, "reserve": 0}},
                {"rebalance": {"acknowledge": "1m"}},
                {"rebalance": {"acknowledge": 0}},
                {"performance": {"bin": "1h"}},
                {"performance": {"bin": "1d", "window": 2}},
                {"rates": {"EUR": "0.000000000001", "BNB": "1e18"}},
                {"collection": {"share": 1, "interval": "1h"}},
                {"tolerance": 0},
                {"no": 1},
            ]
        ),
    )
    def configure(self, wallet: str, rules: Json) -> None:
        """Rules that change what happens, and some that there are not."""
        self.command(wallet, "wallet_configure", rules=rules)

    @rule(
        wallet=wallets,
        agent=traders,
        symbol=st.sampled_from(SYMBOLS),
        side=st.sampled_from(["buy", "sell"]),
        amount=st.one_of(st.integers(1, 3), st.integers(1, 10 * UNIT), st.just(10**26)),
        price=st.one_of(
            st.integers(1, 3), st.integers(UNIT, 300 * UNIT), st.just(100 * UNIT), st.just(10**26)
        ),
        fee=st.sampled_from(
            [None, None, ("USDT", 3), ("BTC", 1), ("EUR", 5 * UNIT), ("BNB", 1), ("USDT", -7)]
        ),
        pnl=st.one_of(st.none(), st.none(), st.integers(-50 * UNIT, 50 * UNIT)),
        ago=st.sampled_from([0, 0, 0, SECOND, 2 * DAY]),
    )
    def fill(
        self,
        wallet: str,
        agent: str,
        symbol: str,
        side: str,
        amount: int,
        price: int,
        fee: tuple[str, int] | None,
        pnl: int | None,
        ago: int,
    ) -> None:
        """What a bot did, whatever it makes of its account; now and then late."""
        event: Json = {"agent": agent, "symbol": symbol, "side": side}
        event |= {"amount": text(amount), "price": text(price)}
        if fee is not None:
            event["fee"] = {"currency": fee[0], "cost": text(fee[1])}
        if pnl is not None:
            event["realized_pnl"] = text(pnl)
        self.send(
            "trade", self.driver.event({"wallet": wallet, **event}) | {"timestamp": self.driver.now - ago}
        )

    @rule(wallet=wallets, agent=traders, ratio=st.sampled_from([50, 80, 90, 95, 99, 101, 120]))
    def round_trip(self, wallet: str, agent: str, ratio: int) -> None:
        """Half of the cash is put in and comes back as more or less: what trips breakers and meets goals."""
        half = max(self.cash(wallet, agent) // 2, 1)
        trade = {"wallet": wallet, "agent": agent, "symbol": "BTC/USDT", "price": "1"}
        for side, worth in (("buy", half), ("sell", half * ratio // 100)):
            event = trade | {"side": side, "amount": text(half), "cost": text(worth)}
            self.send("trade", self.driver.event(event))

    @rule(
        wallet=wallets,
        agent=traders,
        prices=st.dictionaries(
            st.sampled_from([*SYMBOLS, "EUR/USDT", "BNB/USDT"]),
            st.one_of(st.integers(1, 3), st.integers(UNIT, 300 * UNIT)).map(text),
            max_size=3,
        ),
        more=st.one_of(st.none(), near, st.integers(-100 * UNIT, 100 * UNIT)),
        used=st.one_of(st.none(), st.integers(0, 100 * UNIT)),
    )
    def snapshot(
        self, wallet: str, agent: str, prices: dict[str, str], more: int | None, used: int | None
    ) -> None:
        """Marks, and an account that agrees with the ledger or not."""
        event: Json = {"wallet": wallet, "agent": agent, "prices": prices}
        if more is not None:
            event["total"] = {"USDT": text(self.cash(wallet, agent) + more)}
        if used is not None:
            event["used"] = {"USDT": text(used)}
        self.send("balance", self.driver.event(event))

    @rule(wallet=wallets, agent=agents, more=near, only_equity=st.booleans())
    def show(self, wallet: str, agent: str, more: int, *, only_equity: bool) -> None:
        """An account that has what is pending for it, to a few units."""
        coming = sum(
            units(transfer["amount"])
            for pending in Books(self.driver.state, wallet).pending.values()
            for transfer in pending["transfers"]
            if (pending["state"], transfer["credit"]) == ("pending", f"agent/{agent}")
        )
        amount = text(self.cash(wallet, agent) + coming + more)
        shown: Json = {"equity": amount} if only_equity else {"total": {"USDT": amount}}
        self.driver.after(1)
        self.send("balance", self.driver.event({"wallet": wallet, "agent": agent, **shown}))

    @rule(wallet=wallets, change=st.one_of(near, st.integers(-300 * UNIT, 300 * UNIT)))
    def report_equity(self, wallet: str, change: int) -> None:
        """Of the bot that knows no more."""
        event = {"wallet": wallet, "agent": "equity", "equity": text(self.cash(wallet, "equity") + change)}
        self.send("balance", self.driver.event(event))

    @rule(
        wallet=wallets,
        aim=st.sampled_from(
            [
                ("trade_volume", {"trades": 3}),
                ("trade_volume", {"trades": 1000}),
                ("profit_target", {"profit": "5"}),
                ("profit_target", {"profit": "100000"}),
                ("profit_target", {"profit_per_trade": "0.01", "trades": 2}),
                ("strategy_performance", {"metric": "total_return", "at_least": 0.001, "periods": 2}),
                (
                    "custom",
                    {"all": [{"metric": "equity", "at_least": 1}, {"metric": "win_rate", "at_most": 0.5}]},
                ),
            ]
        ),
        collect=st.sampled_from(["none", "profit", "all"]),
        agent=agents,
        deadline=st.sampled_from([None, 10 * SECOND, DAY]),
        raised=st.sampled_from([{}, {"raise_by": 0.5}, {"reward": 0.3}, {"reward": 1, "raise_by": 2}]),
    )
    def set_goal(
        self, wallet: str, aim: tuple[str, Json], collect: str, agent: str, deadline: int | None, raised: Json
    ) -> None:
        """For the wallet, and one agent more than the others."""
        self.goals += 1
        event: Json = {
            "wallet": wallet,
            "kind": "goal_created",
            "goal": f"g-{self.goals}",
            "goal_type": aim[0],
            "target": aim[1],
            "collect": collect,
            "assigned": [{"type": "wallet", "id": wallet, "weight": 0.5}, {"type": "agent", "id": agent}],
            "deadline": None if deadline is None else self.driver.now + deadline,
        } | raised
        self.send("goal", self.driver.event(event))

    @rule(wallet=wallets, kind=st.sampled_from(["goal_cancelled", "goal_updated"]))
    def change_goal(self, wallet: str, kind: str) -> None:
        """The last one, if it is this wallet's and has not ended."""
        event = {"wallet": wallet, "kind": kind, "goal": f"g-{self.goals}", "name": "other"}
        self.send("goal", self.driver.event(event))

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


TestFleets = Fleets.TestCase
TestFleets.settings = settings(
    max_examples=30, stateful_step_count=40, suppress_health_check=list(HealthCheck)
)
