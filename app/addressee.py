"""Which wallet an input is for, as far as that can be read."""

from typing import Final

import msgspec

from stream.decode import Decoder


class _Wallet(msgspec.Struct):
    wallet: str | None = None


class _Event(_Wallet):
    plan: _Wallet | None = None  # that a partition's owner computed


_decode: Final = Decoder(_Event).decode


def addressee(event: bytes) -> str | None:
    """
    Return the id of the wallet that an event is for; None: it is for all of a partition, as a tick is.

    Raises:
        MalformedError: it cannot be read.

    """
    found = _decode(event)
    return found.wallet or (found.plan.wallet if found.plan else None)
