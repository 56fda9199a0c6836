"""The laws of `stream.commit` on every server; `tests/property/test_commit_laws.py` tries them on a model."""

from typing import Any

import pytest
from msgspec import structs
from redis.asyncio import Redis

from stream.checkpoint import Checkpoint
from stream.client import Client
from stream.commit import Committer
from stream.errors import ConfigurationError, FencedError, TransportError
from stream.keys import Keys
from stream.ownership import Ownership, new_member
from stream.types import BatchDetails, Changes, DeadLetter, Outcome
from tests.contract.server import Backend, hash_of, stream_of
from tests.contract.serving import FaultyClient
from tests.contract.words import INPUTS

pytestmark = pytest.mark.anyio

TAKING = "4711"


@pytest.fixture
async def redis(backend: Backend, keys: Keys) -> Redis:
    """Give a plain client of a partition at epoch 1 and sequence number 0."""
    found = backend.redis()
    await Ownership(backend.client(), keys, INPUTS, new_member("first"), 60_000).take()
    await found.hset(keys.checkpoint, "taking", TAKING)
    return found


@pytest.fixture
def client(backend: Backend) -> FaultyClient:
    """Give a client whose commits can be made to fail."""
    return FaultyClient(backend.redis())


def committer_of(client: Client, keys: Keys, epoch: int = 1, seq: int = 0) -> Committer:
    """Make a committer."""
    return Committer(client, keys, INPUTS, Checkpoint(epoch, TAKING, "first", seq, [], []))


def outcome_of(
    state: dict[str, Changes] | None = None,
    outputs: list[tuple[str, bytes]] | None = None,
    dead: list[DeadLetter] | None = None,
    position: bytes = b"5-0",
) -> Outcome:
    """Make an outcome with these parts."""
    return Outcome(state or {}, outputs or [], dead or [], [position, b"0-0"], [3, 0], BatchDetails(0))


WHOLE = outcome_of(
    state={"counts": Changes({"a": b"1", "b": b"2"}, []), "chain": Changes({"digest": b"x"}, [])},
    outputs=[("count", b"first"), ("reply", b"an answer"), ("count", b"second")],
    dead=[
        DeadLetter("in:word", b"4-0", b"\xff\x00", "not_decodable", "It is none."),
        DeadLetter("in:word", b"5-0", b"x", "forbidden", "No.", b"\x00signed"),
    ],
)


async def seen(redis: Redis, keys: Keys) -> dict[str, object]:
    """Everything a partition shows, but for the ids of outputs."""
    streams = [keys.output("count"), keys.output("reply"), keys.dead]
    hashes = [keys.state("counts"), keys.state("chain"), keys.checkpoint]
    found: dict[str, object] = {
        name: [fields for _, fields in await stream_of(redis, name)] for name in streams
    }
    found.update({name: await hash_of(redis, name) for name in hashes})
    return found


async def test_an_outcome_becomes_visible_whole(client: FaultyClient, keys: Keys, redis: Redis) -> None:
    """State, outputs in order, dead letters as they came, positions, counts, and the next number."""
    await committer_of(client, keys).commit(WHOLE)

    assert await seen(redis, keys) == {
        keys.output("count"): [{b"event": b"first"}, {b"event": b"second"}],
        keys.output("reply"): [{b"event": b"an answer"}],
        keys.dead: [
            {
                b"stream": b"in:word",
                b"id": b"4-0",
                b"event": b"\xff\x00",
                b"reason": b"not_decodable",
                b"detail": b"It is none.",
            },
            {
                b"stream": b"in:word",
                b"id": b"5-0",
                b"event": b"x",
                b"reason": b"forbidden",
                b"detail": b"No.",
                b"signature": b"\x00signed",
            },
        ],
        keys.state("counts"): {b"a": b"1", b"b": b"2"},
        keys.state("chain"): {b"digest": b"x"},
        keys.checkpoint: {
            b"epoch": b"1",
            b"taking": TAKING.encode(),
            b"owner": b"first",
            b"schema": b"1",
            b"seq": b"1",
            b"in:word": b"5-0",
            b"in:word:applied": b"3",
            b"in:clock": b"0-0",
            b"in:clock:applied": b"0",
        },
    }


