"""``status``: how a deployment and its fleets stand."""

from collections.abc import Sequence

import click
import msgspec

from app.cli.options import as_json, configured, run
from app.cli.output import console, print_json
from app.cli.standing import fleet_table, goal_table, partition_table, pending_of, pending_table
from app.config import Config
from app.deployment import open_deployment
from app.performance import performance
from app.snapshot import KINDS, PartitionSnapshot, read_all, stored
from stream.errors import ConfigurationError


@click.command(
    short_help="Show how everything stands.",
    epilog="\b\nExamples:\n  sluicegate status\n"
    "  sluicegate status alpha --json | jq '.agents[] | {id, equity}'",
)
@configured
@as_json
@click.argument("wallet", required=False)
def status(config: Config, *, wallet: str | None, as_json: bool) -> None:
    """
    Show the deployment, and wallets, farms, agents and goals, of all wallets or of WALLET.

    With --json the entities are printed exactly as they are stored, and besides how wallets and farms have
    done. The lag is how many entries wait.
    """
    run(_status, config, wallet, as_json=as_json)


async def _status(config: Config, wallet: str | None, *, as_json: bool) -> None:
    async with open_deployment(config) as deployment:
        snapshots = await read_all(deployment)
    found = {kind: stored(snapshots, kind, wallet) for kind in KINDS}
    if wallet is not None and not found["wallets"]:
        raise ConfigurationError(
            f"There is no wallet {wallet} with the prefix {config.prefix}; sluicegate status names all."
        )
    if as_json:
        entities = {kind: [msgspec.Raw(value) for value in values] for kind, values in found.items()}
        head = {"prefix": config.prefix, "partitions": [_partition(one) for one in snapshots]}
        print_json(head | entities | {"performance": performance(snapshots, wallet)})
    else:
        _print_tables(config, snapshots, found)


def _print_tables(
    config: Config, snapshots: Sequence[PartitionSnapshot], found: dict[str, list[bytes]]
) -> None:
    out = console(wide=True)
    out.print(f"{config.prefix}, {len(snapshots)} partition{'s' if len(snapshots) > 1 else ''}")
    out.print(partition_table(snapshots))
    out.print()
    if not found["wallets"]:
        out.print("There are no wallets yet: declare some with sluicegate apply FLEET.toml.")
        return
    out.print(fleet_table(found))
    if found["goals"]:
        out.print()
        out.print(goal_table(found))
    pending = pending_of(found)
    if pending:
        out.print()
        out.print(pending_table(pending))


def _partition(one: PartitionSnapshot) -> dict[str, object]:
    return {
        "partition": one.keys.partition,
        "epoch": one.checkpoint.epoch,
        "owner": one.checkpoint.owner,
        "seq": one.checkpoint.seq,
        "lag": one.lag,
        "held_by": one.lease_holder,
        "lease_left_ms": one.lease_left_ms,
        "dead": one.dead,
    }
