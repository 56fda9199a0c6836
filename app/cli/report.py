"""``report``: how a wallet, a farm or an agent has done."""

from pathlib import Path

import click

from app.cli.options import as_json, configured, run
from app.cli.output import console, print_json
from app.cli.track_record import print_report
from app.config import Config
from app.deployment import open_deployment
from app.report.document import read_report
from app.report.page import page
from app.report.subject import find_subject
from stream.errors import ConfigurationError


@click.command(
    short_help="Show how a wallet, a farm or an agent has done.",
    epilog="\b\nExamples:\n  sluicegate report alpha\n  sluicegate report alpha/trend --html trend.html\n"
    "  sluicegate report alpha/darvas-1 --json | jq .metrics.sharpe",
)
@configured
@as_json
@click.option(
    "--html",
    "html_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a page with plots.",
)
@click.argument("subject", required=False, metavar="[WALLET|WALLET/FARM|WALLET/AGENT]")
def report(config: Config, *, subject: str | None, html_file: Path | None, as_json: bool) -> None:
    """
    Show how a wallet, a farm or an agent has done: its three figures, metrics, and who contributed what.

    Where a farm and an agent share an id, write WALLET/farm/ID or WALLET/agent/ID. Without a name: the only
    wallet there is. What a figure is, and why one may be missing, is told in docs/reports.md.
    """
    run(_report, config, subject, html_file, as_json=as_json)


async def _report(config: Config, subject: str | None, html_file: Path | None, *, as_json: bool) -> None:
    async with open_deployment(config) as deployment:
        found = await read_report(deployment, await find_subject(deployment, subject))
    if html_file is not None:
        _write(html_file, page(found))
    if as_json:
        print_json(found)
        return
    print_report(console(wide=True), found)
    if html_file is not None:
        click.echo(f"\nWritten to {html_file}")


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"Cannot write {file}: {error.strerror}.") from None
