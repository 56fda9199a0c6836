"""Every command is answered once, and what was answered is answered the same again."""

import json
from typing import Any

import msgspec
import pytest

from state import book as book_module
from tests.support.driver import MINUTE, SECOND, Driver, Json, funded


def test_a_reply_says_what_was_asked_and_what_came_of_it() -> None:
    """All members of docs/wire.md, on the stream of replies."""
    driver = funded()

    step = driver.command("deposit", id="dep-1", amount="5")

    assert step.reply == {
        "command": "dep-1",
        "kind": "deposit",
        "by": None,
        "status": "ok",
        "refusal": None,
        "detail": None,
        "dry_run": False,
        "result": {"amount": "5", "balances": {"world": "-10005", "wallet": "10005"}},
    }
    (said,) = [said for said in step.said if said.name == "command_reply"]
    assert said.stream == "reply"
    assert (said.event["subject"], said.event["causationid"], said.event["source"]) == (
        "dep-1",
        "dep-1",
        "/sluicegate/w",
    )


def test_who_asked_is_told_with_the_transaction() -> None:
    """``by`` goes into the journal."""
    step = funded().command("deposit", amount="5", by="ann")

    assert step.one("wallet_transaction")["by"] == "ann"


# -- the id is an idempotency key --------------------------------------------------------------------------


def repeated(driver: Driver, **members: Any) -> tuple[Json, Json, Json, bool, int]:
    """Send a command twice; return both replies, the event of the second, and whether it changed anything."""
    first = driver.send("command", driver.event(members))
    before = driver.bytes_of_state()
    event = driver.event(members) | {"timestamp": driver.after(SECOND).now}
    second = driver.send("command", event)
    assert second.names == ["command_reply"]
    return first.reply, second.reply, second.said[0].event, driver.state != before, second.repeats


@pytest.mark.parametrize(
    ("members", "status"),
    [
        ({"kind": "deposit", "amount": "5"}, "ok"),
        ({"kind": "farm_configure", "farm": "f", "type": ""}, "unchanged"),
        ({"kind": "withdraw", "amount": "1000000"}, "refused"),
        ({"kind": "rebalance"}, "ok"),
        ({"kind": "wallet_configure", "rules": {"conflation": "1s"}}, "ok"),
    ],
)
def test_the_same_command_again_gets_the_same_answer_and_changes_nothing(members: Json, status: str) -> None:
    """To the byte, whenever it is sent again, and also after a restart."""
    driver = funded(a="1000")

    first, second, _, changed, repeats = repeated(driver, id="c-1", **members)

    assert first["status"] == status
    assert json.dumps(second) == json.dumps(first)
    assert not changed
    assert repeats == 1
    fresh = driver.restarted()
    third = fresh.after(MINUTE).send("command", fresh.event({"id": "c-1", **members}))
    assert json.dumps(third.reply) == json.dumps(first)
    assert third.repeats == 1


def test_another_command_under_the_same_id_is_refused() -> None:
    """And changes nothing; the first is still answered as it was."""
    driver = funded()
    driver.command("deposit", id="c-1", amount="5")
    before = driver.bytes_of_state()

    step = driver.command("deposit", id="c-1", amount="6")

    assert (step.reply["status"], step.reply["refusal"]) == ("refused", "exists_with_different_amount")
    assert (step.dead, step.repeats) == ([], 0)
    assert driver.state == before
    assert driver.command("deposit", id="c-1", amount="5").reply["status"] == "ok"
    assert driver.wallet["cash"] == "10005"


@pytest.mark.parametrize(
    "other",
    [{"amount": "5", "by": "ann"}, {"amount": "5.0"}, {"amount": 5}],
)
def test_every_member_but_the_timestamp_makes_the_body(other: Json) -> None:
    """A retry need not keep the time of the first try; all else it does."""
    driver = funded()
    driver.command("deposit", id="c-1", amount="5")

    step = driver.send("command", driver.event({"id": "c-1", "kind": "deposit"} | other))

    assert step.reply["refusal"] == "exists_with_different_body"


