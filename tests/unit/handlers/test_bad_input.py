"""
Bad input, and what it gets: one dead letter with a stable reason, and the stream goes on.

The table follows the issue's paragraph of that name and the table of docs/wire.md.
"""

import json
from typing import Any, Final

import msgspec
import pytest

from handlers import INPUTS
from tests.support.driver import MINUTE, START, Driver, Json, funded

NOW: Final = START + 1000  # what `funded` leaves
MEGABYTE: Final = 1 << 20

FILL: Json = {
    "id": "bad",
    "wallet": "w",
    "agent": "a",
    "timestamp": NOW,
    "symbol": "BTC/USDT",
    "side": "buy",
    "price": "100",
    "amount": "1",
}
BALANCE: Json = {"id": "bad", "wallet": "w", "agent": "a", "timestamp": NOW}
GOAL: Json = {"id": "bad", "wallet": "w", "timestamp": NOW, "kind": "goal_cancelled", "goal": "g"}
COMMAND: Json = {"id": "bad", "wallet": "w", "timestamp": NOW, "kind": "deposit", "amount": "5"}
TICK: Json = {"timestamp": NOW}
GOOD: Final = {"trade": FILL, "balance": BALANCE, "goal": GOAL, "command": COMMAND, "clock": TICK}


def without(event: Json, name: str) -> Json:
    """Leave a member out."""
    return {key: value for key, value in event.items() if key != name}


def packed(**members: Any) -> bytes:
    """Write a fill as MessagePack."""
    return msgspec.msgpack.encode(FILL | members)


BYTES: list[tuple[str, bytes | None, str]] = [
    ("no field event", None, "no_event"),
    ("nothing", b"", "not_decodable"),
    ("a word", b"buy", "not_decodable"),
    ("not JSON", b"{nonsense}", "not_decodable"),
    ("half of it", json.dumps(FILL).encode()[:-5], "not_decodable"),
    ("more than one", json.dumps(FILL | GOAL).encode() * 2, "not_decodable"),
    ("a list", b"[1,2]", "not_decodable"),
    ("a text", b'"text"', "not_decodable"),
    ("a number", b"5", "not_decodable"),
    ("null", b"null", "not_decodable"),
    ("bytes that are no text", b"\xff\xfe{}", "not_decodable"),
    ("half of a surrogate pair", b'{"id": "\\ud800"}', "not_decodable"),
    ("NaN as JSON has none", json.dumps(FILL | {"price": float("nan")}).encode(), "not_decodable"),
    ("Infinity", json.dumps(FILL | {"price": float("inf")}).encode(), "not_decodable"),
    ("a MessagePack list", msgspec.msgpack.encode([1, 2]), "not_decodable"),
    ("half of a MessagePack map", msgspec.msgpack.encode(FILL)[:-3], "not_decodable"),
    ("a nesting without end", b'{"x":' + b"[" * 100_000, "too_deep"),
    ("a byte too many", b'{"x":"' + b"x" * (MEGABYTE - 7) + b'"}', "too_large"),
    ("5 MB", b'{"x":"' + b"x" * (5 * MEGABYTE) + b'"}', "too_large"),
]

