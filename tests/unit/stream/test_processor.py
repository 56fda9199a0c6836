"""A batch on its way from entries to an outcome, with an application that counts words."""

import msgspec
import pytest

from stream.decode import time_of
from stream.errors import MalformedError
from stream.keys import Keys
from stream.processor import Processor
from stream.repeats import Repeats
from stream.types import Changes, Emit, Entry, Outcome
from tests.contract.words import FORBIDDEN, ONCE, Word, WordCounter, word
from tests.support.window import remember

PARTITION = 3


def processor_of(application: WordCounter, window: int = 100) -> Processor:
    """Make a processor that starts at the beginning."""
    application.forget()
    return Processor(Keys("words", PARTITION), application, Repeats(window), [b"0-0", b"0-0"], [0, 0])


@pytest.fixture
def application() -> WordCounter:
    """Give a counter of words."""
    return WordCounter()


@pytest.fixture
def processor(application: WordCounter) -> Processor:
    """Give its processor."""
    return processor_of(application)


def entries(*events: bytes | None, stream: int = 0, start: int = 0) -> list[Entry]:
    """Make entries of one stream, a millisecond apart."""
    return [Entry(stream, f"{1000 + start + n}-0".encode(), event) for n, event in enumerate(events)]


def events_of(outcome: Outcome) -> list[dict[str, object]]:
    """Decode what an outcome says."""
    return [msgspec.json.decode(event) for _, event in outcome.outputs]


def test_a_batch_becomes_state_outputs_and_positions(processor: Processor) -> None:
    """All in one outcome, and nothing else."""
    batch = entries(word("w0", "a"), word("w1", "b"), word("w2", "a"))

    outcome = processor.process(batch)

    assert outcome.state["counts"] == Changes({"a": b"2", "b": b"1"}, [])
    assert [stream for stream, _ in outcome.outputs] == ["count"] * 3
    assert [event["data"] for event in events_of(outcome)] == [
        {"word": "a", "count": 1},
        {"word": "b", "count": 1},
        {"word": "a", "count": 2},
    ]
    assert outcome.dead == []
    assert outcome.positions == [b"1002-0", b"0-0"]
    assert outcome.applied == [3, 0]


def test_a_batch_that_says_too_much_is_split_and_nothing_depends_on_it(application: WordCounter) -> None:
    """Outputs, dead letters, state and positions come to the same as in one part."""
    batch = entries(*(word(f"w{n}", FORBIDDEN if n % 7 == 0 else f"a{n % 5}") for n in range(100)))
    whole = processor_of(application).process(batch)
    processor = processor_of(application)

    parts: list[Outcome] = []
    while (done := sum(part.details.entries for part in parts)) < len(batch):
        parts.append(processor.process(batch[done:], 1))

    assert [part.details.entries for part in parts] == [16] * 6 + [4]
    assert [one for part in parts for one in part.outputs] == whole.outputs
    assert [one for part in parts for one in part.dead] == whole.dead
    counts: dict[str, bytes] = {}
    for part in parts:
        counts |= part.state["counts"].written
    assert counts == whole.state["counts"].written
    assert parts[-1].state["chain"] == whole.state["chain"]
    assert (parts[-1].positions, parts[-1].applied) == (whole.positions, whole.applied)
    assert sum(part.details.applied for part in parts) == whole.details.applied


def test_an_id_names_partition_stream_entry_and_place(processor: Processor) -> None:
    """So that a replay gives the same; the cause is the sender's own id."""
    outcome = processor.process([*entries(word("w0", "a")), *entries(word("w1", "b"), stream=1, start=5)])

    found = [(event["id"], event["causationid"]) for event in events_of(outcome)]
    assert found == [("3/in:word/1000-0/0", "w0"), ("3/in:clock/1005-0/0", "w1")]


