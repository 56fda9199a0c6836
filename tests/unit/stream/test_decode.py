"""What `stream.decode` takes for an event, and what it says of anything else."""

import math
from typing import Annotated, Any

import msgspec
import pytest

from stream.decode import DEPTH_MAX, ENTRY_BYTES_MAX, Decoder, raw_event, to_builtins
from stream.errors import MalformedError
from stream.types import Entry


class Reading(msgspec.Struct):
    """An event of a kind that has nothing to do with trading."""

    id: str
    value: str | int | float = 0


decoder = Decoder(Reading)


def reason_of(event: bytes) -> str:
    """Tell why an event cannot be decoded; its detail must be a sentence."""
    with pytest.raises(MalformedError) as raised:
        decoder.decode(event)
    assert raised.value.detail.endswith(".")
    assert raised.value.reason in str(raised.value)
    return raised.value.reason


@pytest.mark.parametrize(
    "event",
    [
        b'{"id": "a", "value": 7}',
        b' \t\r\n{"id": "a", "value": 7}\n ',
        b'{"value": 7, "id": "\\u0061"}',
        msgspec.msgpack.encode({"id": "a", "value": 7}),
        b"\xde\x00\x02" + msgspec.msgpack.encode({"id": "a", "value": 7})[1:],
        b"\xdf\x00\x00\x00\x02" + msgspec.msgpack.encode({"id": "a", "value": 7})[1:],
    ],
    ids=["JSON", "whitespace", "escapes", "fixmap", "map 16", "map 32"],
)
def test_an_object_is_decoded_in_either_format(event: bytes) -> None:
    """The first byte tells them apart, whatever the width of the map's header."""
    assert decoder.decode(event) == Reading("a", 7)


@pytest.mark.parametrize("encode", [msgspec.json.encode, msgspec.msgpack.encode])
def test_unknown_members_are_ignored(encode: Any) -> None:
    """A sender may say more than is asked for, in any shape."""
    event = encode({"id": "a", "nested": {"deep": [1, {"x": None}]}, "value": 1})

    assert decoder.decode(event) == Reading("a", 1)


def test_the_last_of_two_equal_members_holds() -> None:
    """As in every JSON decoder, so that no two readers of an entry disagree."""
    assert decoder.decode(b'{"id": "a", "id": "b"}') == Reading("b")


@pytest.mark.parametrize(
    ("number", "read"),
    [
        (b"0.1", "0.1"),
        (b"1e400", "1e400"),
        (b"-0.30000000000000000000000000000000000004", "-0.30000000000000000000000000000000000004"),
        (b"1234567890123456789012345678901234567890", 1234567890123456789012345678901234567890),
    ],
)
def test_json_numbers_lose_nothing(number: bytes, read: str | int) -> None:
    """A fraction arrives as its text and a whole number as an integer of any size."""
    event = b'{"id": "a", "value": ' + number + b"}"

    assert to_builtins(event)["value"] == read


def test_a_message_pack_float_arrives_as_it_is() -> None:
    """Even one that is no number: that is for the application to refuse."""
    value = to_builtins(msgspec.msgpack.encode({"value": math.nan}))["value"]

    assert math.isnan(value)


@pytest.mark.parametrize(
    "event",
    [
        b"",
        b"   ",
        b"hello",
        b"\xef\xbb\xbf{}",
        b"\x00",
        b"[1, 2]",
        b" [1, 2]",
        b"null",
        b"\n7",
        b' "text"',
        b"\x93\x01\x02\x03",
        b"\xc0",
        b"\xdc\x00\x00",
    ],
)
def test_what_is_no_object_is_not_decodable(event: bytes) -> None:
    """In either format, whitespace or not."""
    assert reason_of(event) == "not_decodable"


@pytest.mark.parametrize(
    "event",
    [
        b'{"id": "a", "value": NaN}',
        b'{"id": "a", "value": Infinity}',
        b'{"id": "a", "value": -Infinity}',
        b"{'id': 'a'}",
        b'{"id": "a",}',
        b'{"id": "a"} {"id": "b"}',
        b'{"id": "a"}x',
        b'{"id": "\xff"}',
        b'{"id": "\xed\xa0\x80"}',
        b'{"id": "\\ud800"}',
        b'{"id": "\\q"}',
        b"\x81\xa2id\xa1\xff",
        b"\x81\xa2id\xa1a\x01",
        b"\x81\xa2id\xc1",
    ],
)
def test_what_only_begins_like_an_object_is_not_decodable(event: bytes) -> None:
    """JSON that is none, invalid UTF-8 in a value that is read, trailing bytes, unused codes."""
    assert reason_of(event) == "not_decodable"


@pytest.mark.parametrize("encode", [msgspec.json.encode, msgspec.msgpack.encode])
def test_an_event_cut_off_anywhere_is_not_decodable(encode: Any) -> None:
    """No prefix of an event is an event."""
    event = encode({"id": "some id", "value": 123456, "more": [1.5, None, {"x": True}]})

    assert {reason_of(event[:length]) for length in range(len(event))} == {"not_decodable"}


