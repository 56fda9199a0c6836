"""Fleet files: what is read, and where what cannot be is found."""

from pathlib import Path

import pytest

from app.fleet.file import read_fleet
from app.fleet.tables import FleetTable
from domain.rules import RiskMode
from stream.errors import ConfigurationError

EXAMPLE = Path(__file__).parents[4] / "examples" / "fleet" / "fleet.toml"

WALLET = '[[wallet]]\nid = "alpha"\ncurrency = "USDT"\n'
AGENT = WALLET + '[[wallet.farm]]\nid = "trend"\n[[wallet.farm.agent]]\nid = "one"\n'
GOAL = WALLET + '[[wallet.goal]]\nid = "g"\n'
MILLION = 'goal_type = "profit_target"\ntarget = { profit = "1000000" }\n'


def _read(folder: Path, text: str) -> FleetTable:
    path = folder / "fleet.toml"
    path.write_text(text, encoding="utf-8")
    return read_fleet(path)


def test_the_example_is_read() -> None:
    """The file of the demonstration holds."""
    (wallet,) = read_fleet(EXAMPLE).wallet

    assert (wallet.id, wallet.currency, len(wallet.farm)) == ("alpha", "USD", 3)
    assert wallet.farm[0].agent[0].risk_mode is RiskMode.AGGRESSIVE


def test_what_is_left_out_is_none(tmp_path: Path) -> None:
    """A member that the file leaves out is told from one that it sets."""
    (wallet,) = _read(tmp_path, AGENT).wallet

    assert wallet.deposit is None
    assert wallet.farm[0].agent[0].risk_mode is None


def test_false_turns_a_limit_off(tmp_path: Path) -> None:
    """TOML has no null, so false stands for no limit, among the breakers only."""
    text = WALLET + "[wallet.rules.breakers]\nagent_drawdown = false\nfarm_drawdown = 0.3\n"
    (wallet,) = _read(tmp_path, text).wallet

    assert wallet.rule_changes == {"breakers": {"agent_drawdown": None, "farm_drawdown": 0.3}}


def test_a_deadline_is_a_time_or_milliseconds(tmp_path: Path) -> None:
    """A deadline with an offset becomes the milliseconds of the wire."""
    (wallet,) = _read(tmp_path, GOAL + MILLION + "deadline = 2027-01-01T02:00:00+02:00\n").wallet

    assert wallet.goal[0].deadline_ms == 1_798_761_600_000


