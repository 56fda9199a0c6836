"""A server in memory, and events as sluicegate would write them."""

from collections.abc import Callable
from typing import Any

import fakeredis
import msgspec
import pytest

from examples.fleet.wire import Wire

Emit = Callable[..., None]


@pytest.fixture
def wire() -> Wire:
    """Connect to the first partition on a server of its own."""
    return Wire(fakeredis.FakeRedis(), "sluicegate", 0)


@pytest.fixture
def emit(wire: Wire) -> Emit:
    """Append an output event: `emit("allocation", "fund_allocation", {...})`."""
    count = 0

    def append(
        stream: str,
        name: str,
        data: dict[str, Any],
        *,
        cause: str = "0/in:trade/1-0",
        day: str = "2008-10-10",
    ) -> None:
        nonlocal count
        count += 1
        event = {
            "specversion": "1.0",
            "id": f"{cause}/{count}",
            "source": "/sluicegate/alpha",
            "type": f"sluicegate.{name}.v1",
            "time": f"{day}T21:00:00.000Z",
            "data": data,
        }
        wire.client.xadd(wire.key(f"out:{stream}"), {"event": msgspec.json.encode(event)})

    return append
