"""
Logs as JSON lines on stderr, one for each change of state a person may want to know of.

Rules kept here:

1. What happens again and again (a batch, a try to reach a server that is away) is a metric, not a line.
2. Whatever concerns a partition, a wallet or an entry names it.
"""

import logging
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

import msgspec
import structlog

from stream.decode import Decoder
from stream.errors import MalformedError
from stream.types import BatchDetails, DeadLetter, Trimmed


def configure_logging(level: str) -> None:
    """Write JSON lines from a level on."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


class LogObserver:
    """Logs what the engine reports."""

    def __init__(
        self,
        worker: str,
        count: Callable[[int], Mapping[str, int]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``count`` gives how much a partition holds, by kind; ``clock`` gives seconds."""
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger().bind(worker=worker)
        self._count = count
        self._clock = clock
        self._taken: dict[int, float] = {}  # when, by partition that is being loaded
        self._reasons: dict[int, str] = {}  # why it is not served, by partition
        self._away: set[int] = set()
        self._overdue: dict[int, set[str]] = {}  # subscribers, by partition
        self._stalled: dict[int, float] = {}  # since when, by partition
        self._away_since = 0.0

    def committed(self, details: BatchDetails) -> None:
        """Log dead letters, the first of a batch in full; a batch as such is no news."""
        if details.first_dead is not None:
            first = _named(details.first_dead)
            self._log.warning("dead letters", partition=details.partition, reasons=details.dead, **first)

    def taken(self, partition: int, epoch: int) -> None:
        """Log that a partition is ours and loads."""
        self._is_back(partition)
        self._taken[partition] = self._clock()
        self._log.info("partition taken", partition=partition, epoch=epoch)

    def owned(self, partition: int, epoch: int) -> None:
        """Log that a partition is served, how much it holds and how long that took to load."""
        self._reasons.pop(partition, None)
        seconds = round(self._clock() - self._taken.pop(partition), 3)
        holds = self._count(partition)
        self._log.info("partition owned", partition=partition, epoch=epoch, load_seconds=seconds, **holds)

    def migrated(self, partition: int, before: int, after: int) -> None:
        """Log that the stored state was migrated."""
        self._log.info("state migrated", partition=partition, schema_before=before, schema=after)

    def lost(self, partition: int, reason: str) -> None:
        """Log that a partition is not served; once for each reason."""
        self._not_served(partition, reason)

    def held(self, partition: int, holder: str) -> None:
        """Log who serves a partition instead; once for each."""
        self._is_back(partition)
        self._not_served(partition, f"{holder} holds it", logging.INFO)

    def away(self, partition: int, error: str) -> None:
        """Log that the server is away; once for all partitions, until it is back."""
        if not self._away:
            self._away_since = self._clock()
            self._log.error("server away", error=error)
        self._away.add(partition)
        self._not_served(partition, "the server is away")

    def rolled_back(self, partition: int, commits: int) -> None:
        """Log that the server has lost what it had confirmed."""
        self._log.error("commits taken back", partition=partition, commits=commits)

    def stalled(self, partition: int, reason: str) -> None:
        """Log that a partition does not get on; once until it does."""
        if partition not in self._stalled:
            self._stalled[partition] = self._clock()
            self._log.error("partition stalled", partition=partition, reason=reason)

    def gets_on(self, partition: int) -> None:
        """Log that a partition gets on again."""
        if partition in self._stalled:
            seconds = round(self._clock() - self._stalled.pop(partition), 3)
            self._log.info("partition gets on", partition=partition, stalled_seconds=seconds)

    def trimmed(self, details: Trimmed) -> None:
        """Log which subscriber had its time, and that it reads again; once each."""
        before = self._overdue.pop(details.partition, set())
        for who, cursor in details.overdue.items():
            if who not in before:
                self._log.warning(
                    "subscriber overdue", partition=details.partition, subscriber=who, read_up_to=cursor
                )
        for who in sorted(before - details.overdue.keys()):
            self._log.info("subscriber reads again", partition=details.partition, subscriber=who)
        self._overdue[details.partition] = set(details.overdue)

    def lag(self, partition: int, events: int, seconds: float) -> None:
        """Lag is a metric."""

    def _not_served(self, partition: int, reason: str, level: int = logging.WARNING) -> None:
        self._stalled.pop(partition, None)
        if self._reasons.get(partition) != reason:
            self._reasons[partition] = reason
            self._log.log(level, "partition not served", partition=partition, reason=reason)

    def _is_back(self, partition: int) -> None:
        if partition in self._away:
            self._away.discard(partition)
            if not self._away:
                self._log.info("server back", away_seconds=round(self._clock() - self._away_since, 3))


class _Origin(msgspec.Struct):
    """Whose an input is, where it says so."""

    wallet: str | None = None
    agent: str | None = None


_ORIGIN: Final = Decoder(_Origin)
_ID_CHARACTERS_MAX: Final = 64


def _named(letter: DeadLetter) -> dict[str, str]:
    """Say which entry a dead letter was, and whose where that can be read."""
    named = {"stream": letter.stream, "entry": letter.id.decode(), "detail": letter.detail}
    with suppress(MalformedError):
        for name, value in msgspec.structs.asdict(_ORIGIN.decode(letter.event)).items():
            if value is not None:
                named[name] = value[:_ID_CHARACTERS_MAX]
    return named
