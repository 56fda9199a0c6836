"""What is measured when a bin closes, by hand."""

import math
from typing import Any

import msgspec
import pytest

from domain.performance import PROFILE
from tests.support.driver import DAY, MINUTE, SECOND, Driver, Json, Step, funded

OF_A_WINDOW = ["total_return", "volatility", "sharpe", "sortino", "max_drawdown"]


def earning(*equities: str, benchmark: str = "wallet", prices: tuple[str, ...] = ()) -> Step:
    """Have a bot of 1000 end its days at these, and return what is said when the last of them is over."""
    driver = funded({"performance": {"benchmark": benchmark}, "breakers": {"agent_drawdown": None}}, a="1000")
    driver.balance("a", equity="1000", prices={"BTC/USDT": "100"})
    step = driver.tick()
    for day, equity in enumerate(equities):
        marks = {"BTC/USDT": prices[day]} if prices else None
        driver.after(SECOND).balance("a", equity=equity, prices=marks)
        step = driver.after(DAY - SECOND).tick()
    return step


def update_of(step: Step) -> Json:
    """Return the only update of a farm's performance."""
    return step.one("farm_performance_update")


def test_a_farm_tells_its_profile_and_the_further_metrics() -> None:
    """1000, 1100, 1045: +10 %, -5 %."""
    update = update_of(earning("1100", "1045"))

    found = update["metrics"]
    assert list(found) == [
        *PROFILE,
        *("cagr", "var_95", "cvar_95", "best_bin", "worst_bin", "expectancy_ratio", "sqn"),
        "probabilistic_sharpe",
    ]
    assert found["total_return"] == pytest.approx(0.045, abs=1e-12)
    assert (found["best_bin"], found["worst_bin"]) == (pytest.approx(0.1), pytest.approx(-0.05))
    assert found["var_95"] == pytest.approx(-0.05 + 0.05 * 0.15, abs=1e-12)  # a twentieth of the way up
    assert found["cvar_95"] == pytest.approx(-0.05, abs=1e-12)
    assert found["volatility"] == pytest.approx(0.15 / math.sqrt(2) * math.sqrt(365), abs=1e-12)
    assert found["sharpe"] == pytest.approx(0.025 / (0.15 / math.sqrt(2)) * math.sqrt(365), abs=1e-9)
    assert found["cagr"] == pytest.approx(1.045 ** (365 / 2) - 1)


def test_what_has_no_value_says_why() -> None:
    """After one bin there is no deviation; nothing fell; and a bot without fills has reports for trades."""
    update = update_of(earning("1100"))

    absent = update["without_value"]
    assert {name for name, value in update["metrics"].items() if value is None} == absent.keys()
    assert absent["sharpe"] == "too_few_samples"
    assert absent["sortino"] == "no_losses"
    assert absent["calmar"] == "no_drawdown"
    assert absent["sqn"] == "too_few_samples"


def test_windows_are_measured_when_they_are_full() -> None:
    """Seven bins of 1 % are a window of seven, and none of thirty."""
    update = update_of(earning(*(f"{1000 * 1.01 ** (day + 1):.8f}" for day in range(8))))

    week, month, quarter = (update["rolling"][bins] for bins in ("7", "30", "90"))
    assert list(week["metrics"]) == OF_A_WINDOW
    assert week["metrics"]["total_return"] == pytest.approx(1.01**7 - 1, abs=1e-9)
    assert update["metrics"]["total_return"] == pytest.approx(1.01**8 - 1, abs=1e-9)
    for window in (month, quarter):
        assert window["metrics"] == dict.fromkeys(OF_A_WINDOW)
        assert window["without_value"] == dict.fromkeys(OF_A_WINDOW, "too_few_samples")


