"""Options that commands share, and how they become a configuration."""

import os
from collections.abc import Callable, Coroutine
from functools import partial, wraps
from pathlib import Path
from typing import Any, Final, ParamSpec

import anyio
import click

from app.config import Config, load_config

P = ParamSpec("P")

_OPTIONS: Final = (
    click.option(
        "--redis",
        metavar="URL",
        help="Address of the server; others see it, so leave its password to the next two."
        "  [redis://127.0.0.1:6379/0]",
    ),
    click.option("--redis-user", metavar="NAME", help="User at the server.  [its default one]"),
    click.option("--redis-password-file", metavar="FILE", help="File with the user's password."),
    click.option(
        "--config",
        "config_file",
        type=click.Path(path_type=Path),
        envvar="SLUICEGATE_CONFIG",
        metavar="FILE",
        help="TOML file with settings.",
    ),
    click.option("--prefix", metavar="TEXT", help="What the names of all keys start with.  [sluicegate]"),
)

as_json: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
partitions: Final = click.option(
    "--partitions", type=int, metavar="N", help="Partitions; recorded when a deployment is created.  [1]"
)
metrics_port: Final = click.option(
    "--metrics-port", type=int, metavar="N", help="Port of the metrics page; 0: any free one.  [9464]"
)


def configured(command: Callable[..., None]) -> Callable[..., None]:
    """
    Give a command the common options, and the configuration that follows from them as first argument.

    An option of the command's own that is named as a setting goes into the configuration too.
    """

    @wraps(command)
    def configure(config_file: Path | None, **options: Any) -> None:  # noqa: ANN401  # click's
        settings = {name: options.pop(name) for name in list(options) if name in Config.__struct_fields__}
        command(load_config(config_file, os.environ, settings), **options)

    decorated: Callable[..., None] = configure
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def run(function: Callable[P, Coroutine[Any, Any, None]], *args: P.args, **kwargs: P.kwargs) -> None:
    """Run a command's asynchronous part."""
    anyio.run(partial(function, *args, **kwargs), backend="asyncio")
