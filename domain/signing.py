"""
Whether an entry was signed by the holder of a key: Ed25519 (RFC 8032), as libsodium checks it.

What is signed is the name of the stream, such as ``in:trade``, followed by the bytes of the event: so what
was signed for one stream is worth nothing in another.
"""

from base64 import b64decode
from binascii import Error as NotBase64
from typing import Final

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64


def read_key(text: str) -> bytes:
    """
    Read a public key, 32 bytes in base 64.

    Raises:
        ValueError: it is none, in a sentence.

    """
    try:
        key = b64decode(text, validate=True)
    except (NotBase64, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError("public_key is the 32 bytes of an Ed25519 public key in base 64")
    return key


def is_signed(key: bytes, stream: str, event: bytes, signature: bytes) -> bool:
    """Whether a signature, 64 bytes or their base 64, is that of an event by the holder of a key."""
    if len(signature) != SIGNATURE_BYTES:
        try:
            signature = b64decode(signature, validate=True)
        except (NotBase64, ValueError):
            return False
        if len(signature) != SIGNATURE_BYTES:
            return False
    try:
        VerifyKey(key).verify(stream.encode() + event, signature)
    except BadSignatureError:
        return False
    return True
