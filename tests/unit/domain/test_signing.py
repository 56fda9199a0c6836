"""Signatures, against the test vectors of RFC 8032, section 7.1."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.signing import is_signed, read_key

KEY = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")  # TEST 2
SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)
OTHER = bytes.fromhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")  # TEST 3
OTHER_SIGNATURE = bytes.fromhex(
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
    "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
)


def test_the_vectors() -> None:
    """The message is the stream's name and the event behind it, wherever one ends."""
    assert is_signed(KEY, "r", b"", SIGNATURE)
    assert is_signed(KEY, "", b"r", SIGNATURE)
    assert is_signed(OTHER, "", b"\xaf\x82", OTHER_SIGNATURE)


def test_in_base_64() -> None:
    """For clients that send no raw bytes."""
    assert is_signed(KEY, "r", b"", b64encode(SIGNATURE))


@pytest.mark.parametrize("place", [0, 31, 32, 63])
def test_any_other_bit(place: int) -> None:
    """Of signature, event, stream or key."""
    changed = bytearray(SIGNATURE)
    changed[place] ^= 1

    assert not is_signed(KEY, "r", b"", bytes(changed))
    assert not is_signed(KEY, "s", b"", SIGNATURE)
    assert not is_signed(KEY, "r", b" ", SIGNATURE)
    assert not is_signed(OTHER, "r", b"", SIGNATURE)


@pytest.mark.parametrize(
    "signature", [b"", b"x", b"=", SIGNATURE[:63], SIGNATURE + b"x", b64encode(b"short"), b"\xff"]
)
def test_what_is_no_signature(signature: bytes) -> None:
    """Is none, and no error."""
    assert not is_signed(KEY, "r", b"", signature)


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=100), st.binary(max_size=10))
def test_no_bytes_are_an_error(key: bytes, signature: bytes, event: bytes) -> None:
    """Whatever stands in the field, and whatever 32 bytes were registered as a key."""
    assert not is_signed(key, "in:trade", event, signature)
    assert not is_signed(key, "in:trade", event, b64encode(signature))


def test_the_order_of_the_group_added_to_a_signature() -> None:
    """Makes no second valid one: S below the group's order is asked for (RFC 8032, section 5.1.7)."""
    order = 2**252 + 27742317777372353535851937790883648493
    s = int.from_bytes(SIGNATURE[32:], "little") + order

    assert not is_signed(KEY, "r", b"", SIGNATURE[:32] + s.to_bytes(32, "little"))


def test_a_key_is_32_bytes_in_base_64() -> None:
    """Anything else is said to be none."""
    assert read_key(b64encode(KEY).decode()) == KEY
    for text in ("", "x", KEY.hex(), b64encode(KEY[:31]).decode(), "ä", b64encode(KEY).decode() + "\n"):
        with pytest.raises(ValueError, match="32 bytes of an Ed25519 public key in base 64"):
            read_key(text)
