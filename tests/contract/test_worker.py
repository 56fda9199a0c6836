"""The laws of `stream.worker`: a word counter is served through everything that goes wrong."""

import threading
import time
from collections.abc import Sequence
from random import Random
from types import SimpleNamespace

import anyio
import msgspec
import pytest
from redis.asyncio import Redis

import stream.worker
from stream.checkpoint import Checkpoint, parse_checkpoint, read_checkpoint
from stream.client import Client
from stream.errors import ConfigurationError, TransportError
from stream.keys import Keys
from stream.order import parse_id
from stream.ownership import Ownership, new_member
from stream.types import Emit, Entry, Job
from tests.contract.server import Backend, append, entries_of, hash_of, real_only, stream_of
from tests.contract.serving import PATIENCE_S, Running, serving
from tests.contract.words import FORBIDDEN, INPUTS, Word, fold, word

pytestmark = pytest.mark.anyio


def words(count: int, start: int = 0) -> list[bytes]:
    """Make as many events, of seven words and one id each."""
    return [word(f"w{n}", f"word-{n % 7}") for n in range(start, start + count)]


async def until_applied(redis: Redis, keys: Keys, count: int) -> None:
    """
    Wait until the checkpoint counts so many entries.

    The server is asked: a worker does not hear of its own commit if the reply was cut off, nor of another's.
    """
    with anyio.fail_after(PATIENCE_S):
        while True:
            checkpoint = parse_checkpoint(await hash_of(redis, keys.checkpoint), INPUTS)
            if sum(checkpoint.applied) >= count:
                return
            await anyio.sleep(0.02)


async def expect_exactly_once(redis: Redis, keys: Keys) -> None:
    """State is the fold of the input in order, each count came out once, the checkpoint is at the end."""
    entries = await entries_of(redis, keys)
    counts, chain = fold(entries)
    assert await hash_of(redis, keys.state("counts")) == counts
    assert await redis.hget(keys.state("chain"), "digest") == chain

    events = [
        msgspec.json.decode(fields[b"event"]) for _, fields in await stream_of(redis, keys.output("count"))
    ]
    ids = [event["id"] for event in events]
    causes = [f"{keys.partition}/in:{INPUTS[entry.stream]}/{entry.id.decode()}/0" for entry in entries]
    assert len(set(ids)) == len(ids) == sum(int(count) for count in counts.values())
    assert set(ids) <= set(causes)

    checkpoint = parse_checkpoint(await hash_of(redis, keys.checkpoint), INPUTS)
    per_stream = [[entry.id for entry in entries if entry.stream == stream] for stream in range(len(INPUTS))]
    assert checkpoint.positions == [ids[-1] if ids else b"0-0" for ids in per_stream]
    assert checkpoint.applied == [len(ids) for ids in per_stream]


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


@pytest.mark.parametrize("fate", ["lost", "unsent"])
async def test_each_entry_counts_once_whatever_becomes_of_a_commit(
    backend: Backend, keys: Keys, names: list[str], fate: str
) -> None:
    """A commit whose reply was lost has landed; one that never arrived is done again; neither shows."""
    redis = backend.redis()
    await append(redis, names[0], words(1500))

    async with serving(backend, keys, batch=50) as running:
        running.writing.fates += ["fine", fate, "fine", fate, "fine", "fine", fate]
        await running.watcher.until(lambda: running.watcher.entries == 1500)

    await expect_exactly_once(redis, keys)
    assert len(running.watcher.epochs) == (1 if fate == "lost" else 4)


@real_only
async def test_dropped_connections_lose_nothing_and_double_nothing(
    backend: Backend, keys: Keys, names: list[str]
) -> None:
    """
    Whatever was in flight when the server cut all connections of the worker.

    Not on fakeredis, which has no connections.
    """
    redis = backend.redis()
    generator = Random(2)

    async def publish() -> None:
        for first in range(0, 3000, 20):
            await append(redis, names[generator.randrange(2)], words(20, first))
            if generator.random() < 0.1:
                await kill(redis, "first")

    async with serving(backend, keys, batch=30) as running:
        await running.watcher.until(lambda: bool(running.watcher.epochs))
        await publish()
        await until_applied(redis, keys, 3000)

    await expect_exactly_once(redis, keys)


