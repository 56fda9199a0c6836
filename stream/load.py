"""
Loads a partition at its checkpoint: state, and the window of repeats from the streams, unless it is at hand.

Both come in parts that are worked in as they come: memory holds the result and one part more, and between
two parts the lease can be renewed.
"""

from collections.abc import Sequence
from typing import Final

from stream.checkpoint import START, Checkpoint, read_base
from stream.client import Client, fields_of
from stream.entries import read_entry
from stream.handover import receive
from stream.keys import Keys
from stream.order import id_key, key_id, key_stream, parse_id
from stream.portion import Portion
from stream.processor import Processor, identify
from stream.repeats import Repeats
from stream.retention import Trail
from stream.types import Application

_CHUNK: Final = 10_000  # entries a reply; keeps replies at a few megabytes
_FIELDS: Final = 1_000  # of a hash that a reply has, or somewhat more

Seen = tuple[int, str | None]
"""Place of an applied entry in the one order, and its identity."""


async def load(
    client: Client,
    keys: Keys,
    application: Application,
    checkpoint: Checkpoint,
    window: int,
    trail: Trail | None = None,
    former: str = "",
) -> Processor:
    """
    Return a processor that goes on from the checkpoint; the application's state is loaded into it.

    Where the window begins is marked on the trail. The window is read from the streams, unless the owner
    before, whose taking was ``former``, handed it over.

    Raises:
        TransportError: the server is away.
        ConfigurationError: a key has another type than it should.

    """
    await _restore(client, keys, application)
    base = await read_base(client, keys, application.inputs)
    handed = await receive(client, keys, application.inputs, checkpoint, base, former, window)
    if handed is not None:
        starts, identities = handed.starts, handed.identities
    else:
        tail = await _tail(client, keys, application, checkpoint, base, window)
        starts = _starts(tail, application, checkpoint) if len(tail) == window else None
        known = await _with_base(client, keys, application, base, tail, window)
        identities = [identity for _, identity in known]
    if trail is not None and starts is not None:
        trail.mark(sum(checkpoint.applied) - window, starts)
    repeats = Repeats(window)
    for identity in identities:
        repeats.add(identity)
    return Processor(keys, application, repeats, checkpoint.positions, checkpoint.applied)


async def _restore(client: Client, keys: Keys, application: Application) -> None:
    """Read the state. Whoever writes it was fenced before, so that it stays as it is meanwhile."""
    application.forget()
    for kind in application.kinds:
        cursor = b"0"
        while True:
            cursor, fields = await client.ask("HSCAN", keys.state(kind), cursor, "COUNT", _FIELDS)
            application.restore(kind, fields_of(fields))
            if int(cursor) == 0:
                break
    application.restored()


async def last_applied(
    client: Client, keys: Keys, application: Application, checkpoint: Checkpoint, window: int
) -> list[Seen]:
    """
    Return the last entries that were applied of a partition at rest, in order; dead letters have no identity.

    Raises `TransportError`.
    """
    base = await read_base(client, keys, application.inputs)
    tail = await _tail(client, keys, application, checkpoint, base, window)
    return await _with_base(client, keys, application, base, tail, window)


async def _with_base(
    client: Client,
    keys: Keys,
    application: Application,
    base: Checkpoint | None,
    tail: Sequence[Seen],
    window: int,
) -> list[Seen]:
    """Put what was known when the partition began before what it has applied, and mark dead letters."""
    dead = await _dead(client, keys, application.inputs, tail[0][0]) if tail else set()
    known = [(place, None if place in dead else identity) for place, identity in tail]
    if base is None or len(known) >= window:
        return known
    return await base_repeats(client, keys, application.inputs, window - len(known)) + known


async def base_repeats(client: Client, keys: Keys, inputs: Sequence[str], count: int) -> list[Seen]:
    """Return the last ones of the identities that a partition began with. Raises `TransportError`."""
    found: list[Seen] = []
    for start in range(-count, 0, _CHUNK):
        stop = min(start + _CHUNK, 0) - 1
        found += [_seen(one, inputs) for one in await client.ask("LRANGE", keys.base_repeats, start, stop)]
    return found


def remembered(place: int, identity: str, inputs: Sequence[str]) -> str:
    """Write an identity as it stands in a base: entry id, input stream, identity."""
    return f"{key_id(place).decode()} {inputs[key_stream(place)]} {identity}"


def _seen(remembered: bytes, inputs: Sequence[str]) -> Seen:
    entry_id, name, identity = remembered.split(b" ", 2)
    return id_key(entry_id, inputs.index(name.decode())), identity.decode()


async def _tail(
    client: Client,
    keys: Keys,
    application: Application,
    checkpoint: Checkpoint,
    base: Checkpoint | None,
    window: int,
) -> list[Seen]:
    """Read the last applied entries over all input streams, in order."""
    tail: list[Seen] = []
    starts = [START] * len(application.inputs) if base is None else base.positions
    for stream, (start, end) in enumerate(zip(starts, checkpoint.positions, strict=True)):
        # What a stream has from before a window that the others fill need not be read.
        oldest = key_id(tail[0][0]) if len(tail) == window else start
        first = b"(" + start if parse_id(oldest) <= parse_id(start) else oldest
        tail += await _stream_tail(client, keys, application, stream, (first, end), window)
        tail.sort()
        del tail[:-window]
    return tail


def _starts(tail: Sequence[Seen], application: Application, checkpoint: Checkpoint) -> list[bytes]:
    """Id of the first entry of each input stream in a full window; of one without, the last applied."""
    firsts = {key_stream(place): key_id(place) for place, _ in reversed(tail)}
    return [firsts.get(stream, checkpoint.positions[stream]) for stream in range(len(application.inputs))]


async def _stream_tail(
    client: Client,
    keys: Keys,
    application: Application,
    stream: int,
    span: tuple[bytes, bytes],
    window: int,
) -> list[Seen]:
    """Read the last entries of a stream from an id, as a range names it, up to another."""
    found: list[Seen] = []
    portion = Portion(_CHUNK)
    first, end = span
    name = keys.input(application.inputs[stream])
    while len(found) < window and end != b"(0-0":
        asked, size = portion.count, 0
        reply = await client.ask("XREVRANGE", name, end, first, "COUNT", asked)
        for entry_id, values in reply:
            entry = read_entry(stream, entry_id, values)
            size += len(entry.event or b"")
            found.append((id_key(entry_id, stream), identify(application, entry)))
        if len(reply) < asked:
            break
        portion.got(len(reply), len(reply), size)
        end = b"(" + reply[-1][0]
    return found[:window]


async def _dead(client: Client, keys: Keys, inputs: Sequence[str], oldest: int) -> set[int]:
    """Places of the dead letters from an entry's place on."""
    streams = {f"in:{name}".encode(): stream for stream, name in enumerate(inputs)}
    found: set[int] = set()
    portion = Portion(_CHUNK)
    end = b"+"
    while True:
        asked = portion.count
        reply = await client.ask("XREVRANGE", keys.dead, end, "-", "COUNT", asked)
        letters = [fields_of(values) for _, values in reply]
        places = [id_key(one[b"id"], streams[one[b"stream"]]) for one in letters if one[b"stream"] in streams]
        found.update(places)
        # Dead letters are appended in the order of their entries.
        if len(reply) < asked or (places and places[-1] < oldest):
            return found
        portion.got(len(reply), len(reply), sum(len(one.get(b"event", b"")) for one in letters))
        end = b"(" + reply[-1][0]