PROBLEMS = {
    "a misspelt key": (
        WALLET.replace("currency", "currncy"),
        3,
        'unknown key "currncy" in wallet; did you mean "currency"',
    ),
    "a key like no other": (
        WALLET + "zzz = 1",
        4,
        'unknown key "zzz" in wallet; there are id, currency, deposit',
    ),
    "a misspelt table": (
        WALLET + "[wallet.rulez]\nclock = 1",
        4,
        'unknown key "rulez" in wallet; did you mean "rules"',
    ),
    "a misspelt section": (
        WALLET + "[wallet.rules.rebalanc]\nmethod = 1",
        4,
        'unknown key "rebalanc" in rules; did you mean "rebalance"',
    ),
    "a misspelt rule": (
        WALLET + "[wallet.rules.rebalance]\n\nthreshhold = 0.1",
        6,
        'unknown key "threshhold" in rebalance; did you mean "threshold"',
    ),
    "a misspelt member of an agent": (
        AGENT + 'stratgy = "x"',
        8,
        'unknown key "stratgy" in agent; did you mean "strategy"',
    ),
    "a misspelt member of an assignment": (
        GOAL + MILLION + 'assigned = [{ type = "wallet", idd = "alpha" }]',
        8,
        'unknown key "idd" in assigned; did you mean "id"',
    ),
    "a misspelt root": ("[[walet]]\nid = 1", 1, 'unknown key "walet"; did you mean "wallet"'),
    "another type": (WALLET.replace('"alpha"', "7"), 2, "id: expected str, got int"),
    "money as a float": (
        WALLET + "deposit = 0.1",
        4,
        "deposit: expected int or str, got float, so write it in quotes",
    ),
    "a rule of another type": (
        WALLET + '[wallet.rules]\ntolerance = "x"',
        5,
        "tolerance: expected float, got str",
    ),
    "a table for a list": (
        '[wallet]\nid = "alpha"',
        1,
        r"there can be several of wallet: write \[\[wallet\]\]",
    ),
    "a farm that is no list": (WALLET + '[wallet.farm]\nid = "x"', 4, r"write \[\[wallet.farm\]\]"),
    "a missing id": ('[[wallet]]\ncurrency = "USDT"', 1, 'wallet has no "id"'),
    "a goal without a target": (GOAL + 'goal_type = "custom"', 4, 'goal has no "target"'),
    "a risk mode that is none": (
        AGENT + 'risk_mode = "balance"',
        8,
        'risk_mode "balance" is none of safe, balanced, risky, aggressive; did you mean "balanced"',
    ),
    "a method that is none": (
        WALLET + '[wallet.rules.rebalance]\nmethod = "performnce"',
        5,
        'method "performnce" is none of .*; did you mean "performance"',
    ),
    "an id with a space": (WALLET.replace("alpha", "al pha"), 2, "wallet 'al pha' is no id"),
    "a currency that is none": (WALLET.replace("USDT", "US DT"), 3, "is no currency code"),
    "an agent twice": (
        AGENT + '[[wallet.farm.agent]]\nid = "one"',
        9,
        "agent one is declared twice in its wallet",
    ),
    "a wallet twice": (WALLET + WALLET, 5, "wallet alpha is declared twice"),
    "a deposit of nothing": (WALLET + 'deposit = "0"', 4, "deposit: An amount to move is above zero"),
    "a deposit too fine": (WALLET + 'deposit = "0.123456789"', 4, "at most eight decimals"),
    "a deposit that is no number": (WALLET + 'deposit = "lots"', 4, "'lots' is not a decimal"),
    "a duration that is none": (
        WALLET + '[wallet.rules]\nconflation = "1s"\nrebalance = { interval = "5x" }',
        6,
        "'5x' is no duration",
    ),
    "a share above one": (
        WALLET + "[wallet.rules.rebalance]\nreserve = 1.5",
        5,
        "rebalance.reserve is a share",
    ),
    "weights that cross": (
        WALLET + "[wallet.rules.rebalance]\nmin_weight = 0.5",
        5,
        "rebalance.min_weight is above rebalance.max_weight",
    ),
    "bounds of an agent that cross": (
        AGENT + "min_weight = 0.5\nmax_weight = 0.4",
        8,
        "min_weight not above max_weight",
    ),
    "a key that is none": (AGENT + 'public_key = "0xab"', 8, "agent one: public_key is the 32 bytes"),
    "lower bounds that cannot hold together": (
        AGENT + 'min_weight = 0.6\nmax_weight = 1\n[[wallet.farm.agent]]\nid = "b"\nmin_weight = 0.5',
        1,
        "the agents would have at least 1.1 of 1 between them",
    ),
    "a target of another type": (
        GOAL + 'goal_type = "trade_volume"\ntarget = { profit = "1" }',
        7,
        "goal g: The target of a trade_volume goal does not fit",
    ),
    "a target that can never be met": (
        GOAL + 'goal_type = "custom"\ntarget = { all = [{ metric = "win_rate", at_least = 1.5 }] }',
        7,
        "goal g: win_rate is 1 at most, never at least 1.5",
    ),
    "a reward above one": (GOAL + MILLION + "reward = 1.5", 8, "goal g: a reward is a share"),
    "a raise of nothing": (GOAL + MILLION + "raise_by = 0", 8, "goal g: raise_by is a share above 0"),
    "a raise of limits": (
        GOAL
        + 'goal_type = "custom"\nraise_by = 0.1\ntarget = { all = [{ metric = "drawdown", at_most = 0.1 }] }',
        7,
        "goal g: a target that only sets limits has nothing",
    ),
    "a weight of zero": (
        GOAL + MILLION + 'assigned = [{ type = "wallet", id = "alpha", weight = 0 }]',
        8,
        "a weight is at least 1e-06",
    ),
    "a deadline without an offset": (
        GOAL + MILLION + "deadline = 2027-01-01T00:00:00",
        8,
        "has an offset from UTC",
    ),
    "no wallet at all": ("# nothing\n", 1, "no wallet is declared"),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_what_cannot_be_is_refused_with_its_line(tmp_path: Path, name: str) -> None:
    """A problem is one line that names file, line and what to do."""
    text, line, says = PROBLEMS[name]
    with pytest.raises(ConfigurationError, match=says) as refused:
        _read(tmp_path, text)

    assert str(refused.value).startswith(f"{tmp_path / 'fleet.toml'}:{line}: ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["id = ", "[[wallet]\n", "a = 1\na = 2"])
def test_what_is_not_toml(tmp_path: Path, text: str) -> None:
    """A file that is not TOML is named, with the place."""
    with pytest.raises(ConfigurationError, match=r"fleet\.toml is not TOML: .* \(at "):
        _read(tmp_path, text)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """A file that is not UTF-8 is not TOML."""
    (tmp_path / "fleet.toml").write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigurationError, match="is not TOML"):
        read_fleet(tmp_path / "fleet.toml")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A file that cannot be read is named."""
    with pytest.raises(ConfigurationError, match=r"Cannot read .*: No such file"):
        read_fleet(tmp_path / "fleet.toml")
