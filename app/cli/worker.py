"""``worker``: serve the partitions of a deployment until told to stop."""

import anyio
import click

from app.cli.options import configured, metrics_port, partitions
from app.cli.stopping import stopped_by_signal
from app.config import Config


@click.command(epilog="\b\nExample:\n  sluicegate worker --name worker-1 --redis redis://10.0.0.5:6379/0")
@configured
@partitions
@click.option("--name", metavar="TEXT", help="Name under which it takes partitions.  [host and process id]")
@metrics_port
def worker(config: Config) -> None:
    """
    Serve all partitions: read, apply, commit.

    Runs until SIGTERM or Ctrl-C, then finishes and commits the batch in work and lets go of what it owns. A
    worker started under the name of one that died need not wait for that one's lease to lapse.
    """
    with stopped_by_signal():
        from app.worker import work  # noqa: PLC0415  # the whole application, which no other command needs

        anyio.run(work, config)