async def test_an_outcome_of_nothing_but_positions_is_a_commit_too(
    client: FaultyClient, keys: Keys, redis: Redis
) -> None:
    """A batch of repeats moves the checkpoint; no key is made that has nothing in it."""
    await committer_of(client, keys).commit(outcome_of())

    assert await redis.hmget(keys.checkpoint, "seq", "in:word") == [b"1", b"5-0"]
    assert not await redis.exists(keys.dead, keys.state("counts"), keys.output("count"))


async def test_commits_follow_each_other(client: FaultyClient, keys: Keys, redis: Redis) -> None:
    """Each builds on the one before; fields are written over and removed."""
    committer = committer_of(client, keys)

    await committer.commit(outcome_of({"counts": Changes({"a": b"1", "b": b"1", "c": b"1"}, [])}))
    await committer.commit(outcome_of({"counts": Changes({"a": b"2"}, ["b", "never there"])}))
    await committer.commit(outcome_of({"counts": Changes({}, ["c"])}))

    assert await hash_of(redis, keys.state("counts")) == {b"a": b"2"}
    assert await redis.hget(keys.checkpoint, "seq") == b"3"


@pytest.mark.parametrize("seq", [1, 2, 2**40])
async def test_a_commit_that_builds_on_another_number_writes_nothing(
    client: FaultyClient, keys: Keys, redis: Redis, seq: int
) -> None:
    """Ahead of the partition, as after a failover that took commits back: it is to be loaded again."""
    before = await seen(redis, keys)

    with pytest.raises(TransportError, match=f"the partition is at commit 0, where {seq} was confirmed"):
        await committer_of(client, keys, seq=seq).commit(WHOLE)

    assert await seen(redis, keys) == before


async def test_the_same_commit_twice_is_refused(client: FaultyClient, keys: Keys, redis: Redis) -> None:
    """As when it was sent twice: the second finds that the number has moved on."""
    await committer_of(client, keys).commit(WHOLE)
    before = await seen(redis, keys)

    with pytest.raises(TransportError, match="the partition is at commit 1, where 0 was confirmed"):
        await committer_of(client, keys).commit(WHOLE)

    assert await seen(redis, keys) == before


async def test_a_commit_of_an_epoch_that_is_over_writes_nothing(
    backend: Backend, client: FaultyClient, keys: Keys, redis: Redis
) -> None:
    """It is told which epoch it is now."""
    committer = committer_of(client, keys)
    await committer.commit(outcome_of())
    await redis.delete(keys.lease)
    await backend.redis().xadd(keys.input("word"), {"event": "x"}, id="5-0")
    await Ownership(backend.client(), keys, INPUTS, new_member("second"), 60_000).take()
    before = await seen(redis, keys)

    with pytest.raises(FencedError, match="epoch 1 ended, the partition is at epoch 2"):
        await committer.commit(WHOLE)

    assert await seen(redis, keys) == before


async def test_a_partition_that_is_gone_takes_no_commit(
    client: FaultyClient, keys: Keys, redis: Redis
) -> None:
    """Somebody flushed the server: nothing is made of half a state."""
    await redis.delete(keys.checkpoint)

    with pytest.raises(FencedError, match="epoch 0"):
        await committer_of(client, keys).commit(WHOLE)

    assert not await redis.exists(keys.checkpoint, keys.state("counts"), keys.output("count"), keys.dead)


@pytest.mark.parametrize("kind", ["first state", "last state", "first output", "last output", "dead"])
async def test_a_key_of_another_type_stops_all_of_it(
    client: FaultyClient, keys: Keys, redis: Redis, kind: str
) -> None:
    """What comes before it in the script is not written either; once it is moved the commit goes through."""
    in_the_way = {
        "first state": keys.state("counts"),
        "last state": keys.state("chain"),
        "first output": keys.output("count"),
        "last output": keys.output("reply"),
        "dead": keys.dead,
    }[kind]
    await redis.set(in_the_way, "in the way")
    committer = committer_of(client, keys)

    with pytest.raises(ConfigurationError, match=r"A key is in the way.*not a (hash|stream)"):
        await committer.commit(WHOLE)

    assert await redis.get(in_the_way) == b"in the way"
    await redis.delete(in_the_way)
    assert not await redis.exists(
        keys.state("counts"), keys.state("chain"), keys.output("count"), keys.output("reply"), keys.dead
    )
    assert await redis.hget(keys.checkpoint, "seq") is None
    await committer.commit(WHOLE)
    assert await redis.hget(keys.checkpoint, "seq") == b"1"


