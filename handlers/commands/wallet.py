"""Wallets are configured and closed; how one begins."""

from typing import Any

import msgspec

from domain.allocation import METHODS
from domain.refusals import Refusal, Refused
from domain.rules import DAY_MS, Rules, changed
from domain.weighing import unknown_method
from handlers.commands.minima import check_minima, own_bounds
from handlers.commands.types import Answer, Body, Done, holds_anything, note_change
from handlers.reading import check_currency
from handlers.steps.benchmark import forget_prices
from handlers.steps.rebalancing import request
from handlers.steps.updates import conflation_changed, touch
from handlers.steps.valuation import restart_bins, trim_returns
from handlers.steps.watching import limits_changed
from handlers.turn import Turn
from state.book import Book
from state.entities import Wallet
from state.records import State
from stream.errors import MalformedError


class Create(Body, kw_only=True):
    """``wallet_create``."""

    currency: str
    rules: dict[str, Any] = msgspec.field(default_factory=dict)

    def check(self, book: Book) -> None:
        """Check currency and rules."""
        check_currency(self.currency)
        read_rules(book.wallet.rules, self.rules)


class Configure(Body, kw_only=True):
    """``wallet_configure``: rules holds only what changes."""

    rules: dict[str, Any]

    def check(self, book: Book) -> None:
        """Check the rules."""
        read_rules(book.wallet.rules, self.rules)


class Close(Body, kw_only=True):
    """``wallet_close``."""


def new_wallet(body: Create) -> Wallet:
    """Make the wallet a command asks for. Raises `MalformedError`."""
    rules = read_rules(Rules(), body.rules)
    wallet = Wallet(
        id=body.wallet,
        wallet=body.wallet,
        currency=body.currency,
        time=body.timestamp,
        created=body.timestamp,
        rules=rules,
        rebalanced=body.timestamp,
        collected=body.timestamp,
    )
    wallet.day = body.timestamp // DAY_MS
    wallet.bin = body.timestamp // rules.performance.bin
    return wallet


def create(turn: Turn, body: Create) -> Answer:
    """Answer for a wallet that was just made, or that is there already."""
    wallet = turn.wallet
    if wallet.commands:
        same = wallet.currency == body.currency and read_rules(wallet.rules, body.rules) == wallet.rules
        refusal = Refusal.EXISTS if same else Refusal.EXISTS_WITH_DIFFERENT_BODY
        return Refused(refusal, f"Wallet {wallet.id} exists; wallet_configure changes it.")
    note_change(turn, wallet)
    touch(turn, wallet)
    return Done({"wallet": wallet.id, "currency": wallet.currency})


def configure(turn: Turn, body: Configure) -> Answer:
    """Change some of the rules."""
    wallet = turn.wallet
    rules = read_rules(wallet.rules, body.rules)
    if rules == wallet.rules:
        return Done({"rules": msgspec.to_builtins(rules)}, changed=False)
    refused = check_minima(turn.book, own_bounds(turn.book), rules.rebalance)
    if refused is not None:
        return refused
    before = wallet.rules
    wallet.rules = rules
    note_change(turn, wallet)
    turn.book.rules_changed()
    if rules.conflation != before.conflation:
        conflation_changed(turn, before.conflation)
    if rules.performance.bin != before.performance.bin:
        restart_bins(turn)
    if rules.performance.window < before.performance.window:
        trim_returns(turn)
    if rules.performance.benchmark != before.performance.benchmark:
        forget_prices(turn)
    if rules.breakers != before.breakers:
        limits_changed(turn, before.breakers)
    if (rules.rebalance, rules.score) != (before.rebalance, before.score):
        request(turn, "rules")
    return Done({"rules": msgspec.to_builtins(rules)})


def close(turn: Turn, _body: Close) -> Answer:
    """Close a wallet that holds nothing any more."""
    wallet, book = turn.wallet, turn.book
    if wallet.state is State.CLOSED:
        return Done({"wallet": wallet.id}, changed=False)
    # One agent's debt may stand against another's money.
    if book.pending or any(map(holds_anything, (wallet, *book.farms.values(), *book.agents.values()))):
        text = f"Wallet {wallet.id} still holds money, positions or pending transfers; see to them first."
        return Refused(Refusal.WALLET_NOT_EMPTY, text)
    wallet.state = State.CLOSED
    note_change(turn, wallet)
    book.timers_changed()
    return Done({"wallet": wallet.id})


def read_rules(rules: Rules, changes: dict[str, Any]) -> Rules:
    """Rules with changes. Raises `MalformedError`."""
    try:
        found = changed(rules, changes)
    except (ValueError, msgspec.ValidationError) as error:
        raise MalformedError("invalid_rules", f"{error}.") from None
    if found.rebalance.method not in METHODS:
        text = f"rebalance.method: {unknown_method(found.rebalance.method)}"
        raise MalformedError("invalid_rules", text)
    return found
