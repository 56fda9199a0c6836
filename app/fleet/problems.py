"""What msgspec has against a fleet file, in the words of whoever wrote the file."""

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Final

import msgspec

from app.fleet.tables import AgentTable, AssignedTable, FarmTable, FleetTable, GoalTable, WalletTable
from app.fleet.toml_lines import Path
from domain.goals import Collect, GoalType
from domain.rules import (
    Action,
    BreakerRules,
    CollectionRules,
    Gate,
    PerformanceRules,
    RebalanceRules,
    RiskMode,
    Rules,
    ScoreRules,
    ScoreWeights,
)

_TABLES: Final[Mapping[str, type[msgspec.Struct]]] = {
    "": FleetTable,
    "wallet": WalletTable,
    "farm": FarmTable,
    "agent": AgentTable,
    "goal": GoalTable,
    "assigned": AssignedTable,
    "rules": Rules,
    "rebalance": RebalanceRules,
    "breakers": BreakerRules,
    "collection": CollectionRules,
    "performance": PerformanceRules,
    "score": ScoreRules,
    "weights": ScoreWeights,
}
_CHOICES: Final[Mapping[str, Collection[str]]] = {
    "type": ("wallet", "farm", "agent"),
    "goal_type": tuple(GoalType),
    "collect": tuple(Collect),
    "risk_mode": tuple(RiskMode),
    "clock": ("tick", "event"),
    "gate": tuple(Gate),
    "action": tuple(Action),
}

_place = re.compile(r"(?s)(.*) - at `\$([^`]*)`").fullmatch
_steps = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]").finditer
_unknown = re.compile(r"Object contains unknown field `(.*)`").fullmatch
_missing = re.compile(r"Object missing required field `(.*)`").fullmatch
_no_choice = re.compile(r"Invalid enum value '?(.*?)'?").fullmatch


def explain(error: msgspec.ValidationError, above: Path = ()) -> tuple[Path, str]:
    """Return where in the file the error is, and a sentence about it; ``above`` is what was converted."""
    match = _place(str(error))
    text, place = (match[1], match[2]) if match else (str(error), "")
    path = [*above, *(step[1] or int(step[2]) for step in _steps(place))]
    table = name_of(path)
    if found := _unknown(text):
        return [*path, found[1]], _unknown_key(found[1], table)
    if found := _missing(text):
        return path, f'{table or "the file"} has no "{found[1]}"'
    if found := _no_choice(text):
        return path, no_choice(table, found[1], _CHOICES.get(table, ()))
    if text == "Expected `array`, got `object`":
        header = ".".join(step for step in path if isinstance(step, str))
        return path, f"there can be several of {table}: write [[{header}]]"
    return path, f"{table}: {_plain(text)}"


def no_choice(what: str, given: str, choices: Collection[str]) -> str:
    """Say that a word is none of those that can stand there."""
    return f'{what} "{given}" is none of {", ".join(choices)}{_nearest(given, choices)}'


def name_of(path: Path) -> str:
    """Name of the table or member at a path; empty for the file itself."""
    return next((step for step in reversed(path) if isinstance(step, str)), "")


def _unknown_key(key: str, table: str) -> str:
    kind = _TABLES.get(table)
    known = kind.__struct_fields__ if kind else ()
    where = f" in {table}" if table else ""
    all_known = f"; there are {', '.join(known)}"
    return f'unknown key "{key}"{where}{_nearest(key, known) or all_known}'


def _nearest(given: str, known: Collection[str]) -> str:
    near = get_close_matches(given, known, n=1)
    return f'; did you mean "{near[0]}"?' if near else ""


def _plain(text: str) -> str:
    """Put a message of msgspec into plain words."""
    plain = text.replace(" | null", "").replace(" | ", " or ").replace("`", "")
    hint = ', so write it in quotes: "0.1"' if "str, got float" in plain else ""
    return f"{plain[:1].lower()}{plain[1:]}{hint}"
