"""What happened in one account, transaction by transaction."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec

from app.transactions import Told
from domain.money import MONEY_DIGITS, money_text


class Line(msgspec.Struct, kw_only=True):
    """
    One transaction as an account sees it.

    ``balance`` and ``held`` are after it; None where the transactions that would say so were trimmed.
    """

    n: int
    time: str
    id: str
    reason: str
    by: str | None
    change: str
    balance: str | None
    held: str | None
    others: list[str]  # accounts it moves money from or to
    fills: int = 0
    phase: str | None = None
    pending: str | None = None
    corrects: str | None = None


async def statement(wallet: str, account: str, told: AsyncIterator[Told]) -> AsyncIterator[Line]:
    """Read the lines of a wallet's account, oldest first."""
    balance: str | None = None
    held: str | None = None
    begun = False
    async for event in told:
        if event.wallet != wallet:
            continue
        data = event.transaction
        if not begun:
            begun = True
            if data["n"] == 1:
                balance = held = "0"
        others = _others(data, account)
        if not others:
            continue
        balance = data["balances"].get(account, balance)
        held = data.get("held", {}).get(account, held)
        yield Line(
            n=data["n"],
            time=event.time,
            id=data["id"],
            reason=data["reason"],
            by=data["by"],
            change=_change(data, account),
            balance=balance,
            held=held,
            others=others,
            fills=data.get("fills", 0),
            phase=data.get("phase"),
            pending=data.get("pending"),
            corrects=data.get("corrects"),
        )


def _others(data: Mapping[str, Any], account: str) -> list[str]:
    """Accounts on the other side, each once; none where this account has no part in it."""
    sides = [(t["debit"], t["credit"]) for t in (*data["transfers"], *data.get("holds", ()))]
    found = [credit if debit == account else debit for debit, credit in sides if account in (debit, credit)]
    return list(dict.fromkeys(found))


def _change(data: Mapping[str, Any], account: str) -> str:
    change = 0
    for transfer in data["transfers"]:
        amount = units(transfer["amount"])
        change += amount * ((transfer["credit"] == account) - (transfer["debit"] == account))
    return money_text(change)


def units(text: str) -> int:
    """Read an amount of any size: a balance may be larger than any number that may be sent."""
    whole, _, fraction = text.partition(".")
    return int(whole + fraction.ljust(MONEY_DIGITS, "0"))
