"""What only prices show has to last before it trips; what was realised trips at once."""

import pytest

from tests.support.driver import MINUTE, SECOND, START, Driver, Step, earn, funded, limited


def holding(**breakers: object) -> Driver:
    """Return an agent that has 500 in cash and 5 BTC bought at 100, with a limit of 20 % from its peak."""
    driver = funded(limited(**{"agent_drawdown": 0.2} | breakers), a="1000")
    driver.fill("a", "buy", "5", "100")
    return driver.after(MINUTE)


def price(driver: Driver, value: object) -> Step:
    """Tell a price of BTC by a snapshot."""
    return driver.balance("a", prices={"BTC/USDT": value})


def test_one_bad_price_does_not_trip() -> None:
    """Down to 700 of 1000 for ten seconds, and back: orange, then green, and no stop then or later."""
    driver = holding()

    alert = price(driver, 40).one("risk_alert")
    assert (alert["colour"], alert["value"], alert["limit"]) == ("orange", 0.3, 0.2)
    assert driver.agent_of("a")["reached"] == driver.now
    alert = price(driver.after(10 * SECOND), 99).one("risk_alert")

    assert alert["colour"] == "green"
    assert driver.agent_of("a")["reached"] is None
    assert driver.after(MINUTE).tick().named("emergency_stop") == []


def test_a_fill_far_from_the_others_does_not_trip() -> None:
    """It marks the whole position at its own price, until the next one."""
    driver = holding()

    assert driver.fill("a", "buy", "0.1", "40").named("emergency_stop") == []
    driver.after(SECOND).fill("a", "buy", "0.1", "100")

    assert driver.after(MINUTE).tick().named("emergency_stop") == []
    assert driver.agent_of("a")["breaker"] == "green"


def test_a_price_that_lasts_trips_by_a_timer_alone() -> None:
    """Fifteen seconds later, at a tick, and not a millisecond before; whatever better price still trips."""
    driver = holding()
    price(driver, 40)
    start = driver.now
    price(driver.after(5 * SECOND), 60)
    driver = driver.restarted()

    assert driver.fleet.view.books["w"].timer_due == start + 15 * SECOND
    assert driver.after(10 * SECOND - 1).tick().named("emergency_stop") == []
    stop = driver.after(1).tick().one("emergency_stop")

    assert (stop["agents"], stop["reason"], stop["value"], stop["limit"]) == (["a"], "drawdown", 0.2, 0.2)
    assert (driver.agent_of("a")["state"], driver.agent_of("a")["reached"]) == ("stopped", None)


def test_a_price_that_recovers_begins_anew() -> None:
    """Ten seconds beyond the limit, one within, ten beyond: never fifteen."""
    driver = holding()
    price(driver, 60)
    price(driver.after(10 * SECOND), 61)
    price(driver.after(SECOND), 60)

    assert driver.after(10 * SECOND).tick().named("emergency_stop") == []
    assert len(driver.after(5 * SECOND).tick().named("emergency_stop")) == 1


def test_a_realised_loss_trips_at_once() -> None:
    """The position is sold at that price: there is nothing to wait for."""
    driver = holding()

    assert driver.fill("a", "sell", "5", "60").one("emergency_stop")["value"] == 0.2


def test_selling_at_a_price_that_waits_to_be_believed_trips_at_once() -> None:
    """Selling half of it leaves 100 of the 200 lost to marks; selling the rest leaves none."""
    driver = holding()
    price(driver, 60)

    assert driver.after(SECOND).fill("a", "sell", "2.5", "60").named("emergency_stop") == []
    assert len(driver.fill("a", "sell", "2.5", "60").named("emergency_stop")) == 1


def test_without_smoothing_a_mark_trips_at_once() -> None:
    """As for who trusts every price."""
    assert len(price(holding(smoothing=0), 60).named("emergency_stop")) == 1


def test_what_lasted_trips_before_the_day_closes_when_time_leaps() -> None:
    """The next event comes a day later; the loss of the day was beyond the limit long before midnight."""
    driver = holding(agent_drawdown=None, agent_daily_loss=0.2)
    price(driver, 60)

    step = price(driver.after(24 * 60 * MINUTE), 100)

    assert step.one("emergency_stop")["reason"] == "daily_loss"


def test_a_daily_loss_that_the_day_ends_does_not_trip() -> None:
    """Reached ten seconds before midnight; it is history five seconds before it would have tripped."""
    driver = holding(agent_drawdown=None, agent_daily_loss=0.2)
    driver.after(24 * 60 * MINUTE - 71 * SECOND - 1)
    price(driver.after(SECOND), 60)
    assert driver.agent_of("a")["reached"] is not None

    step = driver.after(MINUTE).tick()

    assert step.named("emergency_stop") == []
    assert step.one("risk_alert")["colour"] == "green"
    assert driver.agent_of("a")["reached"] is None


def test_a_high_that_does_not_last_is_no_peak() -> None:
    """Marked up to 1300 for a second: the fall back to 1000 is 23 % from it, and no loss."""
    driver = holding()
    price(driver, 160)
    assert driver.agent_of("a")["peak_equity"] == "1300"

    step = price(driver.after(SECOND), 100)

    assert step.named("risk_alert") == step.named("emergency_stop") == []
    assert driver.agent_of("a")["peak_equity"] == "1000"
    assert driver.after(MINUTE).tick().named("emergency_stop") == []


