"""
Whether this process is alive, and whether it is ready: from a heartbeat and from what the engine reports.

Rules kept here:

1. Alive means that the event loop turns. A server that is away is no reason to end a process: it would come
   back to the same server.
2. Ready means that every partition is served by this worker, or is another's. What is wrong is said in
   sentences, one for each partition.
3. The event loop writes, the exporter's threads read. Each fact is one assignment, so that none waits.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

HEARTBEAT_S: Final = 1.0  # between two of them
_STALLED_S: Final = 10.0  # no batch and no load keeps the loop for that long


class Health:
    """Implements the engine's observer protocol, and says how the process is."""

    def __init__(self, partitions: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Start alive and not ready; ``clock`` gives seconds."""
        self._clock = clock
        self._beaten = clock()
        self._served: set[int] = set()
        self._away: dict[int, str] = {}  # since when, by partition
        self._troubles = {
            partition: f"Partition {partition} has not been asked for yet." for partition in range(partitions)
        }

    def beat(self) -> None:
        """Note that the event loop turns."""
        self._beaten = self._clock()

    @property
    def heartbeat_age(self) -> float:
        """Seconds since the event loop was last seen to turn."""
        return self._clock() - self._beaten

    def stalls(self) -> list[str]:
        """Say what keeps the process from being alive; nothing: it is."""
        age = self.heartbeat_age
        return [f"The event loop has not turned for {age:.0f} s."] if age > _STALLED_S else []

    def troubles(self) -> list[str]:
        """Say what keeps the process from being ready; nothing: it is."""
        return [*self.stalls(), *(text for _, text in sorted(self._troubles.copy().items()))]

    def serves(self, partition: int) -> bool:
        """Whether this worker serves a partition now."""
        return partition in self._served

    # -- what the engine reports ---------------------------------------------------------------------------

    def committed(self, details: object) -> None:
        """Hear no news."""

    def taken(self, partition: int, epoch: int) -> None:
        """Note that a partition is not served yet."""
        self._away.pop(partition, None)
        self._troubles[partition] = f"Partition {partition} is being loaded, under epoch {epoch}."

    def owned(self, partition: int, epoch: int) -> None:  # noqa: ARG002  # served is served
        """Note that a partition is served."""
        self._served.add(partition)
        self._troubles.pop(partition, None)

    def migrated(self, partition: int, before: int, after: int) -> None:
        """Ignore it: what matters is that the partition is being loaded."""

    def lost(self, partition: int, reason: str) -> None:
        """Note that a partition is served by nobody we know of."""
        self._served.discard(partition)
        self._troubles[partition] = f"Partition {partition} is not served: {reason}."

    def held(self, partition: int, holder: str) -> None:  # noqa: ARG002  # whoever it is
        """Note that a partition is none of our concern."""
        self._served.discard(partition)
        self._away.pop(partition, None)
        self._troubles.pop(partition, None)

    def stalled(self, partition: int, reason: str) -> None:
        """Note that a partition does not get on."""
        self._troubles[partition] = f"Partition {partition} does not get on: {reason}."

    def gets_on(self, partition: int) -> None:
        """Note that it does again."""
        self._troubles.pop(partition, None)

    def away(self, partition: int, error: str) -> None:
        """Note that a partition is not served, and since when."""
        self._served.discard(partition)
        since = self._away.setdefault(partition, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
        self._troubles[partition] = (
            f"Partition {partition} is not served: the server is away since {since} ({error})."
        )

    def rolled_back(self, partition: int, commits: int) -> None:
        """Ignore it: what matters is that the partition is being loaded."""

    def trimmed(self, details: object) -> None:
        """Hear no news."""

    def lag(self, partition: int, events: int, seconds: float) -> None:
        """Ignore it: a worker that lags is ready, and another would not be faster."""
