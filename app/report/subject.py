"""What a report is about: ``alpha``, ``alpha/trend`` or ``alpha/darvas-1``."""

from app.deployment import Deployment
from handlers.turn import Turn
from state.book import Book, scope_key
from state.entities import Agent, Farm, Scope
from state.view import KINDS, View, load_view
from stream import scripts
from stream.client import fields_of
from stream.errors import ConfigurationError
from stream.keys import Keys

_READ = tuple(kind for kind in KINDS if kind != "commands")


class Subject:
    """A scope with the book it is in, as of one commit."""

    def __init__(self, book: Book, scope: Scope, homes: list[Keys]) -> None:
        """``homes`` are the partitions that its wallet has lived in, the last being where it lives."""
        self.book = book
        self.scope = scope
        self.homes = homes

    @property
    def agents(self) -> list[Agent]:
        """Agents it covers, retired ones too, in the order of their ids."""
        scope = self.scope
        found = (
            agent
            for agent in self.book.agents.values()
            if scope in (self.book.wallet, agent) or (isinstance(scope, Farm) and agent.farm == scope.id)
        )
        return sorted(found, key=lambda agent: agent.id)

    @property
    def turn(self) -> Turn:
        """A turn for looking: nothing that it changes is written."""
        return Turn(self.book, "report", [])


async def find_subject(deployment: Deployment, name: str | None) -> Subject:
    """
    Find what a name means.

    Args:
        deployment: where to look.
        name: ``wallet``, ``wallet/farm`` or ``wallet/agent``; where a farm and an agent share an id,
            ``wallet/farm/id`` or ``wallet/agent/id``. None: the only wallet there is.

    Raises:
        ConfigurationError: nothing, or more than one, is called so; in a sentence that says what to write.
        TransportError: the server went away.

    """
    wallet = (name or "").partition("/")[0]
    keys = [deployment.home(wallet)] if wallet else deployment.all_keys
    views = [await _read(deployment, one) for one in keys]
    books = [(deployment.homes(one), book) for view in views for one, book in view.books.items()]
    if not wallet:
        return _only(books)
    for homes, book in books:
        if book.wallet.id == wallet:
            return Subject(book, _scope(book, name or ""), homes)
    raise ConfigurationError(await _unknown(deployment, wallet))


async def _read(deployment: Deployment, keys: Keys) -> View:
    hashes = await deployment.client.query(scripts.SNAPSHOT, [keys.state(kind) for kind in _READ])
    state = {kind: fields_of(flat) for kind, flat in zip(_READ, hashes, strict=True)}
    return load_view(state | {"commands": {}})


def _only(books: list[tuple[list[Keys], Book]]) -> Subject:
    if len(books) == 1:
        ((homes, book),) = books
        return Subject(book, book.wallet, homes)
    if not books:
        raise ConfigurationError("There are no wallets yet: declare some with sluicegate apply FLEET.toml.")
    names = ", ".join(sorted(book.wallet.id for _, book in books))
    raise ConfigurationError(f"There are several wallets: name one of {names}.")


def _scope(book: Book, name: str) -> Scope:
    wallet, _, rest = name.partition("/")
    if not rest:
        return book.wallet
    kind, slash, inner = rest.partition("/")
    if slash:
        found = book.scope(kind, inner) if kind in ("farm", "agent") else None
        if found is None:
            text = f"There is no {name}: behind {wallet}/ comes farm or agent, then a slash and its id."
            raise ConfigurationError(text)
        return found
    both = [scope for scope in (book.farms.get(rest), book.agents.get(rest)) if scope is not None]
    if len(both) == 2:
        meant = " or ".join(f"{wallet}/{scope_key(scope)}" for scope in both)
        raise ConfigurationError(f"{name} is a farm and an agent: write {meant}.")
    if not both:
        raise ConfigurationError(
            f"Wallet {wallet} has neither a farm nor an agent {rest}; sluicegate status {wallet} names all."
        )
    return both[0]


async def _unknown(deployment: Deployment, name: str) -> str:
    """Say that there is no such wallet, and where what was meant may be."""
    meant: list[str] = []
    wallets: list[str] = []
    for keys in deployment.all_keys:
        for book in (await _read(deployment, keys)).books.values():
            wallets.append(book.wallet.id)
            if name in book.farms or name in book.agents:
                meant.append(f"{book.wallet.id}/{name}")
    if meant:
        return f"There is no wallet {name}; {' or '.join(sorted(meant))} is one of a wallet: write it so."
    known = f"there are {', '.join(sorted(wallets))}" if wallets else "there are none yet"
    return f"There is no wallet {name}; {known}."
