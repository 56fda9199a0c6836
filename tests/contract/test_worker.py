"""The laws of `stream.worker`: entries are served in order, once, and what cannot be is said."""

from random import Random

import anyio
import pytest

import stream.worker
from stream.checkpoint import parse_checkpoint
from stream.errors import ConfigurationError
from stream.keys import Keys
from stream.order import parse_id
from stream.types import Emit, Entry
from tests.contract.server import Backend, append, hash_of, real_only, stream_of
from tests.contract.serving import Running, expect_exactly_once, serving
from tests.contract.words import FORBIDDEN, INPUTS, Word, word, words

pytestmark = pytest.mark.anyio


async def test_a_backlog_is_applied_in_order(backend: Backend, keys: Keys, names: list[str]) -> None:
    """What was there before the worker came is applied like anything else, in batches."""
    redis = backend.redis()
    generator = Random(1)
    for start in range(0, 2000, 200):
        events = words(200, start)
        cut = generator.randrange(200)
        await append(redis, names[0], events[:cut])
        await append(redis, names[1], events[cut:])

    async with serving(backend, keys) as running:
        await running.watcher.until(lambda: running.watcher.entries == 2000)

    await expect_exactly_once(redis, keys)
    assert len(running.watcher.batches) < 200


async def test_what_comes_while_it_works_is_applied_in_order(
    backend: Backend, keys: Keys, names: list[str]
) -> None:
    """Publishers of both streams need not wait for each other."""
    redis = backend.redis()

    async def publish(stream: str, start: int) -> None:
        for first in range(start, start + 500, 25):
            await append(redis, stream, words(25, first))

    async with serving(backend, keys) as running, anyio.create_task_group() as tasks:
        tasks.start_soon(publish, names[0], 0)
        tasks.start_soon(publish, names[1], 500)
        await running.watcher.until(lambda: running.watcher.entries == 1000)

    await expect_exactly_once(redis, keys)


@real_only
async def test_a_lone_entry_does_not_wait_for_the_read_to_time_out(
    backend: Backend, keys: Keys, names: list[str]
) -> None:
    """
    A read that waits is woken by the entry.

    Not on fakeredis: there a blocked read of a group is not woken by an append from another client.
    """
    redis = backend.redis()
    async with serving(backend, keys, block_ms=15_000) as running:
        for n in range(3):
            await append(redis, names[1], [word(f"w{n}", "lone")])
            with anyio.fail_after(5):
                await running.watcher.until(lambda: running.watcher.entries == n + 1)

    await expect_exactly_once(redis, keys)


async def test_more_entries_of_one_millisecond_than_a_look_takes(
    backend: Backend, keys: Keys, names: list[str]
) -> None:
    """A transaction appends thousands within a millisecond while the other stream is silent."""
    redis = backend.redis()
    async with serving(backend, keys, batch=20) as running:
        await running.watcher.until(lambda: bool(running.watcher.epochs))
        pipeline = redis.pipeline(transaction=True)
        for n, event in enumerate(words(500)):
            pipeline.xadd(names[0], {"event": event}, id=f"1763716322000-{n}")
        await pipeline.execute()
        await running.watcher.until(lambda: running.watcher.entries == 500)

    await expect_exactly_once(redis, keys)


async def test_a_hot_name_starves_no_other(backend: Backend, keys: Keys, names: list[str]) -> None:
    """Nine in ten entries are of one; the others are applied where they came, not when it is done."""
    redis = backend.redis()
    text = {True: "cold", False: "hot"}
    await append(redis, names[0], [word(f"w{n}", text[n % 10 == 0]) for n in range(2000)])

    async with serving(backend, keys, batch=50) as running:
        await running.watcher.until(lambda: running.watcher.entries == 2000)

    assert running.application.order == [f"w{n}" for n in range(2000)]
    assert max(batch.entries for batch in running.watcher.batches) <= 3 * 50  # two looks, and what was held


async def test_repeats_are_recognised_before_and_after_a_restart(
    backend: Backend, keys: Keys, names: list[str]
) -> None:
    """The window is loaded from the stream itself."""
    redis = backend.redis()
    async with serving(backend, keys) as running:
        await append(redis, names[0], words(100) + words(50))
        await running.watcher.until(lambda: running.watcher.entries == 150)
        assert sum(batch.repeats for batch in running.watcher.batches) == 50
    async with serving(backend, keys) as running:
        await append(redis, names[0], words(120))
        await running.watcher.until(lambda: running.watcher.entries == 120)
        assert sum(batch.repeats for batch in running.watcher.batches) == 100

    await expect_exactly_once(redis, keys)


