"""The version that runs here."""

import tomllib
from importlib import metadata
from pathlib import Path


def own_version() -> str:
    """Return the version that is installed, or that of the sources this runs from."""
    try:
        return metadata.version("sluicegate")
    except metadata.PackageNotFoundError:
        project = Path(__file__).parents[1] / "pyproject.toml"
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
