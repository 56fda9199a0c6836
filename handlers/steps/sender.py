"""
Whether an entry is from the agent that it names, and not one too many.

Rules kept here:

1. An agent with a public key is believed only what it signed; with the rule ``require_signature`` nobody is
   believed without.
2. Age and rate follow from the entry and the wallet's time, so that a replay decides the same.
3. What is refused has changed nothing: the rate counts what was taken.
"""

from typing import Protocol

from domain.signing import is_signed, read_key
from handlers.reading import check_time
from state.book import Book
from state.entities import Agent
from stream.decode import time_of
from stream.errors import MalformedError
from stream.types import Entry


class Dated(Protocol):
    """An event that says when it happened, and maybe when it was signed."""

    timestamp: int
    sent: int | None


def check_sender(book: Book, agent: Agent, stream: str, entry: Entry, event: Dated) -> None:
    """Check the last thing before an entry is applied, where `Book.guarded`. Raises `MalformedError`."""
    rules = book.wallet.rules
    if agent.public_key is not None:
        _check_signature(agent, agent.public_key, stream, entry)
        _check_age(book, entry, event)
    elif rules.require_signature:
        text = f"Agent {agent.id} has no public_key, and wallet {book.wallet.id} takes only what is signed."
        raise MalformedError("unsigned", text)
    if rules.rate_limit:
        _count(book, agent, entry, rules.rate_limit)


def _check_signature(agent: Agent, key: str, stream: str, entry: Entry) -> None:
    if not entry.signature:
        text = f"Agent {agent.id} has a public_key, but the entry has no field signature."
        raise MalformedError("unsigned", text)
    assert entry.event is not None  # noqa: S101  # it was decoded
    if not is_signed(read_key(key), stream, entry.event, entry.signature):
        text = f"The signature is not that of agent {agent.id} for {stream} and just these bytes."
        raise MalformedError("bad_signature", text)


def _check_age(book: Book, entry: Entry, event: Dated) -> None:
    """Refuse what was signed so long ago that it may have been applied and forgotten since."""
    now, signed = book.wallet.time, event.timestamp
    if event.sent is not None:
        signed = event.sent
        check_time(signed, entry)  # or it would never be too old
    if event.sent is not None or book.wallet.rules.clock != "event":
        now = max(now, time_of(entry))
    age = book.wallet.rules.signature_age
    if signed < now - age:
        text = f"The event was signed for {signed}, over {age} ms ago; give it the time in sent, and sign it."
        raise MalformedError("stale_signature", text)


def _count(book: Book, agent: Agent, entry: Entry, limit: int) -> None:
    """Count an entry of an agent within the second that the server appended it in."""
    second = time_of(entry) // 1000
    taken = agent.rate_count if agent.rate_second == second else 0
    if taken >= limit:
        text = f"Agent {agent.id} has sent {limit} entries in this second, which is its limit; retry later."
        raise MalformedError("rate_limited", text)
    agent.rate_second, agent.rate_count = second, taken + 1
    book.mark(agent)
