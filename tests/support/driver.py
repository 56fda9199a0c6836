"""
Feeds entries straight through the real processor and fleet, without a server.

What a commit would write to the hashes and the streams is kept here as bytes and given out as decoded JSON.
Entry ids are made from the time an event is sent at, as the server makes them.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Self

import msgspec

from handlers import INPUTS
from handlers.fleet import Fleet
from state.book import Book, scope_key
from state.codec import AGENTS
from state.entities import Scope
from state.view import KINDS
from stream.keys import Keys
from stream.processor import Processor
from stream.repeats import Repeats
from stream.types import DeadLetter, Entry, Outcome
from tests.support.window import remember

START: Final = 1_767_571_200_000  # Monday, 2026-01-05 00:00 UTC
DAY: Final = 86_400_000
MINUTE: Final = 60_000
SECOND: Final = 1_000

Json = dict[str, Any]


class Said(NamedTuple):
    """One output entry."""

    stream: str
    event: Json

    @property
    def name(self) -> str:
        """Return the event's name without prefix and version."""
        return str(self.event["type"]).removeprefix("sluicegate.").removesuffix(".v1")

    @property
    def data(self) -> Json:
        """Return what it says."""
        data: Json = self.event["data"]
        return data


class Step(NamedTuple):
    """What one entry, or a batch of them, did."""

    said: list[Said]
    dead: list[DeadLetter]
    repeats: int

    def named(self, name: str) -> list[Json]:
        """Return the data of every event of a name, in order."""
        return [said.data for said in self.said if said.name == name]

    def one(self, name: str) -> Json:
        """Return the data of the only event of a name."""
        (data,) = self.named(name)
        return data

    @property
    def names(self) -> list[str]:
        """Return the names of all events, in order."""
        return [said.name for said in self.said]

    @property
    def reply(self) -> Json:
        """Return the only reply."""
        return self.one("command_reply")

    @property
    def refusal(self) -> str | None:
        """Return the refusal of the only reply, or that there is none; a refusal explains itself."""
        found: str | None = self.reply["refusal"]
        assert found is None or self.reply["detail"].endswith(".")
        return found

    @property
    def reasons(self) -> list[str]:
        """Return the reasons of the dead letters."""
        return [letter.reason for letter in self.dead]


def knows_who_is_coloured(book: Book) -> None:
    """Whom a book keeps as stopped, or near a limit, is who is found to be so when all are asked."""
    unread = map(AGENTS.decode, book.agents._stored.values())  # and stay so
    scopes: list[Scope] = [book.wallet, *book.farms.values(), *book.agents.read(), *unread]
    near = [one for one in scopes if one.trip is None and one.measure is not None]
    assert set(map(scope_key, book.tripped)) == {scope_key(one) for one in scopes if one.trip is not None}
    assert set(map(scope_key, book.near)) == set(map(scope_key, near))


def entry(stream: str, event: Mapping[str, Any] | bytes | None, entry_id: bytes) -> Entry:
    """Make an entry of an event, or of bytes as they are, or of none."""
    raw = event if isinstance(event, bytes) or event is None else json.dumps(event).encode()
    return Entry(INPUTS.index(stream), entry_id, raw)


