"""What a worker appends itself: ticks, and the answers of jobs that are done beside the stream."""

import threading

import anyio
import msgspec
import pytest

import stream.worker
from stream.decode import time_of
from stream.keys import Keys
from stream.order import parse_id
from stream.types import Entry, Job
from tests.contract.server import Backend, append, entries_of, stream_of
from tests.contract.serving import PATIENCE_S, expect_exactly_once, serving
from tests.contract.words import word, words

pytestmark = pytest.mark.anyio


async def test_ticks_are_appended_when_they_are_wanted(
    backend: Backend, keys: Keys, names: list[str]
) -> None:
    """As entries of the clock stream with the wall time, and applied like any other."""
    redis = backend.redis()
    async with serving(backend, keys) as running:
        await running.watcher.until(lambda: bool(running.watcher.epochs))
        assert await redis.xlen(names[1]) == 0
        running.application.ticks_wanted = 3
        await running.watcher.until(lambda: running.watcher.entries == 3)
        await append(redis, names[0], words(1))
        await running.watcher.until(lambda: running.watcher.entries == 4)

    ticks = await stream_of(redis, names[1])
    assert len(ticks) == 3
    for entry_id, fields in ticks:
        timestamp = msgspec.json.decode(fields[b"event"])["timestamp"]
        assert abs(timestamp - time_of(Entry(1, entry_id, None))) < 1000
    await expect_exactly_once(redis, keys)


async def test_a_tick_comes_when_a_timer_is_due(
    backend: Backend, keys: Keys, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the server's clock, not before, and with nothing but the last commit to tell of the timer."""
    monkeypatch.setattr(stream.worker, "_TICK_LOOK_S", 3600.0)
    redis = backend.redis()
    async with serving(backend, keys) as running:
        await running.watcher.until(lambda: bool(running.watcher.epochs))
        seconds, microseconds = await redis.time()
        due_ms = running.application.due_ms = seconds * 1000 + microseconds // 1000 + 300
        await append(redis, names[0], words(1))
        await running.watcher.until(lambda: running.watcher.entries == 2)

    ((entry_id, _),) = await stream_of(redis, names[1])
    late_ms = parse_id(entry_id)[0] - due_ms
    assert 0 <= late_ms < 2000, "later than a busy machine explains"
    await expect_exactly_once(redis, keys)


async def test_ticks_are_appended_one_at_a_time(
    backend: Backend, keys: Keys, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one waits to be applied there is no second, however long it takes."""
    monkeypatch.setattr(stream.worker, "_TICK_LOOK_S", 0.002)
    redis = backend.redis()
    async with serving(backend, keys) as running:
        await running.watcher.until(lambda: bool(running.watcher.epochs))
        running.writing.commits.shut()
        await append(redis, names[0], [word("w0", "a")])  # nothing behind it is worked on
        with anyio.fail_after(10):
            while not running.application.order:  # noqa: ASYNC110  # there is no event
                await anyio.sleep(0.001)
        running.application.ticks_wanted = 1000
        with anyio.fail_after(10):
            while await redis.xlen(names[1]) == 0:  # noqa: ASYNC110  # as above
                await anyio.sleep(0.001)
            seen = running.application.timers_seen
            while running.application.timers_seen < seen + 20:  # noqa: ASYNC110  # as above
                await anyio.sleep(0.001)
        assert await redis.xlen(names[1]) == 1

        running.application.ticks_wanted = 1
        running.writing.commits.open()
        await running.watcher.until(lambda: running.watcher.entries == 2)

    await expect_exactly_once(redis, keys)


def slow_job(answer: str, go: threading.Event, begun: threading.Event | None = None) -> Job:
    """Make a job that is done when it may go, and answers with a word."""

    def work() -> bytes:
        if begun is not None:
            begun.set()
        assert go.wait(PATIENCE_S)
        return word(f"answer-{answer}", answer)

    return Job(answer, lambda: work)


async def test_entries_are_committed_while_a_job_is_done(
    backend: Backend, keys: Keys, names: list[str]
) -> None:
    """What takes long does not hold up the stream, and its answer is an entry like any other, once."""
    redis, go = backend.redis(), threading.Event()
    async with serving(backend, keys) as running:
        await running.watcher.until(lambda: bool(running.watcher.epochs))
        running.application.wanted["done"] = slow_job("done", go)
        for start in range(0, 100, 20):
            await append(redis, names[0], words(20, start))
            await running.watcher.until(lambda: running.watcher.entries == start + 20)
        assert await redis.xlen(names[1]) == 0
        go.set()
        await running.watcher.until(lambda: running.watcher.entries == 101)
        await anyio.sleep(0.2)

    assert [entry.event for entry in await entries_of(redis, keys)][-1] == word("answer-done", "done")
    assert await redis.xlen(names[1]) == 1
    await expect_exactly_once(redis, keys)


async def test_jobs_are_done_one_after_the_other(backend: Backend, keys: Keys, names: list[str]) -> None:
    """In the order in which they are wanted, each once, however long its answer takes to be applied."""
    redis, go = backend.redis(), threading.Event()
    async with serving(backend, keys) as running:
        await running.watcher.until(lambda: bool(running.watcher.epochs))
        running.application.wanted |= {name: slow_job(name, go) for name in ("b", "a")}
        await append(redis, names[0], [word("w", "first")])
        await running.watcher.until(lambda: running.watcher.entries == 1)
        running.writing.commits.shut()
        go.set()
        await anyio.sleep(0.4)
        running.writing.commits.open()
        await running.watcher.until(lambda: running.watcher.entries == 3)

    answers = [msgspec.json.decode(entry.event or b"")["word"] for entry in await entries_of(redis, keys)]
    assert answers == ["first", "b", "a"]
    assert await redis.xlen(names[1]) == 2
    await expect_exactly_once(redis, keys)


async def test_an_answer_that_nobody_wants_any_more_is_not_appended(
    backend: Backend, keys: Keys, names: list[str]
) -> None:
    """The work was in vain, and leaves no trace."""
    redis, go, begun = backend.redis(), threading.Event(), threading.Event()
    async with serving(backend, keys) as running:
        await running.watcher.until(lambda: bool(running.watcher.epochs))
        running.application.wanted["done"] = slow_job("done", go, begun)
        await append(redis, names[0], words(1))
        assert await anyio.to_thread.run_sync(begun.wait, PATIENCE_S)
        running.application.wanted.clear()
        go.set()
        await anyio.sleep(0.2)

    assert await redis.xlen(names[1]) == 0


async def test_a_worker_does_not_wait_for_a_job_to_stop(
    backend: Backend, keys: Keys, names: list[str]
) -> None:
    """Its answer is given up; the next worker has the work to do."""
    go, begun = threading.Event(), threading.Event()
    async with serving(backend, keys) as running:
        await running.watcher.until(lambda: bool(running.watcher.epochs))
        running.application.wanted["done"] = slow_job("done", go, begun)
        await append(backend.redis(), names[0], words(1))
        assert await anyio.to_thread.run_sync(begun.wait, PATIENCE_S)
        with anyio.fail_after(2):
            await running.finish()
    go.set()
