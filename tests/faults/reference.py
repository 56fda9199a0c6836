"""
What a load of inputs must come to: a fold written from docs/wire.md, knowing nothing of our packages.

It takes the raw entries of a partition's input streams and gives, for every agent and wallet, the figures the
state must show to the last digit. Its world is a small one: wallets, farms and agents are created, money is
deposited and allocated by command, and then there are fills. An input outside that world is a mistake of the
test and raises.

All arithmetic is in decimals of 120 digits, far beyond what any product here has; only `_money` and `_fine`
round, half to even.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, Final

import msgspec

INPUTS: Final = ("in:trade", "in:balance", "in:goal", "in:command", "in:clock")  # ties go by this order

_EXACT: Final = Context(prec=120, rounding=ROUND_HALF_EVEN)
_MONEY_STEP: Final = Decimal("1e-8")
_FINE_STEP: Final = Decimal("1e-12")
_NUMBER_MAX: Final = Decimal(10**18)
_ENTRY_BYTES_MAX: Final = 1_048_576
_YEAR_2000_MS: Final = 946_684_800_000
_FUTURE_MS: Final = 300_000

_NUMBER: Final = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)
_SYMBOL: Final = re.compile(r"([^/:\s]+)/([^/:\s]+)(?::([^/:\s]+))?", re.ASCII)

Zero: Final = Decimal(0)


class DeadError(Exception):
    """An input that must become a dead letter; its only argument is the reason."""

    @property
    def reason(self) -> str:
        """Word from the wire's table."""
        return str(self.args[0])


@dataclass(frozen=True, order=True)
class Entry:
    """One entry of an input stream, in the one order of a partition."""

    ms: int
    sequence: int
    place: int  # of its stream among the inputs
    fields: Mapping[bytes, bytes] = field(compare=False)

    @property
    def stream(self) -> str:
        """Name such as ``in:trade``."""
        return INPUTS[self.place]

    @property
    def id(self) -> str:
        """Id as the server writes it."""
        return f"{self.ms}-{self.sequence}"


def entry(stream: str, entry_id: bytes, fields: Mapping[bytes, bytes]) -> Entry:
    """Make an entry of what XRANGE gave."""
    ms, _, sequence = entry_id.decode().partition("-")
    return Entry(int(ms), int(sequence), INPUTS.index(stream), fields)


@dataclass
class Holding:
    """A position: cost has the sign of the amount."""

    amount: Decimal = Zero
    cost: Decimal = Zero
    unrealized_pnl: Decimal = Zero


@dataclass
class Agent:
    """Figures of an agent."""

    farm: str
    fills: int = 0
    cash: Decimal = Zero
    cost: Decimal = Zero  # of spot positions
    realized_pnl: Decimal = Zero
    fees: Decimal = Zero
    peak_equity: Decimal = Zero
    positions: dict[str, Holding] = field(default_factory=dict)

    @property
    def unrealized_pnl(self) -> Decimal:
        """At the last mark of each position."""
        return sum((holding.unrealized_pnl for holding in self.positions.values()), Zero)

    @property
    def equity(self) -> Decimal:
        """Money, spot positions at cost, and what all positions would earn."""
        return self.cash + self.cost + self.unrealized_pnl


@dataclass
class Wallet:
    """Figures of a wallet, with the ledger's outer accounts."""

    currency: str
    rates: dict[str, Decimal]
    time: int
    ticks: bool  # whether ticks move its time
    cash: Decimal = Zero
    world: Decimal = Zero
    market: Decimal = Zero
    fees_account: Decimal = Zero
    suspense: Decimal = Zero
    peak_equity: Decimal = Zero
    equity: Decimal = Zero
    farms: set[str] = field(default_factory=set)
    agents: dict[str, Agent] = field(default_factory=dict)
    commands: dict[str, bytes] = field(default_factory=dict)  # id → the bytes of the first with that id


@dataclass
class Expected:
    """What the inputs must come to."""

    wallets: dict[str, Wallet] = field(default_factory=dict)
    applied: list[tuple[str, str]] = field(default_factory=list)  # stream and entry id
    repeats: list[tuple[str, str]] = field(default_factory=list)
    dead: dict[tuple[str, str], str] = field(default_factory=dict)  # with the reason
    seen: set[tuple[str, str, str]] = field(default_factory=set)  # wallet, agent and fill id


def fold(entries: Iterable[Entry]) -> Expected:
    """Fold inputs in the order of their ids, ties by stream."""
    expected = Expected()
    for one in sorted(entries):
        name = one.stream, one.id
        try:
            if _apply(expected, one):
                expected.applied.append(name)
            else:
                expected.repeats.append(name)
        except DeadError as error:
            expected.dead[name] = error.reason
    return expected


