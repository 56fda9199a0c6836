"""A limit trips in the commit of the fill that reached it, whoever else it concerns."""

import pytest

from tests.support.driver import MINUTE, NO_BREAKERS, SECOND, Driver, Json, Step, funded

CALM = {"breakers": NO_BREAKERS}
WALLET: Json = {"type": "wallet", "id": "w"}
FARM: Json = {"type": "farm", "id": "f"}
AGENT: Json = {"type": "agent", "id": "a"}


def limited(**breakers: object) -> Json:
    """Return rules with no other limits than these."""
    return {"breakers": NO_BREAKERS | breakers}


def emergencies(step: Step) -> list[tuple[str, str]]:
    """Return what was told of stops and alerts, with the kind of scope, in order."""
    return [(said.name, said.data["scope"]) for said in step.said if said.stream == "emergency"]


def earn(driver: Driver, agent: str, profit: object) -> Step:
    """Have an agent realise a profit or loss of its own accounting, at a symbol of its own."""
    return driver.fill(agent, "buy", "1", "0.01", symbol="X/USDT", realized_pnl=profit)


# -- limits of three levels ----------------------------------------------------------------------------------


def test_agent_farm_and_wallet_trip_with_the_same_fill_from_the_inside_out() -> None:
    """Each by its own limit; were the money taken back first, the farm's loss would be rounded down."""
    rules = limited(agent_drawdown=0.1, farm_drawdown=0.1, wallet_drawdown=0.1)
    driver = funded(rules, deposit="1000", a="600", b="400")

    step = earn(driver, "a", -100)

    assert emergencies(step) == [
        ("risk_alert", "agent"),
        ("emergency_stop", "agent"),
        ("risk_alert", "farm"),
        ("emergency_stop", "farm"),
        ("risk_alert", "wallet"),
        ("emergency_stop", "wallet"),
    ]
    stops = step.named("emergency_stop")
    assert [stop["agents"] for stop in stops] == [["a"], ["a", "b"], ["a", "b"]]
    assert [(stop["reason"], stop["value"], stop["limit"]) for stop in stops] == [
        ("drawdown", 0.16666667, 0.1),
        ("drawdown", 0.1, 0.1),
        ("drawdown", 0.1, 0.1),
    ]
    assert [data["agent"] for data in step.named("fund_collection")] == ["a", "b"]
    names = [name for name in step.names if name in ("emergency_stop", "fund_collection")]
    assert names == ["emergency_stop"] * 3 + ["fund_collection"] * 2


def test_a_limit_of_one_level_is_none_of_another() -> None:
    """A unit less than a tenth of the farm, a sixth of the agent: only what was reached trips."""
    rules = limited(agent_drawdown=0.2, farm_drawdown=0.1, wallet_drawdown=0.05)
    driver = funded(rules, deposit="2000", a="600", b="400")

    step = earn(driver, "a", "-99.99999999")

    assert step.named("emergency_stop") == []
    assert [(alert["scope"], alert["colour"]) for alert in step.named("risk_alert")] == [
        ("agent", "orange"),
        ("farm", "orange"),
        ("wallet", "orange"),
    ]

    step = earn(driver, "a", "-0.00000001")

    assert [stop["scope"] for stop in step.named("emergency_stop")] == ["farm", "wallet"]
    assert driver.agent_of("a")["trip"] is None
    assert [driver.agent_of(name)["state"] for name in ("a", "b")] == ["stopped", "stopped"]


# -- a stop is one commit ------------------------------------------------------------------------------------


def test_a_stop_of_the_wallet_is_one_commit_with_the_fill_that_caused_it() -> None:
    """One entry: its outputs name every agent of every farm, and the state it leaves has them all stopped."""
    driver = funded(limited(wallet_daily_loss=0.1), deposit="1000", a="300", b="300")
    driver.command("farm_create", farm="g")
    driver.command("agent_register", agent="c", farm="g")
    driver.command("allocate", agent="c", amount="400")
    driver.fill("c", "buy", "1", "100")

    step = driver.fill("c", "sell", "1", "50", realized_pnl="-100")

    stop = step.one("emergency_stop")
    assert (stop["scope"], stop["agents"]) == ("wallet", ["a", "b", "c"])
    (said,) = [said for said in step.said if said.name == "emergency_stop"]
    entry = driver.entries[-1]
    assert said.event["id"].startswith(f"0/in:trade/{entry.id.decode()}/")
    assert [driver.agent_of(name)["state"] for name in ("a", "b", "c")] == ["stopped"] * 3
    assert [driver.agent_of(name)["cash"] for name in ("a", "b", "c")] == ["0"] * 3


