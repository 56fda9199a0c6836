"""
What holds for every kind of command: validated, answered once, repeatable, dry, and with its author.

The laws run over the table of kinds itself, so a new kind without an example here fails.
"""

from typing import Any, Final

import msgspec
import pytest

from handlers.commands import COMMANDS
from tests.support.driver import NO_BREAKERS, SECOND, Driver, Json, Step, funded

AGENT: Final[Json] = {"type": "agent", "id": "a"}
STOPPED: Final[Json] = {"type": "agent", "id": "stopped"}
MASTER: Final[Json] = {"type": "wallet", "id": "w"}

EXAMPLES: Final[dict[str, Json]] = {
    "wallet_create": {"wallet": "new", "currency": "EUR"},
    "wallet_configure": {"rules": {"conflation": "1s"}},
    "wallet_close": {"wallet": "empty"},
    "farm_create": {"farm": "new"},
    "farm_configure": {"farm": "f", "name": "other"},
    "farm_close": {"farm": "empty"},
    "agent_register": {"agent": "new", "farm": "f"},
    "agent_configure": {"agent": "a", "max_weight": 0.3},
    "agent_assign": {"agent": "a", "farm": "empty"},
    "agent_retire": {"agent": "a"},
    "deposit": {"amount": "5"},
    "withdraw": {"amount": "5"},
    "transfer": {"source": MASTER, "target": AGENT, "amount": "5"},
    "post": {"transfer": "held"},
    "void": {"transfer": "held"},
    "allocate": {"agent": "a", "amount": "5"},
    "collect": {"scope": AGENT, "what": "all"},
    "rebalance": {"method": "equal"},
    "emergency_stop": {"scope": AGENT},
    "emergency_resume": {"scope": STOPPED},
}
"""A command of each kind that does something, in the fleet of `ready`."""

AUTHOR: Final[dict[str, tuple[str, str, str]]] = {
    "wallet_create": ("wallets", "new", "changed_by"),
    "wallet_configure": ("wallets", "w", "changed_by"),
    "wallet_close": ("wallets", "empty", "changed_by"),
    "farm_create": ("farms", "w/new", "changed_by"),
    "farm_configure": ("farms", "w/f", "changed_by"),
    "farm_close": ("farms", "w/empty", "changed_by"),
    "agent_register": ("agents", "w/new", "changed_by"),
    "agent_configure": ("agents", "w/a", "changed_by"),
    "agent_assign": ("agents", "w/a", "changed_by"),
    "agent_retire": ("agents", "w/a", "changed_by"),
    "emergency_stop": ("agents", "w/a", "trip"),
    "emergency_resume": ("agents", "w/stopped", "resumed"),
}
"""Where the state keeps who did it last; a kind that is not here moves money, and its transaction says it."""

kinds = pytest.mark.parametrize("kind", list(COMMANDS))


def ready() -> Driver:
    """Return an agent that trades and one that is stopped, what is empty, and a transfer that is pending."""
    driver = funded({"breakers": NO_BREAKERS}, a="1000", stopped="500")
    driver.command("farm_create", farm="empty")
    driver.command("wallet_create", wallet="empty", currency="USDT")
    driver.command("emergency_stop", scope=STOPPED, by="bob")
    driver.fill("a", "buy", "1", "100")
    driver.fill("a", "sell", "1", "150")
    driver.fill("a", "buy", "1", "100")
    farm = {"type": "farm", "id": "f"}
    driver.command("transfer", id="held", source=MASTER, target=farm, amount="7", pending=True, by="bob")
    driver.after(SECOND)
    return driver


def command(driver: Driver, kind: str, **members: Any) -> Json:
    """Make the example of a kind, with other members if any are given; it has an id of its own."""
    return driver.event({"id": "c-1", "kind": kind, "by": "ann", **EXAMPLES[kind], **members})


def send(driver: Driver, kind: str, **members: Any) -> Step:
    """Send the example of a kind."""
    return driver.send("command", command(driver, kind, **members))


