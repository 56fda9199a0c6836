"""Entry bytes to typed events: JSON or MessagePack, told apart by the first byte."""

from collections.abc import Iterable
from typing import Any, Final, Generic, TypeVar

import msgspec

from stream.errors import MalformedError
from stream.types import Entry

T = TypeVar("T")

ENTRY_BYTES_MAX: Final = 1 << 20
DEPTH_MAX: Final = 256  # far below where Python gives up, which differs between its versions
_JSON_SPACE: Final = b" \t\r\n"
_MSGPACK_MAP_FIRST: Final = frozenset([*range(0x80, 0x90), 0xDE, 0xDF])
_MSGPACK_OPENINGS: Final = frozenset([*range(0x80, 0xA0), *range(0xDC, 0xE0)])
_MSGPACK_LEAVES: Final = bytes(byte for byte in range(256) if byte not in _MSGPACK_OPENINGS)
_TOO_DEEP: Final = f"The event is nested deeper than {DEPTH_MAX} levels."


def raw_event(entry: Entry) -> bytes:
    """
    Return the bytes of an entry's event.

    Raises:
        MalformedError: no field ``event``, larger than 1 MiB, or nested deeper than 256.

    """
    event = entry.event
    if event is None:
        raise MalformedError("no_event", "The entry has no field named event: put the JSON object there.")
    size = len(event)
    if size > DEPTH_MAX:  # each level takes a byte
        if size > ENTRY_BYTES_MAX:
            text = f"The event has {size} bytes; at most {ENTRY_BYTES_MAX} are taken."
            raise MalformedError("too_large", text)
        if _openings(event) > DEPTH_MAX and _is_too_deep(event):
            raise MalformedError("too_deep", _TOO_DEEP)
    return event


def time_of(entry: Entry) -> int:
    """Server time in milliseconds at which an entry was appended."""
    entry_id = entry.id
    return int(entry_id[: entry_id.index(b"-")])


def _openings(event: bytes) -> int:
    """Count what may open a level, which is no less than the levels there are."""
    if event[0] in _MSGPACK_MAP_FIRST:
        return len(event.translate(None, _MSGPACK_LEAVES))
    if len(event) <= 2 * DEPTH_MAX:  # a level of JSON takes two bytes, or it cannot be decoded
        return 0
    return event.count(b"{") + event.count(b"[")


def _is_too_deep(event: bytes) -> bool:
    """Whether an event is nested too deep; what cannot be decoded at all is for the decoder to tell."""
    try:
        level: list[Any] = [to_builtins(event)]
    except MalformedError as error:
        return error.reason == "too_deep"
    for _ in range(DEPTH_MAX):
        level = [child for one in level for child in _children(one)]
        if not level:
            return False
    return True


def _children(one: Any) -> Iterable[Any]:  # noqa: ANN401  # JSON
    inside = one.values() if isinstance(one, dict) else one
    return (child for child in inside if isinstance(child, dict | list))


class Decoder(Generic[T]):
    """Decodes events of one type. JSON numbers with a fraction arrive as their text, for exact decimals."""

    def __init__(self, event_type: type[T]) -> None:
        self._json = msgspec.json.Decoder(event_type, float_hook=str)
        self._msgpack = msgspec.msgpack.Decoder(event_type)

    def decode(self, event: bytes) -> T:
        """
        Decode one event.

        Raises:
            MalformedError: ``not_decodable``, ``too_deep``, ``invalid_member`` or ``too_many``.

        """
        try:
            if event.startswith(b"{") or event.lstrip(_JSON_SPACE).startswith(b"{"):
                return self._json.decode(event)
            if event and event[0] in _MSGPACK_MAP_FIRST:
                return self._msgpack.decode(event)
        except msgspec.ValidationError as error:
            # Of all that a type says of a member, this is the one limit that a sender may run into.
            reason = "too_many" if "of length <=" in str(error) else "invalid_member"
            raise MalformedError(reason, f"{error}.") from None
        except RecursionError:
            raise MalformedError("too_deep", _TOO_DEEP) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise MalformedError("not_decodable", f"{str(error) or 'The event is cut off'}.") from None
        raise MalformedError("not_decodable", "The event is neither a JSON object nor a MessagePack map.")


def to_builtins(event: bytes) -> Any:  # noqa: ANN401  # whatever a sender put there
    """Decode an event of unknown shape. Raises `MalformedError`."""
    return _ANY.decode(event)


_ANY: Final = Decoder[dict[str, Any]](dict[str, Any])