@pytest.mark.parametrize("scope", [FARM, WALLET])
def test_a_new_agent_under_a_stop_starts_stopped_and_gets_nothing(scope: Json) -> None:
    """Whichever of those above it is stopped."""
    driver = funded(CALM, a="1000")
    driver.command("emergency_stop", scope=scope)

    assert driver.command("agent_register", agent="b", farm="f").reply["result"]["state"] == "stopped"

    assert driver.agent_of("b")["state"] == "stopped"
    assert driver.command("allocate", agent="b", amount="10").reply["refusal"] == "agent_stopped"
    assert driver.command("emergency_resume", scope=scope).one("emergency_resume")["agents"] == ["a", "b"]


# -- what a stopped agent may report -------------------------------------------------------------------------


def alerts(step: Step) -> list[Json]:
    """Return the alerts that a stopped agent trades."""
    return [alert for alert in step.named("risk_alert") if alert["kind"] == "trading_while_stopped"]


@pytest.mark.parametrize("action", ["block_entries", "stop", "liquidate"])
def test_a_fill_that_enlarges_a_position_under_a_stop_is_recorded_and_told_once(action: str) -> None:
    """The second and third are as wrong as the first, and nobody has to be told so three times."""
    driver = funded(CALM, a="1000")
    driver.fill("a", "buy", "1", "100")
    driver.command("emergency_stop", scope=AGENT, action=action, reason="exchange is down")
    driver.after(SECOND)

    first = driver.fill("a", "buy", "1", "100")
    second = driver.fill("a", "buy", "0.5", "100")
    other = driver.fill("a", "sell", "1", "50", symbol="ETH/USDT")

    assert alerts(first) == [
        {
            "scope": "agent",
            "id": "a",
            "kind": "trading_while_stopped",
            "symbol": "BTC/USDT",
            "position": "2",
            "action": action,
            "reason": "exchange is down",
        }
    ]
    assert alerts(second) == alerts(other) == []
    assert driver.agent_of("a")["positions"]["BTC/USDT"]["amount"] == "2.5"
    assert driver.agent_of("a")["trades"] == 4


def test_a_new_stop_is_told_of_anew() -> None:
    """Whether the agent ran in between or another stop came on top."""
    driver = funded(CALM, a="1000")
    told = []
    for scope in (AGENT, WALLET):
        driver.command("emergency_stop", scope=scope)
        driver.after(SECOND)
        told += [len(alerts(driver.fill("a", "buy", "1", "10"))) for _ in range(2)]
    for scope in (WALLET, AGENT):
        driver.command("emergency_resume", scope=scope)
    driver.after(SECOND)
    assert alerts(driver.fill("a", "buy", "1", "10")) == []
    driver.command("emergency_stop", scope=FARM)
    driver.after(SECOND)
    told += [len(alerts(driver.fill("a", "buy", "1", "10"))) for _ in range(2)]

    assert told == [1, 0, 1, 0, 1, 0]


def test_reducing_under_a_stop_is_what_a_bot_is_asked_to_do() -> None:
    """Down to nothing; what goes through zero to the other side opens again."""
    driver = funded(CALM, a="1000")
    driver.fill("a", "buy", "3", "100")
    driver.command("emergency_stop", scope=AGENT)
    driver.after(SECOND)

    assert alerts(driver.fill("a", "sell", "1", "100")) == []
    assert alerts(driver.fill("a", "sell", "2", "100")) == []
    driver.command("emergency_resume", scope=AGENT)
    driver.fill("a", "buy", "1", "100")
    driver.command("emergency_stop", scope=AGENT)
    driver.after(SECOND)

    (alert,) = alerts(driver.fill("a", "sell", "3", "100"))
    assert alert["position"] == "-2"


