"""Which wallet an input is for."""

import msgspec
import pytest

from app.addressee import addressee
from stream.errors import MalformedError


@pytest.mark.parametrize("encode", [msgspec.json.encode, msgspec.msgpack.encode])
def test_an_event_names_its_wallet(encode: object) -> None:
    """In JSON and MessagePack; weights that were computed name it within the plan; a tick is for all."""
    assert callable(encode)
    assert addressee(encode({"id": "1", "wallet": "alpha"})) == "alpha"
    assert addressee(encode({"timestamp": 1, "plan": {"wallet": "beta", "number": 3}})) == "beta"
    assert addressee(encode({"timestamp": 1})) is None


@pytest.mark.parametrize("event", [b"", b"{", b"[]", b'{"wallet": 1}', b"\xc1"])
def test_what_cannot_be_read(event: bytes) -> None:
    """Is no guess."""
    with pytest.raises(MalformedError):
        addressee(event)
