"""``tail``: what happens, as it happens."""

import re
from collections.abc import Sequence
from typing import Final

import click

from app.cli.line import human_line, json_line
from app.cli.options import as_json, configured, run
from app.cli.stopping import stopped_by_signal
from app.config import Config
from app.deployment import Deployment, open_deployment
from app.follow import START, ends_of, follow
from handlers import INPUTS, OUTPUTS
from stream.keys import Keys

_STREAMS: Final = (*OUTPUTS, "dead", *(f"in:{name}" for name in INPUTS))
_LAST_SEQUENCE: Final = 2**64 - 1
_is_id = re.compile(r"(\d{1,15})(?:-(\d{1,20}))?", re.ASCII).fullmatch


def _read_place(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Read where to start: a word, or an entry id, which becomes the id just before it."""
    if value in (None, "start", "now"):
        return value
    match = _is_id(value)
    if match is None:
        text = f"{value!r} is neither start nor now nor an entry id such as 1763716322000-0"
        raise click.BadParameter(text)
    ms, sequence = int(match[1]), int(match[2] or 0)
    if sequence:
        return f"{ms}-{sequence - 1}"
    return f"{ms - 1}-{_LAST_SEQUENCE}" if ms else START.decode()


@click.command(
    epilog="\b\nExamples:\n  sluicegate tail\n  sluicegate tail emergency allocation --from start --json\n"
    "  sluicegate tail dead in:trade --count 10"
)
@configured
@as_json
@click.option(
    "--from",
    "place",
    callback=_read_place,
    metavar="start|now|ID",
    help="Where to start.  [now; start with --no-follow]",
)
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after so many.")
@click.option("--follow/--no-follow", "wait", default=True, help="Wait for more, or end at the end.")
@click.argument("streams", nargs=-1, type=click.Choice(_STREAMS), metavar="[STREAM]...")
def tail(
    config: Config, *, streams: Sequence[str], place: str | None, count: int | None, wait: bool, as_json: bool
) -> None:
    """
    Follow streams of all partitions, one line for each entry.

    Without a STREAM all output streams: allocation, rebalance, emergency, wallet, reply. Others that can be
    named are dead and the inputs: in:trade, in:balance, in:goal, in:command, in:clock.
    """
    show = json_line if as_json else lambda found: human_line(found).encode()
    place = place or ("now" if wait else "start")

    async def show_all() -> None:
        left = count
        async with open_deployment(config) as deployment:
            after = await _after(deployment, streams or OUTPUTS, place)
            async for entries in follow(deployment.client, after, wait=wait):
                shown = entries[:left]
                click.echo(b"\n".join(map(show, shown)))
                if left is not None:
                    left -= len(shown)
                    if not left:
                        return

    with stopped_by_signal():
        run(show_all)


async def _after(deployment: Deployment, streams: Sequence[str], place: str) -> dict[str, bytes]:
    names = [_name(keys, stream) for keys in deployment.all_keys for stream in streams]
    if place == "now":
        return await ends_of(deployment.client, names)
    return dict.fromkeys(names, START if place == "start" else place.encode())


def _name(keys: Keys, stream: str) -> str:
    if stream == "dead":
        return keys.dead
    return keys.input(stream[3:]) if stream.startswith("in:") else keys.output(stream)
