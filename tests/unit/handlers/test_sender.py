"""Who is believed: signatures, their age, and how many entries of an agent are taken in a second."""

import json
from base64 import b64encode
from typing import Any, Final

import msgspec
import pytest
from nacl.signing import SigningKey

from handlers import INPUTS
from stream.types import Entry
from tests.support.driver import DAY, MINUTE, SECOND, Driver, Json, Step, funded

A: Final = SigningKey(bytes(32))
B: Final = SigningKey(bytes([1] * 32))
HOUR: Final = 60 * MINUTE


def public(key: SigningKey) -> str:
    """Return a public key as the wire has it."""
    return b64encode(bytes(key.verify_key)).decode()


@pytest.fixture
def driver() -> Driver:
    """Give agents a and b with keys, and c without."""
    found = funded(a="100", b="100", c="100")
    found.command("agent_configure", agent="a", public_key=public(A))
    found.command("agent_configure", agent="b", public_key=public(B))
    return found


def fill(driver: Driver, agent: str, **members: Any) -> bytes:
    """Write a fill."""
    trade = {"agent": agent, "symbol": "BTC/USDT", "side": "buy", "amount": "0.1", "price": "10"}
    return json.dumps(trade | driver.event(members)).encode()


def signed(key: SigningKey, event: bytes, stream: str = "in:trade") -> bytes:
    """Sign an event for a stream."""
    return bytes(key.sign(stream.encode() + event).signature)


def send(driver: Driver, event: bytes, signature: bytes | None, stream: str = "trade") -> Step:
    """Append an entry with a signature."""
    entry_id = driver.entry(stream, event).id
    return driver.process([Entry(INPUTS.index(stream), entry_id, event, signature)])


def trades(driver: Driver, agent: str) -> int:
    """Count the fills that were applied."""
    found: int = driver.agent_of(agent)["trades"]
    return found


def test_what_its_agent_signed_is_applied(driver: Driver) -> None:
    """As raw bytes or in base 64, a fill and an account snapshot."""
    for encode in (bytes, b64encode):
        event = fill(driver, "a")
        assert not send(driver, event, encode(signed(A, event))).dead
    balance = json.dumps(driver.event({"agent": "a", "prices": {"BTC/USDT": "11"}})).encode()
    assert not send(driver, balance, signed(A, balance, "in:balance"), "balance").dead

    assert trades(driver, "a") == 2
    assert driver.agent_of("a")["positions"]["BTC/USDT"]["mark"] == "11"


def test_what_is_not_is_a_dead_letter(driver: Driver) -> None:
    """Each with its reason, and the signature as it came; nothing changes."""
    event = fill(driver, "a")
    other = fill(driver, "a", price="11")
    before = driver.bytes_of_state()
    cases: list[tuple[bytes | None, str]] = [
        (None, "unsigned"),
        (b"", "unsigned"),
        (b"x" * 64, "bad_signature"),
        (b"nonsense", "bad_signature"),
        (signed(A, other), "bad_signature"),
        (signed(A, event, "in:balance"), "bad_signature"),
        (bytes(A.sign(event).signature), "bad_signature"),
        (signed(B, event), "bad_signature"),  # agent b speaks in the name of a
    ]
    for signature, reason in cases:
        step = send(driver, event, signature)
        assert (step.reasons, step.dead[0].signature) == ([reason], signature)

    assert driver.bytes_of_state() == before
    assert not send(driver, event, signed(A, event)).dead


def test_a_signed_balance_is_no_fill(driver: Driver) -> None:
    """Neither without a signature is one taken."""
    balance = json.dumps(driver.event({"agent": "a", "equity": "1000000"})).encode()

    assert send(driver, balance, None, "balance").reasons == ["unsigned"]
    assert send(driver, balance, signed(A, balance), "balance").reasons == ["bad_signature"]


def test_agents_without_a_key_need_none(driver: Driver) -> None:
    """Unless the rule asks for it; a signature that nobody can check is no matter."""
    event = fill(driver, "c")
    assert not send(driver, event, b"whatever").dead

    driver.command("wallet_configure", rules={"require_signature": True})

    assert send(driver, fill(driver, "c"), None).reasons == ["unsigned"]
    assert send(driver, fill(driver, "c"), b"x" * 64).reasons == ["unsigned"]
    event = fill(driver, "a")
    assert not send(driver, event, signed(A, event)).dead


def test_sent_again_it_is_a_repeat(driver: Driver) -> None:
    """Within the window by its id, which the signature covers."""
    event = fill(driver, "a")
    send(driver, event, signed(A, event))

    step = send(driver, event, signed(A, event))

    assert (step.repeats, step.dead, trades(driver, "a")) == (1, [], 1)


