"""Limits of three levels, by four measures; the colours on the way to them and back."""

from tests.support.driver import CALM, MINUTE, SECOND, Driver, Json, Step, earn, funded, limited

AGENT: Json = {"type": "agent", "id": "a"}


def emergencies(step: Step) -> list[tuple[str, str]]:
    """Return what was told of stops and alerts, with the kind of scope, in order."""
    return [(said.name, said.data["scope"]) for said in step.said if said.stream == "emergency"]


def price(driver: Driver, value: object) -> Step:
    """Tell a price of BTC by a snapshot."""
    return driver.balance("a", prices={"BTC/USDT": value})


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
