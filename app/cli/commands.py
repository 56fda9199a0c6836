"""
The command line. `COMMANDS` is the whole table: name → command.

A command puts its words together and prints; what it does is in `app` and could be called without it.
"""

from typing import Final

import click

from app.cli.acl import acl
from app.cli.apply import apply
from app.cli.dead import dead
from app.cli.failure import FailingInOneLine
from app.cli.ledger import ledger
from app.cli.partitions import partitions
from app.cli.plan import plan
from app.cli.publish import publish
from app.cli.recover import recover
from app.cli.repartition import repartition
from app.cli.replay import replay
from app.cli.report import report
from app.cli.status import status
from app.cli.subscribers import subscribers
from app.cli.tail import tail
from app.cli.up import up
from app.cli.version import version
from app.cli.worker import worker

COMMANDS: Final[dict[str, click.Command]] = {
    "up": up,
    "worker": worker,
    "apply": apply,
    "publish": publish,
    "tail": tail,
    "status": status,
    "report": report,
    "plan": plan,
    "ledger": ledger,
    "partitions": partitions,
    "subscribers": subscribers,
    "dead": dead,
    "replay": replay,
    "recover": recover,
    "repartition": repartition,
    "acl": acl,
    "version": version,
}


class _InOrder(FailingInOneLine):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """List the commands as they are needed, not by the alphabet."""
        return list(self.commands)


@click.group(
    cls=_InOrder,
    commands=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\nFirst steps:\n"
    "  sluicegate up                    a server and a worker on this machine\n"
    "  sluicegate apply fleet.toml      declare wallets, farms, agents and goals\n"
    "  sluicegate publish trade -       send fills, JSON lines on stdin\n"
    "  sluicegate status                how everything stands\n\n"
    "Settings come from --config FILE, then from variables such as SLUICEGATE_REDIS, then from options; "
    "the later win. Exit codes: 0 done, 1 it failed and said why in one line, 2 bad usage.",
)
def cli() -> None:
    """Control the capital of a fleet of trading bots over Redis Streams."""
