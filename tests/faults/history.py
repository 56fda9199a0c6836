"""
A history of inputs of all five kinds, with ids of its own, made from a seed.

A night in the life of four wallets: two live by ticks, two by their events. Their agents trade, report
balances and marks, work towards goals, lose enough to be stopped, and operators command them about. A part of
it repeats, a part cannot be applied, and entries of several streams share their ids.
"""

from collections import defaultdict
from collections.abc import Callable
from random import Random
from typing import Any, Final

import msgspec

START_MS: Final = 1_767_290_400_000  # 2026-01-01T18:00:00Z
HOUR_MS: Final = 3_600_000

_FARMS: Final = ("trend", "breakout", "price-action")
_AGENTS: Final = 18  # of a wallet
_SYMBOLS: Final = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "ETH/BTC", "BTC/USDT:USDT")
_RATES: Final = {"BTC": "64123.456789", "BNB": "581.37"}

_WALLETS: Final[dict[str, dict[str, Any]]] = {
    "by-event": {
        "clock": "event",
        "conflation": "5m",
        "rebalance": {"interval": "30m"},
        "collection": {"interval": "2h", "share": 0.4},
        "performance": {"bin": "1h", "benchmark": "BTC/USDT"},
        "rates": _RATES,
    },
    "by-tick": {
        "clock": "tick",
        "conflation": "2m",
        "rebalance": {"method": "equal", "interval": "1h"},
        "breakers": {"cool_off": "30m", "agent_losing_streak": 6, "farm_losing_streak": 9},
        "rates": _RATES,
    },
    "drifting": {
        "clock": "event",
        "conflation": "10m",
        "rebalance": {"interval": 0, "threshold": 0.03, "settle": "10s", "turnover": 0.5},
        "breakers": {
            "farm_drawdown": 0.1,
            "action": "liquidate",
            "wallet_drawdown": None,
            "agent_window_loss": 0.03,
            "farm_window_loss": 0.02,
            "loss_window": "10m",
            "smoothing": "1m",
        },
        "performance": {"bin": "2h"},
        "rates": _RATES,
    },
    "plain": {
        "performance": {"bin": "30m"},
        "conflation": "5m",
        "breakers": {"agent_drawdown": 0.1, "agent_daily_loss": 0.06, "smoothing": 0},
        "rates": _RATES,
    },
}

Json = dict[str, Any]
Streams = dict[str, list[tuple[str, bytes]]]
"""By input stream, in order: entry id and event."""


