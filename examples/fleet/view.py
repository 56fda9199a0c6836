"""
The live view: reads Redis four times a second and draws the fleet.

    python -m examples.fleet.view --redis redis://localhost:6379

Where there is no terminal it prints a line every few seconds instead.
"""

import argparse
import sys
import time
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from redis.exceptions import RedisError
from rich.console import Console
from rich.layout import Layout
from rich.live import Live

from examples.fleet import panels
from examples.fleet.journal import Journal
from examples.fleet.snapshot import Snapshot, snapshot
from examples.fleet.wire import Wire

REFRESH_SECONDS: Final = 0.25
LINE_SECONDS: Final = 5.0
_SIDE_BY_SIDE: Final = 130  # columns from which the lists stand beside the fleet
_NARROW: Final = 90  # columns below which the fleet shows less
_FRAME: Final = 2  # lines that a panel's border takes


class View:
    """What is on the screen, and the little it must remember for it."""

    def __init__(self, wire: Wire, wallet: str, journal: Journal) -> None:
        self._wire = wire
        self._wallet = wallet
        self._journal = journal
        self._counted = deque[tuple[float, int]](maxlen=9)  # (when, fills) over two seconds
        self._equities = deque[Decimal](maxlen=240)

    def look(self) -> Snapshot:
        """Read what there is to read."""
        self._journal.read()
        now = snapshot(self._wire, self._wallet)
        self._counted.append((time.monotonic(), now.fills))
        self._equities.append(now.wallet.equity)
        return now

    @property
    def rate(self) -> float:
        """Fills applied per second, lately."""
        (start, before), (end, after) = self._counted[0], self._counted[-1]
        return (after - before) / (end - start) if end > start else 0.0

    def draw(self, now: Snapshot, width: int, height: int) -> Layout:
        """Lay out the screen."""
        every = max(1, len(self._equities) // 40)
        head = Layout(panels.header(now, self.rate, list(self._equities)[::every]), size=1 + _FRAME)
        goals = len(now.goals) + _FRAME
        screen = Layout()
        if width >= _SIDE_BY_SIDE:
            body = height - 1 - _FRAME
            lists = body - goals
            moves = max(3, lists // 3)
            side = Layout(ratio=2)
            side.split_column(
                Layout(panels.goals(now), size=goals),
                Layout(panels.moves(self._journal, moves - _FRAME), size=moves),
                Layout(panels.alarms(self._journal, max(1, lists - moves - _FRAME))),
            )
            fleet = Layout(ratio=3)
            fleet.update(panels.hierarchy(now, body - _FRAME))
            both = Layout()
            both.split_row(fleet, side)
            screen.split_column(head, both)
            return screen
        alarms = max(3, height // 6)
        fleet_rows = height - 1 - _FRAME - goals - alarms
        screen.split_column(
            head,
            Layout(panels.hierarchy(now, fleet_rows - _FRAME, narrow=width < _NARROW)),
            Layout(panels.goals(now), size=goals),
            Layout(panels.alarms(self._journal, alarms - _FRAME), size=alarms),
        )
        return screen


def watch(console: Console, view: View, done: Callable[[], bool]) -> Snapshot:
    """Show the fleet until `done`; returns what was seen last. Raises redis errors."""
    if console.is_terminal:
        return _watch_live(console, view, done)
    said = time.monotonic()
    while True:
        last = done()
        now = view.look()
        if last or time.monotonic() - said >= LINE_SECONDS:
            said = time.monotonic()
            console.print(panels.progress_line(now, view.rate), highlight=False, soft_wrap=True)
        if last:
            return now
        time.sleep(REFRESH_SECONDS)


def _watch_live(console: Console, view: View, done: Callable[[], bool]) -> Snapshot:
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            last = done()
            now = view.look()
            live.update(view.draw(now, *console.size), refresh=True)
            if last:
                return now
            time.sleep(REFRESH_SECONDS)


def main() -> int:
    """Show a wallet until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m examples.fleet.view", description="Watch a wallet live.")
    parser.add_argument("--redis", required=True, metavar="URL", help="the server that sluicegate works on")
    parser.add_argument("--wallet", default="alpha", help="which wallet (%(default)s)")
    parser.add_argument("--prefix", default="sluicegate", help="of the keys (%(default)s)")
    args = parser.parse_args()
    try:
        wire = Wire.connect(args.redis, args.wallet, args.prefix)
        watch(Console(), View(wire, args.wallet, Journal(wire, args.wallet)), lambda: False)
    except KeyboardInterrupt:
        return 0
    except (RedisError, ValueError) as error:
        print(f"view: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