@pytest.mark.parametrize(
    "event",
    [
        b'{"id":"a","more":' + b"[" * 100_000,
        b'{"id":"a","more":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"id":"a","more":' + b'{"x":' * 100_000 + b"1" + b"}" * 100_001,
        b"\x82\xa2id\xa1a\xa4more" + b"\x91" * 100_000 + b"\x01",
        b"\x82\xa2id\xa1a\xa4more" + b"\x81\xa1x" * 100_000 + b"\x01",
    ],
    ids=["JSON open", "JSON lists", "JSON objects", "MessagePack lists", "MessagePack maps"],
)
def test_nesting_without_end_is_too_deep(event: bytes) -> None:
    """Neither the stack nor the worker ends with it."""
    assert reason_of(event) == "too_deep"
    with pytest.raises(MalformedError, match="too_deep"):
        to_builtins(event)


def _nested(levels: int) -> list[bytes]:
    """Events of that many levels, the outermost object among them, in either format."""
    inner = levels - 1
    return [
        b'{"x":' + b"[" * inner + b"]" * inner + b"}",
        b'{"x":' * inner + b"{" + b"}" * levels,
        b"\x81\xa1x" + b"\x91" * (inner - 1) + b"\x90",
        b"\x81\xa1x" * inner + b"\x80",
    ]


@pytest.mark.parametrize("kind", range(4), ids=["JSON lists", "JSON objects", "lists", "maps"])
def test_levels_are_counted(kind: int) -> None:
    """256 are taken, 257 are not, long before the depth at which one Python or another gives up."""
    most, too_many = _nested(DEPTH_MAX)[kind], _nested(DEPTH_MAX + 1)[kind]

    assert raw_event(Entry(0, b"1-0", most)) == most
    assert decoder.decode(b'{"id":"a","value":1}') == Reading("a", 1)
    with pytest.raises(MalformedError, match="too_deep: The event is nested deeper than 256 levels"):
        raw_event(Entry(0, b"1-0", too_many))


@pytest.mark.parametrize("encode", [msgspec.json.encode, msgspec.msgpack.encode])
def test_what_only_looks_nested_is_taken(encode: Any) -> None:
    """Brackets in a text, many objects side by side, and bytes that would open a level elsewhere."""
    event = encode({"a": "[{" * 500, "b": [{} for _ in range(500)], "c": "\u0080\u0090" * 500})

    assert raw_event(Entry(0, b"1-0", event)) == event


class _Short(msgspec.Struct):
    members: Annotated[dict[str, int], msgspec.Meta(max_length=2)]


def test_too_many_members_have_a_reason_of_their_own() -> None:
    """Where a type sets a limit; other faults of the same member stay what they are."""
    short = Decoder(_Short)

    assert short.decode(b'{"members":{"a":1,"b":2}}').members == {"a": 1, "b": 2}
    for event, reason in (
        (b'{"members":{"a":1,"b":2,"c":3}}', "too_many"),
        (msgspec.msgpack.encode({"members": {"a": 1, "b": 2, "c": 3}}), "too_many"),
        (b'{"members":{"a":"b"}}', "invalid_member"),
    ):
        with pytest.raises(MalformedError) as raised:
            short.decode(event)
        assert raised.value.reason == reason


@pytest.mark.parametrize("header", [b"\xdd", b"\xdf", b"\xc6", b"\xdb", b"\xc9"])
def test_a_length_that_lies_takes_no_memory(header: bytes) -> None:
    """A list, map, text or extension of four thousand million members that are not there."""
    event = b"\x82\xa2id\xa1a\xa5value" + header + b"\xff\xff\xff\xff"

    with pytest.raises(MalformedError, match="not_decodable"):
        to_builtins(event)


@pytest.mark.parametrize(
    "event",
    [
        b"{}",
        b'{"id": 7}',
        b'{"id": null}',
        b'{"id": "a", "value": [1]}',
        b'{"id": "a", "value": true}',
        msgspec.msgpack.encode({"id": b"a"}),
        msgspec.msgpack.encode({1: "a"}),
        b"\x80",
    ],
)
def test_a_member_that_is_missing_or_of_another_type_is_invalid(event: bytes) -> None:
    """The object could be read, and what is wrong with it is said."""
    assert reason_of(event) == "invalid_member"


def test_the_detail_names_the_member() -> None:
    """For the person who has to put it right."""
    with pytest.raises(MalformedError, match=r"\$\.value"):
        decoder.decode(b'{"id": "a", "value": [1]}')


def test_an_entry_without_the_field_has_no_event() -> None:
    """Other fields do not help."""
    with pytest.raises(MalformedError) as raised:
        raw_event(Entry(0, b"1-0", None))
    assert raised.value.reason == "no_event"


def test_an_event_may_be_a_mebibyte_and_no_more() -> None:
    """The limit itself is allowed."""
    assert ENTRY_BYTES_MAX == 1_048_576
    largest = b"x" * ENTRY_BYTES_MAX
    assert raw_event(Entry(0, b"1-0", largest)) is largest

    with pytest.raises(MalformedError) as raised:
        raw_event(Entry(0, b"1-0", largest + b"x"))
    assert raised.value.reason == "too_large"
    assert "1048577" in raised.value.detail


def test_an_empty_event_is_one_that_cannot_be_decoded() -> None:
    """The field is there, so it is not missing."""
    assert raw_event(Entry(0, b"1-0", b"")) == b""
    assert reason_of(b"") == "not_decodable"
