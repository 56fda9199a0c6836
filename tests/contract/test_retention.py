"""What is trimmed, what stays, and that nobody trims who should not."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import pytest
from redis.asyncio import Redis

from stream.checkpoint import Checkpoint
from stream.keys import Keys, subscribers_key
from stream.retention import Keep, Subscriber, Trail, Trimmer
from tests.contract.server import Backend, append, hash_of, stream_of
from tests.contract.serving import serving
from tests.contract.words import FORBIDDEN, INPUTS, word

pytestmark = pytest.mark.anyio

NODE: Final = 100  # entries that a server keeps together, and trims together
DAY_MS: Final = 86_400_000
OUT: Final = "count"


async def fill(redis: Redis, stream: str, ids: Sequence[str]) -> None:
    """Append entries with these ids."""
    pipeline = redis.pipeline(transaction=False)
    for one in ids:
        pipeline.xadd(stream, {"event": "{}"}, id=one)
    await pipeline.execute()


async def ids_of(redis: Redis, stream: str) -> list[str]:
    """Ids of what a stream has."""
    return [entry_id.decode() for entry_id, _ in await stream_of(redis, stream)]


async def applied(redis: Redis, keys: Keys, *, seq: int = 1, epoch: int = 1, **positions: str) -> None:
    """Set the checkpoint of a partition, as after a thousand entries of each stream."""
    fields: dict[str, Any] = {"epoch": epoch, "taking": "t1", "seq": seq}
    for name, position in positions.items():
        fields |= {f"in:{name}": position, f"in:{name}:applied": 1000}
    await redis.hset(keys.checkpoint, items=[part for field in fields.items() for part in field])


def trimmer(backend: Backend, keys: Keys, starts: Sequence[bytes] = (), **keep: Any) -> Trimmer:
    """Trim under epoch 1, with a window of ten entries that begins at these ids."""
    trail = Trail(10)
    trail.mark(0, starts)
    owned = Checkpoint(epoch=1, taking="t1", owner="", seq=0, positions=[], applied=[])
    return Trimmer(backend.client(), keys, INPUTS, owned, Keep((OUT,), **keep), trail)


def numbered(count: int, ms: int = 1000) -> list[str]:
    """Ids of one millisecond."""
    return [f"{ms}-{n}" for n in range(count)]


async def test_inputs_go_up_to_the_window(backend: Backend, keys: Keys, names: list[str]) -> None:
    """What is in the window stays, and what shares a node with it may."""
    redis = backend.redis()
    for name in names:
        await fill(redis, name, numbered(1000))
    await applied(redis, keys, word="1000-999", clock="1000-999")

    found = await trimmer(backend, keys, [b"1000-750", b"1000-0"], inputs_ms=DAY_MS).trim()

    assert (await ids_of(redis, names[0]))[0] in ("1000-700", "1000-750")
    assert found.entries in ({"in:word": 700}, {"in:word": 750})
    assert len(await ids_of(redis, names[1])) == 1000


async def test_what_is_younger_than_inputs_are_kept_stays(
    backend: Backend, keys: Keys, names: list[str]
) -> None:
    """Whatever the window."""
    redis = backend.redis()
    await fill(redis, names[0], numbered(200))
    young = [entry.decode() for entry in await append(redis, names[0], [b"{}"] * 300)]
    await applied(redis, keys, word=young[-1], clock="0-0")

    found = await trimmer(backend, keys, [young[-1].encode(), b"0-0"], inputs_ms=DAY_MS).trim()

    assert found.entries == {"in:word": 200}
    assert await ids_of(redis, names[0]) == young


@pytest.mark.parametrize("checkpoint", [{"epoch": 2}, {"taking": "t2"}, {"seq": 0}])
async def test_who_was_fenced_or_knows_more_than_the_server_trims_nothing(
    backend: Backend,
    keys: Keys,
    names: list[str],
    checkpoint: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another owner, or a failover that took commits back, between the look and the trim."""
    redis = backend.redis()
    await fill(redis, names[0], numbered(1000))
    await applied(redis, keys, word="1000-999", clock="0-0")
    stale = trimmer(backend, keys, [b"1000-900", b"0-0"], inputs_ms=0)
    seen = await stale._client.hash(keys.checkpoint)  # what it looked at
    await redis.hset(keys.checkpoint, *next(iter(checkpoint.items())))

    async def looked_before(key: str) -> dict[bytes, bytes]:
        return dict(seen) if key == keys.checkpoint else {}

    monkeypatch.setattr(stale._client, "hash", looked_before)

    assert (await stale.trim()).entries == {}
    assert len(await ids_of(redis, names[0])) == 1000