FILLS: list[tuple[str, Json | bytes, str]] = [
    *((f"without {name}", without(FILL, name), "invalid_member") for name in FILL),
    *(
        (f"{name} is null", FILL | {name: None}, "invalid_member")
        for name in FILL
        if name not in ("price", "amount")
    ),
    ("price is null", FILL | {"price": None}, "invalid_number"),
    ("amount is null", FILL | {"amount": None}, "invalid_number"),
    ("an id of bytes that are no text", b'{"id": "\xff\xfe"}', "not_decodable"),
    ("an id that is a number", FILL | {"id": 17}, "invalid_member"),
    ("a timestamp as text", FILL | {"timestamp": str(NOW)}, "invalid_member"),
    ("a timestamp with a fraction", FILL | {"timestamp": NOW + 0.5}, "invalid_member"),
    ("a timestamp that is true", FILL | {"timestamp": True}, "invalid_member"),
    ("a side there is not", FILL | {"side": "hold"}, "invalid_member"),
    ("a side in capitals", FILL | {"side": "BUY"}, "invalid_member"),
    ("fees that are no list", FILL | {"fees": {"currency": "USDT", "cost": 1}}, "invalid_member"),
    ("a fee that is a number", FILL | {"fee": 5}, "invalid_member"),
    ("a fee without a currency", FILL | {"fee": {"cost": "1"}}, "invalid_member"),
    ("a fee in a currency that is a number", FILL | {"fee": {"currency": 5, "cost": "1"}}, "invalid_member"),
    # -- ids
    ("an empty id", FILL | {"id": ""}, "invalid_id"),
    ("an id of 65", FILL | {"id": "x" * 65}, "invalid_id"),
    ("an id with a space", FILL | {"id": "a b"}, "invalid_id"),
    ("an id with a slash", FILL | {"id": "a/b"}, "invalid_id"),
    ("an id with a line feed", FILL | {"id": "a\n"}, "invalid_id"),
    ("an id with a zero byte", FILL | {"id": "a\u0000"}, "invalid_id"),
    ("an id with an umlaut", FILL | {"id": "ä"}, "invalid_id"),
    ("an id with a digit of another script", FILL | {"id": "٣"}, "invalid_id"),
    ("a wallet with a brace", FILL | {"wallet": "{w}"}, "invalid_id"),
    ("an agent with a star", FILL | {"agent": "a*"}, "invalid_id"),
    # -- numbers
    ("NaN", FILL | {"price": "NaN"}, "invalid_number"),
    ("an infinity", FILL | {"price": "Infinity"}, "invalid_number"),
    ("a negative infinity", FILL | {"amount": "-inf"}, "invalid_number"),
    ("NaN in MessagePack", packed(price=float("nan")), "invalid_number"),
    ("an infinity in MessagePack", packed(amount=float("inf")), "invalid_number"),
    ("40 digits", FILL | {"price": "1" * 40}, "invalid_number"),
    ("40 decimals", FILL | {"price": "0." + "1" * 40}, "invalid_number"),
    ("40 digits as a number", FILL | {"price": 10**40}, "invalid_number"),
    ("4301 digits as a number", b'{"price": ' + b"9" * 4301 + b"}", "invalid_member"),
    ("an empty number", FILL | {"amount": ""}, "invalid_number"),
    ("a number with a comma", FILL | {"amount": "1,5"}, "invalid_number"),
    ("a number with an underscore", FILL | {"amount": "1_0"}, "invalid_number"),
    ("a number with a space", FILL | {"amount": " 1"}, "invalid_number"),
    ("a number that is true", FILL | {"amount": True}, "invalid_number"),
    ("a number that is a list", FILL | {"amount": [1]}, "invalid_number"),
    ("a number that is an object", FILL | {"amount": {}}, "invalid_number"),
    ("a cost that is none", FILL | {"cost": "free"}, "invalid_number"),
    ("a profit that is none", FILL | {"realized_pnl": "some"}, "invalid_number"),
    ("a fee that is none", FILL | {"fee": {"currency": "USDT", "cost": "little"}}, "invalid_number"),
    ("beyond 1e18", FILL | {"price": "1000000000000000001"}, "out_of_range"),
    ("1e19", FILL | {"amount": "1e19"}, "out_of_range"),
    ("1e400 as a number", json.dumps(FILL).replace('"100"', "1e400").encode(), "out_of_range"),
    ("a profit beyond -1e18", FILL | {"realized_pnl": "-1e19"}, "out_of_range"),
    ("a price of nothing", FILL | {"price": "0"}, "out_of_range"),
    ("a price of 0e99", FILL | {"price": "0e99"}, "out_of_range"),
    ("a negative price", FILL | {"price": "-1"}, "out_of_range"),
    ("an amount of nothing", FILL | {"amount": 0}, "out_of_range"),
    ("an amount too small to count", FILL | {"amount": "1e-13"}, "out_of_range"),
    ("a negative amount", FILL | {"amount": "-1"}, "out_of_range"),
    ("a negative cost", FILL | {"cost": "-1"}, "out_of_range"),
    ("a fee of all that was bought", FILL | {"fee": {"currency": "BTC", "cost": "1"}}, "out_of_range"),
    # -- times
    ("before 2000", FILL | {"timestamp": 946_684_799_999}, "invalid_timestamp"),
    ("negative", FILL | {"timestamp": -1}, "invalid_timestamp"),
    ("in seconds", FILL | {"timestamp": NOW // 1000}, "invalid_timestamp"),
    ("in nanoseconds", FILL | {"timestamp": NOW * 10**6}, "invalid_timestamp"),
    ("five minutes and a millisecond ahead", FILL | {"timestamp": NOW + 5 * MINUTE + 1}, "invalid_timestamp"),
    ("10**30", FILL | {"timestamp": 10**30}, "invalid_timestamp"),
    # -- symbols and currencies
    ("a symbol without a quote", FILL | {"symbol": "BTCUSDT"}, "invalid_symbol"),
    ("an empty symbol", FILL | {"symbol": ""}, "invalid_symbol"),
    ("a symbol without a base", FILL | {"symbol": "/USDT"}, "invalid_symbol"),
    ("a symbol of three", FILL | {"symbol": "A/B/C"}, "invalid_symbol"),
    ("a symbol without a settlement", FILL | {"symbol": "BTC/USDT:"}, "invalid_symbol"),
    ("a symbol with a space", FILL | {"symbol": "BTC /USDT"}, "invalid_symbol"),
    ("a symbol with a line feed", FILL | {"symbol": "BTC/USDT\n"}, "invalid_symbol"),
    ("a very long symbol", FILL | {"symbol": "B" * 21 + "/USDT"}, "invalid_symbol"),
    ("a quote without a rate", FILL | {"symbol": "BTC/DOGE"}, "unknown_currency"),
    ("a fee without a rate", FILL | {"fee": {"currency": "BNB", "cost": "1"}}, "unknown_currency"),
    (
        "a fee in text nobody can read",
        FILL | {"fee": {"currency": "\u202e\u0000", "cost": "1"}},
        "unknown_currency",
    ),
    # -- names
    ("another wallet", FILL | {"wallet": "v"}, "unknown_wallet"),
    ("another wallet's agent", FILL | {"agent": "other"}, "unknown_agent"),
    ("nobody", FILL | {"agent": "nobody"}, "unknown_agent"),
]

BALANCES: list[tuple[str, Json, str]] = [
    *((f"without {name}", without(BALANCE, name), "invalid_member") for name in BALANCE),
    ("a total that is a number", BALANCE | {"total": 5}, "invalid_member"),
    ("a list of prices", BALANCE | {"prices": ["BTC/USDT"]}, "invalid_member"),
    ("an equity that is a list", BALANCE | {"equity": [1]}, "invalid_number"),
    ("an equity that is none", BALANCE | {"equity": "rich"}, "invalid_number"),
    ("an equity beyond 1e18", BALANCE | {"equity": "1e19"}, "out_of_range"),
    ("a total that is none", BALANCE | {"total": {"USDT": "x"}}, "invalid_number"),
    ("a total beyond 1e18", BALANCE | {"total": {"USDT": 10**19}}, "out_of_range"),
    ("a used that is an object", BALANCE | {"used": {"USDT": {}}}, "invalid_number"),
    ("a price of nothing", BALANCE | {"prices": {"BTC/USDT": "0"}}, "out_of_range"),
    ("a negative price", BALANCE | {"prices": {"BTC/USDT": "-5"}}, "out_of_range"),
    ("a price that is null", BALANCE | {"prices": {"BTC/USDT": None}}, "invalid_number"),
    ("a price of no symbol", BALANCE | {"prices": {"BTC": "5"}}, "invalid_symbol"),
    ("a price without a rate", BALANCE | {"prices": {"BTC/DOGE": "5"}}, "unknown_currency"),
    ("a good price and a bad one", BALANCE | {"prices": {"X/USDT": "5", "Y/USDT": "x"}}, "invalid_number"),
    ("an odd id", BALANCE | {"id": "a b"}, "invalid_id"),
    ("too far ahead", BALANCE | {"timestamp": NOW + 6 * MINUTE}, "invalid_timestamp"),
    ("another wallet", BALANCE | {"wallet": "v"}, "unknown_wallet"),
    ("nobody", BALANCE | {"agent": "nobody"}, "unknown_agent"),
]

TICKS: list[tuple[str, Json, str]] = [
    ("without a time", {}, "invalid_member"),
    ("a time as text", {"timestamp": "now"}, "invalid_member"),
    ("before 2000", {"timestamp": 0}, "invalid_timestamp"),
    ("too far ahead", {"timestamp": NOW + 6 * MINUTE}, "invalid_timestamp"),
]

CASES: list[tuple[str, str, Json | bytes | None, str]] = [
    *((stream, name, raw, reason) for stream in INPUTS for name, raw, reason in BYTES),
    *(("trade", name, event, reason) for name, event, reason in FILLS),
    *(("balance", name, event, reason) for name, event, reason in BALANCES),
    *(("clock", name, event, reason) for name, event, reason in TICKS),
]


def ready() -> Driver:
    """Return wallet w with agents a and b and goal g, and a wallet o that has an agent of its own."""
    driver = funded(a="1000", b="1000")
    driver.now = NOW
    driver.command("wallet_create", wallet="o", currency="USDT")
    driver.command("farm_create", wallet="o", farm="f")
    driver.command("agent_register", wallet="o", agent="other", farm="f")
    driver.goal("goal_created", "g", goal_type="trade_volume", target={"trades": 99})
    return driver


@pytest.fixture(scope="module")
def driver() -> Driver:
    """Share one partition among all cases: a dead letter must leave nothing behind."""
    return ready()


@pytest.mark.parametrize(
    ("stream", "event", "reason"),
    [(stream, event, reason) for stream, _, event, reason in CASES],
    ids=[f"{stream}: {name}" for stream, name, _, _ in CASES],
)
def test_bad_input_is_one_dead_letter_and_changes_nothing(
    driver: Driver, stream: str, event: Json | bytes | None, reason: str
) -> None:
    """With the documented reason, a sentence, and the bytes as they came; the next entry is applied."""
    before = driver.bytes_of_state()
    applied = driver.agent_of("b")["trades"]
    entry = driver.entry(stream, event)

    step = driver.process([entry])

    (letter,) = step.dead
    assert letter.reason == reason
    assert (letter.stream, letter.id, letter.event) == (f"in:{stream}", entry.id, entry.event or b"")
    assert letter.detail.endswith(".")
    assert len(letter.detail) < 400
    assert letter.detail.encode()
    assert step.names in ([], ["command_reply"])
    assert driver.state == before
    assert driver.fill("b", "buy", "0.00000001", "1").dead == []
    assert driver.agent_of("b")["trades"] == applied + 1


def test_bad_input_in_the_middle_of_a_batch_is_as_bad_as_alone() -> None:
    """All of the table at once, good entries between: the good ones count, in one commit."""
    one, all_at_once = ready(), ready()
    events = []
    for stream, _, event, _ in CASES:
        events.append((stream, event))
        events.append(("trade", FILL | {"id": f"good-{len(events)}", "agent": "b", "amount": "0.001"}))

    for stream, event in events:
        one.send(stream, event)
    step = all_at_once.process([all_at_once.entry(stream, event) for stream, event in events])

    assert [letter.reason for letter in step.dead] == [reason for _, _, _, reason in CASES]
    assert all_at_once.state == one.state
    assert all_at_once.outputs == one.outputs
    assert all_at_once.agent_of("b")["trades"] == len(CASES)
    assert all_at_once.processor.applied == one.processor.applied


@pytest.mark.parametrize("stream", INPUTS)
def test_the_entries_the_table_is_made_of_are_good(stream: str) -> None:
    """So that it is the change that is bad; also at the very edges of time and size."""
    assert ready().send(stream, GOOD[stream]).dead == []
    assert ready().send(stream, msgspec.msgpack.encode(GOOD[stream])).dead == []
    assert ready().send(stream, GOOD[stream] | {"timestamp": NOW + 5 * MINUTE}).dead == []
    assert ready().send(stream, GOOD[stream] | {"timestamp": 946_684_800_000}).dead == []
    filler = MEGABYTE - len(json.dumps(GOOD[stream] | {"x": ""}).encode())
    assert ready().send(stream, GOOD[stream] | {"x": "x" * filler}).dead == []


@pytest.mark.parametrize("name", ["A", "z" * 64, "a.b_c:d-9", "::", "-"])
def test_the_edges_of_ids_are_ids(name: str) -> None:
    """1 to 64 of the characters there are."""
    driver = ready()
    assert driver.command("agent_register", agent=name, farm="f").dead == []

    assert driver.fill(name, "buy", "1", "1", id=name).dead == []


# -- sent again --------------------------------------------------------------------------------------------


def test_a_fill_of_an_agent_that_was_not_registered_is_applied_when_it_is() -> None:
    """The same bytes, and the same id; a third time it is a repeat."""
    driver = ready()
    raw = json.dumps(FILL | {"agent": "late"}).encode()
    assert driver.send("trade", raw).reasons == ["unknown_agent"]
    assert driver.send("trade", raw).reasons == ["unknown_agent"]
    driver.command("agent_register", agent="late", farm="f")

    again = driver.send("trade", raw)

    assert (again.dead, again.repeats, driver.agent_of("late")["trades"]) == ([], 0, 1)
    assert driver.send("trade", raw).repeats == 1
    assert driver.restarted().send("trade", raw).repeats == 1


def test_whatever_was_missing_it_is_applied_when_it_is_there() -> None:
    """A wallet, a farm, a goal, a rate."""
    driver = Driver()
    events = [
        ("command", {**COMMAND, "id": "c-1", "wallet": "n"}),
        (
            "command",
            {**COMMAND, "id": "c-2", "wallet": "n", "kind": "agent_register", "agent": "a", "farm": "f"},
        ),
        ("trade", {**FILL, "wallet": "n", "symbol": "BTC/EUR"}),
        ("goal", {**GOAL, "wallet": "n"}),
    ]
    driver.now = NOW
    reasons = [driver.send(*event).reasons for event in events]
    assert reasons == [["unknown_wallet"]] * 4
    driver.command("wallet_create", wallet="n", currency="USDT")
    reasons = [driver.send(*event).reasons for event in events]
    assert reasons == [[], ["unknown_farm"], ["unknown_agent"], ["unknown_goal"]]
    driver.command("farm_create", wallet="n", farm="f")
    reasons = [driver.send(*event).reasons for event in events[1:]]
    assert reasons == [[], ["unknown_currency"], ["unknown_goal"]]
    driver.command("wallet_configure", wallet="n", rules={"rates": {"EUR": "1.1"}})
    driver.send(
        "goal",
        GOAL
        | {"id": "g-1", "wallet": "n", "kind": "goal_created", "goal_type": "trade_volume"}
        | {"target": {"trades": 9}},
    )

    reasons = [driver.send(*event).reasons for event in events[2:]]

    assert reasons == [[], []]
    assert driver.stored("agents", "n/a")["cost"] == "110"
    assert driver.stored("goals", "n/g")["state"] == "cancelled"
    assert driver.stored("wallets", "n")["cash"] == "5"
