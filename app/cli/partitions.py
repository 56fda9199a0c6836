"""``partitions``: who works on which, and moving them."""

import click

from app.cli.failure import FailingInOneLine
from app.cli.options import as_json, configured, run
from app.cli.output import console, print_json, table
from app.config import Config
from app.deployment import open_deployment
from app.partitions import ANY, move, moved, workers
from app.snapshot import read_all


@click.group(cls=FailingInOneLine, short_help="List partitions and workers, move partitions.")
def partitions() -> None:
    """
    List partitions and workers, and move partitions.

    Workers share the partitions evenly by themselves. A partition that is moved goes to its worker whenever
    that one is at work.
    """


@partitions.command("list", epilog="\b\nExample:\n  sluicegate partitions list --json")
@configured
@as_json
def list_(config: Config, *, as_json: bool) -> None:
    """List the workers at work and what each has."""
    run(_list, config, as_json=as_json)


@partitions.command("move", epilog="\b\nExample:\n  sluicegate partitions move 3 worker-2")
@configured
@click.argument("partition", type=int)
@click.argument("worker")
def move_(config: Config, *, partition: int, worker: str) -> None:
    """
    Move PARTITION to WORKER, where it stays; with WORKER any it goes to whom it falls to again.

    The worker that has it finishes the batch in work, commits it and lets go; the others are not stopped.
    """
    run(_move, config, partition, worker)


async def _list(config: Config, *, as_json: bool) -> None:
    async with open_deployment(config) as deployment:
        snapshots = await read_all(deployment)
        names, given = await workers(deployment), await moved(deployment)
    held = {name: [one for one in snapshots if one.lease_holder == name] for name in names}
    if as_json:
        print_json(
            {
                "workers": {name: [one.keys.partition for one in mine] for name, mine in held.items()},
                "moved": {str(partition): name for partition, name in sorted(given.items())},
            }
        )
        return
    made = table("worker", "partitions", "lag", right=("lag",))
    for name, mine in held.items():
        numbers = ", ".join(_numbered(one.keys.partition, given) for one in mine)
        made.add_row(name, numbers or "none", f"{sum(one.lag for one in mine):,}")
    out = console()
    out.print(made)
    if given:
        out.print("* moved there by an operator")
    free = [str(one.keys.partition) for one in snapshots if one.lease_holder not in held]
    if free:
        out.print(f"With nobody at work: {', '.join(free)}")


def _numbered(partition: int, given: dict[int, str]) -> str:
    return f"{partition}*" if partition in given else str(partition)


async def _move(config: Config, partition: int, worker: str) -> None:
    async with open_deployment(config) as deployment:
        changed = await move(deployment, partition, worker)
    where = "to whom it falls to" if worker == ANY else f"to {worker}"
    console().print(f"Partition {partition} goes {where}." if changed else "Nothing to do.")
