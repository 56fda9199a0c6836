"""Farms are created, changed and closed."""

import pytest

from tests.support.driver import DAY, Json, funded


def test_a_farm_is_created_and_told() -> None:
    """Its name is its id unless it has one."""
    driver = funded()

    step = driver.command("farm_create", farm="trend", type="trend_following")

    assert (step.reply["status"], step.reply["result"]) == ("ok", {"farm": "trend"})
    assert step.one("farm_created") == {"farm": "trend", "name": "trend", "farm_type": "trend_following"}
    assert (driver.farm_of("trend")["state"], driver.farm_of("trend")["equity"]) == ("active", "0")


@pytest.mark.parametrize(
    ("again", "refusal"),
    [
        ({"type": "t", "name": "n"}, "exists"),
        ({"type": "t"}, "exists_with_different_body"),
        ({"type": "u", "name": "n"}, "exists_with_different_body"),
    ],
)
def test_a_farm_is_created_once(again: Json, refusal: str) -> None:
    """Just so, or otherwise."""
    driver = funded()
    driver.command("farm_create", farm="g", type="t", name="n")

    step = driver.command("farm_create", farm="g", **again)

    assert step.reply["refusal"] == refusal
    assert step.named("farm_created") == []


def test_an_id_has_no_slash() -> None:
    """It would be another field of the hash."""
    assert funded().command("farm_create", farm="a/b").reasons == ["invalid_id"]


def test_a_farms_name_and_type_may_change() -> None:
    """Each by itself; and what is as asked is unchanged."""
    driver = funded()
    driver.command("farm_create", farm="g", type="t", name="n")

    assert driver.command("farm_configure", farm="g", name="m").reply["status"] == "ok"
    assert (driver.farm_of("g")["name"], driver.farm_of("g")["type"]) == ("m", "t")
    assert driver.command("farm_configure", farm="g", name="m", type="t").reply["status"] == "unchanged"
    assert driver.command("farm_configure", farm="g").reply["status"] == "unchanged"
    assert driver.command("farm_configure", farm="g", name=None, type=None).reply["status"] == "ok"
    assert (driver.farm_of("g")["name"], driver.farm_of("g")["type"]) == ("g", "")


def test_a_farm_whose_retired_agent_still_holds_positions_is_not_closed() -> None:
    """What they bring is still to come through it."""
    driver = funded(a="100")
    driver.fill("a", "buy", "1", "60")
    driver.command("agent_retire", agent="a")
    assert driver.command("farm_close", farm="f").reply["refusal"] == "farm_not_empty"

    driver.fill("a", "sell", "1", "60")

    assert driver.command("farm_close", farm="f").reply["status"] == "ok"


def test_nor_is_it_where_those_positions_are_worth_nothing_now() -> None:
    """A future just opened, all cash taken back: the farm's equity is 0, and what it brings still to come."""
    driver = funded(a="100")
    driver.fill("a", "buy", "1", "60", symbol="BTC/USDT:USDT")
    driver.command("agent_retire", agent="a")
    assert (driver.farm_of("f")["cash"], driver.farm_of("f")["equity"]) == ("0", "0")
    assert driver.command("farm_close", farm="f").reply["refusal"] == "farm_not_empty"

    driver.fill("a", "sell", "1", "60", symbol="BTC/USDT:USDT")

    assert driver.command("farm_close", farm="f").reply["status"] == "ok"


def test_nor_is_it_where_one_agents_debt_stands_against_anothers_money() -> None:
    """Two retired agents of 10 and -10, by fills that came late: together nothing, and yet not empty."""
    driver = funded(a="10", b="10")
    driver.fill("a", "buy", "1", "10")
    for name in ("a", "b"):
        driver.command("agent_retire", agent=name)
    driver.fill("b", "buy", "1", "1", symbol="X/USDT:USDT", realized_pnl="-10")
    driver.fill("b", "sell", "1", "1", symbol="X/USDT:USDT", realized_pnl="0")

    assert (driver.farm_of("f")["equity"], driver.agent_of("b")["equity"]) == ("0", "-10")
    assert driver.command("farm_close", farm="f").reply["refusal"] == "farm_not_empty"


def test_a_farm_with_agents_or_money_is_not_closed() -> None:
    """Agents go first, and its cash."""
    driver = funded(a="100")
    driver.command("farm_create", farm="g")
    assert driver.command("farm_close", farm="f").reply["refusal"] == "farm_not_empty"
    master, farm = {"type": "wallet", "id": "w"}, {"type": "farm", "id": "g"}
    driver.command("transfer", source=master, target=farm, amount="5")
    assert driver.command("farm_close", farm="g").reply["refusal"] == "farm_not_empty"
    driver.command("transfer", source=farm, target=master, amount="5")

    assert driver.command("farm_close", farm="g").reply["status"] == "ok"
    driver.command("agent_retire", agent="a")
    assert driver.command("farm_close", farm="f").reply["status"] == "ok"
    assert driver.farm_of("f")["state"] == "closed"


@pytest.mark.parametrize(
    ("members", "refusal"),
    [
        ({"kind": "farm_close", "farm": "g"}, "farm_closed"),
        ({"kind": "farm_configure", "farm": "g", "name": "x"}, "farm_closed"),
        ({"kind": "farm_create", "farm": "g"}, "exists"),
        ({"kind": "agent_register", "agent": "b", "farm": "g"}, "farm_closed"),
        ({"kind": "agent_assign", "agent": "a", "farm": "g"}, "farm_closed"),
        ({"kind": "emergency_stop", "scope": {"type": "farm", "id": "g"}}, "account_closed"),
        (
            {
                "kind": "transfer",
                "source": {"type": "wallet", "id": "w"},
                "target": {"type": "farm", "id": "g"},
                "amount": "1",
            },
            "account_closed",
        ),
    ],
)
def test_a_closed_farm_takes_no_part(members: Json, refusal: str) -> None:
    """Nobody joins it and nothing goes there."""
    driver = funded(a="100")
    driver.command("farm_create", farm="g")
    driver.command("farm_close", farm="g")

    assert driver.send("command", driver.event(members)).reply["refusal"] == refusal


def test_a_closed_farm_is_told_of_no_more() -> None:
    """A day closes without a word of it."""
    driver = funded(a="100")
    driver.command("agent_retire", agent="a")
    driver.command("farm_close", farm="f")

    assert driver.after(DAY).tick().named("farm_performance_update") == []


def test_a_farm_closed_while_stopped_is_not_opened_by_resuming_it() -> None:
    """The stop is lifted, the farm stays closed."""
    driver = funded()
    driver.command("emergency_stop", scope={"type": "farm", "id": "f"})
    driver.command("farm_close", farm="f")

    driver.command("emergency_resume", scope={"type": "farm", "id": "f"})

    assert driver.farm_of("f")["state"] == "closed"


@pytest.mark.parametrize("kind", ["farm_configure", "farm_close"])
def test_a_farm_there_is_not_is_a_dead_letter(kind: str) -> None:
    """It may be created, and the command sent again."""
    assert funded().command(kind, farm="nowhere").reasons == ["unknown_farm"]
