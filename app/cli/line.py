"""One line for one entry of any stream: as a person reads it, or as JSON."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from app.follow import Found
from stream.decode import to_builtins
from stream.envelope import rfc3339
from stream.errors import MalformedError
from stream.keys import FIELD
from stream.order import parse_id

_RAW_SHOWN: Final = 200  # characters of what cannot be read
_is_hash = re.compile(r"[0-9a-f]{64}", re.ASCII).fullmatch  # its start is enough to tell it from another


def json_line(found: Found) -> bytes:
    """
    Return an entry as one line of JSON.

    An event in JSON stays as it is, to the digit; one in MessagePack is written as JSON. A dead letter, and
    what is no event, becomes an object with the fields of the entry.
    """
    event = found.fields.get(FIELD)
    if event is not None and b"reason" not in found.fields:
        try:
            if event[:1] in b"{ \t\r\n":
                return msgspec.json.format(event, indent=-1)
            return msgspec.json.encode(to_builtins(event))
        except (msgspec.DecodeError, MalformedError):
            pass
    fields = {
        name.decode(errors="replace"): value.decode(errors="replace") for name, value in found.fields.items()
    }
    return msgspec.json.encode({"stream_entry": found.id.decode(), **fields})


def human_line(found: Found) -> str:
    """Return an entry as a person reads it: when, where, what, and the rest by name."""
    name = found.name.partition("}:")[2].removeprefix("out:")
    time = rfc3339(parse_id(found.id)[0])
    if b"reason" in found.fields:
        text = {key.decode(): value.decode(errors="replace") for key, value in found.fields.items()}
        return f"{time} {name} {text.get('stream')} {text.get('id')} {text['reason']}: {text.get('detail')}"
    event = found.fields.get(FIELD)
    if event is None:
        return f"{time} {name} an entry without the field event"
    try:
        document = to_builtins(event)
    except MalformedError:
        return f"{time} {name} {event[:_RAW_SHOWN]!r}"
    try:
        return _event_line(name, msgspec.convert(document, _Event))
    except msgspec.ValidationError:
        return f"{time} {name} {_members(document)}"


class _Event(msgspec.Struct):
    """An output event, as far as it is shown."""

    source: str
    type: str
    subject: str
    time: str
    data: dict[str, Any]


def _event_line(name: str, event: _Event) -> str:
    kind = event.type.removeprefix("sluicegate.").removesuffix(".v1")
    wallet = event.source.rpartition("/")[2]
    where = wallet if event.subject == wallet else f"{wallet}/{event.subject}"
    return f"{event.time} {name} {where} {kind} {_members(event.data)}"


def _members(document: Mapping[str, Any]) -> str:
    shown = (pair for pair in document.items() if pair[1] is not None and pair[1] is not False)
    return " ".join(f"{name}={_short(value)}" for name, value in shown)


def _short(value: Any) -> str:  # noqa: ANN401  # JSON
    if not isinstance(value, str):
        return msgspec.json.encode(value).decode()
    return f"{value[:8]}…" if _is_hash(value) else value
