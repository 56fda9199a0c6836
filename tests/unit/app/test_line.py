"""One line for one entry."""

import json

import msgspec
import pytest

from app.cli.line import human_line, json_line
from app.follow import Found

ENTRY = b"1763716322000-5"
EVENT = (
    b'{"specversion":"1.0","id":"0/in:trade/1-0/0","source":"/sluicegate/alpha",'
    b'"type":"sluicegate.wallet_balance_update.v1","subject":"one","time":"2026-01-05T00:00:00.000Z",'
    b'"causationid":"f","data":{"cash":"1.50","trades":0,"farm":null,"dry_run":false,"hash":"'
    + b"a" * 64
    + b'"}}'
)


def _found(name: str, /, **fields: bytes) -> Found:
    return Found(f"{{sluicegate:0}}:{name}", ENTRY, {key.encode(): value for key, value in fields.items()})


def test_an_output_event() -> None:
    """An event is shown at its own time; nothing, no and the tail of a hash are left out, zero is not."""
    line = human_line(_found("out:wallet", event=EVENT))

    assert line == (
        "2026-01-05T00:00:00.000Z wallet alpha/one wallet_balance_update cash=1.50 trades=0 hash=aaaaaaaa…"
    )
    assert json_line(_found("out:wallet", event=EVENT)) == EVENT


def test_an_input_keeps_its_numbers() -> None:
    """Numbers are shown as they were sent, and JSON over several lines comes out as one."""
    found = _found("in:trade", event=b'{\n "id": "f",\n "amount": 1.10\n}')

    assert human_line(found) == "2025-11-21T09:12:02.000Z in:trade id=f amount=1.10"
    assert json_line(found) == b'{"id":"f","amount":1.10}'


def test_an_input_in_messagepack() -> None:
    """An event in MessagePack is shown as JSON."""
    found = _found("in:trade", event=msgspec.msgpack.encode({"id": "f", "side": "buy"}))

    assert json.loads(json_line(found)) == {"id": "f", "side": "buy"}
    assert human_line(found).endswith("in:trade id=f side=buy")


def test_a_dead_letter() -> None:
    """A dead letter says which entry could not be applied, and why."""
    found = _found(
        "dead",
        stream=b"in:trade",
        id=b"1-0",
        event=b"\xff",
        reason=b"not_decodable",
        detail=b"It is cut off.",
    )

    assert human_line(found) == "2025-11-21T09:12:02.000Z dead in:trade 1-0 not_decodable: It is cut off."
    assert json.loads(json_line(found))["reason"] == "not_decodable"


@pytest.mark.parametrize("event", [b"", b"nonsense", b"{", b"\xff\xff", b"[1]", b'"text"'])
def test_what_is_no_event(event: bytes) -> None:
    """Whatever somebody appended is one line, of text and of JSON."""
    found = _found("in:trade", event=event)

    assert "\n" not in human_line(found)
    assert json.loads(json_line(found))["stream_entry"] == ENTRY.decode()


def test_an_entry_without_the_field() -> None:
    """An entry with other fields is shown with them."""
    found = _found("in:trade", other=b"x")

    assert human_line(found).endswith("in:trade an entry without the field event")
    assert json.loads(json_line(found)) == {"stream_entry": ENTRY.decode(), "other": "x"}


def test_an_output_that_is_none_of_ours() -> None:
    """Something foreign in an output stream, though it calls itself an event, is shown for what it has."""
    line = human_line(_found("out:wallet", event=b'{"specversion":"1.0","type":"other"}'))

    assert line.endswith("wallet specversion=1.0 type=other")