async def test_outputs_wait_for_the_slowest_subscriber(backend: Backend, keys: Keys) -> None:
    """And for none that is registered for other streams only, or not at all."""
    redis = backend.redis()
    old = numbered(1000, 1000)
    await fill(redis, keys.output(OUT), old)
    never = 40_000 * DAY_MS  # longer ago than 1970
    await register(redis, keys, "fast", expires_ms=never, cursor="1000-950")
    await register(redis, keys, "slow", expires_ms=never, cursor="1000-320")
    await register(redis, keys, "other", stream="elsewhere", expires_ms=never, cursor="0-0")
    await redis.hset(keys.cursors, f"nobody/{OUT}", "0-0")
    await applied(redis, keys)
    trim = trimmer(backend, keys, outputs_ms=DAY_MS)

    found = await trim.trim()
    assert (await ids_of(redis, keys.output(OUT)))[0] in ("1000-300", "1000-320")
    assert not found.unread
    assert not found.overdue

    await redis.hset(keys.cursors, f"slow/{OUT}", "1000-999")
    await trim.trim()
    assert (await ids_of(redis, keys.output(OUT)))[0] in ("1000-900", "1000-950")


async def test_a_subscriber_that_had_its_time_holds_nothing_back(backend: Backend, keys: Keys) -> None:
    """It is named, what it did not read is counted, and it is named until it reports again."""
    redis = backend.redis()
    await fill(redis, keys.output(OUT), numbered(1000))
    await register(redis, keys, "gone", expires_ms=DAY_MS, cursor="1000-499")
    await applied(redis, keys)
    trim = trimmer(backend, keys, outputs_ms=DAY_MS)

    found = await trim.trim()
    assert found.overdue == {f"gone/{OUT}": "1000-499"}
    assert found.entries == {f"out:{OUT}": 1000}
    assert found.unread[f"out:{OUT}"] in (501, 600)  # from its cursor on, or from the node of it
    assert (await trim.trim()).overdue == {f"gone/{OUT}": "1000-499"}
    await redis.hset(keys.cursors, f"gone/{OUT}", "1000-999")
    assert (await trim.trim()).overdue == {}


async def test_a_subscriber_with_nothing_to_read_is_not_overdue(backend: Backend, keys: Keys) -> None:
    """However long ago its last entry was: on a quiet stream there is nothing to report."""
    redis = backend.redis()
    await fill(redis, keys.output(OUT), numbered(100))
    await register(redis, keys, "desk", expires_ms=DAY_MS, cursor="1000-99")
    await append(redis, keys.output(OUT), [b"{}"])
    await applied(redis, keys)

    assert (await trimmer(backend, keys, outputs_ms=DAY_MS).trim()).overdue == {}


@pytest.mark.parametrize("cursor", [None, "", "nonsense", "9" * 400, "1-1-1", "99999999999999999999-0"])
async def test_a_cursor_that_is_none_counts_as_the_beginning(
    backend: Backend, keys: Keys, cursor: str | None
) -> None:
    """What a subscriber writes there stops nobody."""
    redis = backend.redis()
    await fill(redis, keys.output(OUT), numbered(200))
    await register(redis, keys, "odd", expires_ms=40_000 * DAY_MS, cursor=cursor)
    await applied(redis, keys)

    assert (await trimmer(backend, keys, outputs_ms=0).trim()).entries == {}
    assert len(await ids_of(redis, keys.output(OUT))) == 200