def _apply(expected: Expected, one: Entry) -> bool:
    """Apply an input; False: it is a repeat."""
    event = _event(one.fields)
    if one.stream == "in:trade":
        return _trade(expected, one, event)
    if one.stream == "in:command":
        return _command(expected, one, event)
    if one.stream == "in:clock":
        _member(event, "timestamp", int)
        return True
    raise AssertionError(f"{one.stream} is outside this fold's world")


# -- commands ----------------------------------------------------------------------------------------------


def _command(expected: Expected, one: Entry, event: dict[str, Any]) -> bool:
    for name in ("id", "wallet", "kind"):
        _member(event, name, str)
    _check_time(event, one)
    kind, name, body = event["kind"], event["wallet"], one.fields[b"event"]
    if kind not in _COMMANDS:
        raise DeadError("unknown_kind")
    wallet = expected.wallets.get(name)
    if wallet is None:
        if kind != "wallet_create":
            raise DeadError("unknown_wallet")
        rules = event.get("rules", {})
        rates = {currency: _fine(rate) for currency, rate in rules.get("rates", {}).items()}
        ticks = rules.get("clock", "tick") == "tick"
        wallet = expected.wallets[name] = Wallet(event["currency"], rates, event["timestamp"], ticks)
    elif event["id"] in wallet.commands:
        assert wallet.commands[event["id"]] == body, "a second body under one id is outside this fold's world"
        return False
    wallet.commands[event["id"]] = body
    wallet.time = max(wallet.time, event["timestamp"])
    if kind == "farm_create":
        wallet.farms.add(event["farm"])
    elif kind == "agent_register":
        assert event["farm"] in wallet.farms
        wallet.agents[event["agent"]] = Agent(event["farm"])
    elif kind == "deposit":
        amount = _money(event["amount"])
        wallet.world -= amount
        wallet.cash += amount
        wallet.equity += amount
        wallet.peak_equity = wallet.equity
        assert not any(agent.fills for agent in wallet.agents.values()), "deposits come before fills here"
    elif kind == "allocate":
        amount, agent = _money(event["amount"]), wallet.agents[event["agent"]]
        assert 0 < amount <= wallet.cash, "refusals are outside this fold's world"
        assert not agent.fills, "allocations come before fills here"
        wallet.cash -= amount
        agent.cash += amount
        agent.peak_equity = agent.cash
    return True


_COMMANDS: Final = ("wallet_create", "farm_create", "agent_register", "deposit", "allocate")


# -- fills -------------------------------------------------------------------------------------------------


def _trade(expected: Expected, one: Entry, event: dict[str, Any]) -> bool:
    for name in ("id", "wallet", "agent", "symbol", "side"):
        _member(event, name, str)
    _member(event, "timestamp", int)
    if event["side"] not in ("buy", "sell"):
        raise DeadError("invalid_member")
    identity = event["wallet"], event["agent"], event["id"]
    if identity in expected.seen:
        return False
    wallet = expected.wallets.get(event["wallet"])
    if wallet is None:
        raise DeadError("unknown_wallet")
    agent = wallet.agents.get(event["agent"])
    if agent is None:
        raise DeadError("unknown_agent")
    if not _ID.fullmatch(event["id"]):
        raise DeadError("invalid_id")
    _check_time(event, one)
    fill = _fill(wallet, event)
    expected.seen.add(identity)
    wallet.time = max(wallet.time, event["timestamp"])
    _take(wallet, agent, event["symbol"], fill)
    return True


@dataclass
class _Fill:
    quantity: Decimal  # signed
    worth: Decimal
    fee: Decimal
    price: Decimal
    rate: Decimal
    spot: bool
    believed: Decimal | None


def _fill(wallet: Wallet, event: dict[str, Any]) -> _Fill:
    symbol = _SYMBOL.fullmatch(event["symbol"])
    if symbol is None:
        raise DeadError("invalid_symbol")
    base, quote, settle = symbol[1], symbol[2], symbol[3]
    price, amount = _positive(_member(event, "price")), _positive(_member(event, "amount"))
    rate = _rate(wallet, quote)
    cost = event.get("cost")
    worth = _round_money(_EXACT.multiply(price, amount)) if cost is None else _money(cost)
    if worth < 0:
        raise DeadError("out_of_range")
    buying = event["side"] == "buy"
    fee = Zero
    for currency, paid in _fees(event):
        if currency == base and settle is None:
            # Paid in what was traded: less was received, or more was given up, than the amount.
            quantity = _fine(paid)
            value = _round_money(_EXACT.multiply(quantity, price))
            amount += -quantity if buying else quantity
            worth += -value if buying else value
            fee += _round_money(_EXACT.multiply(value, rate))
        else:
            fee += _round_money(_EXACT.multiply(_money(paid), _rate(wallet, currency)))
    believed = event.get("realized_pnl")
    if believed is not None:
        believed = _round_money(_EXACT.multiply(_money(believed), rate))
    worth = _round_money(_EXACT.multiply(worth, rate))
    return _Fill(amount if buying else -amount, worth, fee, price, rate, settle is None, believed)


