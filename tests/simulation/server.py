"""
A simulated server with a replica that lags, after Redis 7 and Valkey 9.

Scripts are the engine's own, run by Lua; what one command or script changes reaches the replica together. At
a failover the replica takes over with what it has got until then: whole changes, in order, some lost.
"""

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

from lupa.lua51 import LuaRuntime

from tests.simulation.store import Command, RefusedError, Status, Store
from tests.simulation.virtual_time import EPOCH_MS

_BEHIND_MAX: Final = 60  # changes that a replica may lack


class LostError(Exception):
    """The connection broke: whether the command was carried out is not known."""


class Server:
    """One server at a time under one address."""

    def __init__(self, random: Random, *, before_7_2: bool) -> None:
        self._random = random
        self._one = before_7_2
        self._ahead_ms = 0  # of true time, as clocks differ
        self.store = Store(self.now_ms)
        self._replica = Store(self.now_ms)
        self._behind: list[list[Command]] = []
        self._waiting: list[_Read] = []
        self._scripts: dict[str, Any] = {}
        self._lua = LuaRuntime(encoding=None, unpack_returned_tuples=True)
        self._lua.globals()[b"redis"] = self._lua.table_from(
            {b"call": self._called, b"error_reply": lambda text: self._lua.table_from({b"err": text})}
        )
        self.heard: list[Callable[[Store], None]] = []  # told after every change
        self.failovers = 0
        self.is_away = False

    def now_ms(self) -> int:
        """Time on the server's clock."""
        return EPOCH_MS + int(asyncio.get_running_loop().time() * 1000) + self._ahead_ms

    # -- commands ------------------------------------------------------------------------------------------

    def do(self, *words: Any) -> Any:
        """Carry out one command. Raises `RefusedError`, or `LostError` while the server is away."""
        self._expect_there()
        try:
            return self.store.call(*words)
        finally:
            self._changed()

    def run(self, script: str, keys: Sequence[Any], arguments: Sequence[Any]) -> Any:
        """Carry out a script. Raises `RefusedError`."""
        self._expect_there()
        function = self._scripts.get(script)
        if function is None:
            source = f"return function(KEYS, ARGV)\n{script}\nend"
            function = self._scripts[script] = self._lua.execute(source.encode())
        table = self._lua.table_from
        try:
            reply = function(table(map(_bulk, keys)), table(map(_bulk, arguments)))
            return _from_lua(reply)
        finally:
            self._changed()

    def read(self, group: bytes, count: int, block_ms: int | None, keys: list[bytes]) -> "_Read":
        """Carry out an XREADGROUP, which may wait."""
        self._expect_there()
        read = _Read(lambda one: self.store.read_group(group, count, keys, one=one))
        read.attempt(one=False)
        if not read.reply.done() and block_ms is None:
            read.reply.set_result(None)
        elif not read.reply.done():
            self._waiting.append(read)
            asyncio.get_running_loop().call_later((block_ms or 1e9) / 1000, read.end)
        self._changed()
        return read

    def _expect_there(self) -> None:
        if self.is_away:
            raise LostError("nobody listens")

    def _called(self, *words: Any) -> Any:
        return self._to_lua(self.store.call(*words))

    def _to_lua(self, reply: Any) -> Any:
        if reply is None:
            return False
        if isinstance(reply, Status):
            return self._lua.table_from({b"ok": bytes(reply)})
        if isinstance(reply, list):
            return self._lua.table_from(map(self._to_lua, reply))
        return reply

    def _changed(self) -> None:
        """Pass a change on, and serve the reads that waited for it."""
        if self.store.effects:
            self._behind.append(self.store.effects)
            self.store.effects = []
            while len(self._behind) > _BEHIND_MAX:
                self._catch_up()
            for tell in self.heard:
                tell(self.store)
        self._waiting = [read for read in self._waiting if not read.reply.done()]
        for read in self._waiting:
            read.attempt(one=self._one)
        if self.store.effects:  # of the reads
            self._changed()

    # -- failover ------------------------------------------------------------------------------------------

    def die(self) -> None:
        """End the primary; nothing reaches the replica any more."""
        self.is_away = True
        for read in self._waiting:
            read.fail(LostError("UNBLOCKED force unblock from blocking operation, instance state changed"))
        self._waiting = []

    def fail_over(self) -> int:
        """
        Let the replica take over; return how many changes are lost.

        Its clock may differ, by less than the primary was away: no entry id comes twice.
        """
        self.failovers += 1
        self.is_away = False
        for _ in range(self._random.choice([len(self._behind), self._random.randint(0, len(self._behind))])):
            self._catch_up()
        lost = len(self._behind)
        self._behind = []
        self._ahead_ms += self._random.choice([0, 0, self._random.randint(-20, 20)])
        self.store = self._replica
        self.store.effects = []
        self._replica = self.store.copy(self.now_ms)
        for tell in self.heard:
            tell(self.store)
        return lost

    def _catch_up(self) -> None:
        for command in self._behind.pop(0):
            self._replica.call(*command)
        self._replica.effects = []


class _Read:
    """A read that may wait in the server, whether or not somebody still listens for its reply."""

    def __init__(self, look: Callable[[bool], list[Any]]) -> None:
        self._look = look
        self.reply: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def attempt(self, *, one: bool) -> None:
        """Look whether there is something."""
        if not self.reply.done():
            try:
                found = self._look(one)
            except RefusedError as error:
                self.fail(error)
            else:
                if found:
                    self.reply.set_result(found)

    def end(self) -> None:
        """Wait no longer."""
        if not self.reply.done():
            self.reply.set_result(None)

    def fail(self, error: Exception) -> None:
        """Answer with an error."""
        if not self.reply.done():
            self.reply.set_exception(error)
            self.reply.exception()  # somebody may listen, or nobody


def _bulk(word: Any) -> bytes:
    return word if isinstance(word, bytes) else str(word).encode()


def _from_lua(reply: Any) -> Any:
    """Reply of a script as the wire has it. Raises `RefusedError` for an error reply."""
    if reply is None or reply is False:
        return None
    if isinstance(reply, int | float):
        return int(reply)
    if isinstance(reply, bytes):
        return reply
    if reply[b"err"] is not None:
        raise RefusedError(reply[b"err"].decode())
    if reply[b"ok"] is not None:
        return reply[b"ok"]
    found: list[Any] = []
    while (item := reply[len(found) + 1]) is not None:
        found.append(_from_lua(item))
    return found