async def test_a_checkpoint_of_another_type_is_said(client: FaultyClient, keys: Keys, redis: Redis) -> None:
    """And left alone."""
    await redis.delete(keys.checkpoint)
    await redis.set(keys.checkpoint, "in the way")

    with pytest.raises(ConfigurationError, match="A key is in the way"):
        await committer_of(client, keys).commit(WHOLE)

    assert await redis.get(keys.checkpoint) == b"in the way"
    assert not await redis.exists(keys.state("counts"))


@pytest.mark.parametrize("count", [2000, 2001, 4001, 10_000])
async def test_more_fields_than_lua_unpacks_are_written_and_removed(
    client: FaultyClient, keys: Keys, redis: Redis, count: int
) -> None:
    """In pieces, of whose size the counts lie around one and two."""
    names = [f"word-{n}" for n in range(count)]
    committer = committer_of(client, keys)

    await committer.commit(outcome_of({"counts": Changes({name: name.encode() for name in names}, [])}))
    assert await hash_of(redis, keys.state("counts")) == {name.encode(): name.encode() for name in names}

    await committer.commit(outcome_of({"counts": Changes({"new": b"1"}, names)}))
    assert await hash_of(redis, keys.state("counts")) == {b"new": b"1"}


async def test_a_batch_may_say_more_than_lua_unpacks(
    backend: Backend, client: FaultyClient, keys: Keys, redis: Redis
) -> None:
    """Outputs and dead letters by the thousand keep their order."""
    count = 10_000 if backend.url else 500  # fakeredis takes milliseconds for each
    names = [b"%d-0" % n for n in range(count)]
    letters = [DeadLetter("in:word", name, b"x", "forbidden", "No.") for name in names]

    await committer_of(client, keys).commit(outcome_of({}, [("count", name) for name in names], letters))

    assert [fields[b"event"] for _, fields in await stream_of(redis, keys.output("count"))] == names
    assert [fields[b"id"] for _, fields in await stream_of(redis, keys.dead)] == names


async def test_what_looks_like_the_script_s_own_marks_is_data(
    client: FaultyClient, keys: Keys, redis: Redis
) -> None:
    """Fields, events and letters that read like groups, numbers or line ends are written as they are."""
    odd = ["S", "R", "O", "D", "1", "-1", "1e9", "", "nil", "\r\n", "a\x00b"]
    outcome = outcome_of(
        {"counts": Changes({name: name.encode() for name in odd}, ["D", "O"])},
        [("count", name.encode()) for name in odd],
        [DeadLetter(name, name.encode(), name.encode(), name, name) for name in odd],
    )

    await committer_of(client, keys).commit(outcome)

    written = {name.encode(): name.encode() for name in odd if name not in {"D", "O"}}
    assert await hash_of(redis, keys.state("counts")) == written
    assert [fields[b"event"].decode() for _, fields in await stream_of(redis, keys.output("count"))] == odd
    assert [fields[b"detail"].decode() for _, fields in await stream_of(redis, keys.dead)] == odd


async def test_a_commit_whose_reply_was_lost_has_landed(
    client: FaultyClient, keys: Keys, redis: Redis
) -> None:
    """The checkpoint shows it, so nothing is raised and the next builds on it."""
    committer = committer_of(client, keys)
    client.fates = ["lost", "fine", "lost"]

    for n in range(3):
        await committer.commit(outcome_of(outputs=[("count", b"%d" % n)]))

    outputs = [fields[b"event"] for _, fields in await stream_of(redis, keys.output("count"))]
    assert outputs == [b"0", b"1", b"2"]
    assert await redis.hget(keys.checkpoint, "seq") == b"3"


