"""
One batch, from entries to an outcome: synchronous, without I/O.

Rules kept here:

1. Every entry is applied, or recognised as a repeat, or becomes a dead letter; each is counted.
2. An output's id names its cause and its place among the cause's outputs, so that a replay gives it again.
"""

from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import Final

from stream.decode import time_of
from stream.envelope import envelope
from stream.errors import MalformedError
from stream.keys import Keys
from stream.repeats import Repeats
from stream.types import Application, BatchDetails, DeadLetter, Emit, Entry, Outcome, count_reasons

_COMMIT_BYTES: Final = 16 << 20  # of outputs and dead letters, or somewhat more
_MEASURE_EVERY: Final = 16  # entries


class Processor:
    """Applies batches to an application whose state starts at given positions."""

    def __init__(
        self,
        keys: Keys,
        application: Application,
        repeats: Repeats,
        positions: Sequence[bytes],
        applied: Sequence[int],
    ) -> None:
        self._application = application
        self.repeats = repeats
        self._partition = keys.partition
        self._streams = [f"in:{name}" for name in application.inputs]
        self.positions = list(positions)
        self.applied = list(applied)

    def outcomes(self, entries: Sequence[Entry]) -> Iterator[Outcome]:
        """Process entries, in parts where what they say is more than one commit should have."""
        done = 0
        while done < len(entries):
            outcome = self.process(entries[done:] if done else entries, _COMMIT_BYTES)
            done += outcome.details.entries
            yield outcome

    def process(self, entries: Sequence[Entry], most: int | None = None) -> Outcome:
        """
        Apply entries in the order given, but no more once outputs and dead letters have over ``most`` bytes.

        Any exception is a broken invariant: drop this processor.
        """
        start = perf_counter()
        outputs: list[tuple[str, bytes]] = []
        dead: list[DeadLetter] = []
        repeated = count = size = measured = buried = 0
        before = list(self.positions)
        try:
            for count, entry in enumerate(entries, 1):  # needed behind the loop
                repeated += self._apply(entry, outputs, dead)
                stream = entry.stream
                self.positions[stream] = entry.id
                self.applied[stream] += 1
                if most is not None and not count % _MEASURE_EVERY:
                    size += sum(len(event) for _, event in outputs[measured:])
                    size += sum(len(letter.event) for letter in dead[buried:])
                    measured, buried = len(outputs), len(dead)
                    if size > most:
                        break
        except Exception as error:
            error.add_note(f"partition {self._partition}, {self._streams[entry.stream]} {entry.id.decode()}")
            raise
        state = self._application.changes()
        details = BatchDetails(
            partition=self._partition,
            entries=count,
            applied=count - repeated - len(dead),
            repeats=repeated,
            dead=count_reasons(dead),
            newest_ms=time_of(entries[count - 1]),
            work_seconds=perf_counter() - start,
            first_dead=dead[0] if dead else None,
        )
        moved = {i: at for i, at in enumerate(self.positions) if at != before[i]}
        return Outcome(state, outputs, dead, list(self.positions), list(self.applied), details, moved)

    def _apply(self, entry: Entry, outputs: list[tuple[str, bytes]], dead: list[DeadLetter]) -> bool:
        """Apply one entry; whether it was a repeat."""
        emits: list[Emit] = []
        cause = ""
        try:
            event = self._application.decode(entry)
            cause = event.id
            identity = self._application.identity(entry, event)
            if identity is not None and identity in self.repeats:
                self.repeats.add(identity)
                return True
            repeated = not self._application.apply(entry, event, emits)
            self.repeats.add(identity)
        except MalformedError as error:
            repeated = False
            self.repeats.add(None)
            stream = self._streams[entry.stream]
            dead.append(
                DeadLetter(stream, entry.id, entry.event or b"", error.reason, error.detail, entry.signature)
            )
        if emits:
            prefix = f"{self._partition}/{self._streams[entry.stream]}/{entry.id.decode()}/"
            for n, emit in enumerate(emits):
                outputs.append((emit.stream, envelope(emit, f"{prefix}{n}", cause)))
        return repeated


def identify(application: Application, entry: Entry) -> str | None:
    """Tell what makes a second entry a repeat of this one; None for a dead letter."""
    try:
        return application.identity(entry, application.decode(entry))
    except MalformedError:
        return None
