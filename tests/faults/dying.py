"""
Sluicegate's command line, killed before it runs so many scripts.

    DIE_AT=12 python -m tests.faults.dying repartition --partitions 4 --yes
"""

import os
import signal
from itertools import count
from typing import Any, Final
from unittest.mock import patch

from app.__main__ import main
from stream.client import Client

DIE_AT: Final = int(os.environ["DIE_AT"])

_numbers: Final = count()
_run: Final = Client.run


async def _run_or_die(client: Client, *words: Any) -> Any:
    if next(_numbers) == DIE_AT:
        os.kill(os.getpid(), signal.SIGKILL)
    return await _run(client, *words)


if __name__ == "__main__":
    with patch.object(Client, "run", _run_or_die):
        main()
