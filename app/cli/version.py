"""``version``: what runs here."""

import platform

import click
import redis

from app.cli.options import as_json
from app.cli.output import print_json
from app.version import own_version


@click.command(epilog="\b\nExample:\n  sluicegate version --json")
@as_json
def version(*, as_json: bool) -> None:
    """Print the versions of sluicegate, Python and redis-py."""
    versions = {
        "sluicegate": own_version(),
        "python": platform.python_version(),
        "redis-py": redis.__version__,
    }
    if as_json:
        print_json(versions)
    else:
        click.echo("\n".join(f"{name} {number}" for name, number in versions.items()))
