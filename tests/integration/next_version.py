"""
Sluicegate as it would be one version on: agents' strategies get a plus, which shows how often that was done.

    DIE_AT=2 python -m tests.integration.next_version worker

is killed before the third script of a migration; the fourth one is what puts all in place, and behind it
nothing is left to do.
"""

import os
import signal
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final
from unittest.mock import patch

from app.__main__ import main
from state.migrations import MIGRATIONS
from stream import scripts
from stream.client import Argument, Client

DIE_AT: Final = int(os.environ.get("DIE_AT", "-1"))
SCRIPTS: Final = 3  # of a migration that changes one kind: clear, build, put in place


Run = Callable[[Client, str, Sequence[str], Sequence[Argument]], Coroutine[Any, Any, Any]]


def plus(documents: dict[str, dict[str, Any]]) -> None:
    """Migrate."""
    for agent in documents["agents"].values():
        agent["strategy"] += "+"


def _dying(run: Run) -> Run:
    """Count the scripts of migrations, and die."""
    count = 0

    def die_here() -> None:
        if count == DIE_AT:
            os.kill(os.getpid(), signal.SIGKILL)

    async def counted(client: Client, script: str, keys: Sequence[str], words: Sequence[Argument]) -> Any:
        nonlocal count
        if script not in (scripts.STAGE, scripts.MIGRATE):
            return await run(client, script, keys, words)
        die_here()
        reply = await run(client, script, keys, words)
        count += 1
        if script == scripts.MIGRATE:
            die_here()
        return reply

    return counted


if __name__ == "__main__":
    MIGRATIONS[2] = plus
    with patch.object(Client, "run", _dying(Client.run)):
        main()
