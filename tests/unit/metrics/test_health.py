"""What makes a process alive and ready, and the sentences that say why it is not."""

import re

from metrics.health import Health


class Clock:
    """Seconds that a test sets forward."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Read it."""
        return self.now


def test_a_process_that_has_not_asked_for_its_partitions_is_alive_and_not_ready() -> None:
    """Each partition is named."""
    health = Health(2)

    assert health.stalls() == []
    assert health.troubles() == [
        "Partition 0 has not been asked for yet.",
        "Partition 1 has not been asked for yet.",
    ]


def test_a_partition_is_ready_once_it_is_loaded() -> None:
    """Taken is not enough."""
    health = Health(1)

    health.taken(0, 7)
    assert health.troubles() == ["Partition 0 is being loaded, under epoch 7."]
    assert not health.serves(0)
    health.owned(0, 7)
    assert health.troubles() == []
    assert health.serves(0)


def test_a_worker_that_stands_by_is_ready() -> None:
    """Partitions that others hold are none of its concern, also the one it lost to them."""
    health = Health(2)
    health.held(0, "other")
    health.taken(1, 1)
    health.owned(1, 1)
    assert health.troubles() == []

    health.lost(1, "the lease lapsed, and another worker took the partition")
    assert health.troubles() == [
        "Partition 1 is not served: the lease lapsed, and another worker took the partition."
    ]
    assert not health.serves(1)
    health.held(1, "other")
    assert health.troubles() == []


def test_a_partition_that_stalls_is_not_ready_until_it_gets_on() -> None:
    """It is served all the while: its figures are this worker's to show."""
    health = Health(2)
    for partition in (0, 1):
        health.owned(partition, 1)

    health.stalled(0, "the server is full")
    health.gets_on(1)
    assert health.troubles() == ["Partition 0 does not get on: the server is full."]
    assert health.serves(0)
    health.gets_on(0)
    assert health.troubles() == []


def test_an_outage_says_since_when() -> None:
    """The moment is the first of this outage; the next one has its own."""
    health = Health(1)
    health.owned(0, 1)

    health.away(0, "Connection refused")
    (first,) = health.troubles()
    pattern = r"Partition 0 is not served: the server is away since (\S+) \((.+)\)\."
    since = re.fullmatch(pattern, first)
    assert since is not None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", since[1])
    assert since[2] == "Connection refused"
    health.away(0, "Timeout")
    assert health.troubles() == [first.replace("Connection refused", "Timeout")]
    assert not health.serves(0)

    health.taken(0, 2)
    health.owned(0, 2)
    assert health.troubles() == []


def test_a_process_whose_loop_does_not_turn_is_neither_alive_nor_ready() -> None:
    """A heartbeat older than ten seconds is a stall; the next heartbeat ends it."""
    clock = Clock()
    health = Health(1, clock)
    health.owned(0, 1)

    clock.now += 10.0
    assert health.stalls() == []
    clock.now += 2.0
    assert health.stalls() == health.troubles() == ["The event loop has not turned for 12 s."]
    health.beat()
    assert health.stalls() == health.troubles() == []