class Driver:
    """A partition without a server. ``now`` is the time at which the next event is sent."""

    def __init__(self, wallet: str = "w") -> None:
        self.wallet_id = wallet
        self.now = START
        self.state: dict[str, dict[str, bytes]] = {kind: {} for kind in KINDS}
        self.outputs: list[tuple[str, bytes]] = []
        self.dead: list[DeadLetter] = []
        self.entries: list[Entry] = []
        self._count = 0
        self._last = (0, 0)
        self.fleet = Fleet()
        nothing = [0] * len(INPUTS)
        self.processor = Processor(
            Keys("sluicegate", 0), self.fleet, Repeats(), [b"0-0"] * len(INPUTS), nothing
        )

    def restarted(self) -> "Driver":
        """Return what a worker has that loads the committed state: the same history, nothing in memory."""
        fresh = Driver(self.wallet_id)
        fresh.now, fresh._count, fresh._last = self.now, self._count, self._last
        fresh.state = {kind: dict(fields) for kind, fields in self.state.items()}
        fresh.outputs, fresh.dead, fresh.entries = list(self.outputs), list(self.dead), list(self.entries)
        fresh.fleet.forget()
        for kind, fields in self.state.items():
            fresh.fleet.restore(kind, {field.encode(): value for field, value in fields.items()})
        fresh.fleet.restored()
        repeats = Repeats()
        remember(fresh.fleet, repeats, self.entries, {(letter.stream, letter.id) for letter in self.dead})
        fresh.processor = Processor(
            Keys("sluicegate", 0), fresh.fleet, repeats, self.processor.positions, self.processor.applied
        )
        return fresh

    # -- entries -------------------------------------------------------------------------------------------

    def process(self, entries: Sequence[Entry]) -> Step:
        """Process a batch and keep what its commit would write."""
        outcome: Outcome = self.processor.process(entries)
        for book in self.fleet.view.books.values():
            knows_who_is_coloured(book)
        for kind, changes in outcome.state.items():
            self.state[kind].update(changes.written)
            for field in changes.removed:
                self.state[kind].pop(field, None)
        self.entries += entries
        self.outputs += outcome.outputs
        self.dead += outcome.dead
        said = [Said(stream, msgspec.json.decode(event)) for stream, event in outcome.outputs]
        return Step(said, outcome.dead, outcome.details.repeats)

    def entry(self, stream: str, event: Mapping[str, Any] | bytes | None) -> Entry:
        """Make the entry that sending an event now would append."""
        ms, sequence = self._last
        self._last = (self.now, 0) if self.now > ms else (ms, sequence + 1)
        return entry(stream, event, b"%d-%d" % self._last)

    def send(self, stream: str, event: Mapping[str, Any] | bytes | None) -> Step:
        """Append an event and process it."""
        return self.process([self.entry(stream, event)])

    def after(self, ms: int) -> Self:
        """Let time pass; nothing happens by that alone."""
        self.now += ms
        return self

    def new_id(self) -> str:
        """Return an id that was not used."""
        self._count += 1
        return f"e{self._count}"

    def command(self, kind: str, **members: Any) -> Step:
        """Send a command; its id and wallet may be among the members."""
        return self.send("command", self.event(members) | {"kind": kind})

    def fill(
        self, agent: str, side: str, amount: object, price: object, symbol: str = "BTC/USDT", **members: Any
    ) -> Step:
        """Send a fill."""
        trade = {"agent": agent, "symbol": symbol, "side": side, "amount": amount, "price": price}
        return self.send("trade", trade | self.event(members))

    def balance(self, agent: str, **members: Any) -> Step:
        """Send an account snapshot."""
        return self.send("balance", {"agent": agent} | self.event(members))

    def goal(self, kind: str, goal: str, **members: Any) -> Step:
        """Send a goal event."""
        return self.send("goal", {"kind": kind, "goal": goal} | self.event(members))

    def tick(self) -> Step:
        """Send a tick."""
        return self.send("clock", {"timestamp": self.now})

    def event(self, members: Mapping[str, Any]) -> Json:
        """Add what every event carries to some members."""
        return {"id": self.new_id(), "wallet": self.wallet_id, "timestamp": self.now, **members}

    # -- state ---------------------------------------------------------------------------------------------

    def stored(self, kind: str, field: str) -> Json:
        """Return a stored entity."""
        document: Json = msgspec.json.decode(self.state[kind][field])
        return document

    @property
    def wallet(self) -> Json:
        """Return the wallet as it is stored."""
        return self.stored("wallets", self.wallet_id)

    def farm_of(self, farm: str) -> Json:
        """Return a farm as it is stored."""
        return self.stored("farms", f"{self.wallet_id}/{farm}")

    def agent_of(self, agent: str) -> Json:
        """Return an agent as it is stored."""
        return self.stored("agents", f"{self.wallet_id}/{agent}")

    def goal_of(self, goal: str) -> Json:
        """Return a goal as it is stored."""
        return self.stored("goals", f"{self.wallet_id}/{goal}")

    def bytes_of_state(self) -> dict[str, dict[str, bytes]]:
        """Return all that is stored, to compare with later."""
        return {kind: dict(fields) for kind, fields in self.state.items()}


QUIET: Final[Json] = {"rebalance": {"interval": 0, "threshold": 1.0, "reserve": 0, "settle": "1000d"}}
"""Rules under which no money moves unless a test asks for it."""

NO_BREAKERS: Final[Json] = {
    "agent_drawdown": None,
    "agent_daily_loss": None,
    "farm_daily_loss": None,
    "wallet_drawdown": None,
    "wallet_daily_loss": None,
}


CALM: Final[Json] = {"breakers": NO_BREAKERS}
"""Rules under which no loss stops anybody."""

MASTER: Final[Json] = {"type": "wallet", "id": "w"}


def farm(name: str) -> Json:
    """Name a farm as a scope."""
    return {"type": "farm", "id": name}


def agent(name: str) -> Json:
    """Name an agent as a scope."""
    return {"type": "agent", "id": name}


def funded(rules: Json | None = None, *, deposit: str = "10000", **agents: str) -> Driver:
    """
    Return a USDT wallet ``w`` with a deposit, a farm ``f`` and agents, each allocated the amount given.

    Nothing moves by itself unless the rules say so, and a second has passed since.
    """
    driver = Driver()
    merged = QUIET | (rules or {})
    driver.command("wallet_create", currency="USDT", rules=merged)
    driver.command("deposit", amount=deposit)
    driver.command("farm_create", farm="f")
    for agent, amount in agents.items():
        driver.command("agent_register", agent=agent, farm="f")
        if amount != "0":
            driver.command("allocate", agent=agent, amount=amount)
    driver.after(SECOND)
    return driver


def limited(**breakers: object) -> Json:
    """Return rules with no other limits than these."""
    return {"breakers": NO_BREAKERS | breakers}


def move(driver: Driver, source: Json, target: Json, amount: object, **members: Any) -> Step:
    """Transfer an amount."""
    return driver.command("transfer", source=source, target=target, amount=amount, **members)


def create_goal(driver: Driver, target: Json, *, goal: str = "g", **members: Any) -> Step:
    """Create a goal of farm f, of the type that the target fits."""
    shapes = {"trades": "trade_volume", "profit": "profit_target", "periods": "strategy_performance"}
    kind = next((shapes[name] for name in target if name in shapes), "custom")
    given = {"goal_type": kind, "target": target, "assigned": [farm("f")]} | members
    return driver.goal("goal_created", goal, **given)


def round_trip(driver: Driver, agent: str, profit: str, **members: Any) -> Step:
    """Have an agent open a position of 100 and close it with a profit: two fills, and the last step."""
    driver.fill(agent, "buy", "1", "100")
    return driver.fill(agent, "sell", "1", "100", cost=str(100 + float(profit)), **members)


def earn(driver: Driver, agent: str, profit: object) -> Step:
    """Have an agent realise a profit or loss of its own accounting, at a symbol of its own."""
    return driver.fill(agent, "buy", "1", "0.01", symbol="X/USDT", realized_pnl=profit)
