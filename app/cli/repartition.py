"""``repartition``: change the number of partitions of a deployment that is at rest."""

from contextlib import ExitStack
from pathlib import Path

import click
import msgspec

from app.cli.options import as_json, configured, run
from app.cli.output import print_json
from app.config import Config
from app.connect import open_redis
from app.deployment import Deployment, open_deployment
from app.embedded import embedded_server
from app.repartition.survey import Survey, survey
from stream.client import Client
from stream.errors import ConfigurationError, FencedError

_WHAT = """\
What it does: the partitions are closed; the state of all wallets is copied beside the old one, compared field
by field, and switched; inputs that come meanwhile are brought after it. Money, chains, repeats and outputs go
on. Outputs up to now stay in the streams where they are. Have a backup, and three times the memory that the
state takes. Killed at any moment, the same command goes on."""


@click.command(
    short_help="Change the number of partitions.",
    epilog="\b\nExamples:\n  sluicegate repartition --partitions 4\n"
    "  sluicegate repartition --partitions 4 --yes",
)
@configured
@as_json
@click.option(
    "--partitions",
    type=click.IntRange(1, 16384),
    required=True,
    metavar="N",
    help="How many there are to be.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="Folder of an embedded server, which runs for as long as this takes.",
)
@click.option("--yes", is_flag=True, help="Do it; without, only say what would be done.")
def repartition(config: Config, *, data: Path | None, as_json: bool, yes: bool) -> None:
    """
    Change the number of partitions of a deployment at rest.

    Publishers and workers have to be stopped, and all input applied. Says what it will do, and refuses where
    something is in the way; changes nothing without --yes. With the number there is, it takes back a change
    that was begun and has switched nothing, or brings inputs home that came late to partitions that were
    given up. Needs the rights of the server's admin.
    """
    with ExitStack() as stack:
        if data is not None:
            server = stack.enter_context(embedded_server(data, None))
            config = msgspec.structs.replace(config, redis=server.url, redis_user="", redis_password_file="")
        run(_repartition, config, as_json=as_json, yes=yes)


async def _repartition(config: Config, *, as_json: bool, yes: bool) -> None:
    brought = 0
    async with open_deployment(config) as deployment:
        found = await survey(deployment, config.partitions)
        if not as_json:
            click.echo(_told(found))
        if yes:
            if found.problems:
                raise ConfigurationError(" ".join(found.problems))
            try:
                brought = await _carry_out(config, deployment, found)
            except FencedError:
                text = "Another process goes on with this change: without --yes this one says how far it is."
                raise ConfigurationError(text) from None
    if as_json:
        print_json({"done": yes, "brought_home": brought, **_document(found)})
    else:
        click.echo(_ending(found, brought) if yes else "Nothing was changed; --yes does it.")


async def _carry_out(config: Config, deployment: Deployment, found: Survey) -> int:
    # Imported here because it brings the whole application, which no other command needs.
    from app.repartition.run import bring_late_home, repartition, take_back  # noqa: PLC0415  # as above

    # Of its own, for each step has to be on a replica where a commit has to be.
    client = Client(open_redis(config), config.wait_ms)
    deployment = msgspec.structs.replace(deployment, client=client)

    def tell(what: str) -> None:
        click.echo(f"{what} …", err=True)

    try:
        if found.begun is not None and found.begun.to != found.to:
            await take_back(deployment)
            return 0
        if found.begun is None and found.to == deployment.partitions:
            return await bring_late_home(deployment, tell)
        return await repartition(deployment, found.to, config.dedupe_window, tell)
    finally:
        await client.close()


def _told(found: Survey) -> str:
    begun = found.begun
    if begun is not None and begun.to != found.to:
        return f"Takes back the change to {begun.to} partitions, of which nothing is switched yet."
    if begun is None and found.to == found.before:
        return f"There are {found.to} partitions. {found.late:,} inputs came late to others, given up before."
    lines = [f"From {found.before} to {found.to} partitions."]
    if begun is not None:
        lines.append(f"It was begun, and goes on where it was interrupted ({begun.phase}).")
    else:
        counts = ", ".join(f"{count:,} {kind}" for kind, count in found.entities.items() if count)
        lines.append(
            f"{found.moving:,} of {found.wallets:,} wallets move. All are copied: {counts or 'nothing'}."
        )
        lines.append(_WHAT)
    lines += [f"In the way: {problem}" for problem in found.problems]
    return "\n".join(lines)


def _ending(found: Survey, brought: int) -> str:
    home = f" {brought:,} inputs were brought home." if brought else ""
    if found.begun is not None and found.begun.to != found.to:
        return f"Taken back: there are {found.to} partitions, as before. Start the workers."
    if found.begun is None and found.to == found.before:
        return f"Done.{home} Start the workers."
    return (
        f"Done: there are {found.to} partitions.{home} Set partitions = {found.to} for workers and "
        "publishers, make a new ACL file if there is one, and start them."
    )


def _document(found: Survey) -> dict[str, object]:
    return {
        "before": found.before,
        "partitions": found.to,
        "wallets": found.wallets,
        "moving": found.moving,
        "entities": found.entities,
        "late": found.late,
        "interrupted": None if found.begun is None else found.begun.phase,
        "problems": found.problems,
    }
