"""The laws of `stream.load`: a processor that goes on as if it had never been away."""

import pytest
from redis.asyncio import Redis

import stream.load
from stream.checkpoint import Checkpoint
from stream.errors import ConfigurationError
from stream.keys import Keys
from stream.load import load
from stream.order import order_key
from stream.processor import Processor
from stream.types import Entry
from tests.contract.server import Backend, append, entries_of
from tests.contract.words import WordCounter, word

pytestmark = pytest.mark.anyio


@pytest.fixture
def redis(backend: Backend) -> Redis:
    """Give a plain client."""
    return backend.redis()


@pytest.fixture(params=[1, 3, 10_000])
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Ask for as many entries in one reply, or one more or fewer than there are."""
    size: int = request.param
    monkeypatch.setattr(stream.load, "_CHUNK", size)
    return size


async def loaded(
    backend: Backend, keys: Keys, positions: list[bytes], window: int = 100
) -> tuple[Processor, WordCounter]:
    """Load at these positions."""
    application = WordCounter()
    checkpoint = Checkpoint(1, "4711", "first", 4, positions, [7, 2])
    return await load(backend.client(), keys, application, checkpoint, window), application


def known(processor: Processor, stream: str = "word") -> list[str]:
    """Tell which ids of a stream are known as repeats."""
    return [name for name in "abcdefghij" if f"{stream}/{name}" in processor.repeats]


async def fill(redis: Redis, name: str, ids: str, start: int = 1) -> list[bytes]:
    """Append one event for each letter, a millisecond apart."""
    found = []
    for n, event_id in enumerate(ids):
        entry_id = f"{start + n}-0"
        await redis.xadd(name, {"event": word(event_id, "x")}, id=entry_id)
        found.append(entry_id.encode())
    return found


async def test_a_partition_that_never_was_starts_empty(backend: Backend, keys: Keys) -> None:
    """Neither state nor repeats nor dead letters."""
    processor, application = await loaded(backend, keys, [b"0-0", b"0-0"])

    assert application.counts == {}
    assert known(processor) == []


async def test_state_and_positions_are_loaded(backend: Backend, keys: Keys, redis: Redis) -> None:
    """Each kind is given to the application, what it had before is forgotten, the counts go on."""
    await redis.hset(keys.state("counts"), mapping={"a": 5, "ä": 1})
    await redis.hset(keys.state("chain"), "digest", "abc")

    processor, application = await loaded(backend, keys, [b"17-0", b"3-1"])

    assert application.counts == {"a": 5, "ä": 1}
    assert application.chain == "abc"
    assert processor.positions == [b"17-0", b"3-1"]
    assert processor.applied == [7, 2]


async def bury(redis: Redis, keys: Keys, name: str, *ids: bytes) -> None:
    """Append dead letters of entries of a stream."""
    for entry_id in ids:
        await redis.xadd(
            keys.dead, {"stream": name, "id": entry_id, "event": b"", "reason": "r", "detail": "d"}
        )


@pytest.mark.usefixtures("chunk")
async def test_what_was_applied_is_known_as_repeats(
    backend: Backend, keys: Keys, redis: Redis, names: list[str]
) -> None:
    """Up to the checkpoint, of all streams, and nothing behind it."""
    ids = await fill(redis, names[0], "abcdef")
    other = await fill(redis, names[1], "ghij")

    processor, _ = await loaded(backend, keys, [ids[3], other[0]])

    assert known(processor) == list("abcd")
    assert known(processor, "clock") == ["g"]


@pytest.mark.usefixtures("chunk")
async def test_the_window_has_the_last_entries_of_all_streams_together(
    backend: Backend, keys: Keys, redis: Redis, names: list[str]
) -> None:
    """By id, ties by the streams' order; those without identity take their place."""
    ids = await fill(redis, names[0], "abcd")
    other = await fill(redis, names[1], "ghij", start=3)
    unreadable = b"5-0"
    await redis.xadd(names[0], {"event": b"\xff"}, id=unreadable)
    assert order_key(Entry(0, ids[3], None)) < order_key(Entry(1, other[1], None))

    processor, _ = await loaded(backend, keys, [unreadable, other[2]], window=4)

    # 3-0 clock, 4-0 word, then in the window: 4-0 clock, 5-0 word, 5-0 clock and one before them.
    assert known(processor) == ["d"]
    assert known(processor, "clock") == ["h", "i"]