def test_sent_again_later_than_any_window_it_is_stale(driver: Driver) -> None:
    """An hour by the server's time or the wallet's, whichever is later; a new worker knows no repeats."""
    event = fill(driver, "a")
    signature = signed(A, event)
    fresh = driver.after(HOUR).restarted()
    assert not send(fresh, event, signature).dead

    later = driver.after(1).restarted()

    assert send(later, event, signature).reasons == ["stale_signature"]
    assert trades(later, "a") == 0


def test_the_age_is_a_rule(driver: Driver) -> None:
    """In milliseconds or words."""
    driver.command("wallet_configure", rules={"signature_age": "1m"})
    event = fill(driver, "a")

    assert send(driver.after(MINUTE + 1), event, signed(A, event)).reasons == ["stale_signature"]


def test_an_id_chosen_in_the_past_does_not_help(driver: Driver) -> None:
    """Where a stream was idle its next entry may be given an old id; the wallet's time is as it is."""
    event = fill(driver, "a")
    old = Entry(INPUTS.index("trade"), driver.entry("trade", event).id, event, signed(A, event))
    driver.after(HOUR + SECOND).fill("c", "buy", "0.1", "10")

    assert driver.process([old]).reasons == ["stale_signature"]


def test_history_is_as_old_as_its_events(driver: Driver) -> None:
    """With the rule clock = event only the wallet's time counts: years may be played at once."""
    driver.command("wallet_configure", rules={"clock": "event"})
    start = driver.now
    driver.after(400 * DAY)
    for day in range(3):
        event = fill(driver, "a", timestamp=start + day * DAY)
        assert not send(driver, event, signed(A, event)).dead
    stale = fill(driver, "a", timestamp=start)

    assert send(driver, stale, signed(A, stale)).reasons == ["stale_signature"]


def test_what_was_held_up_is_sent_late(driver: Driver) -> None:
    """A bot that was away tells old fills with the time in `sent`, which ages from then on as a timestamp."""
    old = driver.now
    driver.after(3 * DAY)
    event = fill(driver, "a", timestamp=old, sent=driver.now)
    fresh = driver.restarted()
    assert not send(fresh, event, signed(A, event)).dead

    late = driver.after(HOUR + 1).restarted()

    assert send(late, event, signed(A, event)).reasons == ["stale_signature"]
    future = fill(late, "a", timestamp=old, sent=late.now + 5 * MINUTE + 1)
    assert send(late, future, signed(A, future)).reasons == ["invalid_timestamp"]


def test_sent_ages_by_the_server_in_history_too(driver: Driver) -> None:
    """It is a time of today, whatever the time of the events."""
    driver.command("wallet_configure", rules={"clock": "event"})
    event = fill(driver, "a", timestamp=driver.now, sent=driver.now)

    assert send(driver.after(HOUR + 1), event, signed(A, event)).reasons == ["stale_signature"]


def test_a_key_may_be_changed_and_taken_back(driver: Driver) -> None:
    """From the command on the new one counts; null is none."""
    event = fill(driver, "a")
    assert driver.command("agent_configure", agent="a", public_key=public(B)).reply["status"] == "ok"
    assert send(driver, event, signed(A, event)).reasons == ["bad_signature"]
    assert not send(driver, event, signed(B, event)).dead
    assert driver.command("agent_configure", agent="a", public_key=public(B)).reply["status"] == "unchanged"
    assert driver.command("agent_configure", agent="a", strategy="x").reply["status"] == "ok"
    assert driver.agent_of("a")["public_key"] == public(B)

    driver.command("agent_configure", agent="a", public_key=None)

    assert not send(driver, fill(driver, "a"), None).dead


def test_an_agent_may_be_registered_with_its_key(driver: Driver) -> None:
    """So that it is never believed without; registered again with another it is another."""
    asked = {"agent": "d", "farm": "f", "public_key": public(A)}
    driver.command("agent_register", **asked)

    assert send(driver, fill(driver, "d"), None).reasons == ["unsigned"]
    assert driver.command("agent_register", **asked).reply["refusal"] == "exists"
    again = driver.command("agent_register", **asked | {"public_key": public(B)})
    assert again.reply["refusal"] == "exists_with_different_body"


@pytest.mark.parametrize("kind", ["agent_register", "agent_configure"])
@pytest.mark.parametrize("key", ["", "x", bytes(32).hex(), 5])
def test_what_is_no_key(driver: Driver, kind: str, key: object) -> None:
    """Is a dead letter, answered; the agent stays as it was."""
    step = driver.command(kind, agent="a", farm="f", public_key=key)

    assert (step.reasons, step.reply["status"]) == (["invalid_member"], "rejected")
    assert driver.agent_of("a")["public_key"] == public(A)


