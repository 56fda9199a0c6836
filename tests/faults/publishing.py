"""Publishes a load while other things happen."""

import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, Self

import redis

from tests.faults.load import Fields, Load

_CHUNK: Final = 50


def publish(client: Any, load: Load, tag: str = "{sluicegate:0}") -> None:
    """Publish a load as fast as it goes."""
    publish_commands(client, load.commands, tag)
    _append(client, f"{tag}:in:trade", load.fills)


def publish_commands(client: Any, commands: Sequence[bytes], tag: str = "{sluicegate:0}") -> None:
    """Publish commands, and see to it that what is published afterwards comes after them."""
    _append(client, f"{tag}:in:command", [(b"event", command) for command in commands])
    time.sleep(0.005)


def _append(client: Any, key: str, entries: Sequence[Fields]) -> None:
    pipeline = client.pipeline(transaction=False)
    for start in range(0, len(entries), 1000):
        for field, value in entries[start : start + 1000]:
            pipeline.execute_command("XADD", key, "*", field, value)
        pipeline.execute()


class Publisher:
    """
    Publishes fills from a thread, as many as it was told to, at a pace.

    Where the server goes away it sends what was not confirmed again, as a bot has to: some of it is then
    there twice. A context manager: at its end the thread has ended.
    """

    def __init__(self, client: Any, fills: Sequence[Fields], key: str, *, a_second: int) -> None:
        """``a_second`` is how many it publishes while nobody hurries it."""
        self._client = client
        self._fills = fills
        self._pause = _CHUNK / a_second
        self._key = key
        self._told = threading.Condition()
        self._allowed = 0
        self._hurried = False
        self._given_up = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="publisher")
        self.published = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._told:
            self._given_up = True
            self._told.notify()
        self._thread.join()

    def allow(self, count: int) -> None:
        """Let it publish so many in all."""
        with self._told:
            self._allowed = count
            self._told.notify()

    @property
    def rests(self) -> bool:
        """Whether it has published all it may. Raises what went wrong with it."""
        if self._error is not None:
            raise self._error
        return self.published >= min(self._allowed, len(self._fills))

    def wait(self) -> None:
        """Publish all that is left, without pauses. Raises what went wrong."""
        with self._told:
            self._allowed = len(self._fills)
            self._hurried = True
            self._told.notify()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            while self._may_go_on():
                chunk = self._fills[self.published : self.published + _CHUNK]
                try:
                    _append(self._client, self._key, chunk)
                except (redis.ConnectionError, redis.TimeoutError):
                    time.sleep(0.05)
                else:
                    self.published += len(chunk)
        except BaseException as error:  # noqa: BLE001  # told to who waits
            self._error = error

    def _may_go_on(self) -> bool:
        with self._told:
            self._told.wait_for(lambda: self._hurried or self._given_up, self._pause)
            if self.published < len(self._fills):
                self._told.wait_for(lambda: self._given_up or self.published < self._allowed)
            return not self._given_up and self.published < len(self._fills)
