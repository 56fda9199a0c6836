"""Who serves a partition: leases are kept, lapse, are let go of and handed over."""

from collections.abc import Sequence

import anyio
import pytest

import stream.worker
from stream.checkpoint import Checkpoint, read_checkpoint
from stream.client import Client
from stream.keys import Keys
from stream.ownership import Ownership, new_member
from tests.contract.server import Backend, append, hash_of
from tests.contract.serving import PATIENCE_S, expect_exactly_once, serving
from tests.contract.words import INPUTS, words

pytestmark = pytest.mark.anyio


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