def test_a_farm_is_compared_with_its_wallet() -> None:
    """The wallet of 10000 made 1 % and lost 55 of 10100 by the same bot."""
    beside = update_of(earning("1100", "1045"))["benchmark"]

    assert beside["name"] == "wallet"
    assert beside["metrics"]["excess_return"] == pytest.approx(0.045 - 0.0045, abs=1e-12)
    assert beside["metrics"]["beta"] == pytest.approx(0.15 / (0.01 + 55 / 10100), abs=1e-9)
    assert beside["metrics"]["correlation"] == pytest.approx(1, abs=1e-12)


def test_a_farm_is_compared_with_the_price_of_a_symbol() -> None:
    """100, 110, 99: +10 %, -10 %; the farm made +10 %, -5 %."""
    beside = update_of(earning("1100", "1045", benchmark="BTC/USDT", prices=("110", "99")))["benchmark"]

    assert beside["name"] == "BTC/USDT"
    assert beside["metrics"]["excess_return"] == pytest.approx(0.045 + 0.01, abs=1e-12)
    assert beside["metrics"]["beta"] == pytest.approx(0.75, abs=1e-12)
    assert beside["without_value"] == {}


def test_a_symbol_that_nobody_saw_is_no_benchmark_yet() -> None:
    """There is nothing to compare with, and it says so."""
    beside = update_of(earning("1100", "1045", benchmark="ETH/USDT"))["benchmark"]

    assert set(beside["without_value"].values()) == {"too_few_samples"}


def test_without_a_benchmark_there_is_no_comparison() -> None:
    """The rule is empty unless it is set."""
    assert "benchmark" not in update_of(earning("1100", benchmark=""))


def with_symbol(**performance: Any) -> Driver:
    """Return a driver whose wallet is compared with BTC/USDT."""
    return funded({"performance": {"benchmark": "BTC/USDT"} | performance}, a="1000")


def test_fills_and_marks_give_the_benchmark_its_price() -> None:
    """Last seen in a bin: 100 by a fill, 120 by a mark; silent bins returned nothing; then 90 by a fill."""
    driver = with_symbol()
    driver.fill("a", "buy", "1", "100")
    driver.fill("a", "buy", "1", "5", symbol="ETH/USDT")
    driver.after(MINUTE).balance("a", prices={"BTC/USDT": "120", "ETH/USDT": "5"})
    driver.after(3 * DAY).fill("a", "sell", "0.5", "90")
    driver.after(DAY).tick()

    assert driver.state["returns"]["benchmark/w"] == b"[0.19999999999999996,0.0,0.0,-0.25]"
    assert driver.wallet["benchmark_open"] == "90"


def test_the_benchmarks_window_is_that_of_the_rules() -> None:
    """Three bins are kept, whatever the age."""
    driver = with_symbol(window=3)
    driver.fill("a", "buy", "1", "100")
    driver.after(DAY).fill("a", "sell", "1", "110")
    driver.after(100 * DAY).tick()

    assert driver.state["returns"]["benchmark/w"] == b"[0.0,0.0,0.0]"


def test_with_a_shorter_window_the_oldest_returns_go_with_the_command_that_sets_it() -> None:
    """Of every scope and of the benchmark; a longer one brings none back."""
    driver = with_symbol()
    for price in ("100", "110", "121", "133.1"):
        driver.fill("a", "buy", "1", price)
        driver.after(DAY)
    driver.fill("a", "sell", "1", "133.1")
    before = {name: msgspec.json.decode(kept) for name, kept in driver.state["returns"].items()}
    lengths = {name: len(kept) for name, kept in before.items()}
    assert lengths == {"agent/w/a": 4, "farm/w/f": 4, "wallet/w": 4, "benchmark/w": 4}

    for window in (2, 100):
        driver.command("wallet_configure", rules={"performance": {"window": window}})

        after = {name: msgspec.json.decode(kept) for name, kept in driver.state["returns"].items()}
        assert after == {name: kept[-2:] for name, kept in before.items()}
    fresh = driver.restarted()
    assert fresh.after(DAY).tick().said == driver.after(DAY).tick().said
    assert fresh.bytes_of_state() == driver.bytes_of_state()


