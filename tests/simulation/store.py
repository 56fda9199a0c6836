"""
The data of a simulated server: those commands of Redis 7 that the engine and its scripts use.

`tests/simulation/test_store.py` holds it against a real server. Every change is noted in ``effects``, as a
server notes it for its replicas: with the ids and times that it chose.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Any, Final

Id = tuple[int, int]
Command = tuple[Any, ...]

_LAST: Final[Id] = (2**64 - 1, 2**64 - 1)


class RefusedError(Exception):
    """An error reply."""


class Status(bytes):
    """A status reply, such as OK."""

    __slots__ = ()


class Text:
    """A string, and when it expires."""

    def __init__(self, value: bytes, until_ms: float) -> None:
        self.value = value
        self.until_ms = until_ms


class Stream:
    """A stream and its consumer groups."""

    def __init__(self) -> None:
        self.ids: list[Id] = []
        self.entries: list[list[Any]] = []  # id, flat fields
        self.last: Id = (0, 0)
        self.added = 0
        self.groups: dict[bytes, Id] = {}  # by name the last id delivered


class Hash(dict[bytes, bytes]):
    """A hash."""


class Sorted(dict[bytes, float]):
    """A sorted set."""


_KINDS: Final = {Text: b"string", Stream: b"stream", Hash: b"hash", Sorted: b"zset"}


class Store:
    """What a server holds."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self.data: dict[bytes, Any] = {}
        self.effects: list[Command] = []

    def call(self, *words: Any) -> Any:
        """Carry out one command. Raises `RefusedError`."""
        name, *arguments = [_bytes(word) for word in words]
        return getattr(self, f"_{name.decode().lower()}")(*arguments)

    def copy(self, now_ms: Callable[[], int]) -> "Store":
        """Make a replica that has everything."""
        other = Store(now_ms)
        for key, value in self.data.items():
            if isinstance(value, Stream):
                stream = other.data[key] = Stream()
                stream.ids, stream.entries = list(value.ids), list(value.entries)
                stream.last, stream.added, stream.groups = value.last, value.added, dict(value.groups)
            elif isinstance(value, Text):
                other.data[key] = Text(value.value, value.until_ms)
            else:
                other.data[key] = type(value)(value)
        return other

    # -- keys ----------------------------------------------------------------------------------------------

    def _find(self, key: bytes, kind: type) -> Any:
        found = self.data.get(key)
        if isinstance(found, Text) and found.until_ms <= self._now_ms():
            found = None
        if found is not None and not isinstance(found, kind):
            raise RefusedError("WRONGTYPE Operation against a key holding the wrong kind of value")
        return found

    def _make(self, key: bytes, kind: type) -> Any:
        found = self._find(key, kind)
        if found is None:
            found = self.data[key] = kind()
        return found

    def _note(self, *effect: Any) -> None:
        self.effects.append(effect)

    def _type(self, key: bytes) -> Status:
        found = self._find(key, object)
        return Status(b"none" if found is None else _KINDS[type(found)])

    def _exists(self, key: bytes) -> int:
        return int(self._find(key, object) is not None)

    def _del(self, key: bytes) -> int:
        there = self._exists(key)
        if self.data.pop(key, None) is not None:
            self._note(b"DEL", key)
        return there

    def _time(self) -> list[bytes]:
        now = self._now_ms()
        return [b"%d" % (now // 1000), b"%d" % (now % 1000 * 1000)]

    # -- strings -------------------------------------------------------------------------------------------

    def _get(self, key: bytes) -> bytes | None:
        found = self._find(key, Text)
        return None if found is None else found.value

    def _set(self, key: bytes, value: bytes, how: bytes, ms: bytes) -> Status:
        until = int(ms) + (self._now_ms() if how == b"PX" else 0)
        self.data[key] = Text(value, until)
        self._note(b"SET", key, value, b"PXAT", until)
        return Status(b"OK")

    def _pexpire(self, key: bytes, ms: bytes) -> int:
        found = self._find(key, Text)
        if found is not None:
            found.until_ms = self._now_ms() + int(ms)
            self._note(b"SET", key, found.value, b"PXAT", found.until_ms)
        return int(found is not None)

    def _pttl(self, key: bytes) -> int:
        found = self._find(key, Text)
        return -2 if found is None else int(found.until_ms - self._now_ms())

    # -- hashes --------------------------------------------------------------------------------------------

    def _hget(self, key: bytes, field: bytes) -> bytes | None:
        return (self._find(key, Hash) or {}).get(field)

    def _hmget(self, key: bytes, *fields: bytes) -> list[bytes | None]:
        found = self._find(key, Hash) or {}
        return [found.get(field) for field in fields]

    def _hgetall(self, key: bytes) -> list[bytes]:
        return [part for pair in (self._find(key, Hash) or {}).items() for part in pair]

    def _hscan(self, key: bytes, cursor: bytes, word: bytes, count: bytes) -> list[Any]:
        assert word == b"COUNT"
        flat = self._hgetall(key)
        start, stop = 2 * int(cursor), 2 * (int(cursor) + int(count))
        return [b"%d" % (stop // 2 if stop < len(flat) else 0), flat[start:stop]]

    def _hset(self, key: bytes, *pairs: bytes) -> int:
        found = self._make(key, Hash)
        before = len(found)
        found.update(zip(pairs[::2], pairs[1::2], strict=True))
        self._note(b"HSET", key, *pairs)
        return len(found) - before

    def _hdel(self, key: bytes, *fields: bytes) -> int:
        found = self._find(key, Hash) or {}
        there = [field for field in fields if found.pop(field, None) is not None]
        if there:
            self._note(b"HDEL", key, *there)
        if not found:
            self.data.pop(key, None)
        return len(there)

    # -- sorted sets ---------------------------------------------------------------------------------------

    def _zadd(self, key: bytes, score: bytes, member: bytes) -> int:
        found = self._make(key, Sorted)
        new = member not in found
        found[member] = float(score)
        self._note(b"ZADD", key, score, member)
        return int(new)

    def _zrem(self, key: bytes, member: bytes) -> int:
        found = self._find(key, Sorted) or {}
        removed = found.pop(member, None) is not None
        if removed:
            self._note(b"ZREM", key, member)
        if not found:
            self.data.pop(key, None)
        return int(removed)

    def _zrange(self, key: bytes, first: bytes, last: bytes) -> list[bytes]:
        assert (first, last) == (b"0", b"-1")
        found = self._find(key, Sorted) or {}
        return sorted(found, key=lambda member: (found[member], member))

    def _zremrangebyscore(self, key: bytes, low: bytes, high: bytes) -> int:
        above = float(low.removeprefix(b"("))
        found = self._find(key, Sorted) or {}
        gone = [
            member
            for member, score in found.items()
            if score <= float(high) and (score > above or (score == above and low[:1] != b"("))
        ]
        return sum(self._zrem(key, member) for member in gone)

    # -- streams -------------------------------------------------------------------------------------------

    def _xadd(self, key: bytes, entry_id: bytes, *fields: bytes) -> bytes:
        stream = self._make(key, Stream)
        if entry_id == b"*":
            now = self._now_ms()
            new = (now, 0) if now > stream.last[0] else (stream.last[0], stream.last[1] + 1)
        else:
            new = _id(entry_id)
            if new <= stream.last:
                raise RefusedError(
                    "ERR The ID specified in XADD is equal or smaller than the target stream top item"
                )
        stream.ids.append(new)
        stream.entries.append([_text(new), list(fields)])
        stream.last = new
        stream.added += 1
        self._note(b"XADD", key, _text(new), *fields)
        return _text(new)

    def _xlen(self, key: bytes) -> int:
        stream = self._find(key, Stream)
        return 0 if stream is None else len(stream.ids)

    def _xrange(self, key: bytes, start: bytes, end: bytes, *count: bytes) -> list[list[Any]]:
        stream = self._find(key, Stream)
        if stream is None:
            return []
        first = (
            bisect_right(stream.ids, _bound(start[1:]))
            if start[:1] == b"("
            else bisect_left(stream.ids, _bound(start))
        )
        last = (
            bisect_left(stream.ids, _bound(end[1:]))
            if end[:1] == b"("
            else bisect_right(stream.ids, _bound(end))
        )
        found: list[list[Any]] = stream.entries[first:last]
        return found[: int(count[1])] if count else found

    def _xrevrange(self, key: bytes, end: bytes, start: bytes, *count: bytes) -> list[list[Any]]:
        found = self._xrange(key, start, end)[::-1]
        return found[: int(count[1])] if count else found

    def _xinfo(self, what: bytes, key: bytes) -> list[Any]:
        stream = self._find(key, Stream)
        if stream is None:
            raise RefusedError("ERR no such key")
        if what == b"GROUPS":
            return [
                [b"name", name, b"last-delivered-id", _text(at)] for name, at in sorted(stream.groups.items())
            ]
        return [
            *(b"length", len(stream.ids), b"last-generated-id", _text(stream.last)),
            *(b"entries-added", stream.added, b"groups", len(stream.groups)),
        ]

    def _xgroup(self, what: bytes, key: bytes, group: bytes, *rest: bytes) -> Any:
        if what == b"CREATE" and b"MKSTREAM" in rest:
            stream = self._make(key, Stream)
        else:
            stream = self._find(key, Stream)
        if stream is None:
            raise RefusedError("ERR The XGROUP subcommand requires the key to exist")
        if what == b"DESTROY":
            there = stream.groups.pop(group, None) is not None
            if there:
                self._note(b"XGROUP", what, key, group)
            return int(there)
        if what == b"CREATE" and group in stream.groups:
            raise RefusedError("BUSYGROUP Consumer Group name already exists")
        if what == b"SETID" and group not in stream.groups:
            raise RefusedError(f"NOGROUP No such consumer group {group.decode()}")
        stream.groups[group] = _id(rest[0])
        self._note(b"XGROUP", what, key, group, *rest)
        return Status(b"OK")

    def read_group(self, group: bytes, count: int, keys: list[bytes], *, one: bool) -> list[list[Any]]:
        """
        Give what a group has not read yet, as XREADGROUP with NOACK; nothing: an empty list.

        ``one``: of the first stream that has something only, as Redis before 7.2 answers a read that waited.
        """
        streams = [self._find(key, Stream) for key in keys]
        for key, stream in zip(keys, streams, strict=True):
            if stream is None or group not in stream.groups:
                raise RefusedError(
                    f"NOGROUP No such key '{key.decode()}' or consumer group '{group.decode()}'"
                )
        found: list[list[Any]] = []
        for key, stream in zip(keys, streams, strict=True):
            start = bisect_right(stream.ids, stream.groups[group])
            entries = stream.entries[start : start + count]
            if entries and not (one and found):
                self._xgroup(b"SETID", key, group, entries[-1][0])
                found.append([key, entries])
        return found


def _bytes(word: Any) -> bytes:
    if isinstance(word, bytes):
        return word
    if isinstance(word, float):
        return b"%d" % word if word.is_integer() else repr(word).encode()
    return str(word).encode()


def _id(text: bytes) -> Id:
    ms, _, sequence = text.partition(b"-")
    return int(ms), int(sequence or 0)


def _bound(text: bytes) -> Id:
    return (0, 0) if text == b"-" else _LAST if text == b"+" else _id(text)


def _text(entry_id: Id) -> bytes:
    return b"%d-%d" % entry_id