def test_the_outputs_of_one_entry_are_numbered(
    application: WordCounter, processor: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From zero, over all streams they go to, and anew for each entry."""

    def talkative(entry: Entry, event: Word, emits: list[Emit]) -> bool:
        streams = ("count", "reply", "count")
        emits += [Emit(stream, "said", "/words", event.word, time_of(entry), {}) for stream in streams]
        return True

    monkeypatch.setattr(application, "apply", talkative)

    outcome = processor.process(entries(word("w0", "a"), word("w1", "b")))

    assert [event["id"] for event in events_of(outcome)] == [
        f"3/in:word/{entry}-0/{n}" for entry in (1000, 1001) for n in range(3)
    ]
    assert [stream for stream, _ in outcome.outputs] == ["count", "reply", "count"] * 2


def test_a_repeat_changes_nothing_and_is_counted(application: WordCounter, processor: Processor) -> None:
    """Also one in the same batch; its position is taken all the same."""
    processor.process(entries(word("w0", "a")))

    outcome = processor.process(entries(word("w0", "a"), word("w1", "a"), word("w1", "a"), start=10))

    assert application.counts == {"a": 2}
    assert len(outcome.outputs) == 1
    assert outcome.details.repeats == 2
    assert outcome.details.applied == 1
    assert outcome.positions[0] == b"1012-0"
    assert outcome.applied[0] == 4


def test_a_repeat_beyond_the_window_is_applied_again(application: WordCounter) -> None:
    """The window counts entries, repeats and dead letters among them."""
    processor = processor_of(application, window=3)

    processor.process(entries(word("w0", "a"), word("w0", "a"), b"dead", word("w1", "b")))
    outcome = processor.process(entries(word("w0", "a"), start=10))
    assert outcome.details.repeats == 1

    processor.process(entries(b"dead", b"dead", b"dead", start=20))
    outcome = processor.process(entries(word("w0", "a"), start=30))
    assert outcome.details.applied == 1
    assert application.counts == {"a": 2, "b": 1}


def test_a_repeat_that_only_the_application_knows_is_counted_as_one(processor: Processor) -> None:
    """It has no identity in the window, and the application says that it is none."""
    outcome = processor.process(entries(word("w0", ONCE), word("w1", ONCE), word("w2", ONCE)))

    assert outcome.state["counts"] == Changes({ONCE: b"1"}, [])
    assert outcome.details.repeats == 2
    assert outcome.details.applied == 1


def test_an_event_without_identity_is_never_a_repeat(processor: Processor) -> None:
    """Ticks, say: each counts."""
    outcome = processor.process(entries(b"{}", b"{}", b"{}", stream=1))

    assert outcome.state["counts"] == Changes({"tick": b"3"}, [])
    assert outcome.details.repeats == 0


def test_what_cannot_be_applied_becomes_a_dead_letter(application: WordCounter, processor: Processor) -> None:
    """As it came, with the stream's name, a reason and a sentence; the rest of the batch goes on."""
    bad = word("w1", FORBIDDEN)

    outcome = processor.process(entries(word("w0", "a"), bad, b"\xff", None, word("w2", "b")))

    assert [(d.stream, d.id, d.event, d.reason) for d in outcome.dead] == [
        ("in:word", b"1001-0", bad, "forbidden"),
        ("in:word", b"1002-0", b"\xff", "not_decodable"),
        ("in:word", b"1003-0", b"", "no_event"),
    ]
    assert all(letter.detail.endswith(".") for letter in outcome.dead)
    assert application.counts == {"a": 1, "b": 1}
    assert outcome.positions[0] == b"1004-0"
    assert outcome.applied[0] == 5


def test_what_was_said_of_a_dead_letter_is_said(processor: Processor) -> None:
    """A command that cannot be carried out is answered all the same."""
    outcome = processor.process(entries(word("w1", FORBIDDEN)))

    [event] = events_of(outcome)
    assert outcome.outputs[0][0] == "reply"
    assert event["type"] == "sluicegate.word_refused.v1"
    assert event["id"] == "3/in:word/1000-0/0"
    assert event["causationid"] == "w1"


def test_a_dead_letter_may_be_sent_again(
    application: WordCounter, processor: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same event under the same id is applied once it can be, and is a repeat from then on."""
    monkeypatch.setattr("tests.contract.words.FORBIDDEN", "a")
    assert processor.process(entries(word("w0", "a"))).details.dead == {"forbidden": 1}
    monkeypatch.undo()

    outcome = processor.process(entries(word("w0", "a"), word("w0", "a"), start=10))

    assert application.counts == {"a": 1}
    assert outcome.details.applied == 1
    assert outcome.details.repeats == 1


def test_an_event_that_was_applied_stays_a_repeat_whatever_becomes_of_it_later(
    application: WordCounter, processor: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is a repeat is not looked at any more, so it cannot become a dead letter."""
    processor.process(entries(word("w0", "a")))
    monkeypatch.setattr("tests.contract.words.FORBIDDEN", "a")

    outcome = processor.process(entries(word("w0", "a"), start=10))

    assert outcome.details.repeats == 1
    assert outcome.dead == []
    assert application.counts == {"a": 1}


def test_every_entry_is_counted_as_one_of_three(processor: Processor) -> None:
    """Applied, or a repeat, or dead by reason; and the batch knows how new it is."""
    batch = entries(
        word("w0", "a"), word("w0", "a"), b"x", None, word("w1", FORBIDDEN), word("w2", "b"), b"y"
    )

    details = processor.process(batch).details

    assert details.partition == PARTITION
    assert details.entries == 7
    assert details.applied == 2
    assert details.repeats == 1
    assert details.dead == {"not_decodable": 2, "no_event": 1, "forbidden": 1}
    assert details.newest_ms == 1006
    assert details.work_seconds > 0


def test_an_outcome_is_not_changed_by_the_next_batch(processor: Processor) -> None:
    """It may still be on its way to the server while the next is worked on."""
    first = processor.process(entries(word("w0", "a")))
    second = processor.process(entries(word("w1", "a"), start=10))

    assert first.positions == [b"1000-0", b"0-0"]
    assert first.applied == [1, 0]
    assert first.state["counts"] == Changes({"a": b"1"}, [])
    assert second.state["counts"] == Changes({"a": b"2"}, [])


def test_state_removed_and_written_again_is_said_once(processor: Processor) -> None:
    """The last of it within a batch."""
    processor.process(entries(word("w0", "a"), word("w1", "b")))

    outcome = processor.process(
        entries(
            word("w2", "a", forget=True),
            word("w3", "b", forget=True),
            word("w4", "b"),
            word("w5", "c"),
            word("w6", "c", forget=True),
            start=10,
        )
    )

    assert outcome.state["counts"] == Changes({"b": b"1"}, ["a", "c"])


def test_a_broken_invariant_is_not_taken_for_a_dead_letter(
    application: WordCounter, processor: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only `MalformedError` makes one; anything else goes through and stops the worker."""

    def broken(entry: Entry, event: Word, emits: list[Emit]) -> bool:  # noqa: ARG001  # as the protocol has it
        raise AssertionError("impossible")

    monkeypatch.setattr(application, "apply", broken)

    with pytest.raises(AssertionError, match="impossible") as raised:
        processor.process(entries(word("w0", "a")))

    (entry,) = entries(word("w0", "a"))
    assert raised.value.__notes__ == [f"partition {PARTITION}, in:word {entry.id.decode()}"]


def test_the_window_is_remembered_less_the_dead_letters(application: WordCounter) -> None:
    """Those that could be decoded, those that could not, and those of another stream with the same id."""
    repeats = Repeats(100)
    applied = entries(word("w0", "a"), word("w1", FORBIDDEN), b"\xff", None)
    other_stream = entries(word("w2", "a"), word("w3", "b"), stream=1)
    dead = {("in:word", b"1001-0"), ("in:word", b"1002-0"), ("in:word", b"1003-0"), ("in:clock", b"1000-0")}

    remember(application, repeats, [*applied, *other_stream], dead)

    known = [identity for identity in ("word/w0", "word/w1", "clock/w2", "clock/w3") if identity in repeats]
    assert known == ["word/w0", "clock/w3"]


def test_what_can_never_be_decoded_is_remembered_as_no_one(application: WordCounter) -> None:
    """Even when its dead letter was removed by hand; it still takes its place."""
    repeats = Repeats(2)

    remember(application, repeats, entries(word("w0", "a"), b"\xff", None), set())

    assert "word/w0" not in repeats


def test_the_reason_and_the_sentence_of_an_error_can_be_told_apart() -> None:
    """One for machines and one for people."""
    error = MalformedError("forbidden", "It is not counted.")

    assert (error.reason, error.detail) == ("forbidden", "It is not counted.")
    assert str(error) == "forbidden: It is not counted."