async def test_dead_letters_go_once_they_are_handled_for_long_and_out_of_the_window(
    backend: Backend, keys: Keys
) -> None:
    """One that nobody handled stays whatever its age."""
    redis = backend.redis()
    letters = {  # by its input: when it was handled
        "1000-1": 1,
        "1000-2": None,
        "1000-3": 4_000_000_000_000,  # long from now
        "1000-950": 1,  # in the window
    }
    kept = []
    for cause, at in letters.items():
        letter: Any = await redis.xadd(keys.dead, {"stream": "in:word", "id": cause, "event": "{}"})
        if at is not None:
            await redis.hset(keys.handled, letter, msgspec.json.encode({"done": "dropped", "at": at}))
        if cause != "1000-1":
            kept.append(letter.decode())
    await redis.hset(keys.handled, "7-7", "no note of ours")
    await applied(redis, keys, word="1000-999", clock="0-0")

    found = await trimmer(backend, keys, [b"1000-900", b"0-0"], inputs_ms=DAY_MS).trim()

    assert found.entries == {"dead": 1}
    assert await ids_of(redis, keys.dead) == kept
    assert set(await hash_of(redis, keys.handled)) == {kept[1].encode(), kept[2].encode(), b"7-7"}


async def test_a_worker_trims_while_it_works_and_still_knows_repeats(
    backend: Backend, keys: Keys, names: list[str]
) -> None:
    """After a restart on what is left: the last entries of a window are repeats, a forbidden one is not."""
    redis = backend.redis()
    window, events = 500, [word(f"w{n}", "a") for n in range(4000)]
    keep = Keep((OUT,), inputs_ms=0, outputs_ms=0, every_s=0.02)
    async with serving(backend, keys, window=window, keep=keep) as running:
        for start in range(0, 4000, 250):
            await append(redis, names[start % 500 // 250], events[start : start + 250])
            looked = len(running.watcher.rounds)  # once more, so that it marks how far it is
            await running.watcher.until(lambda: len(running.watcher.rounds) > looked + 1)
        await append(redis, names[0], [word("dead", FORBIDDEN)])
        await running.watcher.until(lambda: running.watcher.entries == 4001)
        done = len(running.watcher.rounds)
        await running.watcher.until(lambda: len(running.watcher.rounds) > done + 3)
    left = len(await ids_of(redis, names[0])) + len(await ids_of(redis, names[1]))
    assert window <= left < 2500
    counts = await hash_of(redis, keys.state("counts"))

    async with serving(backend, keys, window=window, keep=keep) as running:
        for start in range(3500, 4000, 250):
            await append(redis, names[start % 500 // 250], events[start + 1 : start + 250])
        await append(redis, names[0], [word("dead", "b")])
        await running.watcher.until(lambda: running.watcher.entries == 499)

    assert sum(batch.repeats for batch in running.watcher.batches) == 498
    assert await hash_of(redis, keys.state("counts")) == {**counts, b"b": b"1"}


async def test_by_itself_the_engine_keeps_everything(backend: Backend, keys: Keys, names: list[str]) -> None:
    """Trimming is asked for."""
    redis = backend.redis()
    async with serving(backend, keys, window=10, keep=Keep((OUT,), every_s=0.01)) as running:
        await append(redis, names[0], [word(f"w{n}", "a") for n in range(1000)])
        await running.watcher.until(lambda: running.watcher.entries == 1000)
        done = len(running.watcher.rounds)
        await running.watcher.until(lambda: len(running.watcher.rounds) > done + 3)

    assert len(await ids_of(redis, names[0])) == 1000
    assert len(await ids_of(redis, keys.output(OUT))) == 1000


async def register(
    redis: Redis, keys: Keys, name: str, *, expires_ms: int, cursor: str | None, stream: str = OUT
) -> None:
    """Register a subscriber that has read up to an id."""
    stored = msgspec.json.encode(Subscriber([stream], expires_ms, 0))
    await redis.hset(subscribers_key(keys.prefix), name, stored)
    if cursor is not None:
        await redis.hset(keys.cursors, f"{name}/{stream}", cursor)