@pytest.mark.parametrize(
    ("change", "mark"), [({"benchmark": "ETH/USDT"}, "0"), ({"bin": "1h"}, "110"), ({"window": 100}, "110")]
)
def test_a_benchmark_begins_anew_with_another_symbol_or_length_of_bin(change: Json, mark: str) -> None:
    """Its returns cannot be told together with those before."""
    driver = with_symbol()
    driver.fill("a", "buy", "1", "100")
    driver.after(DAY).fill("a", "sell", "1", "110")

    driver.command("wallet_configure", rules={"performance": change})

    kept = b"[0.0]" if change == {"window": 100} else b"[]"
    assert (driver.state["returns"]["benchmark/w"], driver.wallet["benchmark_mark"]) == (kept, mark)
    fresh = driver.restarted()
    assert fresh.after(DAY).tick().said == driver.after(DAY).tick().said
    assert fresh.bytes_of_state() == driver.bytes_of_state()


def test_squares_of_profits_are_kept_for_the_system_quality() -> None:
    """Closing fills that bring 10, -5 and 1 net: 126 in squares; √3 · 2 / √57."""
    driver = funded(a="1000")
    driver.fill("a", "buy", "3", "100", fee={"currency": "USDT", "cost": "1"})
    driver.fill("a", "sell", "1", "111", fee={"currency": "USDT", "cost": "1"})
    driver.fill("a", "sell", "1", "95")
    driver.fill("a", "sell", "1", "101")

    assert driver.agent_of("a")["squared_profit"] == "126"
    assert driver.farm_of("f")["squared_profit"] == driver.wallet["squared_profit"] == "126"
    update = update_of(driver.after(DAY).tick())
    assert update["metrics"]["sqn"] == pytest.approx(math.sqrt(3) * 2 / math.sqrt(57), abs=1e-12)


@pytest.mark.parametrize(
    ("length", "rules", "bins_a_year"),
    [("1d", {}, 365), ("1h", {}, 8760), ("12h", {}, 730), ("1d", {"bins_per_year": 252}, 252)],
)
def test_a_year_has_as_many_bins_as_fit_into_it(length: str, rules: Json, bins_a_year: float) -> None:
    """Unless it is said otherwise, as for markets that close: +10 % and -5 % have a deviation of .15/√2."""
    driver = funded({"performance": {"bin": length} | rules, "breakers": {"agent_drawdown": None}}, a="1000")
    ms = {"1h": DAY // 24, "12h": DAY // 2, "1d": DAY}[length]
    driver.balance("a", equity="1000")
    driver.after(SECOND).balance("a", equity="1100")
    driver.after(ms).balance("a", equity="1045")

    update = update_of(driver.after(ms).tick())

    wanted = 0.15 / math.sqrt(2) * math.sqrt(bins_a_year)
    assert update["metrics"]["volatility"] == pytest.approx(wanted, abs=1e-9)


def test_budget_equity_and_profit_from_trading_stand_apart() -> None:
    """
    1000 were allocated; trading earned 20 + 20 - 0.5; 500 more are no profit.

    What it has is what it was given and what it earned.
    """
    driver = funded(a="1000")
    driver.fill("a", "buy", "2", "100", fee={"currency": "USDT", "cost": "0.5"})
    driver.after(SECOND).fill("a", "sell", "1", "120")
    agent = driver.agent_of("a")
    assert (agent["budget"], agent["equity"], agent["trading_pnl"]) == ("1000", "1039.5", "39.5")

    step = driver.after(SECOND).command("allocate", agent="a", amount="500")

    (update,) = (data for data in step.named("wallet_balance_update") if data["id"] == "a")
    figures = ("budget", "equity", "trading_pnl", "realized_pnl", "unrealized_pnl", "fees")
    assert [update[name] for name in figures] == ["1500", "1539.5", "39.5", "20", "20", "0.5"]
    assert driver.farm_of("f")["trading_pnl"] == driver.wallet["trading_pnl"] == "39.5"
    assert driver.wallet["equity"] == "10039.5"
