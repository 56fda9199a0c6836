"""What a worker shows to Prometheus, and what an expression asks for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import promql_parser
from prometheus_client import CollectorRegistry

from metrics.health import Health
from metrics.observe import EngineObserver, FleetCollector, ScopeFigures, observe_process
from stream.types import BatchDetails, Trimmed

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
TARGET: Final = {"job", "instance"}
"""Labels that Prometheus adds to whatever it scrapes."""


def registry() -> CollectorRegistry:
    """Return the metrics of a worker to which everything has happened that can."""
    found = CollectorRegistry()
    observe_process(found, Health(1), "1.2.3")
    observer = EngineObserver(found)
    observer.taken(0, 1)
    observer.owned(0, 1)
    observer.lag(0, 1, 1.0)
    observer.committed(BatchDetails(partition=0, entries=3, applied=1, repeats=1, dead={"no_event": 1}))
    observer.trimmed(Trimmed(0, {"in:trade": 1}, {"out:wallet": 1}))
    scopes = ("wallet", "farm", "agent", "agent")
    figures = [ScopeFigures("w", scope, "x", 1.0, 1.0, 0.0, 1.0, "green", False) for scope in scopes]
    found.register(FleetCollector(lambda: figures, agents=True, agents_max=1))
    return found


def exposed() -> dict[str, set[str]]:
    """Give the labels of every series a worker shows, by name."""
    found: dict[str, set[str]] = {}
    for family in registry().collect():
        for sample in family.samples:
            found.setdefault(sample.name, set()).update({*sample.labels, *TARGET})
    return found


def mistakes(expression: str, labels_of: dict[str, set[str]]) -> list[str]:
    """Say which metrics and labels of an expression no worker shows."""
    found = []
    for node in _walk(promql_parser.parse(expression)):
        if isinstance(node, promql_parser.VectorSelector):
            if node.name not in labels_of:
                found.append(f"there is no metric {node.name}")
                continue
            asked = {name for name, _ in _matchers(node)}
            found += [f"{node.name} has no label {name}" for name in sorted(asked - labels_of[node.name])]
        elif isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None:
            unknown = set(node.modifier.labels) - result_labels(node.expr, labels_of)
            found += [f"nothing to group by {name}" for name in sorted(unknown)]
    return found


def result_labels(node: Any, labels_of: dict[str, set[str]]) -> set[str]:
    """Labels of what an expression gives."""
    if isinstance(node, str):
        node = promql_parser.parse(node)
    if isinstance(node, promql_parser.VectorSelector):
        return labels_of.get(str(node.name), set())
    inner = set().union(*(result_labels(child, labels_of) for child in _children(node)))
    if isinstance(node, promql_parser.AggregateExpr) and str(node.op) not in ("topk", "bottomk"):
        return inner & set(node.modifier.labels if node.modifier is not None else ())
    return inner


def _walk(node: Any) -> Iterator[Any]:
    yield node
    for child in _children(node):
        yield from _walk(child)


def _children(node: Any) -> Iterator[Any]:
    for name in ("lhs", "rhs", "expr", "vector_selector"):
        if (child := getattr(node, name, None)) is not None:
            yield child
    yield from getattr(node, "args", ())


def _matchers(node: promql_parser.VectorSelector) -> list[tuple[str, str]]:
    return [(matcher.name, matcher.value) for matcher in node.matchers.matchers]
