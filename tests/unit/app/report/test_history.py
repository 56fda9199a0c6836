"""What the output streams tell of a subject: folded from events as they are on the wire."""

from typing import Any

import msgspec

from app.report.history import Event, History, Reader
from app.report.subject import Subject
from stream.keys import Keys
from tests.support.driver import Driver, agent, earn, farm, funded, limited


def told(driver: Driver, kind: str, name: str) -> History:
    """Fold all that was said of emergencies, for the scope of a name."""
    book = driver.fleet.view.books["w"]
    scope = book.scope(kind, name)
    assert scope is not None
    reader = Reader(Subject(book, scope, [Keys("sluicegate", 0)]))
    for stream, event in driver.outputs:
        if stream == "emergency":
            reader.take_emergency(msgspec.json.decode(event, type=Event))
    return reader.history


def details(history: History) -> list[Any]:
    """Return what is told of each stop, the newest first."""
    return [(news.subject, news.detail) for news in history.stops]


def test_a_streak_is_told_in_fills() -> None:
    """Two losing fills of two; shares of a hundred are for losses."""
    driver = funded(limited(agent_losing_streak=2), a="1000")
    earn(driver, "a", "-1")
    earn(driver, "a", "-1")

    assert details(told(driver, "agent", "a")) == [("agent a", "losing_streak, stop, 2 of 2 fills")]


def test_a_loss_is_told_in_percent() -> None:
    """A fifth of what there was, where a tenth was the limit."""
    driver = funded(limited(agent_drawdown=0.1), a="1000")
    earn(driver, "a", "-200")

    assert details(told(driver, "agent", "a")) == [("agent a", "drawdown, stop, 20.00% of 10.00%")]


def test_a_farm_and_an_agent_of_one_id_are_two() -> None:
    """Agent x is in farm f; what happens to it is no news of farm x, nor the other way round."""
    driver = funded(x="1000")
    driver.command("farm_create", farm="x")
    driver.command("emergency_stop", scope=agent("x"), reason="one")
    driver.command("emergency_stop", scope=farm("x"), reason="two")

    assert [subject for subject, _ in details(told(driver, "agent", "x"))] == ["agent x"]
    assert [subject for subject, _ in details(told(driver, "farm", "x"))] == ["farm x"]
    assert [subject for subject, _ in details(told(driver, "farm", "f"))] == ["agent x"]
