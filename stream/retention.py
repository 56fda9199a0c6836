"""
Trims what nobody needs any more of a partition's streams.

Rules kept here:

1. An input stays until it is applied, older than inputs are kept, and out of the window in which a repeat is
   recognised.
2. An output stays until it is older than outputs are kept, and every registered subscriber has read it or has
   had its time for it.
3. A dead letter stays until somebody handled it, from then on as long as inputs are kept, and in any case
   while its input is in the window.
4. What may go follows from what is committed. The script that trims compares epoch and sequence number: where
   another owns the partition, or the server went back behind what this follows from, it trims nothing.
5. Trimming goes in steps of whole nodes of a stream, with pauses, so that it holds up nobody.
"""

import re
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final

import anyio
import msgspec

from stream import scripts
from stream.checkpoint import START, Checkpoint, read_checkpoint
from stream.client import Argument, Client, fields_of
from stream.clock import ServerClock
from stream.keys import Keys, subscribers_key
from stream.order import parse_id
from stream.types import Trimmed

_STEP: Final = 10_000  # entries trimmed in one go
_PAUSE_S: Final = 0.01  # between two goes
_MARKS: Final = 50  # to a window
_LETTERS: Final = 500  # handled ones looked at in one go
_is_entry_id: Final = re.compile(rb"\d{1,15}-\d{1,19}").fullmatch  # those that a server gives
_LETTERS_ROUNDS: Final = 100  # rounds from one look at dead letters to the next


class Keep(msgspec.Struct, frozen=True):
    """How long entries are kept, in milliseconds by the server's clock; None: for ever."""

    outputs: tuple[str, ...] = ()  # their names
    inputs_ms: int | None = None
    outputs_ms: int | None = None
    every_s: float = 10.0  # from one round of trimming to the next


class Subscriber(msgspec.Struct, frozen=True):
    """A registered subscriber, as it is stored."""

    streams: list[str]  # names of output streams
    expires_ms: int  # how long what it has not read is kept for it
    added_ms: int


class _Handled(msgspec.Struct):
    """When a dead letter was handled."""

    at: int


