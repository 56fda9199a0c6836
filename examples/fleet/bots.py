"""
The bots' own process: trades all days for all bots, and knows sluicegate only through Redis.

    python -m examples.fleet.bots --redis redis://localhost:6379 --fleet examples/fleet/fleet.toml

A trader of daily bars has a whole night between two of them. Here a day lasts some milliseconds, so the
bots wait after each step until sluicegate has applied it, and read what it says, before they go on: money
and stops arrive in time, as they would in life, and every run of the same history gives the same trades.
It is also what makes the end result comparable; nothing in sluicegate needs it.
"""

import argparse
import sys
import time
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any, Final

import msgspec
from redis.exceptions import RedisError

from examples.fleet.bot import Bot, Order
from examples.fleet.market import Day, days
from examples.fleet.roster import roster
from examples.fleet.wire import Follower, Wire

FLEET: Final = Path(__file__).with_name("fleet.toml")
DAYS_PER_SECOND: Final = 36.0  # all 2,148 days in a minute


class Desk:
    """All bots of the wallet on one connection."""

    def __init__(self, wire: Wire, wallet: str, bots: Iterable[Bot]) -> None:
        self._wire = wire
        self._wallet = wallet
        self._bots = {bot.agent: bot for bot in bots}
        self._orders = Follower(wire, ("allocation", "emergency"))
        self._decode = msgspec.json.Decoder(Order, strict=False).decode
        self._week: int | None = None

    def trade(self, day: Day) -> None:
        """Live through one day: the opening, the close, and once a week the account."""
        name, bots = day.date.isoformat(), self._bots.values()
        bars = {bot.agent: day.bars[bot.symbol.partition("/")[0]] for bot in bots}
        opening = [bot.at_open(bars[bot.agent].open, name, day.open_ms) for bot in bots]
        self._say("in:trade", [fill for fills in opening for fill in fills])
        for bot in bots:
            bot.at_close(bars[bot.agent])
        self._say("in:balance", [bot.mark(bars[bot.agent].close, name, day.close_ms) for bot in bots])
        closing = [bot.after_close(bars[bot.agent].close, name, day.close_ms) for bot in bots]
        self._say("in:trade", [fill for fills in closing for fill in fills])
        if self._new_week(day.date):
            # After all else, so that money moved meanwhile is in the bots' books too.
            self._say("in:balance", [bot.account(name, day.close_ms) for bot in bots])

    def _say(self, stream: str, events: list[dict[str, Any]]) -> None:
        last = self._wire.publish(stream, events)
        if last is None:
            return
        self._wire.wait_applied(stream, last, _late)
        while orders := self._orders.read():
            for event in orders:
                if event.wallet == self._wallet:
                    self._obey(event.name, self._decode(event.data))

    def _obey(self, event: str, order: Order) -> None:
        for agent in order.agents or [order.agent]:
            if agent in self._bots:
                self._bots[agent].obey(event, order)

    def _new_week(self, day: date) -> bool:
        week = day.isocalendar().week
        new, self._week = week != self._week, week
        return new


def main() -> int:
    """Trade, then print one line of JSON that says what was done."""
    args = _arguments()
    try:
        wallet, bots = roster(args.fleet)
        wire = Wire.connect(args.redis, wallet, args.prefix)
        start = time.monotonic()
        history = days()
        desk = Desk(wire, wallet, bots)
        for n, day in enumerate(history):
            desk.trade(day)
            if args.days_per_second:
                time.sleep(max(0.0, start + (n + 1) / args.days_per_second - time.monotonic()))
    except (OSError, ValueError, RedisError) as error:
        print(f"bots: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(msgspec.json.encode(_summary(history, bots, time.monotonic() - start)).decode())
    return 0


def _summary(history: list[Day], bots: list[Bot], seconds: float) -> dict[str, Any]:
    return {
        "days": len(history),
        "first": history[0].date,
        "last": history[-1].date,
        "seconds": round(seconds, 1),
        "fills": sum(bot.fills for bot in bots),
        "bots": {
            bot.agent: {"fills": bot.fills, "cash": f"{bot.cash:f}", "held": f"{bot.held:f}"} for bot in bots
        },
    }


def _late(seconds: float) -> None:
    print(f"bots: sluicegate has not applied the last entries for {seconds:.0f} s; waiting", file=sys.stderr)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m examples.fleet.bots", description=__doc__.partition("\n\n")[0]
    )
    parser.add_argument("--redis", required=True, metavar="URL", help="the server that sluicegate works on")
    parser.add_argument("--fleet", type=Path, default=FLEET, metavar="FILE", help="who trades (%(default)s)")
    parser.add_argument("--prefix", default="sluicegate", help="of the keys (%(default)s)")
    parser.add_argument(
        "--days-per-second",
        type=float,
        default=DAYS_PER_SECOND,
        metavar="N",
        help="pace; 0: as fast as sluicegate applies (%(default)s)",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
