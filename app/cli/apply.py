"""``apply``: make a fleet as a file declares it."""

from collections.abc import Sequence
from pathlib import Path

import click

from app.cli.options import as_json, configured, run
from app.cli.output import console, print_json, table
from app.cli.progress import Progress
from app.config import Config
from app.deployment import open_deployment
from app.fleet.apply import Answer, Applying
from app.fleet.file import read_fleet
from app.fleet.known import read_known
from app.fleet.plan import plan_wallet
from app.fleet.step import Step
from stream.errors import ConfigurationError

_WORKER_S = 5.0  # a worker may be only just starting


@click.command(
    short_help="Make a fleet as a file declares it.",
    epilog="\b\nExamples:\n  sluicegate apply fleet.toml --dry-run\n  sluicegate apply fleet.toml\n\n"
    "\b\nA file such as:\n"
    "  [[wallet]]\n"
    '  id = "alpha"\n'
    '  currency = "USDT"\n'
    '  deposit = "100000"              # once\n'
    "  [wallet.rules.rebalance]\n"
    "  threshold = 0.10\n"
    "  [wallet.rules.breakers]\n"
    "  agent_daily_loss = false        # no such limit\n"
    "  [[wallet.farm]]\n"
    '  id = "trend"\n'
    "  [[wallet.farm.agent]]\n"
    '  id = "darvas-1"\n'
    '  strategy = "darvas_box"\n'
    '  risk_mode = "balanced"\n'
    "  [[wallet.goal]]\n"
    '  id = "first-200"\n'
    '  goal_type = "trade_volume"\n'
    "  target = { trades = 200 }\n"
    '  assigned = [{ type = "farm", id = "trend" }]',
)
@configured
@as_json
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    metavar="S",
    help="Longest wait for the worker's answers to one kind of thing, in seconds.  [30]",
)
@click.argument("file", metavar="FLEET.toml", type=click.Path(path_type=Path))
def apply(config: Config, *, file: Path, dry_run: bool, timeout: float, as_json: bool) -> None:
    """
    Make wallets, farms, agents, goals and rules as a file declares them.

    Shows what would change, asks the worker for it by commands and waits for the answers. Applied twice it
    changes nothing. What the file does not mention is left alone.
    """
    run(_apply, config, file, timeout, dry_run=dry_run, as_json=as_json)


async def _apply(config: Config, file: Path, patience_s: float, *, dry_run: bool, as_json: bool) -> None:
    fleet = read_fleet(file)
    async with open_deployment(config, wait_s=_WORKER_S) as deployment:
        known = await read_known(deployment, fleet)
        plans = [plan_wallet(wallet, known.wallets[wallet.id]) for wallet in fleet.wallet]
        steps = sorted((step for plan in plans for step in plan.steps), key=_phase)
        notes = [note for plan in plans for note in plan.notes]
        if known.others:
            notes.append(f"left alone, not in the file: wallet {', '.join(known.others)}")
        if not as_json:
            _show(file, steps, notes)
        answers: list[Answer] = []
        if steps and not dry_run:
            with Progress("waiting for the worker") as progress:
                applying = Applying(deployment, known.wallets, patience_s, progress.at)
                await applying.carry_out(steps)
                answers = applying.answers
    if as_json:
        print_json({"changes": _documents(steps, answers), "notes": notes, "dry_run": dry_run})
    elif answers:
        click.echo(f"{sum(answer.done for answer in answers)} of {len(steps)} done.")
    _check(steps, answers)


def _show(file: Path, steps: Sequence[Step], notes: Sequence[str]) -> None:
    out = console()
    if steps:
        made = table("", "wallet", "what", "", fold=("",))
        for step in steps:
            made.add_row(step.action, step.wallet, step.what, step.detail)
        out.print(made)
    else:
        out.print(f"Nothing to do: all is as {file} declares it.")
    for note in notes:
        out.print(f"Note: {note}.", soft_wrap=True)


def _documents(steps: Sequence[Step], answers: Sequence[Answer]) -> list[dict[str, object]]:
    by_step = {(answer.step.wallet, answer.step.id): answer for answer in answers}
    documents: list[dict[str, object]] = []
    for step in steps:
        answer = by_step.get((step.wallet, step.id))
        documents.append(
            {
                "action": step.action,
                "wallet": step.wallet,
                "what": step.what,
                "detail": step.detail,
                "stream": f"in:{step.stream}",
                "id": step.id,
                "event": step.body,
                "status": answer.status if answer else None,
                "answer": answer.detail if answer else None,
            }
        )
    return documents


def _check(steps: Sequence[Step], answers: Sequence[Answer]) -> None:
    failed = [answer for answer in answers if not answer.done]
    if failed:
        first = failed[0]
        more = f" ({len(failed) - 1} more failed)" if len(failed) > 1 else ""
        left = len(steps) - len(answers)
        unsent = f" {left} further steps were not sent." if left else ""
        raise ConfigurationError(
            f"{first.step.action} {first.step.what} of wallet {first.step.wallet} was {first.status}: "
            f"{first.detail}{more}{unsent}"
        )


def _phase(step: Step) -> int:
    return step.phase