def test_a_bad_high_soon_after_a_good_one_is_no_peak_either() -> None:
    """The good one is sixteen seconds old when the bad one of two seconds ago is gone again."""
    driver = holding()
    price(driver, 101)
    price(driver.after(14 * SECOND), 160)

    step = price(driver.after(2 * SECOND), 101)

    assert step.named("risk_alert") == []
    assert driver.agent_of("a")["peak_equity"] == "1005"


def test_a_high_that_lasts_is_a_peak() -> None:
    """Half a minute at 1300: from there the fall to 1000 counts, once it has lasted too."""
    driver = holding()
    price(driver, 160)

    alert = price(driver.after(30 * SECOND), 100).one("risk_alert")
    assert (alert["colour"], alert["value"]) == ("orange", 0.23076923)

    assert len(driver.after(15 * SECOND).tick().named("emergency_stop")) == 1


def test_open_profit_that_one_bad_price_takes_does_not_trip() -> None:
    """1300 for an hour, 1000 for a second: nothing is worth less than it cost, and yet it is a mark."""
    driver = holding()
    price(driver, 160)
    driver.after(60 * MINUTE)

    assert price(driver, 100).named("emergency_stop") == []
    assert price(driver.after(SECOND), 160).one("risk_alert")["colour"] == "green"


def test_open_profit_that_is_sold_for_nothing_trips_at_once() -> None:
    """Sold at what it cost: from 1300 to 1000, and no price will bring it back."""
    driver = holding(farm_drawdown=0.2)
    price(driver, 160)
    driver.after(60 * MINUTE)

    stops = driver.fill("a", "sell", "5", "100").named("emergency_stop")

    assert [(stop["scope"], stop["value"]) for stop in stops] == [("agent", 0.23076923), ("farm", 0.23076923)]


def test_a_bad_price_and_a_small_loss_do_not_trip_together() -> None:
    """18 % by a mark and 3 % realised a second later: beyond the limit only if the mark is right."""
    driver = holding()
    price(driver, 64)

    assert earn(driver.after(SECOND), "a", -30).named("emergency_stop") == []
    assert driver.agent_of("a")["doubt"] == "180"
    price(driver.after(SECOND), 100)

    assert driver.after(MINUTE).tick().named("emergency_stop") == []
    assert (driver.agent_of("a")["doubt"], driver.agent_of("a")["doubt_at"]) == ("0", None)


def test_a_loss_by_marks_that_lasted_is_as_good_as_realised() -> None:
    """18 % by a mark of an hour ago, and 3 % realised: it trips at once."""
    driver = holding()
    price(driver, 64)
    driver.after(15 * SECOND).tick()
    assert driver.agent_of("a")["doubt_at"] is None

    assert earn(driver, "a", -30).one("emergency_stop")["value"] == 0.21


def test_a_high_that_was_earned_is_a_peak_at_once() -> None:
    """300 realised and 260 lost in one second: 20 % of 1300."""
    driver = funded(limited(agent_drawdown=0.2), a="1000")
    earn(driver.after(MINUTE), "a", 300)

    assert earn(driver, "a", -260).one("emergency_stop")["value"] == 0.2


def test_a_mark_may_stop_a_farm_or_a_wallet_too() -> None:
    """Each scope waits on its own; all trip with the same tick."""
    driver = holding(agent_drawdown=None, farm_drawdown=0.2, wallet_drawdown=0.02)
    price(driver, 60)

    step = driver.after(15 * SECOND).tick()

    assert [stop["scope"] for stop in step.named("emergency_stop")] == ["farm", "wallet"]


def test_who_turns_smoothing_off_believes_every_price_from_then_on() -> None:
    """What waits trips with the command."""
    driver = holding()
    price(driver, 60)

    step = driver.command("wallet_configure", rules={"breakers": {"smoothing": 0}})

    assert step.one("emergency_stop")["agents"] == ["a"]


def test_agent_farm_and_wallet_trip_with_the_same_tick_before_money_moves() -> None:
    """Each has lost exactly a tenth or more; taken back in between, the agent's 600 would round that away."""
    rules = limited(agent_drawdown=0.1, farm_drawdown=0.1, wallet_drawdown=0.1)
    driver = funded(rules, deposit="1000", a="600", b="400")
    driver.fill("a", "buy", "1", "200", symbol="BTC/USDT:USDT")
    driver.after(MINUTE).balance("a", prices={"BTC/USDT:USDT": "100"})

    step = driver.after(15 * SECOND).tick()

    assert [stop["scope"] for stop in step.named("emergency_stop")] == ["agent", "farm", "wallet"]
    assert [data["amount"] for data in step.named("fund_collection")] == ["600", "400"]


def test_a_bin_that_closes_at_the_moment_a_loss_has_lasted_is_told() -> None:
    """The wallet trips at the full hour: the farm's return of that hour is told like any other."""
    driver = funded(limited(wallet_drawdown=0.2) | {"performance": {"bin": "1h"}}, deposit="1000", a="1000")
    driver.fill("a", "buy", "5", "100")
    driver.now = START + 60 * MINUTE - 15 * SECOND
    price(driver, 40)

    step = driver.after(15 * SECOND).tick()

    assert step.one("emergency_stop")["scope"] == "wallet"
    told = step.one("farm_performance_update")
    assert (told["bin"], told["return"]) == (START // (60 * MINUTE), pytest.approx(-0.3))
    assert told["equity"] == "200"  # five at 40; what was free went back with the stop