def test_a_restart_forgets_no_key(driver: Driver) -> None:
    """Keys and counts are stored; wallets of before have neither."""
    fresh = driver.restarted()

    assert send(fresh, fill(fresh, "a"), None).reasons == ["unsigned"]
    for field, stored in fresh.state["agents"].items():
        old = msgspec.json.decode(stored)
        for name in ("public_key", "rate_second", "rate_count"):
            del old[name]
        fresh.state["agents"][field] = msgspec.json.encode(old)
    assert not send(fresh.restarted(), fill(fresh, "a"), None).dead


LIMITED: Final[Json] = {"rate_limit": 2}


def test_no_more_of_an_agent_in_a_second_than_the_rule_allows() -> None:
    """Fills and snapshots together, each agent for itself, by the server's seconds; by default any number."""
    driver = funded(LIMITED, a="100", b="100")

    assert not driver.fill("a", "buy", "0.1", "10").dead
    assert not driver.balance("a", prices={}).dead
    assert driver.fill("a", "buy", "0.1", "10").reasons == ["rate_limited"]
    assert driver.balance("a", prices={}).reasons == ["rate_limited"]
    assert not driver.fill("b", "buy", "0.1", "10").dead
    assert not driver.after(SECOND).fill("a", "buy", "0.1", "10").dead

    assert trades(driver, "a") == 2


def test_what_is_refused_does_not_count() -> None:
    """Somebody who forges an agent's entries, or sends nonsense, takes nothing from its rate."""
    driver = funded(LIMITED, a="100")
    driver.command("agent_configure", agent="a", public_key=public(A))
    for _ in range(3):
        assert send(driver, fill(driver, "a"), b"x" * 64).reasons == ["bad_signature"]
        assert send(driver, fill(driver, "a", price="none"), None).reasons == ["invalid_number"]

    for _ in range(2):
        event = fill(driver, "a")
        assert not send(driver, event, signed(A, event)).dead


def test_the_rate_is_the_same_after_a_restart_and_in_any_batches() -> None:
    """It is decided by entry ids and what is stored, never by a clock."""
    at_once, one_by_one = (funded(LIMITED, a="100") for _ in range(2))
    events = [fill(at_once, "a") for _ in range(5)]
    at_once.process([at_once.entry("trade", event) for event in events])
    for event in events:
        one_by_one = one_by_one.restarted()
        one_by_one.send("trade", event)

    assert at_once.bytes_of_state() == one_by_one.bytes_of_state()
    assert [letter.id for letter in at_once.dead] == [letter.id for letter in one_by_one.dead]
    assert len(at_once.dead) == 3


def test_a_limit_of_the_rate_is_a_number() -> None:
    """From none to a million."""
    driver = funded()

    assert driver.command("wallet_configure", rules={"rate_limit": -1}).reasons == ["invalid_rules"]


@pytest.mark.parametrize("name", ["total", "free", "used", "prices"])
def test_a_snapshot_has_ten_thousand_members_at_most(name: str) -> None:
    """Of each map."""
    driver = funded(a="100")
    most: Json = {f"C{n}/USDT": "1" for n in range(10_000)}

    assert driver.balance("a", **{name: most | {"D/USDT": "1"}}).reasons == ["too_many"]
    assert not driver.balance("a", **{name: most}).dead


def test_a_wallet_knows_ten_thousand_rates_at_most() -> None:
    """New prices of what it knows are welcome; others are a dead letter, which nothing follows from."""
    driver = funded(a="100")
    driver.balance("a", prices={f"C{n}/USDT": "1" for n in range(10_000)})

    assert driver.balance("a", prices={"D/USDT": "1"}).reasons == ["too_many"]
    assert not driver.balance("a", prices={"C1/USDT": "2"}).dead
    assert driver.wallet["rates"]["C1"] == "2"


def test_a_fill_has_a_hundred_fees_at_most() -> None:
    """More than any exchange takes."""
    driver = funded(a="100")
    fee = {"currency": "USDT", "cost": "0.001"}

    assert driver.fill("a", "buy", "0.1", "10", fees=[fee] * 101).reasons == ["too_many"]
    assert not driver.fill("a", "buy", "0.1", "10", fees=[fee] * 100).dead


def test_a_transfer_has_a_thousand_parts_at_most() -> None:
    """Linked ones; it is answered."""
    driver = funded(a="100")
    part = {
        "source": {"type": "wallet", "id": "w"},
        "target": {"type": "agent", "id": "a"},
        "amount": "0.001",
    }

    step = driver.command("transfer", linked=[part] * 1001)
    assert (step.reasons, step.reply["status"]) == (["too_many"], "rejected")
    assert driver.command("transfer", linked=[part] * 1000).reply["status"] == "ok"
