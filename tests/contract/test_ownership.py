"""The laws of `stream.ownership`: the epoch says who may write, the lease only when to try."""

import anyio
import pytest
from redis.asyncio import Redis

from stream.checkpoint import read_checkpoint
from stream.errors import ConfigurationError, TransportError
from stream.keys import Keys
from stream.ownership import LEASE_MAX_MS, Held, Ownership, new_member
from tests.contract.server import Backend, append, hash_of, stream_of
from tests.contract.words import INPUTS

pytestmark = pytest.mark.anyio

LEASE_MS = 60_000


@pytest.fixture
def redis(backend: Backend) -> Redis:
    """Give a plain client."""
    return backend.redis()


def claim(backend: Backend, keys: Keys, owner: str, lease_ms: int = LEASE_MS) -> Ownership:
    """Make a worker's claim."""
    return Ownership(backend.client(), keys, INPUTS, new_member(owner), lease_ms)


async def groups(redis: Redis, name: str) -> dict[str, str]:
    """Tell the groups of a stream, but for the number drawn for the taking, and where each stands."""
    found = await redis.xinfo_groups(name)
    return {group["name"].decode().rpartition(".")[0]: group["last-delivered-id"].decode() for group in found}


async def test_the_first_taking_makes_the_partition(
    backend: Backend, keys: Keys, redis: Redis, names: list[str]
) -> None:
    """Epoch 1, an owner, a lease that lapses, and a group at the beginning of every input stream."""
    assert (await read_checkpoint(backend.client(), keys, INPUTS)).epoch == 0

    assert await claim(backend, keys, "first").take() == 1

    checkpoint = await read_checkpoint(backend.client(), keys, INPUTS)
    assert (checkpoint.epoch, checkpoint.owner, checkpoint.seq) == (1, "first", 0)
    assert checkpoint.positions == [b"0-0"] * len(INPUTS)
    assert checkpoint.applied == [0] * len(INPUTS)
    assert 0 < await redis.pttl(keys.lease) <= LEASE_MS
    for name in names:
        assert await groups(redis, name) == {f"{keys.prefix}.1": "0-0"}


async def test_each_taking_raises_the_epoch_and_destroys_the_old_groups(
    backend: Backend, keys: Keys, redis: Redis, names: list[str]
) -> None:
    """The new groups stand at the checkpoint, whatever the old ones had read."""
    owner = claim(backend, keys, "first")
    await owner.take()
    ids = await append(redis, names[0], [b"a", b"b", b"c"])
    await redis.hset(keys.checkpoint, mapping={"in:word": ids[1], "in:word:applied": 2, "seq": 5})

    assert await owner.take() == 2
    assert await owner.take() == 3

    assert await groups(redis, names[0]) == {f"{keys.prefix}.3": ids[1].decode()}
    assert await groups(redis, names[1]) == {f"{keys.prefix}.3": "0-0"}
    checkpoint = await read_checkpoint(backend.client(), keys, INPUTS)
    assert (checkpoint.epoch, checkpoint.seq, checkpoint.applied) == (3, 5, [2, 0])


async def test_entries_that_were_there_before_the_partition_are_not_lost(
    backend: Backend, keys: Keys, redis: Redis, names: list[str]
) -> None:
    """Publishers may come before the first worker."""
    await append(redis, names[0], [b"a"])

    await claim(backend, keys, "first").take()

    assert await groups(redis, names[0]) == {f"{keys.prefix}.1": "0-0"}
    assert len(await stream_of(redis, names[0])) == 1


async def test_a_lease_that_is_held_keeps_others_out(backend: Backend, keys: Keys, redis: Redis) -> None:
    """They learn who holds it and for how long yet; nothing changes."""
    first = claim(backend, keys, "first")
    await first.take()

    held = await claim(backend, keys, "second").take()

    assert isinstance(held, Held)
    assert held.holder == "first"
    assert 0 < held.left_ms <= LEASE_MS
    assert (await hash_of(redis, keys.checkpoint))[b"epoch"] == b"1"
    assert await first.renew()