def test_every_kind_has_an_example() -> None:
    """And nothing else has."""
    assert EXAMPLES.keys() == COMMANDS.keys()


@kinds
def test_it_is_done_and_answered_once(kind: str) -> None:
    """With status ok, its id and its kind; the answer is the same after a restart."""
    driver = ready()

    step = send(driver, kind)

    assert (step.dead, step.repeats) == ([], 0)
    reply = step.reply
    assert (reply["command"], reply["kind"], reply["status"]) == ("c-1", kind, "ok")
    assert (reply["refusal"], reply["detail"], reply["dry_run"]) == (None, None, False)
    assert isinstance(reply["result"], dict)


@kinds
def test_it_is_answered_the_same_again_and_done_once(kind: str) -> None:
    """Under its id, at once and after a restart, whenever it is sent."""
    driver = ready()
    first = send(driver, kind)
    before = driver.bytes_of_state()

    for again in (driver.after(SECOND), driver.restarted()):
        step = send(again, kind)
        assert (step.names, step.repeats) == (["command_reply"], 1)
        assert step.reply == first.reply
        assert again.state == before


@kinds
def test_another_body_under_its_id_is_refused(kind: str) -> None:
    """And changes nothing."""
    driver = ready()
    send(driver, kind)
    before = driver.bytes_of_state()

    step = send(driver, kind, by="eve")

    assert (step.reply["status"], step.names) == ("refused", ["command_reply"])
    assert step.reply["refusal"] == "exists_with_different_body"
    assert driver.state == before


@kinds
def test_a_dry_run_changes_nothing_at_all(kind: str) -> None:
    """It says what would happen; the state and all that is said later are as if it had never been."""
    driver, twin = ready(), ready()
    before = driver.bytes_of_state()

    dry = send(driver, kind, dry_run=True)

    assert (dry.names, dry.dead, dry.repeats) == (["command_reply"], [], 0)
    assert driver.state == before
    twin.entry("command", None)  # the id of the entry that the dry run took
    real, twins = send(driver, kind), send(twin, kind)
    assert (real.said, driver.state) == (twins.said, twin.state)
    assert (dry.reply["dry_run"], dry.reply["status"]) == (True, "ok")
    assert dry.reply["result"]["answer"] == real.reply["result"]
    told = [(event["type"], event["subject"], event["data"]) for event in dry.reply["result"]["events"]]
    rest = [said for said in real.said if said.name != "command_reply"]
    assert told == [(said.name, said.event["subject"], said.data) for said in rest]


@kinds
def test_its_author_is_kept(kind: str) -> None:
    """In the reply, in the answer that is stored, and with what it changed: an entity or a transaction."""
    driver = ready()

    step = send(driver, kind)

    assert step.reply["by"] == "ann"
    wallet = EXAMPLES[kind].get("wallet", "w")
    assert driver.stored("commands", f"{wallet}/c-1")["reply"]["by"] == "ann"
    if kind in AUTHOR:
        of, field, member = AUTHOR[kind]
        kept = driver.stored(of, field)[member]
        assert (kept if isinstance(kept, str) else kept["by"]) == "ann"
    else:
        assert step.named("wallet_transaction")
    moved = [data["by"] for data in step.named("wallet_transaction") if data["reason"] != "trading"]
    assert set(moved) <= {"ann"}
    assert {data["by"] for data in step.named("emergency_stop") + step.named("emergency_resume")} <= {"ann"}


@kinds
def test_without_an_author_it_is_nobodys(kind: str) -> None:
    """Whoever changed it before."""
    driver = ready()
    body = command(driver, kind)
    del body["by"]

    step = driver.send("command", body)

    assert (step.reply["status"], step.reply["by"]) == ("ok", None)
    assert {data["by"] for data in step.named("wallet_transaction")} <= {None}


