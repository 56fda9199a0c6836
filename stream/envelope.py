"""The CloudEvents 1.0 envelope of what comes out."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from stream.types import Emit


class CloudEvent(msgspec.Struct):
    """One output event, in the order its members are written."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: str
    causationid: str
    data: Any


_encode = msgspec.json.Encoder().encode


@lru_cache(maxsize=1024)
def rfc3339(time_ms: int) -> str:
    """RFC 3339 text of a time in milliseconds since 1970, UTC."""
    seconds, ms = divmod(time_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ms:03d}Z"


def envelope(emit: Emit, event_id: str, cause: str) -> bytes:
    """Encode an emitted event; ``event_id`` is the same however often its cause is replayed."""
    return _encode(
        CloudEvent(
            specversion="1.0",
            id=event_id,
            source=emit.source,
            type=f"sluicegate.{emit.name}.v1",
            subject=emit.subject,
            time=rfc3339(emit.time_ms),
            causationid=cause,
            data=emit.data,
        )
    )
