"""``version``: what runs here."""

import platform
import tomllib
from importlib import metadata
from pathlib import Path

import click
import redis

from app.cli.options import as_json
from app.cli.output import print_json


@click.command(epilog="\b\nExample:\n  sluicegate version --json")
@as_json
def version(*, as_json: bool) -> None:
    """Print the versions of sluicegate, Python and redis-py."""
    versions = {
        "sluicegate": _own_version(),
        "python": platform.python_version(),
        "redis-py": redis.__version__,
    }
    if as_json:
        print_json(versions)
    else:
        click.echo("\n".join(f"{name} {number}" for name, number in versions.items()))


def _own_version() -> str:
    try:
        return metadata.version("sluicegate")
    except metadata.PackageNotFoundError:
        project = Path(__file__).parents[2] / "pyproject.toml"
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
