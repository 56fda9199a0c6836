"""The laws of `stream.handover`: a window is believed only where reading the streams would give the same."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import anyio
import msgspec
import pytest
from redis.asyncio import Redis

import stream.load
from stream import handover, scripts
from stream.checkpoint import read_checkpoint
from stream.client import Argument
from stream.errors import ConfigurationError, FullError
from stream.handover import FORMAT, Window, packed, receive
from stream.keys import Keys
from stream.load import last_applied, load
from stream.order import parse_id
from stream.ownership import Ownership, new_member
from stream.retention import Trail
from stream.worker import Settings
from tests.contract.server import Backend, append, hash_of
from tests.contract.serving import Running, expect_exactly_once, serving, until_applied
from tests.contract.words import FORBIDDEN, INPUTS, ONCE, WordCounter, word, words

pytestmark = pytest.mark.anyio

SIZE = 10_000  # of a window, as `serving` has it


@pytest.fixture
def redis(backend: Backend) -> Redis:
    """Give a plain client."""
    return backend.redis()


@pytest.fixture
def no_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where a window is read from the streams."""

    async def tail(*_: object) -> None:
        raise AssertionError("the streams were read")

    monkeypatch.setattr(stream.load, "_tail", tail)


async def left_by(redis: Redis, keys: Keys) -> Window | None:
    """Read what was handed over."""
    stored: Any = await redis.get(keys.window)
    return None if stored is None else msgspec.msgpack.decode(stored, type=Window)


async def serve(backend: Backend, keys: Keys, entries: int, **settings: Any) -> Running:
    """Serve until so many entries are committed, and leave."""
    async with serving(backend, keys, **settings) as running:
        await running.watcher.until(lambda: running.watcher.entries >= entries)
    return running


async def take(backend: Backend, keys: Keys) -> Ownership:
    """Take a partition as the next owner."""
    owner = Ownership(backend.client(), keys, INPUTS, new_member("next"), 60_000)
    assert await owner.take()
    return owner


async def received(backend: Backend, keys: Keys, former: str, size: int = SIZE) -> Window | None:
    """Receive what was handed over, as the next owner."""
    checkpoint = await read_checkpoint(backend.client(), keys, INPUTS)
    return await receive(backend.client(), keys, INPUTS, checkpoint, None, former, size)


async def test_the_next_owner_knows_repeats_without_reading_the_streams(
    backend: Backend, keys: Keys, redis: Redis, names: list[str], request: pytest.FixtureRequest
) -> None:
    """What comes again is a repeat, what is new is applied, a dead letter is tried again."""
    await append(redis, names[0], [*words(20), word("f1", FORBIDDEN)])
    await append(redis, names[1], [word("c1", "tea")])
    await serve(backend, keys, 22)
    assert await redis.exists(keys.window)
    request.getfixturevalue("no_streams")

    await append(redis, names[0], [*words(25), word("f1", "allowed")])
    await append(redis, names[1], [word("c1", "tea")])
    following = await serve(backend, keys, 27, owner="next")

    assert sum(batch.repeats for batch in following.watcher.batches) == 21
    counts = await hash_of(redis, keys.state("counts"))
    assert counts[b"allowed"] == b"1"
    assert sum(int(count) for count in counts.values()) == 25 + 1 + 1


async def test_what_is_handed_over_goes_once_it_was_read(
    backend: Backend, keys: Keys, redis: Redis, names: list[str]
) -> None:
    """It is megabytes; and nobody else will need it."""
    await append(redis, names[0], words(3))
    await serve(backend, keys, 3)
    assert 0 < await redis.pttl(keys.window) <= handover.KEPT_MS

    async with serving(backend, keys, owner="next") as following:
        await following.watcher.until(lambda: bool(following.watcher.epochs))

        assert not await redis.exists(keys.window)


@pytest.mark.parametrize("size", [5, 40, SIZE])
async def test_it_is_what_the_streams_give(
    backend: Backend, keys: Keys, redis: Redis, names: list[str], size: int
) -> None:
    """Of several streams, with repeats, dead letters, what has no identity, owner after owner."""
    application, client = WordCounter(), backend.client()
    random, count = Random(size), 0
    for owner in range(3):
        for _ in range(random.randint(20, 60)):
            text = random.choice(["tea", "milk", FORBIDDEN, ONCE])
            event = random.choice([word(f"w{random.randrange(50)}", text), b"\xff", b"{}"])
            await append(redis, random.choice(names), [event])
            count += 1
        before = await read_checkpoint(client, keys, INPUTS)
        await serve(
            backend,
            keys,
            count - sum(before.applied),
            owner=f"n{owner}",
            window=size,
            batch=random.randint(1, 9),
        )
        checkpoint = await read_checkpoint(client, keys, INPUTS)
        read = await last_applied(client, keys, application, checkpoint, size)
        left = await left_by(redis, keys)

        assert left is not None
        assert left.identities == [identity for _, identity in read]
        assert (left.positions, left.seq, left.size) == (checkpoint.positions, checkpoint.seq, size)