def test_a_fill_from_before_the_stop_is_no_trading_under_it() -> None:
    """It was executed when the bot could not know, and is reported late."""
    driver = funded(CALM, a="1000")
    before = driver.now
    driver.after(MINUTE).command("emergency_stop", scope=AGENT)
    stopped = driver.now
    driver.after(SECOND)

    assert alerts(driver.fill("a", "buy", "1", "100", timestamp=before)) == []
    assert alerts(driver.fill("a", "buy", "1", "100", timestamp=stopped)) == []
    assert len(alerts(driver.fill("a", "buy", "1", "100", timestamp=stopped + 1))) == 1


def test_the_fill_that_trips_is_not_made_under_the_stop() -> None:
    """It opened a position, and its fee was the last bit of the loss."""
    driver = funded(limited(agent_drawdown=0.1), a="1000")

    step = driver.fill("a", "buy", "1", "100", fee={"currency": "USDT", "cost": "100"})

    assert step.one("emergency_stop")["agents"] == ["a"]
    assert alerts(step) == []


# -- the way back --------------------------------------------------------------------------------------------


def test_a_resume_is_recorded_with_its_author_and_reason() -> None:
    """In the event and in the state, also of a worker that starts anew."""
    driver = funded(CALM, a="1000")
    driver.command("emergency_stop", scope=FARM)

    step = driver.after(SECOND).command("emergency_resume", scope=FARM, by="ann", reason="checked by hand")

    told = step.one("emergency_resume")
    assert (told["by"], told["reason"]) == ("ann", "checked by hand")
    expected = {"reason": "checked by hand", "at": driver.now, "by": "ann"}
    assert driver.farm_of("f")["resumed"] == expected
    again = driver.restarted()
    again.after(SECOND).fill("a", "buy", "1", "10")
    assert again.farm_of("f")["resumed"] == expected
    assert again.farm_of("f")["trip"] is None


def test_what_is_not_stopped_cannot_be_resumed() -> None:
    """Agent, farm or wallet; and nothing is told."""
    driver = funded(CALM, a="1000")

    for scope in (AGENT, FARM, WALLET):
        step = driver.command("emergency_resume", scope=scope)
        assert step.reply["refusal"] == "not_stopped"
        assert step.named("emergency_resume") == []


@pytest.mark.parametrize("scope", [AGENT, FARM])
def test_what_a_stop_above_holds_is_resumed_there(scope: Json) -> None:
    """A farm under a stopped wallet is held as an agent is."""
    driver = funded(CALM, a="1000")
    driver.command("emergency_stop", scope=WALLET)

    step = driver.command("emergency_resume", scope=scope)

    assert step.reply["refusal"] == "stopped_above"
    assert "wallet w" in step.reply["detail"]
    assert driver.agent_of("a")["state"] == "stopped"


def test_a_cool_off_ends_by_itself_with_no_event_but_a_tick() -> None:
    """A minute after the trip and not a millisecond before; nobody asked for it."""
    driver = funded(limited(agent_drawdown=0.1, cool_off="1m"), a="1000")
    earn(driver, "a", -100)
    assert driver.agent_of("a")["trip"]["until"] == driver.now + MINUTE

    assert driver.after(MINUTE - 1).tick().named("emergency_resume") == []
    step = driver.after(1).tick()

    assert step.one("emergency_resume") == {
        "scope": "agent",
        "id": "a",
        "agents": ["a"],
        "reason": "cool_off",
        "by": None,
    }
    assert driver.agent_of("a")["resumed"] == {"reason": "cool_off", "at": driver.now, "by": None}


def test_a_latched_stop_outlasts_days_and_restarts() -> None:
    """Without a cool-off only a command lifts it; it is rebuilt from the stored state alone."""
    driver = funded(limited(agent_daily_loss=0.1), a="1000")
    earn(driver, "a", -100)

    driver = driver.restarted().after(3 * 24 * 60 * MINUTE)
    driver.tick()

    assert driver.agent_of("a")["state"] == "stopped"
    assert driver.agent_of("a")["trip"]["reason"] == "daily_loss"
    assert driver.command("emergency_resume", scope=AGENT).one("emergency_resume")["agents"] == ["a"]


def test_colours_are_told_in_both_directions() -> None:
    """Down through yellow and orange, and up again; each change once."""
    driver = funded(limited(agent_drawdown=0.2), a="1000")
    told = []
    for profit in (-99, -1, -59, -1, 1, 59, 1, 100, 50):
        step = earn(driver.after(SECOND), "a", profit)
        told += [(alert["previous"], alert["colour"]) for alert in step.named("risk_alert")]

    assert told == [
        ("green", "yellow"),  # 900 of 1000
        ("yellow", "orange"),  # 840
        ("orange", "yellow"),  # 841
        ("yellow", "green"),  # 901
    ]


