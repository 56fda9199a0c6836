"""What passes between the engine and the processor it drives."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec


class Entry(msgspec.Struct, gc=False):
    """One entry of an input stream, as read. ``event`` is None where the entry has no such field."""

    stream: int  # index into the application's inputs
    id: bytes
    event: bytes | None
    signature: bytes | None = None  # of the event, where its sender gave one


class Emit(msgspec.Struct, gc=False):
    """Something to say on an output stream; the engine adds the envelope."""

    stream: str
    name: str  # of the event: sluicegate.<name>.v1
    source: str
    subject: str
    time_ms: int
    data: Any


class DeadLetter(msgspec.Struct):
    """An entry that could not be applied, as it came, and why."""

    stream: str
    id: bytes
    event: bytes
    reason: str
    detail: str
    signature: bytes | None = None


class Changes(msgspec.Struct):
    """Fields of one state hash to write, and fields to remove."""

    written: dict[str, bytes]
    removed: list[str]


class Outcome(msgspec.Struct):
    """All that one batch does; becomes visible together or not at all."""

    state: dict[str, Changes]
    outputs: list[tuple[str, bytes]]
    dead: list[DeadLetter]
    positions: list[bytes]  # last applied entry id by input stream
    applied: list[int]  # entries taken since the partition began, by input stream
    details: "BatchDetails"
    read: dict[int, bytes] = {}  # of each stream that the batch took from, the last entry


class BatchDetails(msgspec.Struct):
    """What an observer learns of a batch once it is committed."""

    partition: int
    entries: int = 0
    applied: int = 0
    repeats: int = 0
    dead: dict[str, int] = {}
    newest_ms: int = 0  # server time of the newest entry in it
    work_seconds: float = 0.0
    commit_seconds: float = 0.0
    end_to_end_seconds: float = 0.0  # from the newest entry to the commit, by the server's clock
    first_dead: DeadLetter | None = None


class Job(msgspec.Struct, frozen=True):
    """
    Work that would hold up the stream, and whose answer is an event.

    ``name`` is the same for as long as the same work is wanted. ``prepare`` is called between two batches, as
    a batch is worked on, and reads what the work needs; what it returns runs in another thread, reads nothing
    that changes, and returns the event.
    """

    name: str
    prepare: Callable[[], Callable[[], bytes]]


class Event(Protocol):
    """A decoded entry."""

    @property
    def id(self) -> str:
        """The sender's own id of it; outputs name it as their cause."""


class Application(Protocol):
    """
    What the engine runs: decodes entries, applies them to state in memory, says what changed.

    Synchronous and without I/O. A method may raise `MalformedError` where it says so; any other exception is
    a broken invariant and stops the worker before it commits.
    """

    inputs: Sequence[str]  # in the order that breaks ties
    kinds: Sequence[str]  # of state

    @property
    def schema(self) -> int:
        """Version of the state it writes; one that stored a newer version is refused."""

    def migrate(self, schema: int, stored: Mapping[str, Mapping[bytes, bytes]]) -> "dict[str, Changes]":
        """Tell what makes of the stored state of an older version, all kinds of it, that of its own."""

    def forget(self) -> None:
        """Forget everything: stored state follows."""

    def restore(self, kind: str, fields: Mapping[bytes, bytes]) -> None:
        """
        Take in a part of the stored state of a kind.

        Kinds come in the order of ``kinds``, each in as many parts as it takes; a field may come twice.
        """

    def restored(self) -> None:
        """Note that the stored state is complete."""

    def decode(self, entry: Entry) -> Event:
        """Decode an entry. Raises `MalformedError`."""

    def identity(self, entry: Entry, event: Any) -> str | None:  # noqa: ANN401  # its own type
        """
        Tell what makes a second event a repeat of this one; None: nothing does.

        It goes from worker to worker: whoever tells it otherwise raises `stream.handover.FORMAT`.
        """

    def apply(self, entry: Entry, event: Any, emits: list[Emit]) -> bool:  # noqa: ANN401  # as above
        """
        Apply one event, appending what it says to ``emits``.

        False: the event was a repeat that only the application could recognise. Raises `MalformedError`,
        having changed nothing; what it appended to ``emits`` is said all the same.
        """

    def changes(self) -> dict[str, Changes]:
        """Return what has changed since the last call, encoded."""

    def until_tick(self, now_ms: int, quiet_ms: int) -> int | None:
        """
        Tell in how many milliseconds a timer is due, if nothing comes before; 0: it is, None: there is none.

        It is server time ``now_ms``, and nothing has come for ``quiet_ms``.
        """

    def jobs(self) -> Sequence[Job]:
        """
        Tell what work is wanted beside the stream, in the order in which to do it.

        A job is wanted from the event that asks for it until its answer is applied, and for as long that has
        to be read from state: after a restart it is done again. The answer may come twice.
        """


class Trimmed(msgspec.Struct):
    """What one round of trimming did and found."""

    partition: int
    entries: dict[str, int] = {}  # removed, by stream such as in:trade
    unread: dict[str, int] = {}  # those of them that a registered subscriber had not read
    overdue: dict[str, str] = {}  # subscribers that had their time, as name/stream, and how far they read


class Observer(Protocol):
    """
    Hears what the engine does. Must not raise, and must not take long.

    From its start each partition is taken, held by another, or out of reach; a worker says of every partition
    which it is, also of those it leaves to others.
    """

    def committed(self, details: BatchDetails) -> None:
        """Hear of a batch that is visible now."""

    def taken(self, partition: int, epoch: int) -> None:
        """Hear that a partition was taken; what is stored of it is being loaded."""

    def owned(self, partition: int, epoch: int) -> None:
        """Hear that a partition that was taken is loaded; the worker serves it."""

    def migrated(self, partition: int, before: int, after: int) -> None:
        """Hear that the stored state was brought from an older schema to ours, and a backup was made."""

    def lost(self, partition: int, reason: str) -> None:
        """Hear that a partition that was taken is not served any more, and why in a sentence."""

    def held(self, partition: int, holder: str) -> None:
        """Hear that another worker holds a partition; may come again and again."""

    def away(self, partition: int, error: str) -> None:
        """Hear, at each try, that the server is out of reach; the partition is not served."""

    def rolled_back(self, partition: int, commits: int) -> None:
        """Hear that so many confirmed commits are not there any more, as after a failover; it loads again."""

    def stalled(self, partition: int, reason: str) -> None:
        """Hear, at each try, that the server is full and refuses what a served partition writes."""

    def gets_on(self, partition: int) -> None:
        """Hear that the server took all that it had refused to write for a partition."""

    def trimmed(self, details: Trimmed) -> None:
        """Hear of a round of trimming, also of one that found nothing to do."""

    def lag(self, partition: int, events: int, seconds: float) -> None:
        """Hear how many entries wait, and how long the oldest batch in work has waited."""


def count_reasons(dead: Iterable[DeadLetter]) -> dict[str, int]:
    """Dead letters by reason."""
    counts: dict[str, int] = {}
    for letter in dead:
        counts[letter.reason] = counts.get(letter.reason, 0) + 1
    return counts
