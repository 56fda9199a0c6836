"""The dashboards are dashboards, and ask for what workers show."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.deploy.exposed import DEPLOY, exposed, mistakes, result_labels

FILES = sorted((DEPLOY / "grafana").glob("*.json"))
each = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def test_there_are_two() -> None:
    """One that was renamed must not escape."""
    assert [file.stem for file in FILES] == ["engine", "fleet"]


def panels(file: Path) -> list[dict[str, Any]]:
    """Panels that show something."""
    return [panel for panel in json.loads(file.read_text())["panels"] if panel["type"] != "row"]


def targets(file: Path) -> Iterator[tuple[str, str]]:
    """Every expression and its legend."""
    for panel in panels(file):
        for target in panel["targets"]:
            yield target["expr"].replace("$__rate_interval", "5m"), target["legendFormat"]


@each
def test_a_dashboard_asks_for_what_a_worker_shows(file: Path) -> None:
    """Metrics and labels exist, also those that the legends name."""
    labels_of = exposed()

    for expression, legend in targets(file):
        assert mistakes(expression, labels_of) == [], expression
        named = set(re.findall(r"\{\{(\w+)\}\}", legend))
        assert named <= result_labels(expression, labels_of), expression


@each
def test_variables_ask_for_what_a_worker_shows(file: Path) -> None:
    """``label_values(metric, label)``, and each expression's variables are there."""
    labels_of = exposed()
    variables = {one["name"]: one for one in json.loads(file.read_text())["templating"]["list"]}

    for variable in variables.values():
        if variable["type"] == "query":
            asked = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
            assert asked is not None
            assert mistakes(asked[1], labels_of) == []
            assert asked[2] in result_labels(asked[1], labels_of)
    for expression, _ in targets(file):
        assert set(re.findall(r"\$(\w+)", expression)) <= set(variables)


@each
def test_nothing_of_a_dashboard_is_lost_on_grafana(file: Path) -> None:
    """Grafana's own types of a dashboard (10.1) take it in and give it back with every member."""
    register_default_plugins()
    given = json.loads(file.read_text())

    taken = json.loads(JSONEncoder().encode(Dashboard.from_json(given)))

    assert list(lost(given, taken)) == []


def lost(given: Any, taken: Any, path: str = "") -> Iterator[str]:
    """Tell the members that are not there any more, or changed."""
    if isinstance(given, dict):
        for name, value in given.items():
            if name in taken:
                yield from lost(value, taken[name], f"{path}/{name}")
            else:
                yield f"{path}/{name}"
    elif isinstance(given, list):
        for place, (one, other) in enumerate(zip(given, taken, strict=True)):
            yield from lost(one, other, f"{path}/{place}")
    elif given != taken:
        yield path


@each
def test_panels_stand_side_by_side(file: Path) -> None:
    """Ids are their own, and no two panels cover the same place."""
    board = json.loads(file.read_text())
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)

    covered: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not covered & cells, panel["title"]
        covered |= cells


def test_the_fleet_is_shown_by_wallet_and_farm() -> None:
    """Equity, drawdown, budget and breakers of each."""
    shown = " ".join(expression for expression, _ in targets(DEPLOY / "grafana" / "fleet.json"))

    for metric in ("equity", "drawdown_ratio", "budget", "breaker_state"):
        for scope in ("wallet", "farm"):
            assert re.search(rf'sluicegate_{metric}{{[^}}]*scope="{scope}"', shown), (metric, scope)


def test_every_metric_of_the_engine_is_on_a_dashboard() -> None:
    """What is worth counting is worth a look."""
    shown = " ".join(expression for file in FILES for expression, _ in targets(file))
    wanted = {name.removesuffix("_bucket") for name in exposed() if name.startswith("sluicegate_")}
    wanted = {name for name in wanted if not name.endswith(("_sum", "_count"))}

    assert [name for name in sorted(wanted) if name not in shown] == []
