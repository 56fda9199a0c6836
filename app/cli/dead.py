"""``dead``: inputs that could not be applied; list them, send them again, or leave them be."""

from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Literal

import click

from app.cli.failure import FailingInOneLine
from app.cli.options import as_json, configured, run
from app.cli.output import console, print_json, table
from app.cli.progress import Progress
from app.config import Config
from app.dead_letters import Letter, handle, letters, named
from app.deployment import Deployment, open_deployment
from stream.envelope import rfc3339
from stream.errors import ConfigurationError
from stream.order import parse_id

_reason = click.option("--reason", metavar="WORD", help="Only those with this reason.")
_every = click.option("--all", "every", is_flag=True, help="All that are not handled yet.")
_ids = click.argument("ids", nargs=-1, metavar="[ID]...")


@click.group(cls=FailingInOneLine, short_help="List, retry and drop inputs that could not be applied.")
def dead() -> None:
    """
    List, retry and drop dead letters: inputs that could not be applied.

    They are never deleted; what was retried or dropped is marked as handled.
    """


@dead.command("list", epilog="\b\nExample:\n  sluicegate dead list --reason unknown_agent")
@configured
@as_json
@_reason
@click.option("--all", "every", is_flag=True, help="Those that are handled too.")
def list_(config: Config, *, reason: str | None, every: bool, as_json: bool) -> None:
    """List dead letters that nobody has handled, oldest first."""
    run(_list, config, reason, every=every, as_json=as_json)


@dead.command(
    short_help="Append dead letters to their input stream again.",
    epilog="\b\nExamples:\n  sluicegate dead retry 0/1763716322000-0\n"
    "  sluicegate dead retry --all --reason unknown_agent",
)
@configured
@as_json
@_reason
@_every
@_ids
def retry(config: Config, *, ids: tuple[str, ...], reason: str | None, every: bool, as_json: bool) -> None:
    """
    Append dead letters to their input stream again, once what was wrong is put right.

    Name them by ID as dead list shows it, or take --all. None is sent twice.
    """
    _check(ids, every=every, reason=reason)
    run(_handle, config, "retried", ids, reason, as_json=as_json)


@dead.command(epilog="\b\nExample:\n  sluicegate dead drop --all --reason not_decodable")
@configured
@as_json
@_reason
@_every
@_ids
def drop(config: Config, *, ids: tuple[str, ...], reason: str | None, every: bool, as_json: bool) -> None:
    """Mark dead letters as of no more interest. Name them by ID as dead list shows it, or take --all."""
    _check(ids, every=every, reason=reason)
    run(_handle, config, "dropped", ids, reason, as_json=as_json)


def _check(ids: tuple[str, ...], *, every: bool, reason: str | None) -> None:
    if every == bool(ids):
        raise click.UsageError("Name dead letters by ID, or take --all.")
    if ids and reason is not None:
        raise click.UsageError("--reason goes with --all.")


async def _list(config: Config, reason: str | None, *, every: bool, as_json: bool) -> None:
    async with open_deployment(config) as deployment:
        found = [one async for one in _chosen(deployment, reason, handled=every)]
    if as_json:
        print_json([_document(letter) for letter in found])
        return
    out = console()
    if not found:
        out.print("No dead letters.")
        return
    made = table("id", "at", "stream", "entry", "reason", "detail", "handled", fold=("detail",))
    for letter in found:
        at = rfc3339(parse_id(letter.entry.encode())[0])
        done = letter.handled.done if letter.handled else "-"
        made.add_row(letter.id, at, letter.stream, letter.cause, letter.reason, letter.detail, done)
    out.print(made)


async def _handle(
    config: Config,
    done: Literal["retried", "dropped"],
    ids: tuple[str, ...],
    reason: str | None,
    *,
    as_json: bool,
) -> None:
    refused: list[str] = []
    count = 0
    async with open_deployment(config) as deployment:
        if ids:
            chosen = await named(deployment, ids)
        else:
            chosen = [one async for one in _chosen(deployment, reason, handled=False)]
        with Progress("dead letters") as progress:
            for letter in chosen:
                problem = await handle(deployment, letter, done)
                if problem is None:
                    count += 1
                else:
                    refused.append(problem)
                progress.at(count + len(refused), len(chosen))
    if as_json:
        print_json({done: count, "refused": refused})
    elif count or not refused:
        click.echo(f"{count} {done}")
    if refused and ids:
        raise ConfigurationError(_all_of(refused))
    if refused and not as_json:
        click.echo(_all_of(refused), err=True)


async def _chosen(deployment: Deployment, reason: str | None, *, handled: bool) -> AsyncIterator[Letter]:
    async for letter in letters(deployment):
        if (handled or letter.handled is None) and reason in (None, letter.reason):
            yield letter


def _all_of(refused: list[str]) -> str:
    more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
    return f"{refused[0]}{more}"


def _document(letter: Letter) -> dict[str, object]:
    document: dict[str, object] = {
        "id": letter.id,
        "at": parse_id(letter.entry.encode())[0],
        "stream": letter.stream,
        "entry": letter.cause,
        "reason": letter.reason,
        "detail": letter.detail,
        "handled": letter.handled,
    }
    try:
        document["event"] = letter.event.decode()
    except UnicodeDecodeError:
        document["event_base64"] = b64encode(letter.event).decode()
    return document
