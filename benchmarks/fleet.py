"""Fleets to measure with: who is declared, what is traded, and what it has to come to."""

import json
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import count, islice
from typing import Any, Final, NamedTuple

import msgspec

from handlers.trade import Trade

START_MS: Final = 1_700_000_000_000  # stream time at which a fleet is declared
FUNDS: Final = 400_000  # of each agent
RULES: Final = {
    "clock": "event",
    # Money stays where it is: what the fills come to is then known without the worker.
    "rebalance": {"interval": "1h", "threshold": 1000, "settle": "1000d"},
    "breakers": {"agent_drawdown": 0.9, "agent_daily_loss": 0.9, "wallet_daily_loss": 0.9},
}
_A_MILLISECOND: Final = 150  # fills; so that neither a bin nor a plan falls due while it is measured
_LINKED_MAX: Final = 1000
_SYMBOLS: Final = 20

# Of each agent (`wallet/agent`) what its fills did to its cash, and the positions they left.
Books = dict[str, tuple[Decimal, dict[str, Decimal]]]

# What every loop here decodes with, those of the peers too: numbers stay text, to be read exactly.
decode = msgspec.json.Decoder(Trade, float_hook=str).decode


class Fleet(NamedTuple):
    """How many of everything there are: farms, agents and goals are those of each wallet."""

    wallets: int = 1
    farms: int = 10
    agents: int = 200
    goals: int = 10  # of volume, each of one farm; farms take turns
    idle_goals: int = 0  # of the last agent, for fills of others to pass by

    def declared(self) -> list[bytes]:
        """Commands that make the wallets, farms and agents, and fund every agent."""
        return [event for wallet in range(self.wallets) for event in self._wallet(f"w{wallet}")]

    def aims(self) -> list[bytes]:
        """Events that create the goals."""
        farms = [{"type": "farm", "id": f"f{i % self.farms}"} for i in range(self.goals)]
        idle = [{"type": "agent", "id": f"a{self.agents - 1}"}] * self.idle_goals
        return [
            _event(
                f"g{i}",
                f"w{wallet}",
                "goal_created",
                goal=f"g{i}",
                goal_type="trade_volume",
                target={"trades": 100_000_000},
                assigned=[scope],
            )
            for wallet in range(self.wallets)
            for i, scope in enumerate(farms + idle)
        ]

    def _wallet(self, wallet: str) -> Iterator[bytes]:
        yield _event("create", wallet, "wallet_create", currency="USDT", rules=RULES)
        yield _event("deposit", wallet, "deposit", amount=str(2 * FUNDS * self.agents))
        for i in range(self.farms):
            yield _event(f"f{i}", wallet, "farm_create", farm=f"f{i}")
        for i in range(self.agents):
            yield _event(f"a{i}", wallet, "agent_register", agent=f"a{i}", farm=f"f{i % self.farms}")
        master = {"type": "wallet", "id": wallet}
        for first in range(0, self.agents, _LINKED_MAX):
            last = min(first + _LINKED_MAX, self.agents)
            agents = ({"type": "agent", "id": f"a{i}"} for i in range(first, last))
            linked = [{"source": master, "target": agent, "amount": str(FUNDS)} for agent in agents]
            yield _event(f"funds{first}", wallet, "transfer", linked=linked)


def _event(name: str, wallet: str, kind: str, **members: Any) -> bytes:  # noqa: ANN401  # JSON
    return json.dumps({"id": name, "wallet": wallet, "timestamp": START_MS, "kind": kind, **members}).encode()


def trading(fleet: Fleet, seed: int, label: str = "t") -> Iterator[bytes]:
    """
    Make fills without end, of agents drawn at random, over 20 symbols, as JSON with decimals in strings.

    Args:
        fleet: whose agents trade.
        seed: everything is drawn from it.
        label: that ids begin with; what is published twice under one label is a repeat.

    """
    rng = random.Random(seed)
    prices = [rng.randint(1_000, 6_000_000) / 100 for _ in range(_SYMBOLS)]
    for i in count():
        wallet, agent, s = rng.randrange(fleet.wallets), rng.randrange(fleet.agents), rng.randrange(_SYMBOLS)
        prices[s] = round(prices[s] * (1 + rng.gauss(0, 0.0002)), 2)
        amount = round(rng.randint(1, 40) * 10 / prices[s], 4) or 0.0001
        side = "buy" if rng.random() < 0.5 else "sell"
        yield (
            f'{{"id":"{label}{i}","wallet":"w{wallet}","agent":"a{agent}",'
            f'"timestamp":{START_MS + 1000 + i // _A_MILLISECOND},"symbol":"C{s}/USDT","side":"{side}",'
            f'"price":"{prices[s]}","amount":"{amount}","fee":{{"currency":"USDT","cost":"0.01"}},'
            f'"takerOrMaker":"taker","order":"o{i}"}}'.encode()
        )


def first_fills(fleet: Fleet) -> Iterator[bytes]:
    """Make a fill of each agent."""
    for wallet in range(fleet.wallets):
        for agent in range(fleet.agents):
            yield (
                f'{{"id":"first","wallet":"w{wallet}","agent":"a{agent}","timestamp":{START_MS + 1000},'
                f'"symbol":"C0/USDT","side":"buy","price":"100","amount":"0.01",'
                '"fee":{"currency":"USDT","cost":"0.01"}}'.encode()
            )


def fills(fleet: Fleet, wanted: int, seed: int, label: str = "t") -> list[bytes]:
    """Make so many of them."""
    return list(islice(trading(fleet, seed, label), wanted))


def fold(events: Iterable[bytes]) -> Books:
    """Tell what fills come to: of each agent its cash and its open positions. What is measured must agree."""
    cash: defaultdict[str, Decimal] = defaultdict(Decimal)
    positions: defaultdict[str, defaultdict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for event in events:
        trade = json.loads(event)
        agent, sign = f"{trade['wallet']}/{trade['agent']}", 1 if trade["side"] == "buy" else -1
        amount = sign * Decimal(trade["amount"])
        cash[agent] -= amount * Decimal(trade["price"]) + Decimal(trade["fee"]["cost"])
        positions[agent][trade["symbol"]] += amount
    return {agent: (paid, _open(positions[agent])) for agent, paid in cash.items()}


def together(one: Books, other: Books) -> Books:
    """Add up what two sets of fills come to."""
    summed = dict(one)
    for agent, (cash, positions) in other.items():
        before, held = summed.get(agent, (Decimal(), {}))
        symbols = held.keys() | positions.keys()
        amounts = {symbol: held.get(symbol, 0) + positions.get(symbol, Decimal()) for symbol in symbols}
        summed[agent] = (before + cash, _open(amounts))
    return summed


def _open(positions: dict[str, Decimal]) -> dict[str, Decimal]:
    return {symbol: amount for symbol, amount in positions.items() if amount}


def books(stored: Iterable[bytes]) -> Books:
    """Read the same from the agents that a worker has stored; those that did not trade are left out."""
    agents = (json.loads(agent) for agent in stored)
    return {
        f"{agent['wallet']}/{agent['id']}": (
            Decimal(agent["cash"]) - FUNDS,
            {symbol: Decimal(position["amount"]) for symbol, position in agent["positions"].items()},
        )
        for agent in agents
        if agent["trades"]
    }


def checksum(events: Iterable[bytes]) -> tuple[int, int]:
    """Tell how many fills there are and what their times sum to, for what only reads and decodes them."""
    times = [decode(event).timestamp for event in events]
    return len(times), sum(times)
