"""What the engine reports becomes lines that a person can follow."""

from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from app.logging import LogObserver
from stream.types import BatchDetails, DeadLetter, Trimmed

Line = Any


class Clock:
    """Seconds that a test sets forward."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Read it."""
        return self.now


@pytest.fixture
def lines() -> Iterator[list[Line]]:
    """Give the lines that are logged meanwhile."""
    structlog.reset_defaults()
    with capture_logs() as captured:
        yield captured


@pytest.fixture
def clock() -> Clock:
    """Give a clock that stands still."""
    return Clock()


@pytest.fixture
def observer(lines: list[Line], clock: Clock) -> LogObserver:  # noqa: ARG001  # captures from then on
    """Give an observer of a worker whose partitions hold three agents each."""
    return LogObserver("w1", lambda _: {"agents": 3}, clock)


def test_a_partition_is_taken_loaded_and_served(
    observer: LogObserver, lines: list[Line], clock: Clock
) -> None:
    """How much was loaded, in how long, and under which epoch."""
    observer.taken(2, 9)
    clock.now += 1.5
    observer.owned(2, 9)

    where = {"worker": "w1", "partition": 2, "epoch": 9, "log_level": "info"}
    assert lines == [
        {"event": "partition taken", **where},
        {"event": "partition owned", **where, "load_seconds": 1.5, "agents": 3},
    ]


def test_an_outage_is_two_lines_and_one_for_each_partition(
    observer: LogObserver, lines: list[Line], clock: Clock
) -> None:
    """However often the server is tried, and whatever the connections say."""
    for partition in (0, 1):
        observer.taken(partition, 1)
        observer.owned(partition, 1)
    lines.clear()

    for error in ("connection closed", "connection refused", "connection refused"):
        observer.away(0, error)
        observer.away(1, error)
        clock.now += 2
    assert [(line["event"], line.get("partition")) for line in lines] == [
        ("server away", None),
        ("partition not served", 0),
        ("partition not served", 1),
    ]
    assert lines[0]["error"] == "connection closed"
    assert [line["log_level"] for line in lines] == ["error", "warning", "warning"]

    lines.clear()
    observer.taken(0, 2)
    observer.taken(1, 2)
    assert [line["event"] for line in lines] == ["partition taken", "server back", "partition taken"]
    assert lines[1]["away_seconds"] == 6


def test_a_second_outage_is_told_again(observer: LogObserver, lines: list[Line]) -> None:
    """With its own lines."""
    for epoch in (1, 2):
        observer.away(0, "connection refused")
        observer.taken(0, epoch)
        observer.owned(0, epoch)

    told = [line["event"] for line in lines]
    assert told == 2 * [
        "server away",
        "partition not served",
        "server back",
        "partition taken",
        "partition owned",
    ]


def test_standing_by_is_said_once(observer: LogObserver, lines: list[Line]) -> None:
    """As long as the same worker holds the partition."""
    for holder in ("w2", "w2", "w2", "w3"):
        observer.held(0, holder)

    assert [line["reason"] for line in lines] == ["w2 holds it", "w3 holds it"]
    assert {line["log_level"] for line in lines} == {"info"}


def test_the_first_dead_letter_of_a_batch_is_named(observer: LogObserver, lines: list[Line]) -> None:
    """Its entry, why it was refused, and whose it was."""
    event = b'{"id":"1","wallet":"alpha","agent":"a1"}'
    letter = DeadLetter("in:trade", b"1795-0", event, "invalid_member", "price is missing.")

    observer.committed(BatchDetails(partition=1, entries=9, dead={"invalid_member": 3}, first_dead=letter))

    (line,) = lines
    assert line == {
        "event": "dead letters",
        "log_level": "warning",
        "worker": "w1",
        "partition": 1,
        "reasons": {"invalid_member": 3},
        "stream": "in:trade",
        "entry": "1795-0",
        "detail": "price is missing.",
        "wallet": "alpha",
        "agent": "a1",
    }


@pytest.mark.parametrize(
    ("event", "named"),
    [
        (b"", {}),
        (b"\xff\xfe", {}),
        (b'{"wallet": 7}', {}),
        (b'{"wallet": "alpha"', {}),
        (b"[" * 100_000, {}),
        (b"\x81\xa6wallet\xa5alpha", {"wallet": "alpha"}),  # MessagePack
        (b'{"wallet": "%s"}' % (b"x" * 100_000), {"wallet": "x" * 64}),
    ],
)
def test_a_dead_letter_of_any_kind_can_be_logged(
    observer: LogObserver, lines: list[Line], event: bytes, named: dict[str, str]
) -> None:
    """Whose it is is told where it can be read, and no longer than an id may be."""
    letter = DeadLetter("in:trade", b"1795-0", event, "not_decodable", "It is no JSON.")

    observer.committed(BatchDetails(partition=0, dead={"not_decodable": 1}, first_dead=letter))

    (line,) = lines
    assert {name: line[name] for name in ("wallet", "agent") if name in line} == named


def test_a_partition_that_stalls_is_two_lines(observer: LogObserver, lines: list[Line], clock: Clock) -> None:
    """However often the server refuses; the end is told with how long it took."""
    for _ in range(3):
        observer.stalled(0, "the server is full")
        clock.now += 2
    observer.gets_on(1)
    observer.gets_on(0)
    observer.gets_on(0)

    assert [(line["event"], line["partition"]) for line in lines] == [
        ("partition stalled", 0),
        ("partition gets on", 0),
    ]
    assert lines[0]["reason"] == "the server is full"
    assert lines[1]["stalled_seconds"] == 6


def test_a_subscriber_that_had_its_time_is_two_lines(observer: LogObserver, lines: list[Line]) -> None:
    """However many rounds of trimming find it so; and that it reads again is told."""
    for _ in range(3):
        observer.trimmed(Trimmed(0, overdue={"desk/emergency": "7-0"}))
        observer.trimmed(Trimmed(1))
    observer.trimmed(Trimmed(0))
    observer.trimmed(Trimmed(0))

    assert [(line["event"], line["partition"], line["subscriber"]) for line in lines] == [
        ("subscriber overdue", 0, "desk/emergency"),
        ("subscriber reads again", 0, "desk/emergency"),
    ]
    assert lines[0]["read_up_to"] == "7-0"
    assert lines[0]["log_level"] == "warning"


def test_a_batch_without_dead_letters_is_no_news(observer: LogObserver, lines: list[Line]) -> None:
    """Nor is lag: both are metrics."""
    observer.committed(BatchDetails(partition=0, entries=9, applied=9))
    observer.lag(0, 100, 2.0)

    assert lines == []