async def test_a_lost_reply_to_a_read_is_read_again(backend: Backend, keys: Keys, names: list[str]) -> None:
    """Without loading everything again; the entries in it are neither lost nor doubled."""
    redis = backend.redis()
    async with serving(backend, keys, batch=20) as running:
        for n in range(5):
            running.reading.losses = 1
            await append(redis, names[n % 2], words(50, 50 * n))
            await running.watcher.until(lambda: running.watcher.entries == 50 * (n + 1))
            assert running.reading.losses == 0
        assert running.watcher.epochs == [1]

    await expect_exactly_once(redis, keys)


async def test_replies_lost_in_a_row_end_in_loading_again(
    backend: Backend, keys: Keys, names: list[str]
) -> None:
    """There is always the one recovery."""
    redis = backend.redis()
    async with serving(backend, keys, batch=20) as running:
        await running.watcher.until(lambda: running.watcher.epochs == [1])
        running.reading.losses = 3
        await append(redis, names[0], words(50))
        await running.watcher.until(lambda: running.watcher.entries == 50)
        assert running.watcher.epochs == [1, 2]

    await expect_exactly_once(redis, keys)


async def kill(redis: Redis, name: str) -> None:
    """Cut all connections of a name."""
    for client in await redis.client_list():
        if client["name"] == name:
            await redis.execute_command("CLIENT", "KILL", "ID", client["id"])


async def test_another_takes_over_when_the_lease_lapses(
    backend: Backend, keys: Keys, names: list[str]
) -> None:
    """The first, held still as by SIGSTOP, wakes in the middle of its work and commits nothing more."""
    redis = backend.redis()
    await append(redis, names[0], words(300))
    async with serving(backend, keys, owner="first", lease_ms=300, batch=20) as first:
        await first.watcher.until(lambda: len(first.watcher.batches) >= 2)
        first.writing.everything.shut()
        async with serving(backend, keys, owner="second", lease_ms=3000) as second:
            await second.watcher.until(lambda: bool(second.watcher.epochs))
            await append(redis, names[1], words(200, 300))
            await second.watcher.until(lambda: len(second.application.order) > 0)
            committed = len(first.watcher.batches)

            first.writing.everything.open()
            await first.watcher.until(lambda: "second holds it" in first.watcher.losses)
            await second.watcher.until(lambda: sum(second.application.counts.values()) == 500)

            assert len(first.watcher.batches) == committed
            assert second.watcher.epochs == [2]
        # The second has let go, and the first, which waited, has the partition again.
        await first.watcher.until(lambda: first.watcher.epochs == [1, 3])
        await append(redis, names[0], words(10, 500))
        await first.watcher.until(lambda: sum(first.application.counts.values()) == 510)

    await expect_exactly_once(redis, keys)


async def test_a_worker_with_nothing_to_do_keeps_its_partition(backend: Backend, keys: Keys) -> None:
    """The lease is renewed, whether anything comes or not."""
    async with (
        serving(backend, keys, owner="first", lease_ms=300) as first,
        serving(backend, keys, owner="second", lease_ms=300) as second,
    ):
        [owner, other] = [first, second]
        with anyio.fail_after(PATIENCE_S):
            while not owner.watcher.epochs:
                [owner, other] = [other, owner]
                await anyio.sleep(0.002)
        # It asks again when the lease would end, or after 50 ms: eight times is several leases.
        await other.watcher.until(lambda: len(other.watcher.losses) >= 8)

        assert owner.watcher.epochs == [1]
        assert other.watcher.epochs == []
        assert owner.watcher.losses == []