async def test_a_lease_that_lapsed_lets_another_in(backend: Backend, keys: Keys, redis: Redis) -> None:
    """By itself, once its holder does not renew it; the old holder learns of it at the next renewal."""
    first = claim(backend, keys, "first", lease_ms=40)
    second = claim(backend, keys, "second")
    await first.take()
    with anyio.fail_after(10):
        while await redis.exists(keys.lease):  # noqa: ASYNC110  # the server sends no event
            await anyio.sleep(0.005)

    assert await second.take() == 2

    assert not await first.renew()
    assert isinstance(await first.take(), Held)


async def test_a_lease_longer_than_any_may_be_keeps_nobody_out(
    backend: Backend, keys: Keys, redis: Redis
) -> None:
    """It is from before the server's clock was stepped back, and nobody may be there to renew it."""
    first, second = claim(backend, keys, "first"), claim(backend, keys, "second")
    await first.take()
    await redis.pexpire(keys.lease, LEASE_MAX_MS)
    assert isinstance(await second.take(), Held)
    await redis.pexpire(keys.lease, LEASE_MAX_MS + 3_000)

    assert await second.take() == 2

    assert not await first.renew()


async def test_the_same_name_returns_at_once(backend: Backend, keys: Keys) -> None:
    """A worker that died and was started again takes over from its former self, which is out."""
    former = claim(backend, keys, "same")
    await former.take()
    returned = claim(backend, keys, "same")

    assert await returned.take() == 2

    assert not await former.renew()
    assert await returned.renew()


async def test_two_of_one_name_do_not_take_it_from_each_other_for_ever(backend: Backend, keys: Keys) -> None:
    """Only a worker that has just been started returns; after that the lease holds for it as for others."""
    former = claim(backend, keys, "same")
    await former.take()
    returned = claim(backend, keys, "same")
    await returned.take()

    assert isinstance(await former.take(), Held)
    assert await returned.renew()


async def test_a_name_that_another_begins_with_is_not_the_same(backend: Backend, keys: Keys) -> None:
    """Names are compared whole, and are no patterns."""
    await claim(backend, keys, "worker-10").take()

    for name in ("worker-1", "worker-100", "worker.10", "%S+"):
        held = await claim(backend, keys, name).take()
        assert isinstance(held, Held)
        assert held.holder == "worker-10"


async def test_a_lease_that_somebody_else_wrote_keeps_out_like_any_other(
    backend: Backend, keys: Keys, redis: Redis
) -> None:
    """A person may block a partition by hand; what the key says is told as the holder."""
    await redis.set(keys.lease, "maintenance")

    held = await claim(backend, keys, "first").take()

    assert isinstance(held, Held)
    assert held.holder == "maintenance"
    await redis.delete(keys.lease)
    assert await claim(backend, keys, "first").take() == 1


async def test_taking_again_what_one_holds_is_allowed(backend: Backend, keys: Keys) -> None:
    """Every recovery does, under a new epoch."""
    owner = claim(backend, keys, "first")

    assert [await owner.take() for _ in range(3)] == [1, 2, 3]
    assert await owner.renew()


async def test_renewing_prolongs_the_lease(backend: Backend, keys: Keys, redis: Redis) -> None:
    """To its full length again."""
    owner = claim(backend, keys, "first")
    await owner.take()
    await redis.pexpire(keys.lease, 10_000)

    assert await owner.renew()

    assert await redis.pttl(keys.lease) > 10_000


async def test_a_lapsed_lease_is_taken_up_again_where_nobody_took_the_partition(
    backend: Backend, keys: Keys, redis: Redis
) -> None:
    """To have been held up for a moment is no reason to load everything again."""
    owner = claim(backend, keys, "first")
    await owner.take()
    await redis.delete(keys.lease)

    assert await owner.renew()

    assert 0 < await redis.pttl(keys.lease) <= LEASE_MS
    assert isinstance(await claim(backend, keys, "second").take(), Held)
    assert (await hash_of(redis, keys.checkpoint))[b"epoch"] == b"1"