# -- a number of losing fills in a row -----------------------------------------------------------------------


def test_losing_fills_in_a_row_are_counted_and_a_win_ends_them() -> None:
    """Yellow at three of five, orange at four; what breaks even or only opens is neither win nor loss."""
    driver = funded(limited(agent_losing_streak=5), a="1000")
    even = {"fee": {"currency": "USDT", "cost": "2"}, "realized_pnl": "2"}
    told = []
    for profit in (-1, -1, 1, -1, -1, -1, -1):
        told += earn(driver, "a", profit).named("risk_alert")
    driver.fill("a", "buy", "1", "0.01", symbol="X/USDT", **even)
    driver.fill("a", "buy", "1", "0.01", symbol="X/USDT", fee={"currency": "USDT", "cost": "1"})
    assert driver.agent_of("a")["streak"] == 4

    step = earn(driver, "a", "-0.00000001")

    assert [(alert["colour"], alert["value"], alert["limit"]) for alert in told] == [
        ("yellow", 3, 5),
        ("orange", 4, 5),
    ]
    stop = step.one("emergency_stop")
    assert (stop["reason"], stop["value"], stop["limit"]) == ("losing_streak", 5, 5)


def test_a_fee_can_make_a_loss_of_a_win() -> None:
    """Profit is counted net of it."""
    driver = funded(limited(agent_losing_streak=1), a="1000")

    step = driver.fill(
        "a",
        "buy",
        "1",
        "1",
        symbol="X/USDT",
        realized_pnl="1",
        fee={"currency": "USDT", "cost": "1.00000001"},
    )

    assert step.one("emergency_stop")["reason"] == "losing_streak"


def test_a_farm_counts_the_fills_of_all_its_agents() -> None:
    """Two of one and one of another are three; the agents' own streaks are their own."""
    driver = funded(limited(farm_losing_streak=3, agent_losing_streak=3), a="1000", b="1000")
    earn(driver, "a", -1)
    earn(driver, "b", -1)

    step = earn(driver, "a", -1)

    assert [stop["scope"] for stop in step.named("emergency_stop")] == ["farm"]
    assert [driver.agent_of(name)["streak"] for name in ("a", "b")] == [2, 1]


def test_a_resume_begins_a_streak_anew() -> None:
    """Else the next loss would stop it again."""
    driver = funded(limited(agent_losing_streak=2), a="1000")
    earn(driver, "a", -1)
    earn(driver, "a", -1)
    driver.command("emergency_resume", scope=AGENT)
    assert earn(driver, "a", -1).named("emergency_stop") == []

    assert len(earn(driver, "a", -1).named("emergency_stop")) == 1


def test_an_equity_report_is_no_fill() -> None:
    """A bot that only tells its equity has no losing fills."""
    driver = funded(limited(agent_losing_streak=1), a="1000")
    for equity in (1000, 900, 800):
        step = driver.after(SECOND).balance("a", equity=equity)
        assert step.named("emergency_stop") == []

    assert driver.agent_of("a")["equity"] == "800"


# -- a loss within a window of time --------------------------------------------------------------------------


def windowed(limit: float, window: str = "1m") -> Driver:
    """Return an agent with 1000 and no other limit; it starts at a full minute."""
    driver = funded(limited(agent_window_loss=limit, loss_window=window), a="1000")
    return driver.after(59 * SECOND)


def test_a_loss_within_the_window_trips_and_a_slower_one_does_not() -> None:
    """Ten percent in 60 seconds, of parts of one second each."""
    quick, slow = windowed(0.1), windowed(0.1)
    for driver, pause in ((quick, 60 * SECOND), (slow, 61 * SECOND)):
        earn(driver, "a", -50)
        driver.after(pause)

    stop = earn(quick, "a", -50).one("emergency_stop")

    assert (stop["reason"], stop["value"], stop["limit"]) == ("window_loss", 0.1, 0.1)
    assert earn(slow, "a", -50).named("emergency_stop") == []


