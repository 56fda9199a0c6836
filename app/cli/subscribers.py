"""``subscribers``: for whom outputs are kept until they are read."""

import click
import msgspec

from app.cli.failure import FailingInOneLine
from app.cli.options import as_json, configured, run
from app.cli.output import console, print_json, table
from app.config import Config
from app.deployment import open_deployment
from app.subscribers import EXPIRES, Standing, add, remove, standings
from domain.rules import DAY_MS
from handlers import OUTPUTS


@click.group(cls=FailingInOneLine, short_help="Register for whom outputs are kept until they are read.")
def subscribers() -> None:
    """
    Register for whom outputs are kept until they are read.

    A subscriber reports how far it has read each stream: HSET {sluicegate:0}:cursors NAME/STREAM ID.
    """


@subscribers.command("add", epilog="\b\nExample:\n  sluicegate subscribers add desk emergency allocation")
@configured
@click.option("--expires", default=EXPIRES, metavar="TIME", help="How long unread entries are kept.  [30d]")
@click.argument("subscriber", metavar="NAME")
@click.argument("streams", nargs=-1, required=True, metavar="STREAM...", type=click.Choice(OUTPUTS))
def add_(config: Config, *, subscriber: str, streams: tuple[str, ...], expires: str) -> None:
    """
    Register NAME for output streams, or change what it is registered for.

    From then on entries that it has not read are kept for it, and no longer than for the time --expires.
    """
    run(_add, config, subscriber, streams, expires)


@subscribers.command("list", epilog="\b\nExample:\n  sluicegate subscribers list --json")
@configured
@as_json
def list_(config: Config, *, as_json: bool) -> None:
    """List the subscribers, and how far each has read."""
    run(_list, config, as_json=as_json)


@subscribers.command("remove", epilog="\b\nExample:\n  sluicegate subscribers remove desk")
@configured
@click.argument("subscriber", metavar="NAME")
def remove_(config: Config, *, subscriber: str) -> None:
    """Forget NAME: nothing is kept for it any more."""
    run(_remove, config, subscriber)


async def _add(config: Config, name: str, streams: tuple[str, ...], expires: str) -> None:
    async with open_deployment(config) as deployment:
        await add(deployment, name, streams, expires)
    console().print(f"What {name} has not read of {', '.join(streams)} is kept for {expires}.")


async def _remove(config: Config, name: str) -> None:
    async with open_deployment(config) as deployment:
        await remove(deployment, name)
    console().print(f"Nothing is kept for {name} any more.")


async def _list(config: Config, *, as_json: bool) -> None:
    async with open_deployment(config) as deployment:
        found = await standings(deployment)
    if as_json:
        print_json([{**msgspec.structs.asdict(one), "overdue": one.overdue} for one in found])
        return
    out = console()
    if not found:
        out.print("No subscribers.")
        return
    made = table("name", "stream", "partition", "read up to", "behind", "kept for", "", right=("partition",))
    for one in found:
        state = "overdue" if one.overdue else ""
        kept = f"{one.expires_ms / DAY_MS:g} d"
        made.add_row(one.name, one.stream, str(one.partition), one.cursor, _behind(one), kept, state)
    out.print(made)


def _behind(one: Standing) -> str:
    return f"{one.behind_ms / 1000:,.0f} s" if one.behind_ms else "-"
