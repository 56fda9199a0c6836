"""Logs as JSON lines on stderr, one for each change of state a person may want to know of."""

import logging
import sys

import structlog

from stream.types import BatchDetails


def configure_logging(level: str) -> None:
    """Write JSON lines from a level on."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


class LogObserver:
    """Logs what the engine reports."""

    def __init__(self, worker: str) -> None:
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger().bind(worker=worker)
        self._reasons: dict[int, str] = {}

    def committed(self, details: BatchDetails) -> None:
        """Log dead letters; a batch as such is no news."""
        if details.dead:
            self._log.warning("dead letters", partition=details.partition, reasons=details.dead)

    def owned(self, partition: int, epoch: int) -> None:
        """Log that a partition is served."""
        self._reasons.pop(partition, None)
        self._log.info("partition owned", partition=partition, epoch=epoch)

    def lost(self, partition: int, reason: str) -> None:
        """Log that a partition is not served; once for each reason."""
        if self._reasons.get(partition) != reason:
            self._reasons[partition] = reason
            self._log.warning("partition not served", partition=partition, reason=reason)

    def lag(self, partition: int, events: int, seconds: float) -> None:
        """Lag is a metric."""