def test_the_window_measures_from_its_highest_equity_not_from_its_oldest() -> None:
    """1000, 1100, 1001: 9 % of 1100, though it is more than there was."""
    driver = windowed(0.09)
    earn(driver, "a", 100)

    stop = earn(driver.after(SECOND), "a", -99).one("emergency_stop")

    assert (stop["reason"], stop["value"]) == ("window_loss", 0.09)


def test_the_colour_of_a_window_gets_better_with_time_alone() -> None:
    """Yellow at six of ten percent; a minute later, at a tick, it is green and told so."""
    driver = windowed(0.1)
    assert earn(driver, "a", -60).one("risk_alert")["colour"] == "yellow"

    assert driver.after(61 * SECOND - 1).tick().named("risk_alert") == []
    alert = driver.after(1).tick().one("risk_alert")

    assert (alert["previous"], alert["colour"], alert["measure"], alert["value"]) == (
        "yellow",
        "green",
        "window_loss",
        0,
    )


def test_a_colour_that_a_window_takes_over_gets_better_with_time_too() -> None:
    """Yellow by a streak; a fall makes the window yellow too, a win ends the streak: only time helps."""
    driver = funded(limited(agent_losing_streak=4, agent_window_loss=0.1, loss_window="1m"), a="1000")
    driver.fill("a", "buy", "1", "500")
    earn(driver, "a", -1)
    earn(driver, "a", -1)
    driver.after(2 * MINUTE).tick()
    assert price(driver, 440).named("risk_alert") == earn(driver, "a", 1).named("risk_alert") == []
    assert driver.agent_of("a")["breaker"] == "yellow"

    step = driver.after(61 * SECOND).tick()

    assert step.one("risk_alert")["colour"] == "green"


def test_moving_money_is_no_loss_within_the_window() -> None:
    """Half is taken: what it fell from is halved too."""
    driver = windowed(0.1)
    earn(driver, "a", -60)
    driver.command("collect", scope=AGENT, amount="469.995")
    assert driver.agent_of("a")["equity"] == "470.005"

    step = earn(driver, "a", "-19.99")
    assert step.named("emergency_stop") == []

    assert earn(driver, "a", "-0.02").one("emergency_stop")["reason"] == "window_loss"


def test_the_window_keeps_a_bounded_number_of_equities() -> None:
    """A fall with every fill, many in each part of the window: one is kept for each part."""
    driver = windowed(0.9)
    for _ in range(150):
        earn(driver.after(500), "a", "-0.1")

    highs = driver.agent_of("a")["highs"]
    assert len(highs) == 61  # 60 parts and the one that is running
    assert highs == sorted(highs)
    assert [float(high) for _, high in highs] == sorted((float(high) for _, high in highs), reverse=True)


def test_without_the_rules_nothing_is_kept_for_them() -> None:
    """Neither with the first fills nor once they were unset."""
    plain = funded(CALM, a="1000")
    earn(plain, "a", -10)
    assert (plain.agent_of("a")["streak"], plain.agent_of("a")["highs"]) == (0, None)

    driver = funded(limited(agent_window_loss=0.5, agent_losing_streak=9), a="1000")
    earn(driver, "a", -10)
    assert (driver.agent_of("a")["streak"], len(driver.agent_of("a")["highs"])) == (1, 1)
    driver.command(
        "wallet_configure", rules={"breakers": {"agent_window_loss": None, "agent_losing_streak": None}}
    )
    assert (driver.agent_of("a")["streak"], driver.agent_of("a")["highs"]) == (0, None)


# -- one bad price -------------------------------------------------------------------------------------------


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


# -- changed limits ------------------------------------------------------------------------------------------


def test_a_tightened_limit_is_compared_at_once() -> None:
    """15 % down is within 20 %, and beyond 10 %: the command that says so stops the agent."""
    driver = funded(limited(agent_drawdown=0.2), a="1000")
    earn(driver, "a", -150)

    step = driver.command("wallet_configure", rules={"breakers": {"agent_drawdown": 0.1}})

    assert step.one("emergency_stop")["agents"] == ["a"]


def test_a_loosened_limit_shows_at_once() -> None:
    """Orange of 20 % is green of 80 %."""
    driver = funded(limited(agent_drawdown=0.2), a="1000")
    earn(driver, "a", -160)

    step = driver.command("wallet_configure", rules={"breakers": {"agent_drawdown": 0.8}})

    assert (step.one("risk_alert")["previous"], step.one("risk_alert")["colour"]) == ("orange", "green")
