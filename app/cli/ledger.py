"""``ledger``: shows that nobody changed the books, and what happened in an account."""

import sys
from collections.abc import Iterable, Sequence

import click

from app.audit import Audit
from app.cli.failure import FailingInOneLine
from app.cli.options import as_json, configured, run
from app.cli.output import console, print_json, table
from app.cli.progress import Progress
from app.config import Config
from app.deployment import Deployment, open_deployment
from app.statement import Line, statement
from app.transactions import are_trimmed, read_ledgers, transactions
from stream.errors import ConfigurationError
from stream.keys import Keys


@click.group(
    cls=FailingInOneLine,
    short_help="Verify the ledger's chain, and show an account.",
    epilog="\b\nExamples:\n  sluicegate ledger verify\n  sluicegate ledger show alpha/agent/darvas-1",
)
def ledger() -> None:
    """Verify the chain of transactions, and show what happened in an account."""


@ledger.command(
    short_help="Verify the chain of transactions of all wallets, or of WALLET.",
    epilog="\b\nExamples:\n  sluicegate ledger verify\n  sluicegate ledger verify alpha --json",
)
@configured
@as_json
@click.argument("wallet", required=False)
def verify(config: Config, *, wallet: str | None, as_json: bool) -> None:
    """
    Verify the chain of transactions of all wallets, or of WALLET.

    Walks the output stream: numbers, hashes, balances and holds have to follow from each other, and come to
    what is stored. Names what was changed, is missing or out of order, and exits with code 1. Where the
    beginning of the stream was trimmed, it says from which transaction on it verified. Reads only, and may
    run beside a worker.
    """
    run(_verify, config, wallet, as_json=as_json)


@ledger.command(
    short_help="Show the transactions of an account.",
    epilog="\b\nExamples:\n  sluicegate ledger show alpha/agent/darvas-1\n"
    "  sluicegate ledger show alpha/wallet --json",
)
@configured
@as_json
@click.argument("account", metavar="WALLET/ACCOUNT")
def show(config: Config, *, account: str, as_json: bool) -> None:
    """
    Show the transactions of an account, oldest first, with running balances.

    Accounts of a wallet are wallet (the master's cash), farm/ID, agent/ID, positions/ID, world, market, fees
    and suspense.
    """
    run(_show, config, account, as_json=as_json)


async def _verify(config: Config, wallet: str | None, *, as_json: bool) -> None:
    audits: list[Audit] = []
    async with open_deployment(config) as deployment:
        chosen = deployment.all_keys if wallet is None else [deployment.home(wallet)]
        with Progress("reading transactions") as progress:
            for keys in chosen:
                ledgers = await read_ledgers(deployment.client, keys)
                books = ledgers.view.books
                found = {name: Audit(name) for name in sorted(books) if wallet in (None, name)}
                before = _homes(deployment, found)
                async for told in transactions(deployment.client, keys, ledgers.end, before):
                    if told.wallet in found:
                        found[told.wallet].read(told.transaction)
                        progress.at(sum(audit.count for audit in found.values()))
                trimmed = ledgers.trimmed or await are_trimmed(deployment.client, before)
                for name, audit in found.items():
                    audit.end(books[name], trimmed=trimmed)
                audits += found.values()
    if wallet is not None and not audits:
        raise _no_wallet(config, wallet)
    if as_json:
        print_json([_document(audit) for audit in audits])
    else:
        click.echo("\n".join(map(_sentences, audits)) or "There are no wallets yet.")
    if any(audit.problems for audit in audits):
        sys.exit(1)


async def _show(config: Config, account: str, *, as_json: bool) -> None:
    wallet, _, name = account.partition("/")
    async with open_deployment(config) as deployment:
        keys = deployment.home(wallet)
        ledgers = await read_ledgers(deployment.client, keys)
        book = ledgers.view.books.get(wallet)
        if book is None:
            raise _no_wallet(config, wallet)
        if name not in set(book.accounts()):
            raise ConfigurationError(
                f"Wallet {wallet} has no account {name or 'without a name'}: there are wallet, farm/ID, "
                "agent/ID, positions/ID, world, market, fees and suspense."
            )
        told = transactions(deployment.client, keys, ledgers.end, deployment.homes(wallet))
        lines = [line async for line in statement(wallet, name, told)]
    if as_json:
        print_json(lines)
    else:
        _print(lines)


def _homes(deployment: Deployment, wallets: Iterable[str]) -> list[Keys]:
    """Keys of all partitions that some wallets have lived in."""
    return list(dict.fromkeys(keys for wallet in wallets for keys in deployment.homes(wallet)))


def _print(lines: Sequence[Line]) -> None:
    right = ("n", "change", "balance", "held")
    made = table(
        "n", "time", "reason", "id", "with", "change", "balance", "held", right=right, fold=("with",)
    )
    for line in lines:
        reason = line.reason if line.phase is None else f"{line.reason} ({line.phase})"
        figures = (line.change, line.balance or "?", line.held or "?")
        made.add_row(str(line.n), line.time, reason, line.id, ", ".join(line.others), *figures)
    console().print(made if lines else "No transactions.")


def _document(audit: Audit) -> dict[str, object]:
    return {
        "wallet": audit.wallet,
        "first": audit.first or None,
        "last": audit.last or None,
        "transactions": audit.count,
        "problems": audit.problems,
    }


def _sentences(audit: Audit) -> str:
    if audit.problems:
        return "\n".join(f"{audit.wallet}: {problem}." for problem in audit.problems)
    what = f"{audit.count:,} transactions"
    if audit.first > 1:
        what += f", from {audit.first} on because those before were trimmed"
    if not audit.count:
        return f"{audit.wallet}: no transactions there to verify."
    return f"{audit.wallet}: {what}; chain, balances and holds agree with the state."


def _no_wallet(config: Config, wallet: str) -> ConfigurationError:
    return ConfigurationError(
        f"There is no wallet {wallet} with the prefix {config.prefix}; sluicegate status names all."
    )
