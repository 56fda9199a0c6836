"""``publish``: lines of JSON become entries of an input stream, byte for byte."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click
from anyio.from_thread import BlockingPortal, start_blocking_portal

from app.cli.options import as_json, configured
from app.cli.output import print_json
from app.cli.progress import Progress
from app.config import Config
from app.deployment import Deployment, open_deployment
from app.json_lines import Line, check_tick, lines_of, wallet_of
from handlers import INPUTS
from stream.errors import ConfigurationError, TransportError
from stream.publisher import Publisher


@click.command(
    epilog="\b\nExamples:\n  sluicegate publish trade fills.jsonl\n"
    """  echo '{"id":"c1","wallet":"alpha","timestamp":1763716322000,"kind":"rebalance"}' \\\n"""
    "    | sluicegate publish command -"
)
@configured
@as_json
@click.argument("stream", type=click.Choice(INPUTS))
@click.argument("file", metavar="FILE|-")
def publish(config: Config, *, stream: str, file: str, as_json: bool) -> None:
    """
    Append JSON lines to an input stream, each as it stands.

    A line goes to the partition of its wallet, a tick to all. At a line that is no event it stops and names
    the line; what came before is published. Publishing a file again is safe: repeats are recognised by their
    ids.
    """
    # The server is talked to from another thread, so that this one may wait for input, and Ctrl-C reaches it.
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(open_deployment(config)) as deployment,
        _opened(file) as lines,
        Progress(f"publishing {file}") as progress,
    ):
        publishing = _Publishing(portal, deployment, stream, file)
        for batch in lines_of(lines):
            publishing.publish(batch)
            progress.at(publishing.count)
    if as_json:
        print_json({"published": publishing.count})
    else:
        click.echo(f"{publishing.count} published to in:{stream}")


class _Publishing:
    """Sends lines to where they belong, and counts them."""

    def __init__(self, portal: BlockingPortal, deployment: Deployment, stream: str, name: str) -> None:
        self._portal = portal
        self._deployment = deployment
        self._publisher = Publisher(deployment.client)
        self._stream = stream
        self._name = "stdin" if name == "-" else name
        self.count = 0

    def publish(self, lines: list[Line]) -> None:
        """Publish lines, those before a bad one too. Raises `ConfigurationError` and `TransportError`."""
        by_key: dict[str, list[bytes]] = {}
        good, problem = 0, None
        for line in lines:
            try:
                keys = self._keys_of(line.event)
            except ConfigurationError as error:
                problem = f"{self._name}:{line.number} {error}"
                break
            good += 1
            for key in keys:
                by_key.setdefault(key, []).append(line.event)
        for key, events in by_key.items():
            self._send(key, events)
        self.count += good
        if problem is not None:
            raise ConfigurationError(f"{problem}; the {self.count} before it are published.")

    def _send(self, key: str, events: list[bytes]) -> None:
        try:
            self._portal.call(self._publisher.publish, key, events)
        except TransportError as error:
            text = f"{self.count} lines are published for certain, then {error.__cause__ or error}"
            raise TransportError(text) from error

    def _keys_of(self, event: bytes) -> list[str]:
        if self._stream == "clock":
            check_tick(event)
            return [keys.input(self._stream) for keys in self._deployment.all_keys]
        return [self._deployment.home(wallet_of(event)).input(self._stream)]


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115  # closed below; only opening it is guarded
    except OSError as error:
        raise ConfigurationError(f"Cannot read {name}: {error.strerror}.") from None
    with file:
        yield file
