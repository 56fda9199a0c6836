"""What the exporter shows of a scope does not depend on whether anybody looked at it."""

from app.figures import figures_of
from tests.support.driver import DAY, funded


def test_agents_that_nobody_looked_at_are_shown_like_others() -> None:
    """With budgets, a loss, a stop, one that was emptied, and one that is retired; and they stay unread."""
    driver = funded(a="1000", b="500", c="70.5", d="1")
    driver.command("rebalance", method="equal")
    driver.fill("a", "buy", "1", "100")
    driver.fill("a", "sell", "1", "93.7")
    driver.command("emergency_stop", scope={"type": "agent", "id": "b"})
    driver.command("collect", scope={"type": "agent", "id": "c"}, what="all")
    driver.command("agent_retire", agent="d")
    driver.after(DAY).tick()
    fresh = driver.restarted()
    [book] = fresh.fleet.view.books.values()
    before = len(book.agents.read())

    unread = sorted(figures_of(fresh.fleet.view))

    assert before < 4
    assert len(book.agents.read()) == before
    assert len(book.agents.values()) == 4
    assert unread == sorted(figures_of(fresh.fleet.view)) == sorted(figures_of(driver.fleet.view))
    assert [one.id for one in unread if one.scope == "agent"] == ["a", "b", "c"]
    assert any(one.drawdown > 0 for one in unread if one.id == "a")
