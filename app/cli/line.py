"""One line for one entry of any stream: as a person reads it, or as JSON."""

from collections.abc import Mapping
from typing import Any

import msgspec

from app.follow import Found
from stream.decode import to_builtins
from stream.envelope import rfc3339
from stream.errors import MalformedError
from stream.keys import FIELD
from stream.order import parse_id

_RAW_SHOWN = 200  # characters of what cannot be read


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
    if "specversion" in document:
        return _event_line(name, document)
    return f"{time} {name} {_members(document)}"


def _event_line(name: str, document: dict[str, Any]) -> str:
    kind = document["type"].removeprefix("sluicegate.").rpartition(".")[0]
    wallet = document["source"].rpartition("/")[2]
    where = wallet if document["subject"] == wallet else f"{wallet}/{document['subject']}"
    return f"{document['time']} {name} {where} {kind} {_members(document['data'])}"


def _members(document: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={_short(value)}" for name, value in document.items() if value is not None)


def _short(value: Any) -> str:  # noqa: ANN401  # JSON
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