def cases(*, required: bool) -> list[tuple[str, str]]:
    """Return kinds with their members: the required ones, or all that have a type to miss."""
    return [
        (kind, field.name)
        for kind, one in COMMANDS.items()
        for field in msgspec.structs.fields(one.body)
        if field.name != "id" and (field.required or not required)
    ]


@pytest.mark.parametrize(("kind", "member"), cases(required=True))
def test_a_member_that_is_missing_rejects_it(kind: str, member: str) -> None:
    """A dead letter, and answered, so that whoever waits knows; nothing changes."""
    driver = ready()
    before = driver.bytes_of_state()
    body = command(driver, kind)
    del body[member]

    step = driver.send("command", body)

    assert step.reasons == ["invalid_member"]
    assert (step.reply["status"], step.reply["refusal"]) == ("rejected", "invalid_member")
    assert member in step.reply["detail"]
    assert (step.names, driver.state == before) == (["command_reply"], True)


@pytest.mark.parametrize(("kind", "member"), cases(required=False))
def test_a_member_of_another_type_rejects_it(kind: str, member: str) -> None:
    """No member is a list of a list."""
    driver = ready()
    before = driver.bytes_of_state()

    step = driver.send("command", command(driver, kind) | {member: [["x"]]})

    (reason,) = step.reasons
    assert reason == ("invalid_number" if member == "amount" else "invalid_member")
    assert (step.reply["status"], step.reply["refusal"]) == ("rejected", reason)
    assert (step.names, driver.state == before) == (["command_reply"], True)


# -- authorship --------------------------------------------------------------------------------------------


def test_what_falls_due_with_a_command_is_not_its_authors_doing() -> None:
    """A collection by the day, which the time of a later command brings."""
    rules = {"breakers": NO_BREAKERS, "collection": {"interval": "1d"}}
    driver = funded(rules, a="1000")
    driver.fill("a", "buy", "1", "100")
    driver.fill("a", "sell", "1", "150")

    step = driver.after(2 * 86_400_000).command("deposit", amount="5", by="ann")

    told = [(data["reason"], data["by"]) for data in step.named("wallet_transaction")]
    assert told == [("trading", None), ("collect_profit", None), ("deposit", "ann")]


def test_fills_that_are_told_before_a_transfer_are_not_its_authors_doing() -> None:
    """They are the bot's."""
    driver = funded({"breakers": NO_BREAKERS, "conflation": "1h"}, a="1000")
    driver.fill("a", "buy", "1", "100")

    step = driver.command("allocate", agent="a", amount="5", by="ann")

    told = [(data["reason"], data["by"]) for data in step.named("wallet_transaction")]
    assert told == [("trading", None), ("allocate", "ann")]


def test_a_name_has_at_most_64_characters() -> None:
    """It is kept with every transaction."""
    driver = funded()

    assert driver.command("deposit", amount="5", by="x" * 64).reply["by"] == "x" * 64
    assert driver.command("deposit", amount="5", by="x" * 65).reasons == ["invalid_member"]


def test_who_set_a_goal_is_kept_with_it() -> None:
    """A goal event may name who asked, as a command does; what follows from fills is nobody's doing."""
    driver = funded({"breakers": NO_BREAKERS}, a="1000")
    members = {"goal_type": "trade_volume", "target": {"trades": 1}, "raise_by": 1, "assigned": [AGENT]}

    step = driver.goal("goal_created", "g", by="ann", **members)

    assert (step.one("goal_created")["by"], step.one("goal_assignment")["by"]) == ("ann", "ann")
    assert driver.fill("a", "buy", "1", "1").one("goal_created")["by"] is None
    assert driver.goal_of("g")["changed_by"] == "ann"
    driver.goal("goal_updated", "g", name="n")
    assert driver.goal_of("g")["changed_by"] is None
    assert driver.goal("goal_cancelled", "g", by="y" * 65).reasons == ["invalid_member"]
    driver.goal("goal_cancelled", "g", by="bob")
    assert driver.goal_of("g")["changed_by"] == "bob"
