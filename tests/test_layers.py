"""Imports point one way: domain ← state ← handlers ← app; the engine and the metrics know nobody."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# What of ours a room may import, besides itself.
MAY_IMPORT: dict[str, set[str]] = {
    "domain": set(),
    "stream": set(),
    "metrics": set(),
    "examples": set(),  # they know only Redis, as other people's bots do
    "state": {"domain"},
    "handlers": {"domain", "state", "stream"},
    "app": {"domain", "state", "handlers", "stream", "metrics"},
}
ROOMS = {*MAY_IMPORT, "tests", "benchmarks"}
# From a room that another may use, only these of its modules.
ONLY = {("handlers", "stream"): {"stream.types", "stream.errors", "stream.decode"}}


def imported(source: str) -> Iterator[str]:
    """Give the modules that a source imports, wherever in it; relative ones begin with a dot."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def wrong_imports(root: Path) -> list[str]:
    """Give every import that points the wrong way."""
    wrong = []
    for room, allowed in MAY_IMPORT.items():
        for file in sorted((root / room).rglob("*.py")):
            for module in imported(file.read_text()):
                other = module.partition(".")[0]
                only = ONLY.get((room, other))
                if other == "" or (
                    other in ROOMS - {room} and (other not in allowed or (only and module not in only))
                ):
                    wrong.append(f"{file.relative_to(root)} imports {module or 'relatively'}")
    return wrong


def test_imports_point_one_way() -> None:
    """In every file of every room."""
    assert wrong_imports(ROOT) == []


def test_every_room_is_looked_at() -> None:
    """One that was renamed must not escape."""
    assert [room for room in MAY_IMPORT if not list((ROOT / room).rglob("*.py"))] == []


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("domain/money.py", "import state.book"),
        ("domain/allocation/equal.py", "def f():\n    from handlers import turn"),
        ("state/view.py", "from stream.types import Entry"),
        ("handlers/trade.py", "from stream.client import Client"),
        ("handlers/steps/goals.py", "from app.config import Config"),
        ("stream/worker.py", "from domain import money"),
        ("metrics/observe.py", "import handlers.fleet as fleet"),
        ("examples/fleet/bot.py", "import stream.keys"),
        ("domain/money.py", "from . import rules"),
        ("app/worker.py", "from tests.support import driver"),
    ],
)
def test_a_planted_wrong_import_is_found(tmp_path: Path, file: str, source: str) -> None:
    """So that the test above says something."""
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text(f"import json\nfrom collections import abc\n{source}\n")

    (message,) = wrong_imports(tmp_path)
    assert message.startswith(f"{file} imports")
