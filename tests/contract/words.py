"""
An application with no interest in trading: it counts words.

It keeps two kinds of state: ``counts`` has how often each word came, and ``chain`` one digest over the ids of
all entries applied, in order, so that a missing, doubled or misplaced entry shows.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec

from stream.decode import Decoder, raw_event, time_of
from stream.errors import MalformedError
from stream.order import order_key
from stream.types import Changes, Emit, Entry, Job

INPUTS = ("word", "clock")
KINDS = ("counts", "chain")
FORBIDDEN = "darn"
ONCE = "once"


class Word(msgspec.Struct):
    """One event: a word to count, or to forget. A tick has neither id nor word."""

    id: str = ""
    word: str = ""
    forget: bool = False
    timestamp: int = 0


_decoder = Decoder(Word)


class WordCounter:
    """
    Counts words and says so; forgets a word on request; refuses one word, and takes another only once.

    A tick counts as the word ``tick`` and has no identity.
    """

    def __init__(self, inputs: Sequence[str] = INPUTS) -> None:
        self.inputs = inputs
        self.kinds: Sequence[str] = KINDS
        self.schema = 1
        self.counts: dict[str, int] = {}
        self.chain = ""
        self.ticks_wanted = 0
        self.due_ms: int | None = None  # server time of a timer that goes off once
        self.timers_seen = 0  # how often the timers were looked at
        self.wanted: dict[str, Job] = {}  # by the word that answers it
        self.order: list[str] = []  # ids of events in the order they were applied, since the start
        self._changed: set[str] = set()
        self._removed: set[str] = set()

    def migrate(self, schema: int, stored: Mapping[str, Mapping[bytes, bytes]]) -> dict[str, Changes]:
        """Fail the test: nothing was ever stored otherwise."""
        raise AssertionError(f"asked to migrate from schema {schema}: {sorted(stored)}")

    def forget(self) -> None:
        """Count from nothing."""
        self.counts = {}
        self.chain = ""
        self._changed.clear()
        self._removed.clear()

    def restore(self, kind: str, fields: Mapping[bytes, bytes]) -> None:
        """Go on from stored counts."""
        if kind == "counts":
            self.counts |= {word.decode(): int(count) for word, count in fields.items()}
        else:
            self.chain = fields.get(b"digest", b"").decode()

    def restored(self) -> None:
        """Nothing follows from the whole."""

    def decode(self, entry: Entry) -> Word:
        """Decode an entry."""
        return _decoder.decode(raw_event(entry))

    def identity(self, entry: Entry, event: Word) -> str | None:
        """Tell words apart by their stream and id."""
        return f"{self.inputs[entry.stream]}/{event.id}" if event.id else None

    def apply(self, entry: Entry, event: Word, emits: list[Emit]) -> bool:
        """Count a word."""
        word = event.word or "tick"
        if word == FORBIDDEN:
            emits.append(Emit("reply", "word_refused", "/words", word, time_of(entry), {"word": word}))
            raise MalformedError("forbidden", f"The word {word} is not counted.")
        if word == ONCE and word in self.counts:
            return False
        self.chain = link(self.chain, entry)
        self.order.append(event.id)
        if word == "tick":
            self.ticks_wanted -= 1
            self.due_ms = None
        self.wanted.pop(word, None)
        if event.forget:
            self.counts.pop(word, None)
            self._changed.discard(word)
            self._removed.add(word)
        else:
            self.counts[word] = self.counts.get(word, 0) + 1
            self._removed.discard(word)
            self._changed.add(word)
            data = {"word": word, "count": self.counts[word]}
            emits.append(Emit("count", "word_counted", "/words", word, time_of(entry), data))
        return True

    def changes(self) -> dict[str, Changes]:
        """Return the counts that changed."""
        if not self._changed and not self._removed:
            return {}
        written = {word: str(self.counts[word]).encode() for word in sorted(self._changed)}
        found = {
            "counts": Changes(written, sorted(self._removed)),
            "chain": Changes({"digest": self.chain.encode()}, []),
        }
        self._changed.clear()
        self._removed.clear()
        return found

    def until_tick(self, now_ms: int, quiet_ms: int) -> int | None:  # noqa: ARG002  # as the protocol has it
        """Want as many ticks as a test asked for, and one when it said."""
        self.timers_seen += 1
        if self.ticks_wanted > 0:
            return 0
        return None if self.due_ms is None else max(self.due_ms - now_ms, 0)

    def jobs(self) -> Sequence[Job]:
        """Want the jobs that a test asked for, until their words are counted."""
        return list(self.wanted.values())


def link(chain: str, entry: Entry) -> str:
    """Digest of what was applied before and of one entry more."""
    return sha256(f"{chain} {entry.stream} {entry.id.decode()}".encode()).hexdigest()


def word(event_id: str, text: str, **members: Any) -> bytes:
    """Encode an event."""
    return msgspec.json.encode({"id": event_id, "word": text, **members})


def words(count: int, start: int = 0) -> list[bytes]:
    """Make as many events, of seven words and one id each."""
    return [word(f"w{n}", f"word-{n % 7}") for n in range(start, start + count)]


def fold(entries: Iterable[Entry]) -> tuple[dict[bytes, bytes], bytes]:
    """
    Find the counts and the digest that these entries must lead to, by a route of its own.

    For events that are all well formed, each repeat a repeat of its stream and id.
    """
    counts: dict[bytes, int] = {}
    seen: set[tuple[int, str]] = set()
    chain = ""
    for entry in sorted(entries, key=order_key):
        event = msgspec.json.decode(entry.event or b"{}")
        name = (entry.stream, event.get("id", ""))
        if name[1] and name in seen:
            continue
        seen.add(name)
        text = event.get("word", "tick").encode()
        counts[text] = counts.get(text, 0) + 1
        chain = link(chain, entry)
    return {text: str(count).encode() for text, count in counts.items()}, chain.encode()