class Trail:
    """Where each input stream was a window of applied entries ago, coarsely."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._marks: deque[tuple[int, list[bytes]]] = deque()

    def mark(self, applied: int, positions: Sequence[bytes]) -> None:
        """Note that so many entries are applied over all streams, and up to which id of each."""
        if not self._marks or applied - self._marks[-1][0] >= max(self._window // _MARKS, 1):
            self._marks.append((applied, list(positions)))

    def behind(self, applied: int) -> list[bytes] | None:
        """Lowest id of each stream that may be in the window now; None: not known."""
        while len(self._marks) > 1 and self._marks[1][0] <= applied - self._window:
            self._marks.popleft()
        if self._marks and self._marks[0][0] <= applied - self._window:
            return self._marks[0][1]
        return None


class Trimmer:
    """Trims the streams of one partition during one ownership, that of the checkpoint ``owned``."""

    def __init__(
        self, client: Client, keys: Keys, inputs: Sequence[str], owned: Checkpoint, keep: Keep, trail: Trail
    ) -> None:
        self._client = client
        self._clock = ServerClock(client, keys)
        self._keys = keys
        self._inputs = inputs
        self._ownership: list[Argument] = [owned.epoch, owned.taking]
        self._keep = keep
        self._trail = trail
        self._rounds = 0
        self._overdue: dict[str, bytes] = {}  # how far each had read when its time was over

    async def trim(self) -> Trimmed:
        """
        Trim whatever may go now.

        Raises:
            TransportError: the server is away.

        """
        checkpoint = await read_checkpoint(self._client, self._keys, self._inputs)
        applied = sum(checkpoint.applied)
        self._trail.mark(applied, checkpoint.positions)
        now_ms = await self._clock.look()
        found = Trimmed(self._keys.partition)
        window = self._trail.behind(applied)
        if self._keep.inputs_ms is not None and window is not None:
            await self._trim_inputs(checkpoint, window, now_ms - self._keep.inputs_ms, found)
            if self._rounds % _LETTERS_ROUNDS == 0:
                await self._trim_letters(checkpoint, window, now_ms - self._keep.inputs_ms, found)
        if self._keep.outputs_ms is not None:
            await self._trim_outputs(checkpoint, now_ms, self._keep.outputs_ms, found)
        self._rounds += 1
        return found

    async def _trim_inputs(
        self, checkpoint: Checkpoint, window: Sequence[bytes], old_ms: int, found: Trimmed
    ) -> None:
        for name, lowest in zip(self._inputs, window, strict=True):
            lowest_kept = min(lowest, _id_at(old_ms), key=parse_id)
            removed = await self._remove(self._keys.input(name), lowest_kept, checkpoint)
            _count(found.entries, f"in:{name}", removed)

    async def _trim_outputs(self, checkpoint: Checkpoint, now_ms: int, keep_ms: int, found: Trimmed) -> None:
        registered = await self._subscribers()
        cursors = await self._client.hash(self._keys.cursors)
        for name in self._keep.outputs:
            stream = self._keys.output(name)
            lowest_kept = read = _id_at(now_ms - keep_ms)
            for who, subscriber in registered.items():
                if name not in subscriber.streams:
                    continue
                cursor = _cursor(cursors.get(f"{who}/{name}".encode()))
                over = _id_at(now_ms - subscriber.expires_ms)
                if await self._is_overdue(f"{who}/{name}", stream, cursor, over):
                    found.overdue[f"{who}/{name}"] = cursor.decode()
                read = min(read, cursor, key=parse_id)
                lowest_kept = min(lowest_kept, max(cursor, over, key=parse_id), key=parse_id)
            removed = await self._remove(stream, read, checkpoint)
            unread = 0 if read == lowest_kept else await self._remove(stream, lowest_kept, checkpoint)
            _count(found.entries, f"out:{name}", removed + unread)
            _count(found.unread, f"out:{name}", unread)
        self._overdue = {who: cursor.encode() for who, cursor in found.overdue.items()}

    async def _subscribers(self) -> Mapping[str, Subscriber]:
        stored = await self._client.hash(subscribers_key(self._keys.prefix))
        return {name.decode(): msgspec.json.decode(value, type=Subscriber) for name, value in stored.items()}

    async def _is_overdue(self, who: str, stream: str, cursor: bytes, over: bytes) -> bool:
        """Whether an entry that a subscriber has not read had its time, or was trimmed since it had."""
        if self._overdue.get(who) == cursor:
            return True
        first = await self._client.ask("XRANGE", stream, b"(" + cursor, "+", "COUNT", 1)
        return bool(first) and parse_id(first[0][0]) < parse_id(over)

    async def _trim_letters(
        self, checkpoint: Checkpoint, window: Sequence[bytes], old_ms: int, found: Trimmed
    ) -> None:
        """Remove dead letters that were handled long ago, with the notes of what was done."""
        cursor = b"0"
        while True:
            cursor, flat = await self._client.ask("HSCAN", self._keys.handled, cursor, "COUNT", _LETTERS)
            old = [letter for letter, note in fields_of(flat).items() if _is_old(note, old_ms)]
            gone = await self._out_of_window(old, window)
            if gone:
                names = [self._keys.checkpoint, self._keys.dead, self._keys.handled]
                arguments: list[Argument] = [*self._ownership, checkpoint.seq, *gone]
                removed = int(await self._client.run(scripts.DROP, names, arguments))
                _count(found.entries, "dead", removed)
            if int(cursor) == 0:
                return

    async def _out_of_window(self, letters: Sequence[bytes], window: Sequence[bytes]) -> list[bytes]:
        """Those dead letters whose inputs are out of the window."""
        if not letters:
            return []
        lowest = {f"in:{name}".encode(): kept for name, kept in zip(self._inputs, window, strict=True)}
        replies = await self._client.ask_all([("XRANGE", self._keys.dead, one, one) for one in letters])
        return [
            letter
            for letter, reply in zip(letters, replies, strict=True)
            if not reply or _is_below(fields_of(reply[0][1]), lowest)
        ]

    async def _remove(self, stream: str, lowest_kept: bytes, checkpoint: Checkpoint) -> int:
        """Remove the entries below an id, in whole nodes, and return how many that were."""
        count = 0
        while lowest_kept != START:
            arguments: list[Argument] = [*self._ownership, checkpoint.seq, lowest_kept, _STEP]
            removed = int(await self._client.run(scripts.TRIM, [self._keys.checkpoint, stream], arguments))
            if removed <= 0:
                break
            count += removed
            await anyio.sleep(_PAUSE_S)
        return count


def _id_at(ms: int) -> bytes:
    """Lowest id of a moment."""
    return b"%d-0" % max(ms, 0)


def _cursor(stored: bytes | None) -> bytes:
    """Id that a subscriber reported; the beginning where that is none."""
    return stored if stored is not None and _is_entry_id(stored) else START


def _is_old(note: bytes, old_ms: int) -> bool:
    """Whether a letter was handled before a moment; one with a note of another kind is kept."""
    try:
        return msgspec.json.decode(note, type=_Handled).at < old_ms
    except (msgspec.DecodeError, msgspec.ValidationError):
        return False


def _is_below(letter: Mapping[bytes, Any], lowest: Mapping[bytes, bytes]) -> bool:
    kept = lowest.get(letter.get(b"stream", b""))
    return kept is None or parse_id(letter[b"id"]) < parse_id(kept)


def _count(counts: dict[str, int], name: str, number: int) -> None:
    if number > 0:
        counts[name] = counts.get(name, 0) + number
