"""``acl``: users for the server, each with a role and no more rights than that needs."""

from pathlib import Path

import click

from app.acl import ADMIN, ROLES, acl_file
from app.cli.options import configured, partitions
from app.config import Config
from app.passwords import kept_passwords


@click.command(
    short_help="Print an ACL file for the server: bot, subscriber, worker, operator.",
    epilog="\b\nExample:\n  sluicegate acl --passwords ./passwords > users.acl\n"
    "  redis-server --aclfile $PWD/users.acl\n"
    "  sluicegate worker --redis-user sluicegate-worker --redis-password-file passwords/worker.password",
)
@configured
@partitions
@click.option(
    "--passwords",
    type=click.Path(path_type=Path),
    default=Path("sluicegate-passwords"),
    metavar="DIR",
    help="Where the users' passwords are kept; made where they are missing.  [./sluicegate-passwords]",
)
def acl(config: Config, *, passwords: Path) -> None:
    """
    Print an ACL file: a user for each role, and the server's default user, which may do everything.

    The file has only hashes of the passwords; they themselves are in files that only you can read, one for
    each user. Printed again it is the same. It asks no server.
    """
    click.echo(
        acl_file(config.prefix, config.partitions, kept_passwords(passwords, [ADMIN, *ROLES])), nl=False
    )
