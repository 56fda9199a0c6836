"""A stop reaches all under its scope in one commit, and ends where it was made."""

from collections.abc import Iterator

import pytest

from domain.ledger import Transfer
from tests.support.driver import CALM, MINUTE, SECOND, Driver, Json, Step, earn, funded, limited

WALLET: Json = {"type": "wallet", "id": "w"}
FARM: Json = {"type": "farm", "id": "f"}
AGENT: Json = {"type": "agent", "id": "a"}


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


class Seen(list[Transfer]):
    """The transfers of what is pending, that count how often somebody goes through them."""

    def __init__(self, transfers: list[Transfer], looks: list[int]) -> None:
        super().__init__(transfers)
        self.looks = looks

    def __iter__(self) -> Iterator[Transfer]:
        self.looks[0] += 1
        return super().__iter__()


def promised(agents: int) -> tuple[Driver, list[int]]:
    """Return a wallet with money pending for each of some agents, and a count of looks at that."""
    names = [f"a{number:03}" for number in range(agents)]
    driver = funded(CALM, **dict.fromkeys(names, "10"))
    for name in names:
        driver.command("allocate", id=f"p{name}", agent=name, amount="1", pending=True)
    looks = [0]
    for pending in driver.fleet.view.books["w"].pending.values():
        pending.transfers = Seen(pending.transfers, looks)
    return driver, looks


def test_a_stop_looks_at_what_is_pending_in_proportion_to_it() -> None:
    """Of twice as many agents with money pending each, twice as often."""
    counts = []
    for agents in (10, 20):
        driver, looks = promised(agents)
        step = driver.command("emergency_stop", scope=WALLET)
        assert [data["state"] for data in step.named("fund_allocation")] == ["voided"] * agents
        counts.append(looks[0])

    assert 0 < counts[1] == 2 * counts[0]


def test_a_report_looks_at_what_is_pending_for_its_agent_only() -> None:
    """Whether the agent runs, is stopped, or has nothing pending any more."""
    driver, looks = promised(10)

    driver.balance("a000", total={"USDT": "10"})
    driver.command("void", transfer="pa001")
    driver.command("emergency_stop", scope={"type": "agent", "id": "a001"})
    looks[0] = 0
    driver.after(SECOND).balance("a001", total={"USDT": "0"})

    assert looks[0] == 0


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