async def test_a_commit_that_never_arrived_is_said_not_to_have_landed(
    client: FaultyClient, keys: Keys, redis: Redis
) -> None:
    """Nothing of it is visible."""
    before = await seen(redis, keys)
    client.fates = ["unsent"]

    with pytest.raises(TransportError, match="did not land"):
        await committer_of(client, keys).commit(WHOLE)

    assert await seen(redis, keys) == before


@pytest.mark.parametrize("fate", ["lost", "unsent"])
async def test_a_lost_reply_and_commits_taken_back_is_no_landing(
    client: FaultyClient, keys: Keys, redis: Redis, fate: str
) -> None:
    """Whatever the number is then, only the very next one says that the commit has landed."""
    await redis.hset(keys.checkpoint, "seq", 3)
    client.fates = [fate]

    with pytest.raises(TransportError, match="the partition is at commit 3, where 7 was confirmed"):
        await committer_of(client, keys, seq=7).commit(WHOLE)

    assert not await redis.exists(keys.state("counts"), keys.output("count"), keys.dead)


@pytest.mark.parametrize("fate", ["lost", "unsent"])
async def test_a_lost_reply_and_another_owner_since_is_fenced(
    backend: Backend,
    client: FaultyClient,
    keys: Keys,
    redis: Redis,
    fate: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whether it has landed before or not does not matter any more: the new owner sees what there is."""
    await redis.delete(keys.lease)
    committer = committer_of(client, keys)
    client.fates = [fate]
    run = client.run

    async def run_and_lose_the_partition(*arguments: Any) -> object:
        try:
            return await run(*arguments)
        finally:
            await backend.redis().xadd(keys.input("word"), {"event": "x"}, id="5-0")
            await Ownership(backend.client(), keys, INPUTS, new_member("second"), 60_000).take()

    monkeypatch.setattr(client, "run", run_and_lose_the_partition)

    with pytest.raises(FencedError, match="epoch 2"):
        await committer.commit(WHOLE)

    landed = await redis.hget(keys.checkpoint, "seq") == b"1"
    assert landed == (fate == "lost")


async def test_a_commit_that_cannot_be_looked_up_is_a_transport_error(
    client: FaultyClient, keys: Keys, redis: Redis
) -> None:
    """The server is away altogether; whoever commits has to load again."""
    client.away = True

    with pytest.raises(TransportError):
        await committer_of(client, keys).commit(WHOLE)

    assert await redis.hget(keys.checkpoint, "seq") is None


async def test_a_server_that_forgot_its_scripts_is_sent_them_again(
    client: FaultyClient, keys: Keys, redis: Redis
) -> None:
    """After a restart or a failover; nothing is lost and nothing done twice."""
    committer = committer_of(client, keys)
    await committer.commit(outcome_of(outputs=[("count", b"0")]))
    await redis.script_flush()

    await committer.commit(outcome_of(outputs=[("count", b"1")]))

    assert len(await stream_of(redis, keys.output("count"))) == 2


async def test_a_commit_of_a_taking_that_a_failover_took_back_writes_nothing(
    redis: Redis, keys: Keys, client: FaultyClient
) -> None:
    """The next taking came to the same epoch and the same sequence number; yet they are told apart."""
    await redis.hset(keys.checkpoint, "taking", "4712")
    before = await seen(redis, keys)

    with pytest.raises(FencedError, match="epoch 1"):
        await committer_of(client, keys).commit(WHOLE)

    assert await seen(redis, keys) == before


async def test_a_commit_of_input_that_a_failover_took_back_writes_nothing(
    redis: Redis, keys: Keys, client: FaultyClient
) -> None:
    """What was read is not there any more, so state must not have it; input that is there is committed."""
    there = await redis.xadd(keys.input("word"), {"event": "a"})
    gone = structs.replace(WHOLE, read={0: b"99999999999999-0"})
    before = await seen(redis, keys)

    with pytest.raises(TransportError, match="in:word that was read is not there"):
        await committer_of(client, keys).commit(gone)

    assert await seen(redis, keys) == before
    await committer_of(client, keys).commit(structs.replace(WHOLE, read={0: there}))
    assert await seen(redis, keys) != before
