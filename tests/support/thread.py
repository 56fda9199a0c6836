"""What a test does beside itself, again and again."""

import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Thread(ABC):
    """Does something again and again in a thread until it is left. A context manager."""

    def __init__(self, pause_s: float) -> None:
        """``pause_s`` lies between two times."""
        self._pause_s = pause_s
        self._over = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        if error is None and self._error is not None:
            raise self._error

    @abstractmethod
    def step(self) -> None:
        """Do it once."""

    def _run(self) -> None:
        try:
            while not self._over.wait(self._pause_s):
                self.step()
        except BaseException as error:  # noqa: BLE001  # told to who waits
            self._error = error