@pytest.mark.usefixtures("chunk")
async def test_dead_letters_are_no_repeats(
    backend: Backend, keys: Keys, redis: Redis, names: list[str]
) -> None:
    """They may be sent again; an entry of the same id in another stream is still one."""
    ids = await fill(redis, names[0], "abcde")
    other = await fill(redis, names[1], "fghij")
    await bury(redis, keys, "in:word", ids[0], ids[3])
    await bury(redis, keys, "in:clock", other[4])

    processor, _ = await loaded(backend, keys, [ids[4], other[4]])

    assert known(processor) == ["b", "c", "e"]
    assert known(processor, "clock") == ["f", "g", "h", "i"]


@pytest.mark.usefixtures("chunk")
async def test_dead_letters_before_the_window_do_not_matter(
    backend: Backend, keys: Keys, redis: Redis, names: list[str]
) -> None:
    """However many there are, and those within the window are found behind them."""
    ids = await fill(redis, names[0], "abcdefghij")
    await bury(redis, keys, "in:word", *ids[:6], ids[8])

    processor, _ = await loaded(backend, keys, [ids[9], b"0-0"], window=4)

    assert known(processor) == ["g", "h", "j"]


@pytest.mark.usefixtures("chunk")
async def test_a_checkpoint_whose_entry_was_trimmed_is_loaded_all_the_same(
    backend: Backend, keys: Keys, redis: Redis, names: list[str]
) -> None:
    """The window is what is retained."""
    ids = await fill(redis, names[0], "abcdef")
    await redis.xtrim(names[0], minid="3-0", approximate=False)
    await redis.xdel(names[0], ids[4])

    processor, _ = await loaded(backend, keys, [ids[4], b"0-0"])

    assert known(processor) == ["c", "d"]


async def test_a_loaded_processor_goes_on_like_the_one_before(
    backend: Backend, keys: Keys, redis: Redis, names: list[str], chunk: int
) -> None:
    """The same repeats, whether it was there all along or loaded at any point between."""
    sent = [word(name, "x") for name in "abcabdaebcfgaabh"]
    for n, event in enumerate(sent):
        await append(redis, names[n % 2], [event])
    entries = sorted(await entries_of(redis, keys), key=order_key)
    live, _ = await loaded(backend, keys, [b"0-0", b"0-0"], window=5)

    for n, entry in enumerate(entries):
        again, _ = await loaded(backend, keys, live.positions, window=5)
        expected = live.process([entry]).details.repeats
        assert again.process([entry]).details.repeats == expected, (n, chunk)


@pytest.mark.parametrize("kind", ["state", "input", "dead"])
async def test_a_key_of_another_type_is_said(
    backend: Backend, keys: Keys, redis: Redis, names: list[str], kind: str
) -> None:
    """A person has to put it right."""
    [entry_id, *_] = await fill(redis, names[0], "a")
    in_the_way = {"state": keys.state("chain"), "input": names[1], "dead": keys.dead}[kind]
    await redis.set(in_the_way, "in the way")

    with pytest.raises(ConfigurationError, match="A key is in the way"):
        await loaded(backend, keys, [entry_id, b"9-0"])


@pytest.mark.usefixtures("chunk")
async def test_what_a_partition_began_with_is_known_as_far_as_the_window_goes(
    backend: Backend, keys: Keys, redis: Redis
) -> None:
    """Before what it applied since; what lies before its beginning in the streams is not its own."""
    await fill(redis, keys.input("word"), "abc", start=1)
    positions = [(await fill(redis, keys.input("word"), "de", start=10))[-1], b"0-0"]
    await redis.hset(keys.base, mapping={"in:word": "3-0", "in:clock": "0-0"})
    await redis.rpush(keys.base_repeats, *(f"{n}-0 word word/{name}" for n, name in enumerate("fghi")))

    processor, _ = await loaded(backend, keys, positions, window=5)

    assert known(processor) == ["d", "e", "g", "h", "i"]
