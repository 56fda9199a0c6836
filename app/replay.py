"""
Folds the retained input again, from the beginning, and compares with what is stored.

Where the number of partitions was changed, the beginning is what the partition began with then.

State and outputs are a pure function of the input streams, so the fold must give the stored state and the
stored outputs to the byte. It reads only, and may run while a worker works: it compares as of one commit.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from app.config import Config
from app.connect import open_redis
from handlers import OUTPUTS
from handlers.fleet import Fleet
from stream import scripts
from stream.checkpoint import START, Checkpoint, parse_checkpoint
from stream.client import Client, fields_of
from stream.errors import ConfigurationError
from stream.keys import FIELD, Keys
from stream.load import base_repeats
from stream.processor import Processor
from stream.repeats import Repeats
from stream.types import Outcome
from stream.walk import walk

_CHUNK: Final = 5_000
_DIFFERENCES_MAX: Final = 20

Progress = Callable[[int, int], None]
"""Told how many entries are folded, and of how many."""


async def replay(config: Config, progress: Progress) -> list[str]:
    """
    Fold every partition's input and return what differs from what is stored, a sentence each.

    Raises:
        ConfigurationError: part of the input was trimmed, so there is no beginning to fold from.
        TransportError: the server is away.

    """
    client = Client(open_redis(config))
    try:
        differences: list[str] = []
        for partition in range(config.partitions):
            keys = Keys(config.prefix, partition)
            differences += await _replay_partition(client, keys, config.dedupe_window, progress)
        return differences[:_DIFFERENCES_MAX]
    finally:
        await client.close()


async def _replay_partition(client: Client, keys: Keys, window: int, progress: Progress) -> list[str]:
    fleet = Fleet()
    names = [keys.checkpoint, keys.base, *(keys.state(kind) for kind in fleet.kinds)]
    checkpoint_hash, begun, *hashes = [
        fields_of(flat) for flat in await client.query(scripts.SNAPSHOT, names)
    ]
    checkpoint, base = parse_checkpoint(checkpoint_hash, fleet.inputs), parse_checkpoint(begun, fleet.inputs)
    stored = dict(zip(fleet.kinds, hashes, strict=True))
    await _check_retained(client, keys, fleet.inputs, checkpoint, base)

    folded = await _begin(client, keys, fleet, base) if begun else {kind: {} for kind in fleet.kinds}
    repeats = Repeats(window)
    for _, identity in await base_repeats(client, keys, fleet.inputs, window) if begun else ():
        repeats.add(identity)
    processor = Processor(keys, fleet, repeats, base.positions, base.applied)
    outputs = {
        name: _Outputs(client, keys.output(name), begun.get(f"out:{name}".encode(), START))
        for name in OUTPUTS
    }
    done, total = 0, sum(checkpoint.applied) - sum(base.applied)
    async for batch in walk(client, keys, fleet.inputs, base.positions, checkpoint.positions):
        outcome = processor.process(batch)
        _fold(outcome, folded)
        for name, event in outcome.outputs:
            await outputs[name].expect(event)
        done += len(batch)
        progress(done, total)
    return _state_differences(folded, stored) + [d for one in outputs.values() for d in one.differences]


async def _begin(client: Client, keys: Keys, fleet: Fleet, base: Checkpoint) -> dict[str, dict[str, bytes]]:
    """Load what a partition began with, in the form that this version gives it, and return it."""
    stored = {kind: await client.hash(keys.base_state(kind)) for kind in fleet.kinds}
    folded = {kind: {name.decode(): one for name, one in stored[kind].items()} for kind in fleet.kinds}
    for kind, changes in (fleet.migrate(base.schema, stored) if base.schema < fleet.schema else {}).items():
        folded[kind] |= changes.written
        for name in changes.removed:
            del folded[kind][name]
    for kind, fields in folded.items():
        fleet.restore(kind, {name.encode(): one for name, one in fields.items()})
    fleet.restored()
    return folded


async def _check_retained(
    client: Client, keys: Keys, inputs: Sequence[str], checkpoint: Checkpoint, base: Checkpoint
) -> None:
    for stream, name in enumerate(inputs):
        applied, begun = checkpoint.applied[stream], base.applied[stream]
        if applied <= begun:
            continue
        info = fields_of(await client.ask("XINFO", "STREAM", keys.input(name)))
        if int(info[b"entries-added"]) - int(info[b"length"]) > begun:
            raise ConfigurationError(
                f"{keys.input(name)} was trimmed, so its first entries cannot be folded again; the stored "
                f"state holds {applied} applied entries up to {checkpoint.positions[stream].decode()}."
            )


def _fold(outcome: Outcome, folded: dict[str, dict[str, bytes]]) -> None:
    for kind, changes in outcome.state.items():
        folded[kind].update(changes.written)
        for field in changes.removed:
            folded[kind].pop(field, None)


class _Outputs:
    """Compares what a fold says on one output stream with what is stored there."""

    def __init__(self, client: Client, name: str, after: bytes) -> None:
        self._client = client
        self._name = name
        self._after = after
        self._stored: list[bytes] = []
        self._ended = False
        self.differences: list[str] = []

    async def expect(self, event: bytes) -> None:
        """Compare the next event."""
        if not self._stored and not self._ended:
            await self._read_more()
        if not self._stored:
            self._note(f"{self._name} lacks the event {_id_of(event)}.")
            return
        stored = self._stored.pop()
        if stored != event:
            self._note(
                f"{self._name} has {_id_of(stored)} where the fold says {_id_of(event)}, or it differs."
            )

    async def _read_more(self) -> None:
        reply = await self._client.ask("XRANGE", self._name, b"(" + self._after, "+", "COUNT", _CHUNK)
        if not reply:
            self._ended = True
            return
        self._after = reply[-1][0]
        self._stored = [fields_of(values)[FIELD] for _, values in reversed(reply)]

    def _note(self, text: str) -> None:
        if len(self.differences) < _DIFFERENCES_MAX:
            self.differences.append(text)


def _state_differences(
    folded: Mapping[str, Mapping[str, bytes]], stored: Mapping[str, Mapping[bytes, bytes]]
) -> list[str]:
    differences: list[str] = []
    for kind, entities in folded.items():
        there = {field.decode(): value for field, value in stored[kind].items()}
        for field in sorted(entities.keys() | there.keys()):
            if entities.get(field) == there.get(field):
                continue
            if field not in there:
                differences.append(f"{kind} {field} is in the fold but not stored.")
            elif field not in entities:
                differences.append(f"{kind} {field} is stored but not in the fold.")
            elif members := _members(entities[field], there[field]):
                differences.append(f"{kind} {field} differs in {members}.")
    return differences


def _members(folded: bytes, stored: bytes) -> str:
    """Names of the members that differ; none where another version only wrote them in another order."""
    ours, theirs = msgspec.json.decode(folded), msgspec.json.decode(stored)
    if not (isinstance(ours, dict) and isinstance(theirs, dict)):
        return "its values"
    return ", ".join(sorted(n for n in ours.keys() | theirs.keys() if ours.get(n) != theirs.get(n)))


def _id_of(event: bytes) -> str:
    return str(msgspec.json.decode(event)["id"])
