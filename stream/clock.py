"""
The server's time.

Entry ids, leases and ages are all by the server's clock, so nothing here goes by the worker's own, which may
differ or be stepped. Between two looks at it the server's clock is taken to go on as time does.
"""

import time

from stream.client import Client
from stream.keys import Keys


class ServerClock:
    """The clock of the server that has a partition."""

    def __init__(self, client: Client, keys: Keys) -> None:
        """Nothing is known of it before the first look."""
        self._client = client
        self._key = keys.checkpoint
        self._ahead_ms = 0  # of this process' own counting

    async def look(self) -> int:
        """Ask the server for its time, in milliseconds since 1970 UTC. Raises `TransportError`."""
        seconds, microseconds = await self._client.ask_about(self._key, "TIME")
        now_ms = int(seconds) * 1000 + int(microseconds) // 1000
        self._ahead_ms = now_ms - _counted_ms()
        return now_ms

    def now_ms(self) -> int:
        """Time by the last look, in milliseconds since 1970 UTC."""
        return self._ahead_ms + _counted_ms()

    def since(self, moment_ms: int) -> float:
        """Seconds since a moment; 0 where it has not come yet."""
        return max(self.now_ms() - moment_ms, 0) / 1000


def _counted_ms() -> int:
    """Milliseconds since some moment, which no step of a clock changes."""
    return int(time.monotonic() * 1000)
