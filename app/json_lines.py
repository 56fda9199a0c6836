"""Events as lines of JSON: looked at just enough to know where they go, and passed on as they are."""

from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

import msgspec

from stream.decode import ENTRY_BYTES_MAX
from stream.errors import ConfigurationError

_CHUNK: Final = 1 << 18


class _Line(msgspec.Struct):
    wallet: str


class _Tick(msgspec.Struct):
    """A tick concerns all wallets."""


_wallet_of = msgspec.json.Decoder(_Line).decode
_check_tick = msgspec.json.Decoder(_Tick).decode


class Line(NamedTuple):
    """One line of a file."""

    number: int
    event: bytes


def lines_of(file: BinaryIO) -> Iterator[list[Line]]:
    """Read lines as they come, those that are there together; empty ones are left out."""
    rest, number = b"", 0
    read = getattr(file, "read1", file.read)
    while chunk := read(_CHUNK):
        *whole, rest = (rest + chunk).split(b"\n")
        found = [Line(number + i, line.removesuffix(b"\r")) for i, line in enumerate(whole, 1)]
        number += len(whole)
        yield [line for line in found if line.event.strip()]
    if rest.strip():
        yield [Line(number + 1, rest.removesuffix(b"\r"))]


def wallet_of(event: bytes) -> str:
    """
    Return the wallet an event is for.

    Raises:
        ConfigurationError: it is no JSON object, names no wallet, or is too large, in a phrase.

    """
    _check_size(event)
    try:
        return _wallet_of(event).wallet
    except msgspec.ValidationError as error:
        raise ConfigurationError(f'is no event: it needs a member "wallet" ({error})') from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigurationError(f"is not JSON ({error})") from None


def check_tick(event: bytes) -> None:
    """Check that an event is a JSON object. Raises `ConfigurationError`."""
    _check_size(event)
    try:
        _check_tick(event)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigurationError(f"is no JSON object ({error})") from None


def _check_size(event: bytes) -> None:
    if len(event) > ENTRY_BYTES_MAX:
        raise ConfigurationError(f"has {len(event)} bytes; an event has at most {ENTRY_BYTES_MAX}")