def test_the_order_and_the_format_of_the_members_do_not_matter() -> None:
    """JSON or MessagePack, in whatever order: the body is the same."""
    driver = funded()
    body = driver.event({"id": "c-1", "kind": "deposit", "amount": "5", "note": {"x": 1, "y": [2.5, None]}})
    driver.send("command", body)

    turned = driver.send("command", dict(reversed(body.items())))

    assert (turned.reply["status"], turned.repeats) == ("ok", 1)


def test_an_id_belongs_to_its_wallet() -> None:
    """Two wallets may use the same."""
    driver = funded()
    driver.command("wallet_create", wallet="v", currency="EUR")

    assert driver.command("deposit", id="c-1", amount="5").reply["status"] == "ok"
    assert driver.command("deposit", id="c-1", wallet="v", amount="6").reply["status"] == "ok"


def test_old_answers_are_forgotten_in_the_order_they_were_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that their number stays bounded."""
    monkeypatch.setattr(book_module, "COMMANDS_KEPT", 4)
    driver = funded()
    for n in range(6):
        driver.command("deposit", id=f"d-{n}", amount="1")

    assert sorted(driver.state["commands"]) == ["w/d-2", "w/d-3", "w/d-4", "w/d-5"]
    assert driver.command("deposit", id="d-5", amount="1").repeats == 1
    assert driver.command("deposit", id="d-0", amount="1").repeats == 0
    assert driver.restarted().command("deposit", id="d-3", amount="1").repeats == 1


def test_an_answer_that_was_forgotten_and_given_again_in_one_batch_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a commit removes, it must not remove after it wrote it."""
    monkeypatch.setattr(book_module, "COMMANDS_KEPT", 4)
    one, all_at_once = funded(), funded()
    events = [one.event({"id": f"d-{n % 5}", "kind": "deposit", "amount": "1"}) for n in range(6)]

    for event in events:
        one.send("command", event)
    all_at_once.process([all_at_once.entry("command", event) for event in events])

    assert sorted(one.state["commands"]) == ["w/d-0", "w/d-2", "w/d-3", "w/d-4"]
    assert all_at_once.state == one.state


# -- a dry run ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "members",
    [
        {"kind": "deposit", "amount": "5"},
        {"kind": "withdraw", "amount": "1000000"},
        {"kind": "rebalance"},
        {"kind": "agent_retire", "agent": "a"},
        {"kind": "emergency_stop", "scope": {"type": "wallet", "id": "w"}},
        {"kind": "farm_create", "farm": "g"},
        {"kind": "wallet_configure", "rules": {"performance": {"bin": "1h"}}},
        {"kind": "wallet_close"},
        {"kind": "wallet_create", "wallet": "v", "currency": "EUR"},
    ],
)
def test_a_dry_run_changes_nothing_and_says_what_it_would_do(members: Json) -> None:
    """Not a byte of the state; the answer is the one that the real thing then gives, with its events."""
    driver = funded(a="1000")
    driver.fill("a", "buy", "1", "100")
    before = driver.bytes_of_state()
    driver.after(SECOND)

    dry = driver.send("command", driver.event(members | {"id": "c-1", "dry_run": True}))

    assert dry.names == ["command_reply"]
    assert (dry.dead, dry.repeats) == ([], 0)
    assert driver.state == before
    real = driver.send("command", driver.event(members | {"id": "c-1"}))
    events = [said for said in real.said if said.name != "command_reply"]
    assert dry.reply["status"] == real.reply["status"]
    assert dry.reply["dry_run"] is True
    assert dry.reply["result"]["answer"] == real.reply["result"]
    assert dry.reply["result"]["events"] == [
        {"type": said.name, "subject": said.event["subject"], "data": said.data} for said in events
    ]


def test_a_dry_run_is_not_remembered() -> None:
    """Its id may be used for the real thing, and a dry run may be made with an id that was used."""
    driver = funded()

    driver.command("deposit", id="c-1", amount="5", dry_run=True)
    assert driver.command("deposit", id="c-1", amount="5").reply["status"] == "ok"
    assert driver.command("deposit", id="c-1", amount="9", dry_run=True).reply["status"] == "ok"
    assert driver.wallet["cash"] == "10005"


