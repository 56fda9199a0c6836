"""
What must hold of a partition, however things failed, by a fold of its own over the input streams.

Nothing here is the engine's: only the words' meaning (`tests.contract.words`) and the wire.
"""

from hashlib import sha256
from typing import Any

import msgspec

from stream.keys import Keys
from tests.contract.words import FORBIDDEN, INPUTS
from tests.simulation.store import Store


class Watch:
    """Sees to it after every change that neither epoch nor sequence of a partition goes back or leaps."""

    def __init__(self, partitions: int, prefix: str) -> None:
        self._keys = [Keys(prefix, partition).checkpoint.encode() for partition in range(partitions)]
        self._seen = [(0, 0)] * partitions

    def look(self, store: Store) -> None:
        """Look once."""
        for partition, key in enumerate(self._keys):
            found = store.data.get(key, {})
            epoch, seq = int(found.get(b"epoch", 0)), int(found.get(b"seq", 0))
            before = self._seen[partition]
            if before not in ((epoch, seq), (-1, -1)):
                assert (epoch, seq) in ((before[0] + 1, before[1]), (before[0], before[1] + 1)), (
                    f"partition {partition} went from epoch and commit {before} to {(epoch, seq)}"
                )
            self._seen[partition] = epoch, seq

    def forget(self) -> None:
        """Let a failover take back what it may."""
        self._seen = [(-1, -1)] * len(self._seen)


def check(store: Store, keys: Keys) -> int:
    """
    Hold a partition at rest against the fold of its inputs; return how many there are.

    Every input, but for ticks that came last, is applied once, a repeat, or one dead letter; state, outputs
    and dead letters are those of the fold, in its order, and nothing else; the checkpoint's counts are true.
    """
    checkpoint = _pairs(store.call("HGETALL", keys.checkpoint))
    inputs = []
    for place, name in enumerate(INPUTS):
        last = checkpoint.get(f"in:{name}".encode(), b"0-0")
        entries = store.call("XRANGE", keys.input(name), "-", last)
        waiting = store.call("XRANGE", keys.input(name), b"(" + last, "+")
        assert all(b"word" not in fields[1] for _, fields in waiting), "more than ticks is not applied"
        inputs += [(_number(entry_id), place, entry_id, fields[1]) for entry_id, fields in entries]
        assert int(checkpoint.get(f"in:{name}:applied".encode(), 0)) == len(entries), f"entries of {name}"
    counts: dict[bytes, int] = {}
    seen: set[tuple[int, str]] = set()
    chain, outputs, dead = "", [], []
    for _, place, entry_id, raw in sorted(inputs):
        event = msgspec.json.decode(raw)
        text, identity = event.get("word", "tick"), (place, event.get("id", ""))
        cause = f"{keys.partition}/in:{INPUTS[place]}/{entry_id.decode()}/0"
        if identity[1] and identity in seen:
            continue
        if text == FORBIDDEN:
            dead.append((f"in:{INPUTS[place]}".encode(), entry_id, raw, b"forbidden"))
            continue
        seen.add(identity)
        counts[text.encode()] = counts.get(text.encode(), 0) + 1
        chain = sha256(f"{chain} {place} {entry_id.decode()}".encode()).hexdigest()
        outputs.append((cause, text, counts[text.encode()]))

    stored = _pairs(store.call("HGETALL", keys.state("counts")))
    assert stored == {name: b"%d" % count for name, count in counts.items()}
    assert (store.call("HGET", keys.state("chain"), "digest") or b"").decode() == chain
    letters = [_pairs(fields) for _, fields in store.call("XRANGE", keys.dead, "-", "+")]
    assert [(one[b"stream"], one[b"id"], one[b"event"], one[b"reason"]) for one in letters] == dead
    said = [
        msgspec.json.decode(fields[1]) for _, fields in store.call("XRANGE", keys.output("count"), "-", "+")
    ]
    assert [(one["id"], one["data"]["word"], one["data"]["count"]) for one in said] == outputs
    replies = [
        msgspec.json.decode(fields[1]) for _, fields in store.call("XRANGE", keys.output("reply"), "-", "+")
    ]
    assert [one["id"] for one in replies] == [
        f"{keys.partition}/{name.decode()}/{entry_id.decode()}/0" for name, entry_id, _, _ in dead
    ]
    return len(inputs)


def _pairs(flat: Any) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _number(entry_id: bytes) -> tuple[int, int]:
    ms, _, sequence = entry_id.partition(b"-")
    return int(ms), int(sequence)
