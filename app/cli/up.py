"""``up``: everything on this machine, with one command."""

import signal
from contextlib import ExitStack
from pathlib import Path

import anyio
import anyio.to_thread
import click
import msgspec

from app.cli.options import configured, metrics_port, partitions
from app.cli.stopping import stopped_by_signal
from app.config import DEFAULT_REDIS, Config
from app.connect import hide_password
from app.embedded import Embedded, embedded_server
from stream.errors import ConfigurationError

_WATCH_S = 1.0


@click.command(epilog="\b\nExample:\n  sluicegate up --data ./sluicegate-data")
@configured
@partitions
@metrics_port
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=Path("sluicegate-data"),
    metavar="DIR",
    help="Where the embedded server keeps its data.  [./sluicegate-data]",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    metavar="N",
    help="Port of the embedded server.  [6379, or any free one]",
)
@click.pass_context
def up(ctx: click.Context, config: Config, *, data: Path, port: int | None) -> None:
    """
    Run a server and a worker on this machine.

    The embedded server listens on the loopback address and keeps its data in a folder; it is left out where a
    server is named, by --redis or in the configuration. Runs until SIGTERM or Ctrl-C; then the worker stops
    first, and the server after it.
    """
    with stopped_by_signal(), ExitStack() as stack:
        server = None
        if config.redis == DEFAULT_REDIS and not ctx.params["redis"]:
            server = stack.enter_context(embedded_server(data, port))
            config = msgspec.structs.replace(config, redis=server.url, redis_user="", redis_password_file="")
        # From there on all is being stopped; an impatient second Ctrl-C would leave the server behind.
        stack.callback(_hold_back_signals)
        config = msgspec.structs.replace(config, name=config.name or "up")
        _tell(config, data if server is not None else None)
        anyio.run(_work, config, server)


def _hold_back_signals() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _tell(config: Config, data: Path | None) -> None:
    click.echo(f"server   {hide_password(config.redis)}")
    if data is not None:
        click.echo(f"data     {data.resolve()}")
    if config.metrics_port:
        click.echo(f"metrics  http://{config.metrics_host}:{config.metrics_port}/metrics")
    redis = (
        "" if config.redis == DEFAULT_REDIS.rpartition("/")[0] else f" --redis {hide_password(config.redis)}"
    )
    click.echo(f"Stop with Ctrl-C. In another terminal: sluicegate status{redis}")


async def _work(config: Config, server: Embedded | None) -> None:
    from app.worker import work  # noqa: PLC0415  # the whole application, which no other command needs

    async with anyio.create_task_group() as tasks:
        if server is not None:
            tasks.start_soon(_watch, server)
        await work(config)
        tasks.cancel_scope.cancel()


async def _watch(server: Embedded) -> None:
    """End all when the server has ended: nobody will start it again."""
    while True:
        await anyio.sleep(_WATCH_S)
        if not await anyio.to_thread.run_sync(server.is_running):
            raise ConfigurationError(f"The embedded server has ended; see {server.log}, then start again.")
