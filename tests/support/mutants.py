"""Entries as no sender means them: events of a history, changed by a seeded hand in bytes or in members."""

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

import msgspec

Json = dict[str, Any]

_MONSTERS: Final[tuple[Any, ...]] = (
    *(None, True, False, "", " ", "0", "-0", "-1", "1e18", "1.000000000000000000001e18", "-1e18", "1e-30"),
    *("NaN", "Infinity", "1e999999999", "9" * 38, "9" * 39, "0." + "0" * 35 + "1", "٣", "1_000", "0x10"),
    *(0, -1, 1, 2**31, 2**53, 2**63 - 1, 2**64 - 1, -(2**63), 0.1, -0.0, 1e18, 1e308, 5e-324),
    *([], {}, [[]], {"": {}}, "x" * 65, "x" * 5000, "\x00", "\u202e", "a/b", "BTC/USDT", "wallet", "a b"),
    *(946_684_800_000, 4_102_444_800_000, -(10**12)),
)
_HUGE: Final = ("1" + "0" * 400, "-1e400", "1e-400", "NaN", "1" * 5000, '"\\ud800"', "[" * 300 + "]" * 300)


class Mutator:
    """Makes mutants of events."""

    def __init__(self, random: Random, others: Sequence[bytes]) -> None:
        """``others`` are events whose parts turn up in mutants."""
        self._random = random
        self._others = others
        self._members = [member for one in others for member in _decoded(one).items()]

    def mutant(self, event: bytes) -> bytes | None:
        """Change an event once, or a few times over."""
        random = self._random
        ways: tuple[Callable[[bytes], bytes], ...] = (
            self._bytes,
            self._structure,
            self._structure,
            self._numeral,
        )
        if random.random() < 0.002:
            return None
        for _ in range(random.choice((1, 1, 1, 2, 5))):
            event = random.choice(ways)(event)
        return event

    # -- bytes ---------------------------------------------------------------------------------------------

    def _bytes(self, event: bytes) -> bytes:
        random = self._random
        first, last = sorted((random.randint(0, len(event)), random.randint(0, len(event))))
        other = random.choice(self._others)
        changed = bytearray(event)
        for _ in range(random.choice((1, 1, 3, 20))):
            if changed:
                changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
        return random.choice(
            (
                bytes(changed),
                event[:first],
                event[first:],
                event[:first] + event[last:],
                event[:last] + event[first:],
                event[:first] + random.randbytes(random.choice((1, 4, 64))) + event[first:],
                event[:first] + other[min(first, len(other)) :],
                event + other,
            )
        )

    def _numeral(self, event: bytes) -> bytes:
        """Write something where a JSON value stood."""
        place = event.rfind(b":", 0, self._random.randint(0, len(event)) + 1)
        if place < 0:
            return event
        ends = [end for end in (event.find(b",", place), event.find(b"}", place)) if end > 0]
        return (
            event[: place + 1] + self._random.choice(_HUGE).encode() + event[min(ends, default=len(event)) :]
        )

    # -- members -------------------------------------------------------------------------------------------

    def _structure(self, event: bytes) -> bytes:
        members = _decoded(event)
        if not members:
            return self._bytes(event)
        random = self._random
        for _ in range(random.choice((1, 1, 2, 4))):
            self._change(members)
        try:
            if random.random() < 0.5:
                return json.dumps(members).encode()
            return msgspec.msgpack.encode(members)
        except (OverflowError, TypeError, ValueError, UnicodeEncodeError):
            return event

    def _change(self, members: Json) -> None:
        random = self._random
        names = list(members) or ["id"]
        name, other = random.choice(names), random.choice(names)
        draw = random.randrange(7)
        if draw == 0:
            members.pop(name, None)
        elif draw == 1:
            members[name], members[other] = members.get(other), members.get(name)
        elif draw == 2:
            other_name, value = random.choice(self._members)
            members[random.choice((name, other_name))] = value
        elif draw == 3:
            members[
                random.choice(("", "x", "corrects", "at_most", "linked", "rules", "dry_run", name * 3))
            ] = random.choice(_MONSTERS)
        elif draw == 4 and isinstance(members.get(name), dict | list):
            members[name] = self._inside(members[name])
        elif draw == 5:
            members[name] = self._deep(random.choice((3, 200, 255, 256, 257)), random.choice(_MONSTERS))
        else:
            members[name] = random.choice(_MONSTERS)

    def _inside(self, value: Any) -> Any:
        """Change a part of what is nested."""
        if isinstance(value, dict):
            inner = dict(value)
            self._change(inner)
            return inner
        if isinstance(value, list) and value:
            return [*value[1:], self._inside(value[0]), value[0]]
        return self._random.choice(_MONSTERS)

    def _deep(self, levels: int, value: Any) -> Any:
        for _ in range(levels):
            value = [value] if self._random.random() < 0.5 else {"a": value}
        return value


def _decoded(event: bytes) -> Json:
    """Members of an event, or none where it is not a map."""
    for decode in (msgspec.json.decode, msgspec.msgpack.decode):
        try:
            found = decode(event)
        except (ValueError, msgspec.DecodeError, RecursionError):
            continue
        if isinstance(found, dict) and all(isinstance(name, str) for name in found):
            return found
    return {}
