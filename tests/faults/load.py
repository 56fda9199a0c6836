"""
A load of fills in every shape bots send them, made from a seed.

JSON and MessagePack, numbers and strings, fees in three kinds of currency, longs, shorts and derivatives,
fills that come late, about one repeat in a hundred, and now and then something that cannot be applied, sent
again put right. The rules of its wallets keep capital where it is: no rebalance, no breaker, no collection.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any, Final

import msgspec

Fields = tuple[bytes, bytes]

HOUR_MS: Final = 3_600_000
_NEVER: Final = "36500d"
_AGENTS_A_FARM: Final = 25

_REPEATS: Final = 0.01
_FAULTS: Final = 0.004

# Symbol, price, decimals of its prices and amounts, typical amount.
_MARKETS: Final = (
    ("BTC/USDT", "64000", 2, 6, "0.02"),
    ("ETH/USDT", "3100", 2, 5, "0.4"),
    ("SOL/USDT", "142.5", 3, 3, "9"),
    ("DOGE/USDT", "0.12345", 5, 0, "9000"),
    ("PEPE/USDT", "0.0000000123", 12, 1, "80000000"),
    ("ETH/BTC", "0.05123", 5, 3, "0.4"),
    ("BTC/USDT:USDT", "64000", 1, 3, "0.02"),
)
_RATES: Final = {"BTC": "64123.456789012", "BNB": "581.37"}


@dataclass(frozen=True)
class Load:
    """What is to be published: commands first, then fills."""

    commands: list[bytes]
    fills: list[Fields]  # the one field of each entry


def rules(*, clock: str, conflation: str = "5m") -> dict[str, Any]:
    """Rules under which nothing moves but by fills."""
    return {
        "clock": clock,
        "rebalance": {"interval": 0, "threshold": 1e9, "settle": _NEVER, "cooldown": _NEVER},
        "breakers": {
            f"{scope}_{measure}": None
            for scope in ("agent", "farm", "wallet")
            for measure in ("drawdown", "daily_loss")
        },
        "collection": {"share": 0.0, "interval": 0},
        "performance": {"bin": "1h"},
        "conflation": conflation,
        "rates": _RATES,
    }


def make_load(
    random: Random,
    *,
    wallets: Sequence[str],
    agents: int,
    fills: int,
    now_ms: int,
    hours: int = 6,
    conflation: str = "5m",
) -> Load:
    """
    Make a load.

    Args:
        random: everything is drawn from it.
        wallets: their ids. Every second one lives by the fills' time, the others by ticks.
        agents: over all wallets.
        fills: entries of in:trade, repeats and faulty ones among them.
        now_ms: time of the last fill.
        hours: time from the first to the last.
        conflation: least time between two balance updates of a scope; with none, each fill is told.

    """
    homes = [(wallets[i % len(wallets)], f"bot-{i:03d}") for i in range(agents)]
    start_ms = now_ms - hours * HOUR_MS
    commands = [
        event
        for i, wallet in enumerate(wallets)
        for event in _commands(wallet, i, homes, start_ms, conflation)
    ]
    # A repeat of a command is answered again and changes nothing.
    commands.extend(random.sample(commands, 5))
    return Load(commands, _Fills(random, homes).make(fills, start_ms, now_ms))


def _commands(
    wallet: str, place: int, homes: Sequence[tuple[str, str]], start_ms: int, conflation: str
) -> list[bytes]:
    asked: list[dict[str, Any]] = [
        {
            "kind": "wallet_create",
            "currency": "USDT",
            "rules": rules(clock="tick" if place % 2 else "event", conflation=conflation),
        },
        {"kind": "deposit", "amount": "25000000.00000001"},
    ]
    mine = [agent for home, agent in homes if home == wallet]
    for i in range(0, len(mine), _AGENTS_A_FARM):
        farm = f"farm-{i // _AGENTS_A_FARM}"
        asked.append({"kind": "farm_create", "farm": farm, "type": "trend_following"})
        for agent in mine[i : i + _AGENTS_A_FARM]:
            asked.append({"kind": "agent_register", "agent": agent, "farm": farm})
            asked.append({"kind": "allocate", "agent": agent, "amount": "100000.12345678"})
    header = {"wallet": wallet, "timestamp": start_ms, "by": "test"}
    return [msgspec.json.encode({"id": f"c{i}", **header, **body}) for i, body in enumerate(asked)]


class _Fills:
    """Makes fills; knows what was made to repeat it, and what is held to close it exactly."""

    def __init__(self, random: Random, homes: Sequence[tuple[str, str]]) -> None:
        self._random = random
        self._homes = homes
        self._prices = {symbol: Decimal(price) for symbol, price, *_ in _MARKETS}
        self._held: dict[tuple[str, str], Decimal] = {}
        self._made: list[dict[str, Any]] = []
        self._to_mend: list[dict[str, Any]] = []

    def make(self, count: int, start_ms: int, end_ms: int) -> list[Fields]:
        """Make entries of in:trade."""
        random = self._random
        entries: list[Fields] = []
        for i in range(count):
            timestamp = start_ms + (end_ms - start_ms) * i // count
            draw = random.random()
            if self._made and draw < _REPEATS:
                entries.append((b"event", self._encode(self._repeat())))
            elif draw < _REPEATS + _FAULTS:
                entries.append(self._faulty(i, timestamp))
            elif self._to_mend and draw < _REPEATS + 2 * _FAULTS:
                fill = self._to_mend.pop(random.randrange(len(self._to_mend)))
                entries.append((b"event", self._encode(fill)))
            else:
                fill = self._fill(i, timestamp)
                self._made.append(fill)
                entries.append((b"event", self._encode(fill)))
        return entries

    def _fill(self, i: int, timestamp: int) -> dict[str, Any]:
        random = self._random
        wallet, agent = random.choice(self._homes)
        symbol, _, price_digits, amount_digits, typical = random.choice(_MARKETS)
        price = self._walk(symbol, price_digits)
        held = self._held.get((agent, symbol), Decimal(0))
        if held and random.random() < 0.2:
            amount = abs(held)
            buying = held < 0
        else:
            scaled = Decimal(typical) * Decimal(str(random.uniform(0.1, 2.0)))
            amount = max(round(scaled, amount_digits), Decimal(1).scaleb(-amount_digits))
            buying = random.random() < 0.5
        self._held[agent, symbol] = held + (amount if buying else -amount)
        if random.random() < 0.02:
            timestamp -= random.randrange(HOUR_MS)
        fill: dict[str, Any] = {
            "id": f"f{i}",
            "wallet": wallet,
            "agent": agent,
            "timestamp": timestamp,
            "symbol": symbol,
            "side": "buy" if buying else "sell",
            "price": price,
            "amount": amount,
            "order": f"o{i}",
            "takerOrMaker": "taker",
        }
        # A fill without a fee adds to a spot position, so every fill moves money.
        adds = ":" not in symbol and held * (1 if buying else -1) >= 0
        fill |= {} if adds and random.random() < 0.2 else self._fee(symbol, price * amount)
        draw = random.random()
        if draw < 0.1:
            fill["cost"] = round(price * amount, 8)
        elif draw < 0.13 and symbol.endswith(":USDT"):
            fill["realized_pnl"] = round(Decimal(str(random.uniform(-50, 50))), 6)
        return fill

    def _walk(self, symbol: str, digits: int) -> Decimal:
        step = Decimal(str(self._random.gauss(1.0, 0.0005)))
        price = round(self._prices[symbol] * step, digits)
        if price > 0:
            self._prices[symbol] = price
        return self._prices[symbol]

    def _fee(self, symbol: str, worth: Decimal) -> dict[str, Any]:
        random = self._random
        base, _, quote = symbol.partition(":")[0].partition("/")
        draw = random.random()
        if draw < 0.1 and base == "SOL":
            return {"fee": {"currency": "SOL", "cost": Decimal("0.000123")}}
        if draw < 0.4:
            return {"fee": {"currency": "BNB", "cost": Decimal(random.randrange(-2000, 20_000)).scaleb(-8)}}
        fee = {"currency": quote, "cost": round(worth / 1000, 8)}
        if draw < 0.6:
            return {"fees": [fee, {"currency": "BNB", "cost": Decimal("0.00001")}]}
        return {"fee": fee}

    def _repeat(self) -> dict[str, Any]:
        """Repeat a fill, near or far back; some repeats tell another price."""
        random = self._random
        back = random.choice((3, 300, 30_000, len(self._made)))
        fill = self._made[random.randrange(max(len(self._made) - back, 0), len(self._made))]
        return {**fill, "price": fill["price"] * 2} if random.random() < 0.3 else fill

    def _faulty(self, i: int, timestamp: int) -> Fields:
        random = self._random
        fill = self._fill(i, timestamp)
        field, event = random.choice(_faults(fill))
        if isinstance(event, bytes):
            return field, event
        # Its id is still free: the fill may be sent again, put right.
        self._to_mend.append(fill)
        return field, self._encode(event)

    def _encode(self, fill: dict[str, Any]) -> bytes:
        random = self._random
        packed = random.random() < 0.5
        as_text = random.random() < 0.5
        if packed:
            return msgspec.msgpack.encode(_numbers(fill, str if as_text else _float))
        if as_text:
            return msgspec.json.encode(_numbers(fill, str))
        # The standard library writes ints and floats; a decimal's own text takes its place afterwards.
        numerals: list[str] = []

        def numeral(value: Decimal) -> str:
            numerals.append(format(value, "f") if random.random() < 0.9 else f"{value:e}")
            return f"<{len(numerals) - 1}>"

        text = json.dumps(_numbers(fill, numeral))
        for place, number in enumerate(numerals):
            text = text.replace(f'"<{place}>"', number)
        return text.encode()


def _numbers(value: Any, write: Callable[[Decimal], Any]) -> Any:
    if isinstance(value, Decimal):
        return write(value)
    if isinstance(value, dict):
        return {name: _numbers(one, write) for name, one in value.items()}
    if isinstance(value, list):
        return [_numbers(one, write) for one in value]
    return value


def _float(value: Decimal) -> float | str:
    """Float where that loses nothing."""
    number = float(value)
    return number if Decimal(repr(number)) == value else str(value)


def _faults(fill: dict[str, Any]) -> list[tuple[bytes, Any]]:
    """Make what is wrong with a fill: field and event. Each has one fault, so that one reason is right."""
    missing = {name: value for name, value in fill.items() if name != "symbol"}
    changes: list[dict[str, Any]] = [
        {"side": "hold"},
        {"timestamp": str(fill["timestamp"])},
        {"id": "no spaces allowed"},
        {"price": "NaN"},
        {"price": "1" * 39},
        {"amount": "1e19"},
        {"amount": "-1"},
        {"price": "0"},
        {"timestamp": 915_148_800_000},
        {"timestamp": 4_102_444_800_000},
        {"symbol": "BTCUSDT"},
        {"symbol": "BTC/EUR"},
        {"wallet": "nobody"},
        {"agent": "nobody"},
    ]
    if fill["id"].endswith("7"):
        changes.append({"note": "x" * 1_100_000})
    return [
        (b"trade", b"{}"),
        (b"event", b'{"id": "' + fill["id"].encode()),
        (b"event", b"[1, 2, 3]"),
        (b"event", b"\xc1\xff\x00"),
        (b"event", b"null"),
        (b"event", b""),
        (b"event", missing),
        *((b"event", {**fill, **change}) for change in changes),
    ]
