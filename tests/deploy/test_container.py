"""The container image has what a worker needs, by its recipe; no engine builds it here."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import yaml

from app.config import DEFAULT_METRICS_PORT
from tests.deploy.exposed import DEPLOY

RECIPE: Final = DEPLOY / "Dockerfile"
ROOT: Final = DEPLOY.parent


def test_the_linter_has_nothing_to_say() -> None:
    """Hadolint, with every rule it has."""
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, str(RECIPE)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_it_takes_along_what_is_installed() -> None:
    """Each room of the wheel, and what the build reads, past the ignore file."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    rooms = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    text = RECIPE.read_text()
    copied = re.findall(r"^COPY (\w+) (\w+)$", text, flags=re.MULTILINE)

    assert sorted(copied) == sorted((room, room) for room in rooms)
    assert f"COPY pyproject.toml {project['project']['readme']} LICENSE ./" in text
    kept = re.findall(
        r"^!(\S+)$", RECIPE.with_name("Dockerfile.dockerignore").read_text(), flags=re.MULTILINE
    )
    assert sorted(kept) == sorted([*rooms, "pyproject.toml", project["project"]["readme"], "LICENSE"])


def test_it_fits_the_manifests() -> None:
    """The same user, port and version."""
    text = RECIPE.read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    manifests = yaml.safe_load_all((DEPLOY / "kubernetes" / "worker.yaml").read_text())
    (pod,) = [one["spec"]["template"]["spec"] for one in manifests if one["kind"] == "Deployment"]
    context = pod["securityContext"]

    assert f"USER {context['runAsUser']}:{context['runAsGroup']}" in text
    assert f"EXPOSE {DEFAULT_METRICS_PORT}" in text
    assert pod["containers"][0]["image"] == f"sluicegate:{project['version']}"
    python = re.findall(r"^FROM python:(\d+)\.(\d+)-", text, flags=re.MULTILINE)
    least = re.fullmatch(r">=(\d+)\.(\d+)", project["requires-python"])
    assert least is not None
    assert len(python) == 2
    assert all((int(major), int(minor)) >= (int(least[1]), int(least[2])) for major, minor in python)