def _take(wallet: Wallet, agent: Agent, symbol: str, fill: _Fill) -> None:
    before = agent.equity
    holding = agent.positions.setdefault(symbol, Holding())
    cost_before = holding.cost
    realized = _average_cost(holding, fill.quantity, fill.worth)
    if fill.believed is not None:
        realized = fill.believed
    if fill.spot:
        moved = holding.cost - cost_before
        agent.cost += moved
        agent.cash -= moved
    agent.cash += realized - fill.fee
    agent.realized_pnl += realized
    agent.fees += fill.fee
    agent.fills += 1
    value = _round_money(_EXACT.multiply(holding.amount, fill.price))
    holding.unrealized_pnl = _round_money(_EXACT.multiply(value, fill.rate)) - holding.cost
    if holding.amount == 0:
        del agent.positions[symbol]
    agent.peak_equity = max(agent.peak_equity, agent.equity)
    wallet.market -= realized
    wallet.fees_account += fill.fee
    wallet.equity += agent.equity - before
    wallet.peak_equity = max(wallet.peak_equity, wallet.equity)


def _average_cost(holding: Holding, quantity: Decimal, worth: Decimal) -> Decimal:
    """Add a fill at average cost; return the profit it realised."""
    held = holding.amount
    sign = 1 if quantity > 0 else -1
    if held * quantity >= 0:
        holding.amount += quantity
        holding.cost += sign * worth
        return Zero
    if abs(quantity) > abs(held):
        # It closes what is held and opens the other side with the rest.
        closing = _round_money(_EXACT.divide(_EXACT.multiply(worth, abs(held)), abs(quantity)))
        realized = _average_cost(holding, -held, closing)
        holding.amount = held + quantity
        holding.cost = sign * (worth - closing)
        return realized
    share = _EXACT.divide(_EXACT.multiply(holding.cost, abs(quantity)), abs(held))
    removed = holding.cost if quantity == -held else _round_money(share)
    holding.amount += quantity
    holding.cost -= removed
    # A sale earns what it brought above the cost; buying back costs what was received for the short.
    return -sign * worth - removed


def _fees(event: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    fees = event["fees"] if event.get("fees") is not None else [event.get("fee")]
    for fee in fees:
        if fee is not None and fee.get("cost") is not None:
            yield fee["currency"], fee["cost"]


def _rate(wallet: Wallet, currency: str) -> Decimal:
    if currency == wallet.currency:
        return Decimal(1)
    if currency not in wallet.rates:
        raise DeadError("unknown_currency")
    return wallet.rates[currency]


# -- what an entry holds -----------------------------------------------------------------------------------


class _Numeral(str):
    """A JSON number with a fraction or exponent, as its text."""

    __slots__ = ()


def _event(fields: Mapping[bytes, bytes]) -> dict[str, Any]:
    raw = fields.get(b"event")
    if raw is None:
        raise DeadError("no_event")
    if len(raw) > _ENTRY_BYTES_MAX:
        raise DeadError("too_large")
    try:
        if raw[:1] in (b"{", b" ", b"\t", b"\r", b"\n"):
            event = json.loads(raw, parse_float=_Numeral, parse_constant=_no_number)
        else:
            event = msgspec.msgpack.decode(raw)
    except (ValueError, msgspec.DecodeError):
        raise DeadError("not_decodable") from None
    if not isinstance(event, dict):
        raise DeadError("not_decodable")
    return event


def _no_number(text: str) -> None:
    raise ValueError(text)


def _member(event: dict[str, Any], name: str, kind: type | None = None) -> Any:
    if name not in event:
        raise DeadError("invalid_member")
    value = event[name]
    if kind is not None and (type(value) is _Numeral or not isinstance(value, kind)):
        raise DeadError("invalid_member")
    return value


def _check_time(event: dict[str, Any], one: Entry) -> None:
    timestamp = _member(event, "timestamp", int)
    if not _YEAR_2000_MS <= timestamp <= one.ms + _FUTURE_MS:
        raise DeadError("invalid_timestamp")


def _decimal(number: Any) -> Decimal:
    text = repr(number) if isinstance(number, int | float) else str(number)
    if len(text) > 38 or not _NUMBER.fullmatch(text):
        raise DeadError("invalid_number")
    value = Decimal(text)
    if abs(value) > _NUMBER_MAX:
        raise DeadError("out_of_range")
    return value


def _round_money(value: Decimal) -> Decimal:
    return value.quantize(_MONEY_STEP, context=_EXACT)


def _money(number: Any) -> Decimal:
    return _round_money(_decimal(number))


def _fine(number: Any) -> Decimal:
    return _decimal(number).quantize(_FINE_STEP, context=_EXACT)


def _positive(number: Any) -> Decimal:
    value = _fine(number)
    if value <= 0:
        raise DeadError("out_of_range")
    return value
