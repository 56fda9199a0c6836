"""The systemd unit is one that systemd takes, and shuts out what a worker does not need."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from app.config import load_config
from tests.deploy.exposed import DEPLOY

UNIT: Final = DEPLOY / "systemd" / "sluicegate-worker@.service"
EXPOSURE_MAX: Final = 20  # tenths; systemd itself calls up to 4.9 "OK", and a common service has 9.6
INSTALLED: Final = "/opt/sluicegate/bin/sluicegate"

with_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze on PATH (Debian: systemd)"
)


def settings() -> dict[str, list[str]]:
    """All settings of the unit, by name."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", UNIT.read_text(), flags=re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Give the unit with the command where it is here: systemd looks whether it is there."""
    command = Path(sys.executable).with_name("sluicegate")
    assert command.exists()
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace(INSTALLED, str(command)))
    return unit


@with_systemd
def test_systemd_takes_the_unit(installed: Path) -> None:
    """And has nothing to remark."""
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(installed)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    # Other units of the machine are none of our concern.
    assert UNIT.stem.removesuffix("@") not in done.stderr


@with_systemd
def test_a_worker_is_shut_in(installed: Path) -> None:
    """By systemd's own reckoning."""
    words = ["systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE_MAX}", str(installed)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_worker_is_ended_as_it_wants_to_be() -> None:
    """SIGTERM, time to commit, and up again when it fails, but not when it was told to end."""
    given = settings()

    assert given["KillSignal"] == ["SIGTERM"]
    assert given["Restart"] == ["on-failure"]
    assert given["StartLimitIntervalSec"] == ["0"]
    assert int(given["TimeoutStopSec"][0].removesuffix("s")) > 4 * 10, (
        "it may wait for a server that hangs, ten seconds an answer"
    )
    assert given["EnvironmentFile"][0] == "/etc/sluicegate/worker.env"
    for name in ("DynamicUser", "NoNewPrivileges"):
        assert given[name] == ["yes"]
    assert given["ProtectSystem"] == ["strict"]


def test_the_environment_is_one_a_worker_understands() -> None:
    """Every variable of the example is a setting."""
    lines = (DEPLOY / "systemd" / "worker.env").read_text().splitlines()
    environment = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))

    assert "SLUICEGATE_REDIS_PASSWORD_FILE" not in environment, "it comes from the unit"
    config = load_config(None, environment, {"name": "host-1", "redis_password_file": "/given/by/the/unit"})

    names = {f"SLUICEGATE_{name.upper()}" for name in config.__struct_fields__}
    assert set(environment) <= names


def test_the_password_is_a_credential() -> None:
    """A file of the worker's own, which neither its environment nor other users show."""
    given = settings()

    (credential,) = given["LoadCredential"]
    name, _, source = credential.partition(":")
    assert source.startswith("/etc/sluicegate/")
    assert given["Environment"] == [f"SLUICEGATE_REDIS_PASSWORD_FILE=/run/credentials/%n/{name}"]
