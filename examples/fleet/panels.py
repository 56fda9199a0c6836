"""How the fleet looks on a terminal: one function for each part of the screen."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from examples.fleet.journal import Journal
from examples.fleet.sentences import money, percent
from examples.fleet.snapshot import Agent, Snapshot

COLOURS: Final = {"green": "green", "yellow": "yellow", "orange": "dark_orange", "red": "red"}
_TIERS: Final = {"elite": "bold green", "high": "green", "low": "yellow", "poor": "red"}
_GOALS: Final = {"completed": "green", "failed": "red", "cancelled": "dim"}
_BLOCKS: Final = "▁▂▃▄▅▆▇█"

# Name, figures by column, tier, breaker colour.
_Row = tuple[Text, Mapping[str, RenderableType], RenderableType, str]


def header(now: Snapshot, rate: float, equities: Sequence[Decimal]) -> Panel:
    """Date, money, and how fast it goes."""
    wallet = now.wallet
    grid = Table.grid(expand=True, padding=(0, 2))
    for side in ("left", "center", "right"):
        grid.add_column(justify=side, no_wrap=True)
    grid.add_row(
        Text(wallet.date, "bold cyan"),
        Text.assemble((f"{money(wallet.equity)} {wallet.currency} ", "bold"), (sparkline(equities), "cyan")),
        Text(f"{now.fills:,} fills applied · {rate:,.0f}/s"),
    )
    return Panel(grid, title=f"sluicegate · wallet {wallet.id}", border_style="cyan")


def hierarchy(now: Snapshot, rows: int, *, narrow: bool = False) -> Panel:
    """
    Show wallet, farms and agents.

    Args:
        now: what to show.
        rows: how many lines there are for it; where they do not suffice, farms show their first agents.
        narrow: leave out what can be missed most easily.

    """
    left_out = {"profit", "fills"} if narrow else set()
    table = Table(expand=True, box=None, pad_edge=False, header_style="dim")
    table.add_column("", no_wrap=True)
    names = [name for name in ("equity", "budget", "profit", "drawdown", "fills") if name not in left_out]
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("tier", no_wrap=True)
    table.add_column("", width=2)
    for label, figures, tier, colour in _rows(now, rows - 1):
        table.add_row(label, *(figures.get(name, "") for name in names), tier, _dot(colour))
    return Panel(table, title="fleet")


def _rows(now: Snapshot, rows: int) -> Iterator[_Row]:
    wallet = now.wallet
    figures = {"equity": money(wallet.equity), "drawdown": percent(wallet.drawdown)}
    yield Text(wallet.id, "bold"), figures, "", wallet.breaker
    yield Text("├ master's cash"), {"equity": money(wallet.cash)}, "", ""
    each = (rows - 2) // max(1, len(now.farms)) - 1
    for farm in now.farms:
        agents = [agent for agent in now.agents if agent.farm == farm.id]
        fills = sum(agent.trades for agent in agents)
        figures = {"equity": money(farm.equity), "drawdown": percent(farm.drawdown), "fills": f"{fills:,}"}
        yield Text(f"├ {farm.id}", "bold"), figures, "", farm.breaker
        shown = agents if len(agents) <= each else agents[: max(0, each - 1)]
        yield from map(_agent, shown)
        if len(shown) < len(agents) and each > 0:
            yield Text(f"│   … {len(agents) - len(shown)} more", "dim"), {}, "", ""


def goals(now: Snapshot) -> Panel:
    """Show each goal with a bar."""
    table = Table.grid(expand=True, padding=(0, 1))
    table.add_column(ratio=3, no_wrap=True)
    table.add_column(ratio=2)
    table.add_column(justify="right", no_wrap=True)
    for goal in now.goals:
        style = _GOALS.get(goal.state, "")
        done = 1.0 if goal.state == "completed" else min(1.0, max(0.0, goal.progress))
        bar = ProgressBar(total=1.0, completed=done, complete_style=style or "cyan", finished_style="green")
        table.add_row(Text(goal.name or goal.id, style), bar, f"{done:.0%}")
    return Panel(table, title="goals")


def moves(journal: Journal, rows: int) -> Panel:
    """Show how capital moves, the latest first."""
    return _tail("capital", [(move.date, move.line.text, "") for move in journal.moves], rows)


def alarms(journal: Journal, rows: int) -> Panel:
    """Show stops, alerts and goals, the latest first."""
    lines = [(dated.date, dated.line.text, dated.line.style) for dated in journal.alarms]
    return _tail("stops, alerts, goals", lines, rows)


def progress_line(now: Snapshot, rate: float) -> str:
    """Say all of it in one line, for where there is no terminal."""
    wallet = now.wallet
    stopped = sum(agent.state == "stopped" for agent in now.agents)
    met = sum(goal.state == "completed" for goal in now.goals)
    return (
        f"{wallet.date}  equity {money(wallet.equity)} {wallet.currency}  drawdown {wallet.drawdown:.1%}  "
        f"fills {now.fills:,} ({rate:,.0f}/s)  stopped {stopped}  goals {met}/{len(now.goals)}"
    )


def sparkline(values: Sequence[Decimal]) -> str:
    """Draw values as a line of blocks, from the lowest to the highest."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    steps = len(_BLOCKS) - 1
    return "".join(
        _BLOCKS[int((value - low) * steps / (high - low)) if high > low else 0] for value in values
    )


def _agent(agent: Agent) -> _Row:
    active = agent.state == "active"
    figures: dict[str, RenderableType] = {
        "equity": money(agent.equity),
        "budget": money(agent.budget),
        "profit": Text(money(agent.realized_pnl), "red" if agent.realized_pnl < 0 else "green"),
        "drawdown": percent(agent.drawdown),
        "fills": f"{agent.trades:,}",
    }
    tier = Text(agent.tier or "", _TIERS.get(agent.tier or "", "")) if active else Text(agent.state, "red")
    return Text(f"│ ├ {agent.id}", "" if active else "dim"), figures, tier, agent.breaker


def _dot(colour: str) -> Text:
    return Text("●" if colour else "", COLOURS.get(colour, "dim"))


def _tail(title: str, lines: Sequence[tuple[str, str, str]], rows: int) -> Panel:
    shown = [
        Text.assemble((f"{date} ", "dim"), (text, style), no_wrap=True, overflow="ellipsis")
        for date, text, style in reversed(lines[-rows:])
    ]
    return Panel(Group(*shown), title=title)
