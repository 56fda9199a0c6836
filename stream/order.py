"""
One order for the entries of several streams.

Rules kept here:

1. Entries leave in the order of (milliseconds, sequence, stream): entry-id order, ties by the streams' order.
2. An entry leaves only when no entry that could still arrive would come before it. So the order does not
   depend on how the entries fell into reads.
3. A stream is never read further while enough of it is held back: memory stays bounded.

What can still arrive is known from the last look, which saw all streams at one moment. A stream that returned
as many entries as were asked for may have more right behind its last one. Any other stream was seen to its
end, so what it gets later carries the moment's millisecond or a later one. Within that very millisecond an
entry of another stream may still get a lower sequence number; such an entry waits until a later look shows
that the millisecond is over. An entry that comes below what has left already (ids chosen by a publisher, a
server's clock stepped back) leaves at once: it cannot be put in order any more.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from stream.types import Entry

_SEQUENCE_BITS: Final = 64
_STREAM_BITS: Final = 8


def parse_id(entry_id: bytes) -> tuple[int, int]:
    """Milliseconds and sequence number of an entry id."""
    ms, _, sequence = entry_id.partition(b"-")
    return int(ms), int(sequence or 0)


def _key(ms: int, sequence: int, stream: int) -> int:
    return ((ms << _SEQUENCE_BITS | sequence) << _STREAM_BITS) | stream


def id_key(entry_id: bytes, stream: int) -> int:
    """Place of an entry id of a stream in the one order."""
    return _key(*parse_id(entry_id), stream)


def key_id(key: int) -> bytes:
    """Entry id that has a place in the one order."""
    ms, sequence = divmod(key >> _STREAM_BITS, 1 << _SEQUENCE_BITS)
    return b"%d-%d" % (ms, sequence)


def key_stream(key: int) -> int:
    """Stream of the entry that has a place in the one order."""
    return key & ((1 << _STREAM_BITS) - 1)


def order_key(entry: Entry) -> int:
    """Place of an entry in the one order."""
    return id_key(entry.id, entry.stream)


class Order:
    """Holds entries back until their place is certain."""

    def __init__(self, positions: Sequence[bytes], count: int) -> None:
        """
        Start behind what is applied already.

        Args:
            positions: last applied entry id of each stream.
            count: entries asked for from a stream in one look.

        """
        self._last = [parse_id(position) for position in positions]
        self._held: list[list[Entry]] = [[] for _ in positions]
        self._count = count
        self._open_ms = 0  # entries below this millisecond cannot arrive any more
        self.waits = False  # whether the next look is of use only once a millisecond has passed

    @property
    def full(self) -> list[int]:
        """Streams of which so much is held that the next look leaves them out."""
        return [stream for stream, held in enumerate(self._held) if len(held) >= self._count]

    @property
    def holds(self) -> bool:
        """Whether entries are held back."""
        return any(self._held)

    def millisecond_passed(self) -> None:
        """Note that at least a millisecond passed between the last look and the one to come."""
        self._open_ms = max(self._open_ms, max(ms for ms, _ in self._last) + 1)

    def push(self, look: Sequence[Sequence[Entry]], count: int | None = None) -> list[Entry]:
        """
        Take what a look returned, by stream, and return what may leave, in order.

        A stream in `full` is taken as not looked at. ``count`` is how many entries of a stream were asked
        for, where that is not as many as before.
        """
        blind = set(self.full)
        self._count = self._count if count is None else count
        for stream, entries in enumerate(look):
            if entries:
                self._held[stream].extend(entries)
                self._last[stream] = parse_id(entries[-1].id)
                self._open_ms = max(self._open_ms, self._last[stream][0])
                if len(entries) >= self._count:
                    blind.add(stream)
        filled = [stream for stream, held in enumerate(self._held) if held]
        ready: list[Entry] = []
        if filled:
            horizon = min(self._next_possible(stream, stream in blind) for stream in range(len(self._held)))
            if len(filled) == 1:
                ready = self._release_one(filled[0], horizon)
            else:
                ready = self._release_merged(filled, horizon)
        # A look that left entries behind is best followed by another at once, but only while that gets on:
        # with more entries of one millisecond than are asked for, silent streams hold up a full one.
        self.waits = self.holds and not (blind and ready)
        return ready

    def _next_possible(self, stream: int, blind: bool) -> int:
        """Lowest place that an entry still to come from the stream can have."""
        ms, sequence = self._last[stream]
        if blind or ms >= self._open_ms:
            return _key(ms, sequence + 1, stream)
        return _key(self._open_ms, 0, stream)

    def _release_one(self, stream: int, horizon: int) -> list[Entry]:
        held = self._held[stream]
        end = len(held)
        # Only the tail can lie beyond the horizon; the rest need not be parsed.
        while end and order_key(held[end - 1]) >= horizon:
            end -= 1
        self._held[stream] = held[end:]
        return held[:end] if end < len(held) else held

    def _release_merged(self, filled: list[int], horizon: int) -> list[Entry]:
        runs = sorted(filled, key=lambda stream: order_key(self._held[stream][0]))
        if all(
            order_key(self._held[one][-1]) < order_key(self._held[later][0]) for one, later in pairwise(runs)
        ):
            # Such as a backlog of fills before a tick: only the ends of the runs need to be parsed.
            return [entry for stream in runs for entry in self._release_one(stream, horizon)]
        keyed = [(order_key(entry), entry) for stream in filled for entry in self._held[stream]]
        # Sorting is stable and Timsort merges runs: entries of one stream stay in the order they came.
        keyed.sort(key=_first)
        ready = [entry for key, entry in keyed if key < horizon]
        for stream in filled:
            self._held[stream] = []
        for key, entry in keyed:
            if key >= horizon:
                self._held[entry.stream].append(entry)
        return ready


def _first(pair: tuple[int, Entry]) -> int:
    return pair[0]