async def test_it_has_what_was_known_when_the_partition_began(
    backend: Backend, keys: Keys, redis: Redis, names: list[str]
) -> None:
    """Where the number of partitions was changed; the entries at which it began need not be there."""
    await redis.hset(keys.base, mapping={"in:word": "5-0", "in:clock": "7-0"})
    await redis.rpush(keys.base_repeats, "3-0 word word/old", "4-0 clock clock/older")
    await redis.hset(keys.checkpoint, mapping={"in:word": "5-0", "in:clock": "7-0"})
    for name, end in zip(names, ["5-0", "7-0"], strict=True):
        await redis.xadd(name, {"event": b"x"}, id=end)
        await redis.xdel(name, end)
    await append(redis, names[0], words(2))
    await serve(backend, keys, 2)

    left = await left_by(redis, keys)
    assert left is not None
    assert left.identities == ["word/old", "clock/older", "word/w0", "word/w1"]
    owner = await take(backend, keys)
    application, trail = WordCounter(), Trail(SIZE)
    checkpoint = await read_checkpoint(backend.client(), keys, INPUTS)
    await redis.delete(keys.base_repeats)
    processor = await load(backend.client(), keys, application, checkpoint, SIZE, trail, owner.former)

    assert processor.repeats.in_order() == left.identities


async def test_trimming_goes_on_where_it_was(
    backend: Backend, keys: Keys, redis: Redis, names: list[str]
) -> None:
    """Where the window begins is handed over too: no entry of it is trimmed, and what lies before may be."""
    ids = await append(redis, names[0], words(200))
    other = await append(redis, names[1], [word("c", "tea")])
    await serve(backend, keys, 201, window=50)
    await serve(backend, keys, 0, owner="second", window=50)
    left = await left_by(redis, keys)
    assert left is not None
    owner = await take(backend, keys)
    checkpoint = await read_checkpoint(backend.client(), keys, INPUTS)
    trail = Trail(50)

    await load(backend.client(), keys, WordCounter(), checkpoint, 50, trail, owner.former)

    behind = trail.behind(201)
    assert behind == left.starts
    assert behind is not None
    assert parse_id(behind[0]) <= parse_id(ids[-49])
    assert parse_id(behind[1]) <= parse_id(other[0])


async def test_who_dies_leaves_none(backend: Backend, keys: Keys, redis: Redis, names: list[str]) -> None:
    """The next reads the streams."""
    await append(redis, names[0], words(10))
    running = Running(backend, keys, "first", Settings(block_ms=50, lease_ms=300, window=SIZE))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(running.run)
        await running.watcher.until(lambda: running.watcher.entries == 10)
        tasks.cancel_scope.cancel()

    assert not await redis.exists(keys.window)