async def test_what_cannot_be_applied_becomes_a_dead_letter_and_the_stream_goes_on(
    backend: Backend, keys: Keys, names: list[str]
) -> None:
    """Each is kept as it came with its reason, is counted, and may be sent again, also after a restart."""
    redis = backend.redis()
    bad = word("w1", FORBIDDEN)
    async with serving(backend, keys) as running:
        [_, forbidden, not_json] = await append(redis, names[0], [word("w0", "a"), bad, b"\xff\x00"])
        no_event = await redis.xadd(names[0], {"other": "field"})
        await append(redis, names[0], [word("w2", "b")])
        await running.watcher.until(lambda: running.watcher.entries == 5)

        letters = [fields for _, fields in await stream_of(redis, keys.dead)]
        assert [(letter[b"id"], letter[b"reason"], letter[b"event"]) for letter in letters] == [
            (forbidden, b"forbidden", bad),
            (not_json, b"not_decodable", b"\xff\x00"),
            (no_event, b"no_event", b""),
        ]
        assert {letter[b"stream"] for letter in letters} == {b"in:word"}
        assert await hash_of(redis, keys.state("counts")) == {b"a": b"1", b"b": b"1"}
        assert await redis.xlen(keys.output("reply")) == 1
    async with serving(backend, keys) as running:
        await append(redis, names[0], [word("w1", "c"), word("w2", "b")])
        await running.watcher.until(lambda: running.watcher.entries == 2)
        assert running.application.counts == {"a": 1, "b": 1, "c": 1}


@pytest.mark.parametrize("kind", ["state", "output", "input", "dead", "checkpoint"])
async def test_a_key_of_another_type_is_said_and_nothing_is_changed(
    backend: Backend, keys: Keys, names: list[str], kind: str
) -> None:
    """A person has to put it right, so the worker ends with a sentence that names the key's type."""
    redis = backend.redis()
    in_the_way = {
        "state": keys.state("counts"),
        "output": keys.output("count"),
        "input": names[1],
        "dead": keys.dead,
        "checkpoint": keys.checkpoint,
    }[kind]
    await append(redis, names[0], words(1))
    await redis.set(in_the_way, "in the way")
    settings = stream.worker.Settings(block_ms=50)
    running = Running(backend, keys, "first", settings)

    with pytest.raises(ConfigurationError, match="A key is in the way"):
        await running.worker.run(running.stop)

    assert await redis.get(in_the_way) == b"in the way"
    assert running.watcher.batches == []
    assert not await redis.exists(keys.state("chain"))
    assert kind == "checkpoint" or not await redis.hexists(keys.checkpoint, "seq")


async def test_a_broken_invariant_stops_the_worker_before_it_commits(
    backend: Backend, keys: Keys, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what was committed before can be seen; the entry that broke it is still to come."""
    redis = backend.redis()
    running = Running(backend, keys, "first", stream.worker.Settings(block_ms=50))
    apply = running.application.apply

    def breaking(entry: Entry, event: Word, emits: list[Emit]) -> bool:
        assert event.word != "breaker"
        return apply(entry, event, emits)

    monkeypatch.setattr(running.application, "apply", breaking)
    [_, broke, _] = await append(redis, names[0], [word("w0", "a"), word("w1", "breaker"), word("w2", "b")])

    with pytest.raises(BaseExceptionGroup) as raised:
        await running.worker.run(running.stop)

    assert isinstance(stream.worker.first_error(raised.value), AssertionError)
    checkpoint = parse_checkpoint(await hash_of(redis, keys.checkpoint), INPUTS)
    assert parse_id(checkpoint.positions[0]) < parse_id(broke)
    assert set(await hash_of(redis, keys.state("counts"))) <= {b"a"}


async def test_what_waits_is_told(
    backend: Backend, keys: Keys, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In entries and in seconds, counted from what was appended and what was worked on; in the end none."""
    monkeypatch.setattr(stream.worker, "_LAG_POLL_S", 0.01)
    redis = backend.redis()
    running = Running(backend, keys, "first", stream.worker.Settings(batch=5, block_ms=50))
    lags = running.watcher.lags
    running.writing.commits.shut()
    await append(redis, names[0], words(30))
    await append(redis, names[1], words(30, 30))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(running.run)
        await running.watcher.until(
            lambda: any(0 < waiting <= 60 and seconds > 0 for waiting, seconds in lags)
        )
        running.writing.commits.open()
        await running.watcher.until(lambda: running.watcher.entries == 60)
        lags.clear()
        await running.watcher.until(lambda: len(lags) >= 2)
        await running.finish()

    assert set(lags) == {(0, 0.0)}
