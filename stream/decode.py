"""Entry bytes to typed events: JSON or MessagePack, told apart by the first byte."""

from typing import Any, Final, Generic, TypeVar

import msgspec

from stream.errors import MalformedError
from stream.types import Entry

T = TypeVar("T")

ENTRY_BYTES_MAX: Final = 1 << 20
_JSON_SPACE: Final = b" \t\r\n"
_MSGPACK_MAP_FIRST: Final = frozenset([*range(0x80, 0x90), 0xDE, 0xDF])


def raw_event(entry: Entry) -> bytes:
    """
    Return the bytes of an entry's event.

    Raises:
        MalformedError: no field ``event``, or larger than 1 MiB.

    """
    if entry.event is None:
        raise MalformedError("no_event", "The entry has no field named event: put the JSON object there.")
    if len(entry.event) > ENTRY_BYTES_MAX:
        raise MalformedError(
            "too_large", f"The event has {len(entry.event)} bytes; at most {ENTRY_BYTES_MAX} are taken."
        )
    return entry.event


class Decoder(Generic[T]):
    """Decodes events of one type. JSON numbers with a fraction arrive as their text, for exact decimals."""

    def __init__(self, event_type: type[T]) -> None:
        self._json = msgspec.json.Decoder(event_type, float_hook=str)
        self._msgpack = msgspec.msgpack.Decoder(event_type)

    def decode(self, event: bytes) -> T:
        """
        Decode one event.

        Raises:
            MalformedError: ``not_decodable`` or ``invalid_member``.

        """
        try:
            if event.startswith(b"{") or event.lstrip(_JSON_SPACE).startswith(b"{"):
                return self._json.decode(event)
            if event and event[0] in _MSGPACK_MAP_FIRST:
                return self._msgpack.decode(event)
        except msgspec.ValidationError as error:
            raise MalformedError("invalid_member", f"{error}.") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise MalformedError("not_decodable", f"{str(error) or 'The event is cut off'}.") from None
        raise MalformedError("not_decodable", "The event is neither a JSON object nor a MessagePack map.")


def to_builtins(event: bytes) -> Any:  # noqa: ANN401  # whatever a sender put there
    """Decode an event of unknown shape. Raises `MalformedError`."""
    return _ANY.decode(event)


_ANY: Final = Decoder[dict[str, Any]](dict[str, Any])
