"""``replay``: shows whether the stored state follows from the retained input."""

import sys

import click
import msgspec

from app.cli.options import as_json, configured, run
from app.cli.output import print_json
from app.cli.progress import Progress
from app.config import Config
from app.deployment import open_deployment


@click.command(
    short_help="Compare the stored state with the input it came from.",
    epilog="\b\nExample:\n  sluicegate replay && echo the books agree",
)
@configured
@as_json
def replay(config: Config, *, as_json: bool) -> None:
    """
    Fold the retained input again and compare state and outputs with what is stored.

    Reads only, and may run beside a worker. Exit code 1 if anything differs.
    """
    run(_replay, config, as_json=as_json)


async def _replay(config: Config, *, as_json: bool) -> None:
    # Imported here because it brings the whole application, which no other command needs.
    from app import replay as fold  # noqa: PLC0415  # as above

    async with open_deployment(config) as deployment:
        config = msgspec.structs.replace(config, partitions=deployment.partitions)
    folded = 0
    with Progress("folding the input again") as progress:

        def tell(done: int, total: int) -> None:
            nonlocal folded
            folded = done
            progress.at(done, total)

        differences = await fold.replay(config, tell)
    if as_json:
        print_json({"entries": folded, "differences": differences})
    elif differences:
        click.echo("\n".join(differences))
    else:
        click.echo(f"{folded} entries folded; state and outputs agree.")
    if differences:
        sys.exit(1)
