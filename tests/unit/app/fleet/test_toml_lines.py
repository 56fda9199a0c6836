"""On which line of a TOML file something stands."""

import pytest

from app.fleet.toml_lines import Path, line_of

TEXT = '''\
# A fleet.
title = """
several
lines"""

[[wallet]]
id = "alpha"
rules.clock = "event"

[wallet.rules.rebalance]
method = "equal"   # method = "not this"
[[wallet.farm]]
id = "trend"
[[wallet.farm]]
id = "other"
agent = [
  { id = "one", strategy = "x" },
  # a comment
  { id = "two", risk_mode = "safe" },
]
[[wallet]]
"id" = "beta"
inline = { depth = { deepest = 1 } }
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("title",), 2),
        (("wallet", 0), 6),
        (("wallet", 0, "id"), 7),
        (("wallet", 0, "rules", "clock"), 8),
        (("wallet", 0, "rules", "rebalance"), 10),
        (("wallet", 0, "rules", "rebalance", "method"), 11),
        (("wallet", 0, "farm", 0), 12),
        (("wallet", 0, "farm", 1, "id"), 15),
        (("wallet", 0, "farm", 1, "agent"), 16),
        (("wallet", 0, "farm", 1, "agent", 1, "risk_mode"), 19),
        (("wallet", 1), 21),
        (("wallet", 1, "id"), 22),
        (("wallet", 1, "inline", "depth", "deepest"), 23),
    ],
)
def test_where_it_stands(path: Path, line: int) -> None:
    """Every key and table is found on its own line, however it is written."""
    assert line_of(TEXT, path) == line


def test_what_is_not_there_is_looked_for_above() -> None:
    """A key that is missing is reported at the table that lacks it, and in an empty file at its start."""
    assert line_of(TEXT, ("wallet", 1, "currency")) == 21
    assert line_of("", ("wallet",)) == 1


def test_lines_that_end_as_on_windows() -> None:
    """Carriage returns do not move lines."""
    assert line_of(TEXT.replace("\n", "\r\n"), ("wallet", 0, "farm", 1, "id")) == 15
