"""The laws of `stream.commit`, against a model of what anyone can see: all of an outcome, or nothing."""

from collections.abc import Sequence
from typing import Any, Final

import anyio
import pytest
from fakeredis import FakeAsyncRedis, FakeServer
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.checkpoint import Checkpoint
from stream.commit import Committer
from stream.errors import ConfigurationError, FencedError, TransportError
from stream.keys import Keys
from stream.types import BatchDetails, Changes, DeadLetter, Outcome
from tests.contract.serving import FaultyClient

KEYS: Final = Keys("laws", 0)
INPUTS: Final = ("word", "clock")

# Few names, so that they meet; bytes that scripts and protocols could trip over.
NAME = st.sampled_from(["a", "b", "S", "R", "O", "D", "seq", "", "4", "ä", "x" * 300])
VALUE = st.sampled_from([b"", b"D", b"O", b"\x00\r\n$3", b"1e5", b"-1"]) | st.binary(max_size=20)
KIND = st.sampled_from(["counts", "chain", "marks"])
OUTPUT = st.sampled_from(["count", "reply"])


@st.composite
def changes(draw: st.DrawFn) -> Changes:
    """Draw fields to write and others to remove."""
    written = draw(st.dictionaries(NAME, VALUE, max_size=4))
    removed = draw(st.lists(NAME.filter(lambda name: name not in written), unique=True, max_size=3))
    return Changes(written, removed)


LETTER = st.builds(
    DeadLetter,
    stream=st.sampled_from(["in:word", "in:clock"]),
    id=st.sampled_from([b"1-0", b"2-7"]),
    event=VALUE,
    reason=st.sampled_from(["forbidden", "not_decodable"]),
    detail=NAME,
    signature=st.none() | VALUE,
)


@st.composite
def outcomes(draw: st.DrawFn) -> Outcome:
    """Draw the outcome of a batch."""
    return Outcome(
        state=draw(st.dictionaries(KIND, changes(), max_size=3)),
        outputs=draw(st.lists(st.tuples(OUTPUT, VALUE), max_size=6)),
        dead=draw(st.lists(LETTER, max_size=3)),
        positions=draw(st.lists(st.sampled_from([b"0-0", b"5-0", b"17-3"]), min_size=2, max_size=2)),
        applied=draw(st.lists(st.integers(0, 2**53), min_size=2, max_size=2)),
        details=BatchDetails(0),
    )


class Model:
    """All that is visible of a partition."""

    def __init__(self, epoch: int, seq: int) -> None:
        self.state: dict[str, dict[bytes, bytes]] = {}
        self.outputs: dict[str, list[bytes]] = {}
        self.dead: list[dict[bytes, bytes]] = []
        self.checkpoint = {b"epoch": str(epoch).encode(), b"seq": str(seq).encode()}

    def apply(self, outcome: Outcome) -> None:
        """Make an outcome visible."""
        for kind, change in outcome.state.items():
            fields = self.state.setdefault(kind, {})
            fields.update({field.encode(): value for field, value in change.written.items()})
            for field in change.removed:
                fields.pop(field.encode(), None)
        for stream, event in outcome.outputs:
            self.outputs.setdefault(stream, []).append(event)
        self.dead += [
            {
                b"stream": letter.stream.encode(),
                b"id": letter.id,
                b"event": letter.event,
                b"reason": letter.reason.encode(),
                b"detail": letter.detail.encode(),
                **({b"signature": letter.signature} if letter.signature else {}),
            }
            for letter in outcome.dead
        ]
        self.checkpoint[b"seq"] = str(int(self.checkpoint[b"seq"]) + 1).encode()
        for name, position, count in zip(INPUTS, outcome.positions, outcome.applied, strict=True):
            self.checkpoint[f"in:{name}".encode()] = position
            self.checkpoint[f"in:{name}:applied".encode()] = str(count).encode()

    async def expect(self, redis: Any) -> None:
        """Compare with what is there."""
        for kind in ("counts", "chain", "marks"):
            assert await redis.hgetall(KEYS.state(kind)) == self.state.get(kind, {})
        for stream in ("count", "reply"):
            found = [fields for _, fields in await redis.xrange(KEYS.output(stream))]
            assert found == [{b"event": event} for event in self.outputs.get(stream, [])]
        assert [fields for _, fields in await redis.xrange(KEYS.dead)] == self.dead
        assert await redis.hgetall(KEYS.checkpoint) == self.checkpoint


class Partition:
    """A partition on a server of its own, with the model beside it."""

    def __init__(self) -> None:
        server = FakeServer()
        self.redis: Any = FakeAsyncRedis(server=server, protocol=2)
        self.client = FaultyClient(FakeAsyncRedis(server=server, protocol=2))
        self.model = Model(3, 7)

    async def begin(self) -> None:
        """Write the checkpoint that commits build on."""
        await self.redis.hset(KEYS.checkpoint, mapping={"epoch": 3, "seq": 7})

    def committer(self, epoch: int = 3, seq: int = 7) -> Committer:
        """Make a committer."""
        return Committer(self.client, KEYS, INPUTS, Checkpoint(epoch, "", "", seq, [], []))


FATES = st.lists(st.tuples(outcomes(), st.sampled_from(["fine", "fine", "lost", "unsent"])), max_size=5)


@settings(max_examples=30)
@given(commits=FATES)
def test_what_is_seen_is_all_that_was_committed_and_no_more(commits: Sequence[tuple[Outcome, str]]) -> None:
    """Also when replies are lost: a commit that raises nothing is visible, and one that raises is not."""

    async def run() -> None:
        partition = Partition()
        await partition.begin()
        committer = partition.committer()
        for outcome, fate in commits:
            partition.client.fates = [fate]
            if fate == "unsent":
                with pytest.raises(TransportError):
                    await committer.commit(outcome)
            else:
                await committer.commit(outcome)
                partition.model.apply(outcome)
            await partition.model.expect(partition.redis)

    anyio.run(run)


@settings(max_examples=25)
@given(outcome=outcomes(), epoch=st.integers(1, 5), seq=st.integers(5, 9))
def test_a_commit_that_builds_on_anything_else_changes_nothing(
    outcome: Outcome, epoch: int, seq: int
) -> None:
    """Another epoch, a sequence number before or ahead: only the very next one is taken."""

    async def run() -> None:
        partition = Partition()
        await partition.begin()
        committer = partition.committer(epoch, seq)
        if (epoch, seq) == (3, 7):
            await committer.commit(outcome)
            partition.model.apply(outcome)
        else:
            with pytest.raises(TransportError if epoch == 3 else FencedError):
                await committer.commit(outcome)
        await partition.model.expect(partition.redis)

    anyio.run(run)


@settings(max_examples=25)
@given(outcome=outcomes(), data=st.data())
def test_a_key_in_the_way_of_any_part_stops_all_of_it(outcome: Outcome, data: st.DataObject) -> None:
    """Nothing before it is written either, for nothing could take it back."""
    names = [KEYS.dead]
    names += [KEYS.state(kind) for kind, change in outcome.state.items() if change.written or change.removed]
    names += sorted({KEYS.output(stream) for stream, _ in outcome.outputs})
    in_the_way = data.draw(st.sampled_from(names))

    async def run() -> None:
        partition = Partition()
        await partition.begin()
        await partition.redis.set(in_the_way, "in the way")

        with pytest.raises(ConfigurationError, match="A key is in the way"):
            await partition.committer().commit(outcome)

        assert await partition.redis.get(in_the_way) == b"in the way"
        await partition.redis.delete(in_the_way)
        await partition.model.expect(partition.redis)

    anyio.run(run)