class History:
    """Draws inputs one after the other."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._ms = START_MS
        self._last: dict[str, tuple[int, int]] = {}
        self._streams: Streams = defaultdict(list)
        self._sent: dict[str, list[Json]] = defaultdict(list)
        self._prices = dict(zip(_SYMBOLS, (64000.0, 3100.0, 142.5, 0.05, 64000.0), strict=True))
        self._numbers = 0
        self._tick_ms = START_MS

    def make(self, count: int) -> Streams:
        """Make so many inputs in all; their order is that of their ids, ties by stream."""
        for wallet, rules in _WALLETS.items():
            self._found(wallet, rules)
        kinds: list[tuple[Callable[[], None], int]] = [
            (self._trade, 760),
            (self._balance, 120),
            (self._goal, 6),
            (self._command, 16),
            (self._repeat, 15),
            (self._faulty, 10),
        ]
        makers, weights = [maker for maker, _ in kinds], [weight for _, weight in kinds]
        while sum(map(len, self._streams.values())) < count:
            self._pass_time()
            if self._ms >= self._tick_ms:
                self._tick_ms = self._ms + 60_000
                self._append("clock", {"timestamp": self._ms})
            else:
                self._random.choices(makers, weights)[0]()
        return self._streams

    # -- entries -------------------------------------------------------------------------------------------

    def _pass_time(self) -> None:
        draw = self._random.random()
        if draw < 0.3:
            return
        self._ms += self._random.randrange(1, 6) if draw < 0.6 else round(self._random.expovariate(1 / 1_000))

    def _append(self, stream: str, event: Json | bytes) -> None:
        ms, sequence = self._last.get(stream, (0, 0))
        self._last[stream] = (self._ms, sequence + 1 if ms == self._ms else 0)
        if isinstance(event, dict):
            encode = msgspec.msgpack.encode if self._random.random() < 0.4 else msgspec.json.encode
            event = encode(event)
        self._streams[stream].append(("{}-{}".format(*self._last[stream]), event))

    def _send(self, stream: str, event: Json) -> None:
        self._sent[stream].append(event)
        self._append(stream, event)

    def _header(self, wallet: str, prefix: str) -> Json:
        self._numbers += 1
        random = self._random
        timestamp = self._ms - random.randrange(3000)
        if random.random() < 0.02:
            timestamp = self._ms - random.randrange(HOUR_MS)
        return {"id": f"{prefix}{self._numbers}", "wallet": wallet, "timestamp": timestamp}

    def _wallet(self) -> str:
        return self._random.choice(tuple(_WALLETS))

    def _agent(self) -> str:
        return f"bot-{self._random.randrange(_AGENTS)}"

    def _scope(self, wallet: str) -> Json:
        kind = self._random.choices(("agent", "farm", "wallet"), (8, 3, 1))[0]
        name = {"agent": self._agent(), "farm": self._random.choice(_FARMS), "wallet": wallet}[kind]
        return {"type": kind, "id": name}

    def _amount(self, low: float, high: float) -> str:
        return f"{self._random.uniform(low, high):.8f}"

    # -- the beginning -------------------------------------------------------------------------------------

    def _found(self, wallet: str, rules: Json) -> None:
        asked: list[Json] = [
            {"kind": "wallet_create", "currency": "USDT", "rules": rules},
            {"kind": "deposit", "amount": "100000"},
            *({"kind": "farm_create", "farm": farm, "type": farm} for farm in _FARMS),
        ]
        for i in range(_AGENTS):
            mode = ("safe", "balanced", "risky", "aggressive")[i % 4]
            farm = _FARMS[i % len(_FARMS)]
            asked.append({"kind": "agent_register", "agent": f"bot-{i}", "farm": farm, "risk_mode": mode})
        for body in asked:
            self._ms += 1
            self._send("command", {**self._header(wallet, "c"), **body})

    # -- what goes on --------------------------------------------------------------------------------------

    def _trade(self) -> None:
        random = self._random
        symbol = random.choice(_SYMBOLS)
        price = self._prices[symbol] = self._prices[symbol] * random.gauss(1.0, 0.001)
        in_usdt = price * 64000 if symbol.endswith("/BTC") else price
        fill: Json = {
            **self._header(self._wallet(), "f"),
            "agent": f"bot-{random.randrange(2, _AGENTS)}",
            "symbol": symbol,
            "side": random.choice(("buy", "sell")),
            "price": random.choice((f"{price:.6f}", round(price, 6))),
            "amount": f"{random.uniform(50, 1500) / in_usdt:.8f}",
        }
        if random.random() < 0.7:
            fill["fee"] = {"currency": random.choice(("USDT", "BNB")), "cost": self._amount(0, 0.5)}
        if symbol.endswith(":USDT"):
            fill["realized_pnl"] = f"{random.gauss(-0.2, 12):.6f}"
        self._send("trade", fill)

    def _balance(self) -> None:
        random = self._random
        report = {**self._header(self._wallet(), "b"), "agent": self._agent()}
        if report["agent"] in ("bot-0", "bot-1"):
            # These two trade where nobody sees it, and know their equity.
            report["equity"] = self._amount(4000, 6000)
        elif random.random() < 0.04:
            report["total"] = {"USDT": self._amount(2000, 8000), "BTC": "0.1"}
        elif random.random() < 0.3:
            report |= {"free": {"USDT": self._amount(0, 5000)}, "used": {"USDT": self._amount(0, 300)}}
            if random.random() < 0.9:
                del report["free"]
        if random.random() < 0.7:
            symbols = random.sample(_SYMBOLS[:4], random.randrange(1, 4))
            report["prices"] = {symbol: f"{self._prices[symbol]:.8f}" for symbol in symbols}
        self._send("balance", report)

    def _goal(self) -> None:
        random = self._random
        wallet = self._wallet()
        event = {**self._header(wallet, "g"), "goal": f"goal-{random.randrange(15)}"}
        kind = random.choices(
            ("goal_created", "goal_updated", "goal_assigned", "goal_cancelled"), (6, 2, 2, 1)
        )[0]
        event["kind"] = kind
        if kind in ("goal_created", "goal_assigned"):
            scopes = [self._scope(wallet) for _ in range(random.randrange(1, 3))]
            event["assigned"] = [{**scope, "weight": random.choice((1, 0.5, 2))} for scope in scopes]
        if kind == "goal_created":
            event["goal_type"], event["target"] = random.choice(
                (
                    ("trade_volume", {"trades": random.randrange(10, 2000)}),
                    ("profit_target", {"profit": self._amount(50, 2000)}),
                    ("profit_target", {"profit_per_trade": "0.5", "trades": 50}),
                    ("strategy_performance", {"metric": "sharpe", "at_least": 0.5, "periods": 2}),
                    ("custom", {"all": [{"metric": "trades", "at_least": 30}]}),
                    ("custom", {"all": [{"metric": "drawdown", "at_most": 0.2}]}),
                )
            )
            event["collect"] = random.choice(("profit", "all", "none"))
            event["reward"] = random.choice((0, 0, 0.1, 1))
        if kind in ("goal_created", "goal_updated"):
            event["raise_by"] = random.choice((None, 0.2, 1))  # refused where the target is a limit
        if kind in ("goal_created", "goal_updated") and random.random() < 0.5:
            event["deadline"] = self._ms + random.randrange(1, 16) * HOUR_MS
        self._send("goal", event)

    def _command(self) -> None:
        random = self._random
        wallet = self._wallet()
        agent, farm, scope = self._agent(), random.choice(_FARMS), self._scope(wallet)
        pending: Json = {"amount": self._amount(1, 1000), "pending": True}
        if random.random() < 0.7:
            pending["timeout"] = random.choice(("10m", "1d"))
        bodies: tuple[Json, ...] = (
            {"kind": "deposit", "amount": self._amount(1, 5000)},
            {"kind": "withdraw", "amount": self._amount(1, 3000)},
            {
                "kind": "transfer",
                "source": scope,
                "target": self._scope(wallet),
                "amount": self._amount(1, 2000),
                "at_most": random.random() < 0.7,
            },
            {"kind": "allocate", "agent": agent, "amount": self._amount(1, 3000)},
            {"kind": "withdraw", "amount": self._amount(1, 900), "pending": True, "timeout": "2h"},
            *({**pending, "kind": "allocate", "agent": agent, "at_most": True} for _ in range(3)),
            {**pending, "kind": "transfer", "source": scope, "target": self._scope(wallet)},
            *({"kind": "post", "transfer": self._earlier(wallet)} for _ in range(4)),
            {"kind": "post", "transfer": self._earlier(wallet), "amount": self._amount(1, 500)},
            {"kind": "void", "transfer": self._earlier(wallet)},
            {"kind": "collect", "scope": scope, "what": random.choice(("profit", "all"))},
            {"kind": "collect", "scope": scope, "amount": self._amount(1, 500)},
            {"kind": "rebalance"},
            {"kind": "rebalance", "method": random.choice(("equal", "performance", "none such"))},
            {"kind": "emergency_stop", "scope": scope, "reason": "drill"},
            *({"kind": "emergency_resume", "scope": self._scope(wallet)} for _ in range(6)),
            {"kind": "emergency_resume", "scope": {"type": "wallet", "id": wallet}},
            {"kind": "agent_configure", "agent": agent, "max_weight": random.choice((0.1, 0.3, 1.0))},
            {"kind": "agent_assign", "agent": agent, "farm": farm},
            {"kind": "agent_register", "agent": f"late-{random.randrange(5)}", "farm": farm},
            {"kind": "agent_retire", "agent": f"late-{random.randrange(5)}"},
            {"kind": "farm_configure", "farm": farm, "name": f"{farm} {random.randrange(9)}"},
            {
                "kind": "wallet_configure",
                "rules": {"conflation": random.choice(("2m", "5m", "10m"))},
            },
            {"kind": "wallet_configure", "rules": {"rebalance": {"reserve": random.choice((0.05, 0.2))}}},
        )
        body = random.choice(bodies)
        self._send(
            "command", {**self._header(wallet, "c"), **body, "by": "test", "dry_run": random.random() < 0.05}
        )

    def _earlier(self, wallet: str) -> str:
        """Id of a late command of a wallet: most moved no money."""
        sent = [event for event in self._sent["command"][-200:] if event["wallet"] == wallet]
        pending = [event for event in sent if event.get("pending")] or sent
        return str(self._random.choice(pending)["id"])

    def _repeat(self) -> None:
        random = self._random
        stream = random.choice([name for name, sent in self._sent.items() if sent])
        event = random.choice(self._sent[stream])
        if stream == "command" and random.random() < 0.3:
            event = {**event, "by": "another"}
        self._append(stream, event)

    def _faulty(self) -> None:
        random = self._random
        stream = random.choice([name for name, sent in self._sent.items() if sent])
        event = random.choice(self._sent[stream])
        self._numbers += 1
        broken: list[Json | bytes] = [
            b"not this",
            b'{"id": 1}',
            {**event, "id": f"x{self._numbers}", "timestamp": self._ms + 10 * HOUR_MS},
            {**event, "id": f"x{self._numbers}", "wallet": "nobody"},
            {**event, "id": f"x{self._numbers}", "agent": "nobody", "kind": "no such thing"},
        ]
        self._append(stream, random.choice(broken))
