"""What docs/rules.md says of every rule is so."""

import re
from pathlib import Path
from typing import Any

import msgspec

from domain.rules import DAY_MS, Rules, ScoreWeights, duration_ms

TABLE = Path(__file__).parents[3] / "docs" / "rules.md"
ROW = re.compile(r"^\| `([a-z_.]+)` \| (.+?) \|", re.MULTILINE)


def defaults(rules: dict[str, Any], above: str = "") -> dict[str, Any]:
    """Return the default of each rule by its full name; the weights of the score are one."""
    found: dict[str, Any] = {}
    for name, value in rules.items():
        if isinstance(value, dict) and name not in ("rates", "weights"):
            found |= defaults(value, f"{above}{name}.")
        else:
            found[above + name] = value
    return found


def documented(text: str) -> Any:
    """Read a default as the table has it."""
    text = text.strip("`")
    if text == "none":
        return None
    if text == "{}":
        return {}
    if text == "false":
        return False
    if text == "1.0 each":
        return msgspec.to_builtins(ScoreWeights())
    if re.fullmatch(r"\d+(ms|s|m|h|d)", text):
        return duration_ms(text)
    return float(text) if re.fullmatch(r"[\d.]+", text) else text


def test_every_rule_has_its_row_and_its_default() -> None:
    """In the table the page begins with."""
    table = {name: documented(text) for name, text in ROW.findall(TABLE.read_text().partition("\n## ")[0])}
    ours = defaults(msgspec.to_builtins(Rules()))

    assert table.keys() == ours.keys()
    for name, value in table.items():
        # No benchmark is an empty name, the smallest transfer is a decimal text, a gate may be named "none".
        said = {"performance.benchmark": "", "score.gate": "none"}.get(name, value)
        assert said == (float(ours[name]) if name == "rebalance.smallest" else ours[name]), name


def test_a_duration_is_read_as_one() -> None:
    """The reader above reads the table, and not itself."""
    assert (documented("`1d`"), documented("0.05"), documented("none")) == (DAY_MS, 0.05, None)