async def test_a_lapsed_lease_is_not_taken_up_again_once_another_had_the_partition(
    backend: Backend, keys: Keys, redis: Redis
) -> None:
    """Even when the other has let go of it since: the epoch has moved on."""
    owner = claim(backend, keys, "first")
    await owner.take()
    await redis.delete(keys.lease)
    second = claim(backend, keys, "second")
    await second.take()
    await second.release()

    assert not await owner.renew()

    assert not await redis.exists(keys.lease)


async def test_releasing_lets_another_in_at_once(backend: Backend, keys: Keys) -> None:
    """Without waiting for the lease to lapse."""
    owner = claim(backend, keys, "first")
    await owner.take()

    await owner.release()

    assert await claim(backend, keys, "second").take() == 2


async def test_nobody_can_release_the_lease_of_another(backend: Backend, keys: Keys) -> None:
    """Not even a former self."""
    former = claim(backend, keys, "same")
    await former.take()
    returned = claim(backend, keys, "same")
    await returned.take()

    await former.release()
    await claim(backend, keys, "second").release()

    assert await returned.renew()


@pytest.mark.parametrize("kind", ["checkpoint", "lease", "first input", "last input"])
async def test_a_key_of_another_type_is_left_alone_and_nothing_is_taken(
    backend: Backend, keys: Keys, redis: Redis, names: list[str], kind: str
) -> None:
    """It is said before anything is written, for nothing could be taken back."""
    in_the_way = {
        "checkpoint": keys.checkpoint,
        "lease": keys.lease,
        "first input": names[0],
        "last input": names[-1],
    }
    await redis.rpush(in_the_way[kind], "in the way")

    with pytest.raises(ConfigurationError, match="A key is in the way"):
        await claim(backend, keys, "first").take()

    found = [key for key in [keys.checkpoint, keys.lease, *names] if await redis.exists(key)]
    assert found == [in_the_way[kind]]


async def test_partitions_are_taken_one_by_one(backend: Backend, keys: Keys) -> None:
    """The lease of one is none of the other."""
    other = Keys(keys.prefix, 1)

    assert await claim(backend, keys, "first").take() == 1
    assert await claim(backend, other, "second").take() == 1
    assert isinstance(await claim(backend, other, "first").take(), Held)


async def test_a_renewal_tells_of_commits_that_a_failover_took_back(backend: Backend, keys: Keys) -> None:
    """A partition to which nothing comes hears of it in no other way."""
    redis, owner = backend.redis(), claim(backend, keys, "first")
    await owner.take()
    await redis.hset(keys.checkpoint, "seq", 7)

    assert await owner.renew(7)
    await redis.hset(keys.checkpoint, "seq", 6)
    with pytest.raises(TransportError, match="commit 7 was confirmed"):
        await owner.renew(7)


async def test_state_of_a_newer_version_is_refused(backend: Backend, keys: Keys) -> None:
    """Nothing is changed; who knows that schema takes the partition."""
    newer = Ownership(backend.client(), keys, INPUTS, new_member("newer"), 60_000, schema=2)
    assert await newer.take() == 1
    await newer.release()

    with pytest.raises(ConfigurationError, match="schema 2, this version knows up to 1"):
        await claim(backend, keys, "older").take()

    assert await newer.take() == 2


async def test_a_closed_partition_is_refused(backend: Backend, keys: Keys) -> None:
    """As while the number of partitions is changed; the sentence says how that is finished."""
    redis = backend.redis()
    await redis.hset(keys.checkpoint, "closed", 4)

    with pytest.raises(ConfigurationError, match="sluicegate repartition --partitions 4"):
        await claim(backend, keys, "first").take()

    assert await redis.hgetall(keys.checkpoint) == {b"closed": b"4"}
