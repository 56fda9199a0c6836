"""A wall clock that is stepped while a process runs, by libfaketime; time itself goes on as ever."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

HOUR_S: Final = 3600


class WallClock:
    """What a process started in `environment` takes for the wall clock."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.step(0)
        self.environment = {
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    def step(self, seconds: int) -> None:
        """Show so many seconds more than it is, or less."""
        # In one go: the library reads the file at each look at the clock.
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+d}s", encoding="ascii")
        new.replace(self._file)


def clocks_can_be_stepped(folder: Path) -> bool:
    """Whether libfaketime is here, and made for this machine."""
    if _library() is None:
        return False
    clock = WallClock(folder / "clock")
    clock.step(1000 * HOUR_S)
    words = [sys.executable, "-c", "import time; print(time.time() - time.monotonic())"]
    there, here = (
        float(subprocess.run(words, env=env, capture_output=True, check=True).stdout)
        for env in (clock.environment, {})
    )
    return there - here > 999 * HOUR_S


def _library() -> Path | None:
    spec = find_spec("libfaketime")
    if spec is None or not spec.submodule_search_locations:
        return None
    found = Path(spec.submodule_search_locations[0]) / "vendor/libfaketime/src/libfaketime.so.1"
    return found if found.exists() else None
