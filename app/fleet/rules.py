"""How two sets of rules differ."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from domain.rules import DURATIONS, UNIT_MS, Rules

_WHOLE: Final = ("rates",)  # replaced as a whole


class RuleChange(msgspec.Struct, frozen=True):
    """One rule that differs."""

    path: tuple[str, ...]
    before: Any
    after: Any

    @property
    def name(self) -> str:
        """The rule as it is spoken of."""
        return ".".join(self.path)

    @property
    def spoken(self) -> tuple[Any, Any]:
        """Values before and after as a file would have them."""
        return _spoken(self.path, self.before), _spoken(self.path, self.after)


def rule_changes(before: Rules, after: Rules) -> list[RuleChange]:
    """Rules that differ."""
    return _changes(msgspec.to_builtins(before), msgspec.to_builtins(after), ())


def nested(changes: list[RuleChange]) -> dict[str, Any]:
    """Return changes as a command has them."""
    rules: dict[str, Any] = {}
    for change in changes:
        table = rules
        for name in change.path[:-1]:
            table = table.setdefault(name, {})
        table[change.path[-1]] = change.after
    return rules


def paths(rules: Mapping[str, Any], above: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Rules that a table names."""
    found: set[tuple[str, ...]] = set()
    for name, value in rules.items():
        here = (*above, name)
        found |= paths(value, here) if isinstance(value, dict) and here != _WHOLE else {here}
    return found


def _spoken(path: tuple[str, ...], value: Any) -> Any:  # noqa: ANN401  # of any rule
    if path not in DURATIONS or not value:
        return value
    unit = next(unit for unit, ms in reversed(UNIT_MS.items()) if value % ms == 0)
    return f"{value // UNIT_MS[unit]}{unit}"


def _changes(before: Mapping[str, Any], after: Mapping[str, Any], above: tuple[str, ...]) -> list[RuleChange]:
    found: list[RuleChange] = []
    for name, new in after.items():
        here, old = (*above, name), before[name]
        if isinstance(new, dict) and here != _WHOLE:
            found += _changes(old, new, here)
        elif new != old:
            found.append(RuleChange(here, old, new))
    return found
