"""What a command is made of, and how it answers."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import msgspec

from domain.refusals import Refusal, Refused
from handlers.reading import find_agent
from handlers.turn import Turn
from state.book import Book
from state.entities import Agent, Farm, Scope
from state.records import State
from stream.errors import MalformedError


class Body(msgspec.Struct, kw_only=True):
    """What every command carries."""

    id: str
    wallet: str
    timestamp: int
    kind: str
    by: str | None = None
    dry_run: bool = False

    def check(self, book: Book) -> None:
        """Raise `MalformedError` where a name is unknown or a member cannot be read; changes nothing."""

    def terms(self) -> dict[str, str] | None:
        """Tell what a command that moves money asks for, by member; None for others."""
        return None


class Done(NamedTuple):
    """A command did what it asks for, or found it done already."""

    result: dict[str, Any]
    changed: bool = True


Answer = Done | Refused


class Kind(NamedTuple):
    """A kind of command: its body and what it does. The function refuses before it changes anything."""

    body: type[Any]
    run: Callable[[Turn, Any], Answer]


class ScopeName(msgspec.Struct, frozen=True):
    """A scope, by kind and id."""

    type: Literal["wallet", "farm", "agent"]
    id: str


def note_change(turn: Turn, scope: Scope) -> None:
    """Keep with a scope who changed it, and when."""
    scope.changed, scope.changed_by = turn.now, turn.by
    turn.book.mark(scope)


def holds_anything(scope: Scope) -> bool:
    """Whether a scope has money, a debt, or positions, which may be worth nothing now."""
    return bool(scope.cash or scope.equity or (isinstance(scope, Agent) and scope.positions))


def find_scope(book: Book, name: ScopeName) -> Scope:
    """Scope of a wallet. Raises `MalformedError`."""
    scope = book.scope(name.type, name.id)
    if scope is None:
        text = f"Wallet {book.wallet.id} has no {name.type} {name.id[:64]}."
        raise MalformedError(f"unknown_{name.type}", text)
    return scope


def find_farm(book: Book, name: str) -> Farm:
    """Farm of a wallet. Raises `MalformedError`."""
    farm = book.farms.get(name)
    if farm is None:
        raise MalformedError(
            "unknown_farm", f"Wallet {book.wallet.id} has no farm {name[:64]}; create it first."
        )
    return farm


def open_agent(book: Book, name: str) -> Agent | Refused:
    """Agent that is not retired. Raises `MalformedError` where there is none."""
    agent = find_agent(book, name)
    if agent.state is State.RETIRED:
        return Refused(Refusal.AGENT_RETIRED, f"Agent {agent.id} is retired; register another.")
    return agent


def open_farm(book: Book, name: str) -> Farm | Refused:
    """Farm that is not closed. Raises `MalformedError` where there is none."""
    farm = find_farm(book, name)
    if farm.state is State.CLOSED:
        return Refused(Refusal.FARM_CLOSED, f"Farm {farm.id} is closed; create another.")
    return farm
