"""The state of the wallet as sluicegate keeps it in Redis, read by hand as anyone may."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple, TypeVar

import msgspec

from examples.fleet.wire import INPUTS, Wire

_ZERO = Decimal(0)


class _Entity(msgspec.Struct):
    """Members not named here are left out: the state may grow without breaking those who read it."""

    id: str
    wallet: str = ""
    state: str = "active"


class Wallet(_Entity):
    """The master."""

    currency: str = ""
    cash: Decimal = _ZERO
    equity: Decimal = _ZERO
    drawdown: float = 0.0
    breaker: str = "green"
    reserve: Decimal = _ZERO
    time: int | str = 0

    @property
    def date(self) -> str:
        """The day of its stream time."""
        if isinstance(self.time, str):
            return self.time[:10]
        return datetime.fromtimestamp(self.time / 1000, UTC).date().isoformat() if self.time else "-"


class Farm(_Entity):
    """A group of agents."""

    type: str = ""
    equity: Decimal = _ZERO
    drawdown: float = 0.0
    breaker: str = "green"


class Agent(_Entity):
    """A bot, as sluicegate sees it."""

    farm: str = ""
    tier: str | None = None
    cash: Decimal = _ZERO
    equity: Decimal = _ZERO
    budget: Decimal = _ZERO
    drawdown: float = 0.0
    realized_pnl: Decimal = _ZERO
    trades: int = 0
    breaker: str = "green"


class Goal(_Entity):
    """A goal and how far it is."""

    name: str | None = None
    progress: float = 0.0


class Snapshot(NamedTuple):
    """All of one wallet at one moment."""

    wallet: Wallet
    farms: list[Farm]
    agents: list[Agent]
    goals: list[Goal]
    applied: dict[str, int]  # input stream → entries applied
    dead: int

    @property
    def fills(self) -> int:
        """How many fills have been applied."""
        return self.applied["in:trade"]


_E = TypeVar("_E", bound=_Entity)


def snapshot(wire: Wire, wallet: str) -> Snapshot:
    """Read it in one round trip."""
    pipe = wire.client.pipeline(transaction=False)
    for kind in ("wallets", "farms", "agents", "goals"):
        pipe.hvals(wire.key(f"state:{kind}"))
    pipe.hgetall(wire.key("checkpoint"))
    pipe.xlen(wire.key("dead"))
    wallets, farms, agents, goals, checkpoint, dead = pipe.execute()
    found = [one for one in _entities(wallets, Wallet) if one.id == wallet]
    return Snapshot(
        found[0] if found else Wallet(wallet),
        [farm for farm in _entities(farms, Farm) if farm.wallet == wallet],
        [agent for agent in _entities(agents, Agent) if agent.wallet == wallet],
        [goal for goal in _entities(goals, Goal) if goal.wallet == wallet],
        {f"in:{name}": int(checkpoint.get(f"in:{name}:applied".encode(), 0)) for name in INPUTS},
        dead,
    )


def _entities(values: list[bytes], kind: type[_E]) -> list[_E]:
    found = [msgspec.json.decode(value, type=kind, strict=False) for value in values]
    return sorted(found, key=lambda entity: entity.id)
