"""Progress on stderr, once something has taken a second and where a person is watching."""

import time
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Display

_QUIET_S: Final = 1.0


class Progress:
    """Shows how far something is."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._start = time.monotonic()
        console = Console(stderr=True)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
        )
        # A transient display leaves nothing behind it.
        self._display = Display(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._display.add_task(title, figures="", total=None)
        self._shown = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            self._display.stop()

    def at(self, done: int, total: int | None = None, figures: str | None = None) -> None:
        """Show how much is done; ``figures`` says it in words where a count of things does not."""
        if not self._shown:
            if time.monotonic() - self._start < _QUIET_S:
                return
            self._display.start()
            self._shown = True
        if figures is None:
            figures = f"{done:,}" if total is None else f"{done:,} of {total:,}"
        self._display.update(self._task, completed=done, total=total, figures=figures)
