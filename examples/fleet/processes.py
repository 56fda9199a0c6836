"""The demonstration's own processes: started with a log file, stopped by their own id, none left behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

ROOT: Final = Path(__file__).resolve().parents[2]
_PATIENCE_SECONDS: Final = 20.0


class DemonstrationError(Exception):
    """Something the person should read, in one sentence."""


class Child:
    """A Python module running as a process of its own."""

    def __init__(self, name: str, arguments: Sequence[str], folder: Path) -> None:
        self.name = name
        self._out = folder / f"{name}.out"
        self._log = folder / f"{name}.log"
        # A session of its own: Ctrl-C reaches only us, and we stop the others in the right order.
        with self._out.open("wb") as out, self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=ROOT,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def code(self) -> int | None:
        """The exit code, None while it runs."""
        return self._process.poll()

    @property
    def output(self) -> bytes:
        """What it has printed."""
        return self._out.read_bytes()

    def wait(self, seconds: float) -> None:
        """Let it end by itself. Raises `DemonstrationError` if it does not, or not well."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise DemonstrationError(f"{self.name} has not ended after {seconds:.0f} s") from None
        self.check()

    def check(self) -> None:
        """Raise `DemonstrationError` if it has ended badly."""
        if self.code:
            raise self.failure()

    def failure(self) -> DemonstrationError:
        """Say how it ended, with the last that it said."""
        said = (self._log.read_text(errors="replace") or self.output.decode(errors="replace")).strip()
        last = said.splitlines()[-1] if said else "it said nothing"
        return DemonstrationError(f"{self.name} ended with exit code {self.code}: {last}")

    def stop(self) -> int:
        """Ask it to end, insist if it does not; returns its exit code."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
        return self._process.wait()


@contextmanager
def interrupt_held_back() -> Iterator[None]:
    """
    Start a process that Ctrl-C does not reach: it inherits the blocked signal.

    For the server, which is started by a library: it must outlive the worker, whose last commit it takes.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _environment() -> dict[str, str]:
    # Settings of a real deployment must not reach the demonstration.
    return {name: value for name, value in os.environ.items() if not name.startswith("SLUICEGATE_")}
