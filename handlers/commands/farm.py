"""Farms are created, changed and closed."""

from msgspec import UNSET, UnsetType

from domain.ledger import farm_account
from domain.refusals import Refusal, Refused
from handlers.commands.types import Answer, Body, Done, find_farm, holds_anything, note_change, open_farm
from handlers.reading import check_id, given
from handlers.steps.pending import arriving
from handlers.turn import WALLET, Turn
from state.book import Book
from state.entities import Farm
from state.records import State


class Create(Body, kw_only=True):
    """``farm_create``."""

    farm: str
    type: str = ""
    name: str = ""

    def check(self, book: Book) -> None:  # noqa: ARG002  # one signature for all bodies
        """Check the id."""
        check_id(self.farm, "farm")


class Configure(Body, kw_only=True):
    """``farm_configure``: what is left out stays, what is null is as it is when it was never given."""

    farm: str
    type: str | UnsetType | None = UNSET
    name: str | UnsetType | None = UNSET

    def check(self, book: Book) -> None:
        """Check that there is such a farm."""
        find_farm(book, self.farm)


class Close(Body, kw_only=True):
    """``farm_close``."""

    farm: str

    def check(self, book: Book) -> None:
        """Check that there is such a farm."""
        find_farm(book, self.farm)


def create(turn: Turn, body: Create) -> Answer:
    """Create a farm."""
    book, wallet = turn.book, turn.wallet
    known = book.farms.get(body.farm)
    if known is not None:
        same = (known.type, known.name) == (body.type, body.name or body.farm)
        refusal = Refusal.EXISTS if same else Refusal.EXISTS_WITH_DIFFERENT_BODY
        return Refused(refusal, f"Farm {body.farm} exists; farm_configure changes it.")
    if wallet.state is State.CLOSED:
        return Refused(Refusal.WALLET_CLOSED, f"Wallet {wallet.id} is closed.")
    farm = Farm(
        id=body.farm,
        wallet=wallet.id,
        name=body.name or body.farm,
        type=body.type,
        day=wallet.day,
        bin=wallet.bin,
    )
    book.farms[farm.id] = farm
    note_change(turn, farm)
    turn.emit(WALLET, "farm_created", farm.id, {"farm": farm.id, "name": farm.name, "farm_type": farm.type})
    return Done({"farm": farm.id})


def configure(turn: Turn, body: Configure) -> Answer:
    """Change a farm's name or type."""
    farm = open_farm(turn.book, body.farm)
    if isinstance(farm, Refused):
        return farm
    before = farm.type, farm.name
    farm.type = given(body.type, farm.type, "")
    farm.name = given(body.name, farm.name, farm.id)
    changed = before != (farm.type, farm.name)
    if changed:
        note_change(turn, farm)
    return Done({"farm": farm.id}, changed=changed)


def close(turn: Turn, body: Close) -> Answer:
    """Close a farm that has no agents and no money any more."""
    farm = open_farm(turn.book, body.farm)
    if isinstance(farm, Refused):
        return farm
    coming = farm_account(farm.id) in arriving(turn.book)
    agents = [agent for agent in turn.book.agents.values() if agent.farm == farm.id]
    # What retired agents still hold goes through it, be it together worth nothing now.
    busy = any(agent.state is not State.RETIRED or holds_anything(agent) for agent in agents)
    if holds_anything(farm) or coming or busy:
        text = f"Farm {farm.id} still has agents or money, or some is pending for it; see to them first."
        return Refused(Refusal.FARM_NOT_EMPTY, text)
    farm.state = State.CLOSED
    note_change(turn, farm)
    return Done({"farm": farm.id})