def test_a_dry_run_that_cannot_be_read_is_a_dead_letter_too() -> None:
    """And answered as rejected."""
    step = funded().command("allocate", agent="nobody", amount="5", dry_run=True)

    assert step.reasons == ["unknown_agent"]
    assert (step.reply["status"], step.reply["dry_run"]) == ("rejected", True)


# -- what cannot be read -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"kind": "allocate", "agent": "nobody", "amount": "5"}, "unknown_agent"),
        ({"kind": "deposit"}, "invalid_member"),
        ({"kind": "deposit", "amount": "5", "timestamp": "now"}, "invalid_member"),
        ({"kind": "deposit", "amount": "5", "timestamp": None}, "invalid_member"),
        ({"kind": "deposit", "amount": "5", "timestamp": 0}, "invalid_timestamp"),
        ({"kind": "deposit", "amount": "5", "wallet": 7}, "invalid_member"),
        ({"kind": "deposit", "amount": "5", "wallet": "no/wallet"}, "invalid_id"),
        ({"kind": "deposit", "amount": "5", "dry_run": "yes"}, "invalid_member"),
        ({"kind": "deposit", "amount": "many"}, "invalid_number"),
        ({"kind": 5}, "invalid_member"),
        ({"kind": None}, "invalid_member"),
        ({"kind": "grow"}, "unknown_kind"),
        ({"kind": "x" * 1000}, "unknown_kind"),
        ({"kind": "deposit", "amount": "5", "id": "odd id"}, "invalid_id"),
        ({"kind": "deposit", "amount": "5", "id": "x" * 65}, "invalid_id"),
        ({"kind": "deposit", "amount": "5", "id": ""}, "invalid_id"),
    ],
)
def test_a_command_that_cannot_be_read_is_a_dead_letter_and_rejected(event: Json, reason: str) -> None:
    """Whoever waits for the answer gets one, where the id can be read; nothing else changes."""
    driver = funded()
    before = driver.bytes_of_state()

    step = driver.send("command", driver.event({"id": "c-1"}) | event)

    assert step.reasons == [reason]
    assert step.names == ["command_reply"]
    assert (step.reply["status"], step.reply["refusal"]) == ("rejected", reason)
    assert step.reply["command"] == str(event.get("id", "c-1"))[:64]
    assert step.reply["detail"] == step.dead[0].detail
    assert driver.state == before


@pytest.mark.parametrize(
    "event", [{"kind": "deposit", "amount": "5"}, {"id": 5, "kind": "deposit"}, {"id": None}]
)
def test_without_an_id_there_is_nobody_to_answer(event: Json) -> None:
    """Then the dead letter is all there is."""
    driver = funded()

    step = driver.send("command", {"wallet": "w", "timestamp": driver.now} | event)

    assert step.reasons == ["invalid_member"]
    assert step.said == []


def test_a_rejected_command_may_be_sent_again_under_its_id() -> None:
    """When what it needs is there."""
    driver = funded()
    driver.command("allocate", id="c-1", agent="a", amount="5")
    driver.command("agent_register", agent="a", farm="f")

    step = driver.command("allocate", id="c-1", agent="a", amount="5")

    assert (step.reply["status"], step.dead) == ("ok", [])


def test_what_messagepack_can_say_and_json_cannot_stops_nobody() -> None:
    """Extensions and bytes are ignored like every unknown member; keys that cannot be sorted are not read."""
    driver = funded()
    body = driver.event({"kind": "deposit", "amount": "5"})

    odd = msgspec.msgpack.encode(body | {"odd": [msgspec.msgpack.Ext(5, b"z"), b"\xff", float("nan")]})
    assert driver.send("command", odd).reply["status"] == "ok"
    keys = msgspec.msgpack.encode(body | {"id": "c-2", "odd": {1: 1, "a": 1}})
    assert driver.send("command", keys).reasons == ["invalid_member"]


def test_an_entry_id_beyond_the_calendar_stops_nobody() -> None:
    """A publisher may choose its ids; the answer then bears the last time there is."""
    driver = funded()
    driver.now = 10**17

    step = driver.command("deposit", amount="5")

    assert step.reasons == ["invalid_timestamp"]
    assert step.said[0].event["time"] == "9999-12-31T23:59:59.999Z"
