"""Agents are registered and changed."""

import pytest

from tests.support.driver import Json, funded

FARM: Json = {"type": "farm", "id": "f"}


def test_an_agent_is_registered_and_told() -> None:
    """With nothing yet, in its farm."""
    driver = funded()

    step = driver.command(
        "agent_register", agent="darvas-1", farm="f", strategy="darvas_box", risk_mode="risky"
    )

    assert step.reply["result"] == {"agent": "darvas-1", "farm": "f", "state": "active"}
    assert step.one("agent_farm_assignment") == {
        "agent": "darvas-1",
        "farm": "f",
        "previous": None,
        "strategy": "darvas_box",
        "risk_mode": "risky",
    }
    agent = driver.agent_of("darvas-1")
    assert (agent["cash"], agent["tier"], agent["risk_mode"], agent["budget"]) == (
        "0",
        "average",
        "risky",
        "0",
    )


@pytest.mark.parametrize(
    ("again", "refusal"),
    [
        ({"farm": "f"}, "exists"),
        ({"farm": "f", "strategy": "other"}, "exists_with_different_body"),
        ({"farm": "f", "risk_mode": "safe"}, "exists_with_different_body"),
    ],
)
def test_an_agent_is_registered_once(again: Json, refusal: str) -> None:
    """Just so, or otherwise; a retired one is not brought back by its name."""
    driver = funded(a="0")

    assert driver.command("agent_register", agent="a", **again).reply["refusal"] == refusal
    driver.command("agent_retire", agent="a")
    assert driver.command("agent_register", agent="a", **again).reply["refusal"] == refusal
    assert driver.agent_of("a")["state"] == "retired"


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"kind": "agent_register", "agent": "a b", "farm": "f"}, "invalid_id"),
        ({"kind": "agent_register", "agent": "b", "farm": "nowhere"}, "unknown_farm"),
        ({"kind": "agent_register", "agent": "b", "farm": "f", "risk_mode": "reckless"}, "invalid_member"),
        ({"kind": "agent_configure", "agent": "nobody"}, "unknown_agent"),
        ({"kind": "agent_assign", "agent": "nobody", "farm": "f"}, "unknown_agent"),
        ({"kind": "agent_assign", "agent": "a", "farm": "nowhere"}, "unknown_farm"),
        ({"kind": "agent_retire", "agent": "nobody"}, "unknown_agent"),
    ],
)
def test_what_there_is_not_is_a_dead_letter(members: Json, reason: str) -> None:
    """It may be made, and the command sent again."""
    driver = funded(a="0")

    assert driver.send("command", driver.event(members)).reasons == [reason]


def test_an_agent_is_changed_member_by_member() -> None:
    """What is left out stays; what is as asked is unchanged."""
    driver = funded(a="0")

    assert driver.command("agent_configure", agent="a", max_weight=0.2).reply["status"] == "ok"
    assert (
        driver.command("agent_configure", agent="a", risk_mode="safe", min_weight=0).reply["status"] == "ok"
    )

    agent = driver.agent_of("a")
    assert (agent["max_weight"], agent["min_weight"], agent["risk_mode"], agent["strategy"]) == (
        0.2,
        0.0,
        "safe",
        "",
    )
    assert driver.command("agent_configure", agent="a", risk_mode="safe").reply["status"] == "unchanged"
    assert driver.command("agent_configure", agent="a").reply["status"] == "unchanged"


@pytest.mark.parametrize(
    "bounds",
    [{"min_weight": 0.3}, {"max_weight": 1.1}, {"min_weight": -0.1}, {"min_weight": 1, "max_weight": 0}],
)
def test_bounds_that_exclude_each_other_are_refused(bounds: Json) -> None:
    """With those the agent has already."""
    driver = funded(a="0")
    driver.command("agent_configure", agent="a", max_weight=0.2)
    before = driver.agent_of("a")

    step = driver.command("agent_configure", agent="a", **bounds)

    assert step.reply["refusal"] == "infeasible_bounds"
    assert driver.agent_of("a") == before


def test_null_takes_a_member_back_to_what_it_is_unset() -> None:
    """So that the rules' bounds hold again."""
    driver = funded(a="0")
    given = {"strategy": "darvas", "risk_mode": "safe", "min_weight": 0.1, "max_weight": 0.2}
    driver.command("agent_configure", agent="a", **given)

    assert driver.command("agent_configure", agent="a", min_weight=None).reply["status"] == "ok"
    assert {name: driver.agent_of("a")[name] for name in given} == given | {"min_weight": None}
    driver.command("agent_configure", agent="a", **dict.fromkeys(given))

    unset = {"strategy": "", "risk_mode": "balanced", "min_weight": None, "max_weight": None}
    assert {name: driver.agent_of("a")[name] for name in given} == unset
    again = driver.command("agent_configure", agent="a", **dict.fromkeys(given))
    assert again.reply["status"] == "unchanged"
