"""When a tick is wanted: as soon as something is due by the wall clock, and not before."""

from tests.support.driver import DAY, SECOND, START, Driver, funded

HOUR = 3_600_000


def until_tick(driver: Driver, quiet_ms: int = 0) -> int | None:
    """Tell in how many milliseconds from the driver's time a tick is wanted."""
    return driver.fleet.until_tick(driver.now, quiet_ms)


def test_a_tick_is_wanted_when_the_day_ends() -> None:
    """Where nothing else waits. At the moment itself it is due, and after it until a tick came."""
    driver = funded(a="100")
    driver.tick()  # what the commands changed is told

    assert driver.now == START + SECOND
    assert until_tick(driver) == DAY - SECOND
    assert until_tick(driver.after(DAY - SECOND - 1)) == 1
    assert until_tick(driver.after(1)) == 0
    assert until_tick(driver.after(HOUR)) == 0
    driver.tick()
    assert until_tick(driver) == DAY - HOUR


def test_a_tick_is_wanted_when_an_update_has_waited() -> None:
    """250 ms after the one before, as `conflation` has it; quiet or not."""
    driver = funded(a="100")
    driver.fill("a", "buy", "1", "10")
    driver.after(100).fill("a", "buy", "1", "10")

    assert until_tick(driver) == until_tick(driver, quiet_ms=DAY) == 150
    driver.after(150).tick()
    assert until_tick(driver) == DAY - SECOND - 250


def test_where_events_are_the_clock_a_tick_is_wanted_after_quiet() -> None:
    """It moves no time, so no timer asks for it; an update that waits does, when nothing came for so long."""
    driver = funded({"clock": "event"}, a="100")
    driver.fill("a", "buy", "1", "10")
    driver.after(100).fill("a", "buy", "1", "10")

    assert until_tick(driver.after(DAY), quiet_ms=100) == 150
    assert until_tick(driver, quiet_ms=250) == 0
    driver.tick()
    assert until_tick(driver, quiet_ms=DAY) is None


def test_of_several_wallets_the_first_timer_counts() -> None:
    """Whichever has it; with no wallet there is none."""
    driver = Driver()
    assert until_tick(driver) is None

    driver = funded(a="100")
    driver.tick()
    driver.command("wallet_create", wallet="z", currency="USDT", rules={"clock": "event"})
    driver.after(SECOND).tick()
    alone = until_tick(driver, quiet_ms=0)
    driver.command("wallet_create", wallet="b", currency="USDT")
    driver.command("deposit", wallet="b", amount="1")

    assert alone == DAY - 2 * SECOND
    assert until_tick(driver) == 250
