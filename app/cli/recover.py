"""``recover``: go on after an input stream was lost or restored from an older copy."""

import click

from app.cli.options import as_json, configured, run
from app.cli.output import print_json
from app.config import Config
from app.deployment import open_deployment
from app.recover import Gap, close_gaps, find_gaps

_CONSEQUENCES = """\
What recovering does: the positions go back to where the streams end, and workers go on from there with the
state as it is. Money, positions and outputs stay; the ledger can still be verified.
What is lost, and stays lost:
  - entries that were appended and not yet applied when the stream was lost are gone. Nobody can count them:
    have the bots publish again what they sent since the last output that you have of them.
  - repeats of what the stream no longer has are not recognised any more. A fill that was applied and is sent
    again is applied twice: send again only what status and the ledger do not show.
  - sluicegate replay cannot prove this partition from its beginning any more.
If a copy of the streams exists that reaches the checkpoint, restore that instead."""

_NOTHING = "There is nothing to recover: every input stream reaches its checkpoint."


@click.command(epilog="\b\nExamples:\n  sluicegate recover\n  sluicegate recover --yes")
@configured
@as_json
@click.option("--yes", is_flag=True, help="Do it; without, only say what would be done.")
def recover(config: Config, *, as_json: bool, yes: bool) -> None:
    """
    Go on where input streams end before the checkpoint.

    Workers refuse to run when a stream was deleted or restored from an older copy. Shows which, and what is
    lost by going on; changes nothing without --yes. Needs the rights of a worker.
    """
    run(_recover, config, as_json=as_json, yes=yes)


async def _recover(config: Config, *, as_json: bool, yes: bool) -> None:
    async with open_deployment(config) as deployment:
        gaps = await find_gaps(deployment)
        if as_json:
            print_json({"recovered": yes, "gaps": gaps})
        else:
            _tell(gaps)
        if yes and gaps:
            await close_gaps(deployment, gaps)
    if gaps and not as_json:
        click.echo("Recovered: start the workers." if yes else "Nothing was changed; --yes does it.")


def _tell(gaps: list[Gap]) -> None:
    for gap in gaps:
        click.echo(
            f"Partition {gap.partition}: {gap.stream} ends at {gap.end}, before {gap.position}, up to which "
            f"it was applied. {gap.applied:,} entries were applied of it; it has {gap.kept:,} now."
        )
    click.echo(_CONSEQUENCES if gaps else _NOTHING)