class Refusing:
    """Refuses to hand over, as a server does that is full, or whose user may not."""

    def __init__(self, running: Running, refusal: Exception) -> None:
        self._run = running.writing.run
        self._refusal = refusal
        self.refused = 0

    async def __call__(self, script: str, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """Run a script."""
        if script == scripts.HAND_OVER:
            self.refused += 1
            raise self._refusal
        return await self._run(script, keys, arguments)


@pytest.mark.parametrize("refusal", [FullError("full"), ConfigurationError("may not")])
async def test_who_cannot_write_it_leaves_without(
    backend: Backend,
    keys: Keys,
    redis: Redis,
    names: list[str],
    refusal: Exception,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The lease ends all the same, and the next reads the streams."""
    await append(redis, names[0], words(10))
    async with serving(backend, keys, lease_ms=60_000) as running:
        await running.watcher.until(lambda: running.watcher.entries == 10)
        refusing = Refusing(running, refusal)
        monkeypatch.setattr(running.writing, "run", refusing)

    assert refusing.refused == 1
    assert not await redis.exists(keys.lease, keys.window)
    await append(redis, names[0], words(12))
    following = await serve(backend, keys, 12, owner="next")
    assert sum(batch.repeats for batch in following.watcher.batches) == 10


async def test_only_the_owner_hands_over_and_only_at_its_commit(
    backend: Backend, keys: Keys, redis: Redis
) -> None:
    """A lease of another stays; after a failover that took a commit back the lease ends, and that is all."""
    owner = Ownership(backend.client(), keys, INPUTS, new_member("first"), 60_000)
    assert await owner.take()
    await redis.hset(keys.checkpoint, "seq", 6)

    await Ownership(backend.client(), keys, INPUTS, new_member("other"), 60_000).hand_over(6, b"window")
    assert await redis.exists(keys.lease)
    assert not await redis.exists(keys.window)

    await owner.hand_over(7, b"window")
    assert not await redis.exists(keys.lease, keys.window)

    assert await owner.take()
    await owner.hand_over(6, b"window")
    assert await redis.get(keys.window) == b"window"


Spoil = Callable[[Backend, Keys, Redis], Any]


async def _another_took(backend: Backend, keys: Keys, redis: Redis) -> None:
    """And died: of its kind, whatever it applied, is no window."""
    await take(backend, keys)
    await redis.delete(keys.lease)


async def _commits_went_back(backend: Backend, keys: Keys, redis: Redis) -> None:  # noqa: ARG001  # as others
    await redis.hincrby(keys.checkpoint, "seq", -1)


async def _recovered(backend: Backend, keys: Keys, redis: Redis) -> None:
    """By a person, after the stream was lost."""
    await redis.delete(keys.input("clock"))
    client = backend.client()
    names = [keys.checkpoint, keys.lease, *map(keys.input, INPUTS)]
    assert await client.run(scripts.RECOVER, names, list(INPUTS)) == [1]


async def _closed(backend: Backend, keys: Keys, redis: Redis) -> None:
    """And opened again, as where the number of partitions was changed: its state is another."""
    epoch = (await read_checkpoint(backend.client(), keys, INPUTS)).epoch
    await redis.hset(keys.checkpoint, mapping={"epoch": epoch + 1, "taking": "run"})


async def _other_streams(backend: Backend, keys: Keys, redis: Redis) -> None:  # noqa: ARG001  # as others
    """Restored from elsewhere, and gone on since."""
    await redis.delete(keys.input("word"))
    await append(redis, keys.input("word"), words(1, 100))


async def _other_positions(backend: Backend, keys: Keys, redis: Redis) -> None:  # noqa: ARG001  # as others
    """Set by hand."""
    await redis.hset(keys.checkpoint, "in:word", "1-0")


async def _unreadable(backend: Backend, keys: Keys, redis: Redis) -> None:  # noqa: ARG001  # as others
    stored: Any = await redis.get(keys.window)
    await redis.set(keys.window, stored[:-3])


async def _other_format(backend: Backend, keys: Keys, redis: Redis) -> None:  # noqa: ARG001  # as others
    left = await left_by(redis, keys)
    assert left is not None
    await redis.set(keys.window, packed(msgspec.structs.replace(left, format=FORMAT + 1)))


async def _other_shape(backend: Backend, keys: Keys, redis: Redis) -> None:  # noqa: ARG001  # as others
    await redis.set(keys.window, msgspec.msgpack.encode([FORMAT + 1, {"all": "otherwise"}]))


async def _as_it_was(backend: Backend, keys: Keys, redis: Redis) -> None:
    """Nothing happened: it is believed."""


@pytest.mark.parametrize(
    ("spoil", "believed"),
    [
        (_as_it_was, True),
        (_another_took, False),
        (_commits_went_back, False),
        (_recovered, False),
        (_closed, False),
        (_other_streams, False),
        (_other_positions, False),
        (_unreadable, False),
        (_other_format, False),
        (_other_shape, False),
    ],
    ids=lambda one: getattr(one, "__name__", str(one)),
)
async def test_what_is_stale_is_not_believed(
    backend: Backend, keys: Keys, redis: Redis, names: list[str], spoil: Spoil, *, believed: bool
) -> None:
    """Nor kept."""
    await append(redis, names[0], words(3))
    await append(redis, names[1], [word("c", "tea")])
    await serve(backend, keys, 4)
    assert await redis.exists(keys.window)
    await spoil(backend, keys, redis)

    owner = await take(backend, keys)
    window = await received(backend, keys, owner.former)

    assert (window is not None) is believed
    assert not await redis.exists(keys.window)


async def test_a_window_of_another_size_is_not_believed(
    backend: Backend, keys: Keys, redis: Redis, names: list[str]
) -> None:
    """It would lack entries, or know some for too long."""
    await append(redis, names[0], words(3))
    await serve(backend, keys, 3)
    owner = await take(backend, keys)

    assert await received(backend, keys, owner.former, SIZE + 1) is None


async def test_after_a_crash_the_streams_are_read_though_a_window_lies_there(
    backend: Backend, keys: Keys, redis: Redis, names: list[str]
) -> None:
    """As after a failover to a server that had not heard of its end: what was applied since is known too."""
    await append(redis, names[0], words(10))
    await serve(backend, keys, 10)
    stale: Any = await redis.get(keys.window)
    await append(redis, names[0], words(5, 10))
    async with serving(backend, keys, owner="next", lease_ms=60_000) as following:
        await following.watcher.until(lambda: following.watcher.entries == 5)
        await redis.set(keys.window, stale)
        await redis.delete(keys.lease)
        await append(redis, names[0], words(15))
        async with serving(backend, keys, owner="last"):
            await until_applied(redis, keys, 30)

    await expect_exactly_once(redis, keys)
