"""The laws of `stream.order`, against a model of a server whose clock may stand still."""

from collections.abc import Sequence
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from stream.order import Order, order_key, parse_id
from stream.types import Entry

STREAMS: Final = 5

# What happens, one after the other: an append to a stream, time passing, a look, a new start.
APPEND = st.tuples(st.just("append"), st.integers(0, STREAMS - 1))
BURST = st.tuples(st.just("burst"), st.integers(0, STREAMS * 10 - 1))  # stream, and how many in it
PASS = st.tuples(st.just("pass"), st.sampled_from([1, 1, 1, 2, 50]))
LOOK = st.tuples(st.just("look"), st.just(0))
RESTART = st.tuples(st.just("restart"), st.integers(1, 4))
Step = tuple[str, int]


class Server:
    """Streams whose ids are given by a clock, and which are read as `XREADGROUP` reads them."""

    def __init__(self) -> None:
        self.now_ms = 1
        self.streams: list[list[Entry]] = [[] for _ in range(STREAMS)]

    def append(self, stream: int) -> None:
        """Append an entry with the id that ``XADD *`` would give it."""
        ms, sequence = (0, 0)
        if self.streams[stream]:
            ms, sequence = parse_id(self.streams[stream][-1].id)
        entry_id = f"{ms}-{sequence + 1}" if ms >= self.now_ms else f"{self.now_ms}-0"
        self.streams[stream].append(Entry(stream, entry_id.encode(), None))

    def add(self, stream: int, ms: int) -> None:
        """Append an entry with an id of the publisher's choice, if it lies above the last."""
        entries = self.streams[stream]
        if not entries or parse_id(entries[-1].id) < (ms, 0):
            entries.append(Entry(stream, f"{ms}-0".encode(), None))

    def read(self, cursors: list[int], count: int, skip: Sequence[int]) -> list[list[Entry]]:
        """Read behind the cursors and move them."""
        look: list[list[Entry]] = [[] for _ in range(STREAMS)]
        for stream in range(STREAMS):
            if stream not in skip:
                look[stream] = self.streams[stream][cursors[stream] : cursors[stream] + count]
                cursors[stream] += len(look[stream])
        return look


class Worker:
    """Reads as `stream.worker` does: waits a millisecond where waiting is called for."""

    def __init__(self, server: Server, count: int) -> None:
        self.server = server
        self.released: list[Entry] = []
        self.restart(count)

    def restart(self, count: int) -> None:
        """Throw away what is held and start behind what was released."""
        positions = [b"0-0"] * STREAMS
        for entry in self.released:
            positions[entry.stream] = entry.id
        self.count = count
        self.order = Order(positions, count)
        self.cursors = [
            sum(parse_id(entry.id) <= parse_id(position) for entry in entries)
            for entries, position in zip(self.server.streams, positions, strict=True)
        ]

    def look(self) -> bool:
        """Look once; whether anything was read or released."""
        if self.order.waits:
            self.server.now_ms += 1
            self.order.millisecond_passed()
        full = self.order.full
        assert len(full) < STREAMS
        look = self.server.read(self.cursors, self.count, full)
        ready = self.order.push(look)
        self.released += ready
        assert max(len(held) for held in self.order._held) < 2 * self.count
        return any(look) or bool(ready)

    def finish(self) -> None:
        """Look until all is read and released; of two looks in turn one gets on, or it never would."""
        total = sum(len(entries) for entries in self.server.streams)
        for _ in range(4 * total + 4):
            if not self.order.holds and len(self.released) == total:
                break
            assert self.look() or self.order.waits
        assert len(self.released) == total
        assert not self.look()

    @property
    def entries(self) -> list[Entry]:
        """All entries there are."""
        return [entry for entries in self.server.streams for entry in entries]


def follow(steps: Sequence[Step], count: int) -> Worker:
    """Let everything happen, and then the worker finish."""
    server = Server()
    worker = Worker(server, count)
    for what, number in steps:
        if what == "append":
            server.append(number)
        elif what == "burst":
            for _ in range(number // STREAMS):
                server.append(number % STREAMS)
        elif what == "pass":
            server.now_ms += number
        elif what == "look":
            worker.look()
        else:
            worker.restart(number)
    worker.finish()
    return worker


STEPS = st.lists(APPEND | BURST | PASS | LOOK, max_size=60)
COUNT = st.integers(1, 4) | st.just(1000)


@settings(max_examples=250)
@given(steps=STEPS, count=COUNT)
def test_every_entry_leaves_once_and_in_order(steps: list[Step], count: int) -> None:
    """Whatever is published when, and however it falls into looks: by milliseconds, sequence, stream."""
    worker = follow(steps, count)

    assert worker.released == sorted(worker.entries, key=order_key)


@settings(max_examples=250)
@given(steps=st.lists(APPEND | BURST | PASS | LOOK | RESTART, max_size=60), count=COUNT)
def test_a_new_start_behind_what_left_goes_on_in_the_same_order(steps: list[Step], count: int) -> None:
    """What was held is read again; nothing leaves twice, and none is passed over."""
    worker = follow(steps, count)

    assert worker.released == sorted(worker.entries, key=order_key)


@given(steps=STEPS, counts=st.tuples(COUNT, COUNT))
def test_the_order_does_not_depend_on_the_size_of_the_looks(
    steps: list[Step], counts: tuple[int, int]
) -> None:
    """Two workers that read alike entries in looks of different sizes release the same."""
    appends = [step for step in steps if step[0] != "look"]
    [first, second] = [follow(appends, count).released for count in counts]

    assert first == second


@given(
    ids=st.lists(st.tuples(st.integers(0, STREAMS - 1), st.integers(1, 30)), max_size=40),
    looks=st.sets(st.integers(0, 40)),
    count=st.integers(1, 3),
)
def test_ids_of_publishers_own_choice_lose_and_hold_up_nothing(
    ids: list[tuple[int, int]], looks: set[int], count: int
) -> None:
    """They may come too late for their place; each still leaves once, in the order of its own stream."""
    server = Server()
    worker = Worker(server, count)
    for n, (stream, ms) in enumerate(ids):
        server.add(stream, ms)
        if n in looks:
            worker.look()
    worker.finish()

    for stream in range(STREAMS):
        assert [entry for entry in worker.released if entry.stream == stream] == server.streams[stream]