async def test_a_partition_that_is_taken_away_before_it_is_loaded_is_let_go(
    backend: Backend, keys: Keys, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checkpoint is another's by then, and nothing may be committed in the other's name."""
    redis = backend.redis()
    thief = Ownership(backend.client(), keys, INPUTS, new_member("thief"), 60_000)

    async def read_too_late(client: Client, keys: Keys, inputs: Sequence[str]) -> Checkpoint:
        await redis.delete(keys.lease)
        await thief.take()
        return await read_checkpoint(client, keys, inputs)

    monkeypatch.setattr(stream.worker, "read_checkpoint", read_too_late)
    await append(redis, names[0], words(10))
    async with serving(backend, keys) as running:
        await running.watcher.until(lambda: "thief holds it" in running.watcher.losses)
        assert running.watcher.losses[0] == "epoch 1 ended while it was loaded"
        assert running.watcher.epochs == []
        assert running.watcher.batches == []

        monkeypatch.undo()
        await thief.release()
        await running.watcher.until(lambda: running.watcher.entries == 10)
        assert running.watcher.epochs == [3]

    await expect_exactly_once(redis, keys)


async def test_a_worker_that_comes_back_under_its_name_need_not_wait(
    backend: Backend, keys: Keys, names: list[str]
) -> None:
    """The lease of the one it replaces is long, and yet it serves at once; the old one is fenced."""
    redis = backend.redis()
    async with serving(backend, keys, owner="same", lease_ms=60_000) as old:
        await append(redis, names[0], words(10))
        await old.watcher.until(lambda: old.watcher.entries == 10)
        async with serving(backend, keys, owner="same", lease_ms=60_000) as new:
            await new.watcher.until(lambda: new.watcher.epochs == [2])
            await append(redis, names[0], words(10, 10))
            await new.watcher.until(lambda: new.watcher.entries == 10)
            assert old.watcher.entries == 10
            assert old.watcher.epochs == [1]

    await expect_exactly_once(redis, keys)


async def test_stopping_finishes_and_lets_go(backend: Backend, keys: Keys, names: list[str]) -> None:
    """In the middle of a backlog: what is committed is whole, and the next can go on at once."""
    redis = backend.redis()
    await append(redis, names[0], words(1000))
    async with serving(backend, keys, batch=20, lease_ms=60_000) as running:
        await running.watcher.until(lambda: len(running.watcher.batches) >= 3)
        await running.finish()

        assert not await redis.exists(keys.lease)
        assert running.watcher.losses == ["let go of it"]
        counts = await hash_of(redis, keys.state("counts"))
        assert sum(int(count) for count in counts.values()) == running.watcher.entries

    async with serving(backend, keys, owner="next", lease_ms=60_000) as following:
        await following.watcher.until(lambda: following.watcher.entries + running.watcher.entries == 1000)
    await expect_exactly_once(redis, keys)


async def test_a_worker_that_only_waits_for_a_lease_stops_at_once(backend: Backend, keys: Keys) -> None:
    """Somebody else's lease is no reason to stay."""
    async with serving(backend, keys, owner="first", lease_ms=60_000) as first:
        await first.watcher.until(lambda: bool(first.watcher.epochs))
        async with serving(backend, keys, owner="second") as second:
            await second.watcher.until(lambda: second.watcher.losses == ["first holds it"])
            await second.finish()
        assert second.watcher.epochs == []
        assert await backend.redis().exists(keys.lease)


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
        assert abs(timestamp - Entry(1, entry_id, None).time_ms) < 1000
    await expect_exactly_once(redis, keys)


async def test_ticks_are_appended_one_at_a_time(
    backend: Backend, keys: Keys, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one waits to be applied there is no second, however long it takes."""
    polls = 0
    sleep = anyio.sleep

    async def counting_sleep(seconds: float) -> None:
        nonlocal polls
        polls += seconds == stream.worker._TICK_POLL_S
        await sleep(seconds)

    monkeypatch.setattr(stream.worker, "_TICK_POLL_S", 0.002)
    monkeypatch.setattr(anyio, "sleep", counting_sleep)
    redis = backend.redis()
    async with serving(backend, keys) as running:
        await running.watcher.until(lambda: bool(running.watcher.epochs))
        running.writing.commits.shut()
        # The first is in the commit that is held, the second waits behind it, the third is not worked on.
        for n in range(3):
            await append(redis, names[0], [word(f"w{n}", "a")])
            with anyio.fail_after(10):
                while len(running.application.order) < min(n + 1, 2):  # there is no event to wait for
                    await sleep(0.001)
        running.application.ticks_wanted = 1000
        with anyio.fail_after(10):
            while await redis.xlen(names[1]) == 0:
                await sleep(0.001)
            polls = 0
            while polls < 20:  # there is no event to wait for
                await sleep(0.001)
        assert await redis.xlen(names[1]) == 1

        running.application.ticks_wanted = 1
        running.writing.commits.open()
        await running.watcher.until(lambda: running.watcher.entries == 4)

    await expect_exactly_once(redis, keys)


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


async def test_a_group_that_is_gone_is_made_again_at_the_checkpoint(
    backend: Backend, keys: Keys, names: list[str]
) -> None:
    """Somebody destroyed it: the worker takes the partition again and goes on where it was."""
    redis = backend.redis()
    async with serving(backend, keys) as running:
        await append(redis, names[0], words(100))
        await running.watcher.until(lambda: running.watcher.entries == 100)
        taking = (await hash_of(redis, keys.checkpoint))[b"taking"].decode()
        await redis.xgroup_destroy(names[0], keys.group(1, taking))
        await append(redis, names[0], words(100, 100))
        await running.watcher.until(lambda: running.watcher.entries == 200)
        assert running.watcher.epochs == [1, 2]
        assert running.watcher.losses

    await expect_exactly_once(redis, keys)


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


class Clock:
    """A monotonic clock that a test sets forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        """Tell seconds."""
        return anyio.current_time() + self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Put a clock into the worker that runs at the usual speed but can be set forward."""
    found = Clock()
    fake = SimpleNamespace(monotonic=found.monotonic, perf_counter=time.perf_counter, time_ns=time.time_ns)
    monkeypatch.setattr(stream.worker, "time", fake)
    return found


async def test_a_worker_gives_up_when_the_server_is_away_for_too_long(
    backend: Backend, keys: Keys, clock: Clock
) -> None:
    """It tries again within bounds, and then says since when."""
    running = Running(backend, keys, "first", stream.worker.Settings(block_ms=50, away_s=600))
    running.writing.away = True

    async with anyio.create_task_group() as tasks:

        async def expect_the_end() -> None:
            with pytest.raises(TransportError, match="gave up after 600 s"):
                await running.worker.run(running.stop)

        tasks.start_soon(expect_the_end)
        await running.watcher.until(lambda: len(running.watcher.losses) >= 2)
        clock.ahead = 601.0


async def test_an_outage_long_past_does_not_count(
    backend: Backend, keys: Keys, names: list[str], clock: Clock
) -> None:
    """Only one that goes on wears out the worker's patience, not two a day apart with good hours between."""
    redis = backend.redis()
    async with serving(backend, keys, away_s=600.0) as running:
        for n in range(3):
            running.writing.fates += ["unsent"]
            await append(redis, names[0], words(1, n))
            await running.watcher.until(lambda: running.watcher.entries == n + 1)
            clock.ahead += 3600
        assert running.watcher.epochs == [1, 2, 3, 4]

    await expect_exactly_once(redis, keys)


async def test_nor_does_one_long_past_for_a_worker_that_waits_for_a_lease(
    backend: Backend, keys: Keys, clock: Clock
) -> None:
    """A stand-by has to be there when it is needed, however many hours it waits."""
    async with serving(backend, keys, owner="first", lease_ms=60_000) as first:
        await first.watcher.until(lambda: bool(first.watcher.epochs))
        async with serving(backend, keys, owner="second", away_s=600.0) as second:
            losses = second.watcher.losses
            for _ in range(2):
                away = losses.count("the server is away")
                second.writing.away = True
                await second.watcher.until(lambda: losses.count("the server is away") > away)
                held = losses.count("first holds it")
                second.writing.away = False
                await second.watcher.until(lambda: losses.count("first holds it") > held)
                clock.ahead += 3600


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


class Troubles:
    """Everything that can get in the way of two workers, to be drawn from."""

    def __init__(self, redis: Redis, keys: Keys, workers: Sequence[Running], random: Random) -> None:
        self._redis = redis
        self._keys = keys
        self._workers = workers
        self._random = random

    async def cut(self) -> None:
        """Cut all connections of one."""
        await kill(self._redis, self._random.choice(["first", "second"]))

    async def fail(self) -> None:
        """Let a commit of one fail."""
        self._random.choice(self._workers).writing.fates.append(self._random.choice(["lost", "unsent"]))

    async def hold(self) -> None:
        """Hold one still."""
        self._random.choice(self._workers).writing.everything.shut()

    async def let_go(self) -> None:
        """Let one go on."""
        self._random.choice(self._workers).writing.everything.open()

    async def end_lease(self) -> None:
        """Let the lease lapse before its time."""
        await self._redis.delete(self._keys.lease)

    async def rest(self) -> None:
        """Let them work for a while."""
        await anyio.sleep(self._random.uniform(0, 0.1))

    async def none(self) -> None:
        """Do nothing."""

    async def draw(self) -> None:
        """Make one of them, or none."""
        choices = [self.cut, self.fail, self.hold, self.let_go, self.let_go, self.end_lease, self.rest]
        await self._random.choice([*choices, *[self.none] * 4])()

    def end(self) -> None:
        """End them all."""
        for worker in self._workers:
            worker.writing.fates.clear()
            worker.writing.everything.open()


@pytest.mark.parametrize("seed", range(2))
@real_only
async def test_everything_at_once(backend: Backend, keys: Keys, names: list[str], seed: int) -> None:
    """
    Two workers of one partition under bursts, cut connections, failing commits and stops, in a random order.

    Not on fakeredis, which has no connections to cut.
    """
    redis = backend.redis()
    random = Random(seed)
    sent = 0
    async with (
        serving(backend, keys, owner="first", batch=40, lease_ms=400) as first,
        serving(backend, keys, owner="second", batch=25, lease_ms=400) as second,
    ):
        troubles = Troubles(redis, keys, [first, second], random)
        for _ in range(60):
            pipeline = redis.pipeline(transaction=random.random() < 0.5)
            burst = words(random.choice([1, 3, 70, 150]), sent)
            for event in burst:
                pipeline.xadd(random.choice(names), {"event": event})
            await pipeline.execute()
            sent += len(burst)
            await troubles.draw()
        troubles.end()
        await until_applied(redis, keys, sent)

    await expect_exactly_once(redis, keys)


# -- work beside the stream --------------------------------------------------------------------------------


def slow_job(answer: str, go: threading.Event) -> Job:
    """Make a job that is done when it may go, and answers with a word."""

    def work() -> bytes:
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
    go.set()
    async with serving(backend, keys) as running:
        await running.watcher.until(lambda: bool(running.watcher.epochs))
        running.writing.commits.shut()
        running.application.wanted |= {name: slow_job(name, go) for name in ("b", "a")}
        await anyio.sleep(0.4)
        running.writing.commits.open()
        await running.watcher.until(lambda: running.watcher.entries == 2)

    answers = [msgspec.json.decode(entry.event or b"")["word"] for entry in await entries_of(redis, keys)]
    assert answers == ["b", "a"]
    assert await redis.xlen(names[1]) == 2
    await expect_exactly_once(redis, keys)


async def test_an_answer_that_nobody_wants_any_more_is_not_appended(
    backend: Backend, keys: Keys, names: list[str]
) -> None:
    """The work was in vain, and leaves no trace."""
    redis, go = backend.redis(), threading.Event()
    async with serving(backend, keys) as running:
        await running.watcher.until(lambda: bool(running.watcher.epochs))
        running.application.wanted["done"] = slow_job("done", go)
        await anyio.sleep(0.2)
        running.application.wanted.clear()
        go.set()
        await anyio.sleep(0.2)

    assert await redis.xlen(names[1]) == 0


async def test_a_worker_does_not_wait_for_a_job_to_stop(backend: Backend, keys: Keys) -> None:
    """Its answer is given up; the next worker has the work to do."""
    go = threading.Event()
    async with serving(backend, keys) as running:
        await running.watcher.until(lambda: bool(running.watcher.epochs))
        running.application.wanted["done"] = slow_job("done", go)
        await anyio.sleep(0.2)
        with anyio.fail_after(2):
            await running.finish()
    go.set()
