"""The alert rules ask for what workers show, and fire when they should."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import generate_latest

from tests.deploy.exposed import DEPLOY, exposed, mistakes, registry, result_labels
from tests.faults.conftest import random, server
from tests.faults.process import WorkerProcess
from tests.faults.server import Server

__all__ = ["random", "server"]  # fixtures

ALERTS = DEPLOY / "prometheus" / "alerts.yml"
TESTS = DEPLOY / "prometheus" / "alerts.test.yml"
OPERATIONS = DEPLOY.parent / "docs" / "operations.md"
PROMTOOL = shutil.which("promtool")

with_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="there is no promtool on PATH (Debian: prometheus)"
)


def rules() -> list[dict[str, Any]]:
    """All alert rules."""
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def promtool(*words: str, text: str | None = None) -> None:
    """Run it; it has nothing to say against what it is given."""
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, *words], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_what_a_worker_shows(rule: dict[str, Any]) -> None:
    """Metrics and labels exist, and so do the labels in its sentences."""
    labels_of = exposed()

    assert mistakes(rule["expr"], labels_of) == []
    if "absent(" not in rule["expr"]:
        named = set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())))
        assert named <= result_labels(rule["expr"], labels_of)
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert set(rule["annotations"]) == {"summary", "description"}


@pytest.mark.parametrize(
    ("expression", "mistake"),
    [
        ("sluicegate_lags > 1", "there is no metric sluicegate_lags"),
        (
            'rate(sluicegate_commit_seconds_count{wallet="a"}[5m])',
            "sluicegate_commit_seconds_count has no label wallet",
        ),
        ("max by (farm) (sluicegate_equity) > 1", "nothing to group by farm"),
        (
            "sluicegate_ready == 0 or sum by (reason) (sluicegate_entries_dead_total)",
            "nothing to group by reason",
        ),
    ],
)
def test_a_planted_mistake_is_found(expression: str, mistake: str) -> None:
    """So that the test above says something."""
    assert mistakes(expression, exposed()) == [mistake]


def test_every_alert_is_tried_firing_and_quiet() -> None:
    """The tests of the rules have a moment of each for every alert but those that fire at once."""
    tried: dict[str, set[bool]] = {}
    for test in yaml.safe_load(TESTS.read_text())["tests"]:
        for moment in test["alert_rule_test"]:
            tried.setdefault(moment["alertname"], set()).add(bool(moment.get("exp_alerts")))

    assert tried == {rule["alert"]: {True, False} for rule in rules()}


def test_every_alert_is_explained_to_operators() -> None:
    """What it means and what to do, in docs/operations.md; and nothing there that is not."""
    explained = re.findall(r"^\| `(Sluicegate\w+)`", OPERATIONS.read_text(), flags=re.MULTILINE)

    assert sorted(explained) == sorted(rule["alert"] for rule in rules())


@with_promtool
def test_prometheus_takes_the_rules() -> None:
    """As its own tool reads them."""
    promtool("check", "rules", str(ALERTS))


@with_promtool
def test_the_alerts_fire_when_they_should() -> None:
    """And not a moment before."""
    promtool("test", "rules", str(TESTS))


@with_promtool
def test_names_and_help_texts_follow_the_conventions() -> None:
    """As Prometheus' own linter has them, with every metric there is."""
    promtool("check", "metrics", text=generate_latest(registry()).decode())


@with_promtool
def test_a_scrape_of_a_real_worker_follows_the_conventions(server: Server, tmp_path: Path) -> None:
    """What comes over HTTP, and it has the process's own metrics in it."""
    with WorkerProcess(tmp_path / "log", redis=server.url) as worker:
        worker.wait_for("partition owned")
        status, text = worker.page("/metrics")
        assert worker.terminate() == 0

    assert status == 200
    assert "\nprocess_resident_memory_bytes " in text
    promtool("check", "metrics", text=text)
