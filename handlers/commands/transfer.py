"""Money moves between scopes, at once or in two phases, one transfer or several that are linked."""

from typing import Annotated, Any, Final

import msgspec

from domain.ledger import MASTER, WORLD, Phase, Transfer, agent_account, farm_account
from domain.money import fine_text
from domain.refusals import Refusal, Refused
from handlers.commands.payment import Leg, Payment, moved, pay, read_amount
from handlers.commands.types import Answer, Body, Done, ScopeName, find_scope
from handlers.reading import read_fine
from handlers.steps.pending import find_pending
from handlers.steps.pending import post as post_pending
from handlers.steps.pending import void as void_pending
from handlers.steps.rebalancing import request
from handlers.turn import Turn
from state.book import Book
from stream.errors import MalformedError

LINKED_MAX: Final = 1_000


class Part(msgspec.Struct):
    """One of several linked transfers."""

    source: ScopeName
    target: ScopeName
    amount: Any
    at_most: bool = False


class Move(Payment, kw_only=True):
    """``transfer``: one, or several that are ``linked``."""

    source: ScopeName | None = None
    target: ScopeName | None = None
    linked: Annotated[list[Part], msgspec.Meta(max_length=LINKED_MAX)] | None = None

    def check(self, book: Book) -> None:
        """Check the scopes and the amounts."""
        for part in self.parts():
            find_scope(book, part.source)
            find_scope(book, part.target)
        super().check(book)

    def legs(self) -> list[Leg]:
        """Return the transfers it asks for."""
        return [
            Leg(account_of(part.source), account_of(part.target), part.amount, part.at_most)
            for part in self.parts()
        ]

    def parts(self) -> list[Part]:
        """Return what is to move. Raises `MalformedError`."""
        if self.linked is None:
            if self.source is None or self.target is None:
                raise MalformedError(
                    "invalid_member", "A transfer has a source and a target, or linked ones."
                )
            return [Part(self.source, self.target, self.amount, self.at_most)]
        if not self.linked or self.source or self.target or self.amount is not msgspec.UNSET or self.at_most:
            text = (
                "Linked transfers are a list of at least one, and stand in place of source, target, amount."
            )
            raise MalformedError("invalid_member", text)
        return self.linked


class Post(Body, kw_only=True):
    """``post``: moves what is pending, or a part of it."""

    transfer: str
    amount: Any = None

    def check(self, book: Book) -> None:  # noqa: ARG002  # one signature for all bodies
        """Check the amount."""
        if self.amount is not None:
            read_amount(self.amount)

    def terms(self) -> dict[str, str]:
        """Tell what it asks for, to say in which another command differs."""
        amount = "" if self.amount is None else fine_text(read_fine(self.amount, "amount"))
        return {"kind": self.kind, "pending_id": self.transfer, "amount": amount}


class Void(Body, kw_only=True):
    """``void``: gives up what is pending."""

    transfer: str

    def terms(self) -> dict[str, str]:
        """Tell what it asks for, to say in which another command differs."""
        return {"kind": self.kind, "pending_id": self.transfer}


def transfer(turn: Turn, body: Move) -> Answer:
    """Move money between two scopes of the wallet, or between several, all or none."""
    return pay(turn, body, "transfer")


def post(turn: Turn, body: Post) -> Answer:
    """Move what is pending."""
    pending = find_pending(turn.book, body.transfer)
    if isinstance(pending, Refused):
        return pending
    transfers: list[Transfer] = pending.transfers
    if body.amount is not None:
        amount = read_amount(body.amount)
        if isinstance(amount, Refused):
            return amount
        if len(transfers) > 1 and amount != sum(transfer.amount for transfer in transfers):
            text = f"Linked transfers are posted whole; {pending.id} has {len(transfers)}."
            return Refused(Refusal.PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT, text)
        if len(transfers) == 1:
            transfers = [Transfer(transfers[0].debit, transfers[0].credit, amount)]
    refused = post_pending(turn, pending, body.id, transfers)
    if refused is not None:
        return refused
    if any(WORLD in (transfer.debit, transfer.credit) for transfer in transfers):
        request(turn, pending.reason)
    return Done({"transfer": pending.id, "state": Phase.POSTED, **moved(turn, transfers)})


def void(turn: Turn, body: Void) -> Answer:
    """Give up what is pending."""
    pending = find_pending(turn.book, body.transfer)
    if isinstance(pending, Refused):
        return pending
    void_pending(turn, pending, body.id)
    return Done({"transfer": pending.id, "state": Phase.VOIDED})


def account_of(name: ScopeName) -> str:
    """Account of a scope's cash."""
    if name.type == "agent":
        return agent_account(name.id)
    return farm_account(name.id) if name.type == "farm" else MASTER
