"""
Entities to and from the JSON in the hashes of a partition.

Money and quantities are decimal text there, so a person can read them and no reader rounds them. What a
person wants to see beside them (drawdown, profit from trading) is written too and ignored when read.
"""

import operator
import sys
from collections.abc import Callable, Sequence
from dataclasses import MISSING, is_dataclass
from dataclasses import fields as dataclass_fields
from operator import attrgetter
from types import GenericAlias, UnionType
from typing import Annotated, Any, Final, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec.structs import astuple

from domain.goals import GoalType, progress, read_target
from domain.ledger import Transfer
from domain.money import FINE_DIGITS, MONEY_DIGITS, fine_text, money_text
from domain.positions import Position
from domain.standing import DERIVED, Standing
from state.annotations import restore_annotations
from state.entities import Agent, Farm, Scope, Wallet
from state.moving import MOVING, MOVING_OF_GOAL, moving_text, moving_text_of_goal, scaled_text
from state.records import Booked, Command, Goal, Pending
from state.stored import StoredBooked, StoredPosition

T = TypeVar("T")
S = TypeVar("S", bound=Scope)

_Convert = Callable[[Any], Any]
_Compare = Callable[[tuple[Any, ...], tuple[Any, ...]], bool]

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode
_decode_command: Final = msgspec.json.Decoder(Command).decode

# Fields of domain structs, which carry no annotation of ours.
_STANDING_MONEY: Final = (
    "equity",
    "anchor",
    "realized_pnl",
    "unrealized_pnl",
    "fees",
    "gross_profit",
    "gross_loss",
    "doubt",
)
_STANDING_SCALED: Final = ("peak_equity", "day_open_equity", "bin_open_equity", "squared_profit", "firm_peak")
_FIRST: Final = ("id", "wallet", "farm", "state", "currency", "name")
NOT_STORED: Final = (*DERIVED, "written")


_POWERS: Final[list[int]] = [10**places for places in range(2 * MONEY_DIGITS + 1)]


def _number(text: str, places: int) -> int:
    """Read what is written here. A sum may be larger than any number that may be sent, so it has no bound."""
    if text == "0":  # as many are
        return 0
    point = text.find(".")
    if point < 0:
        return int(text) * _POWERS[places]
    return int(text.replace(".", "", 1)) * _POWERS[places - (len(text) - point - 1)]


def stored_money(text: str) -> int:
    """Read an amount of money as it is stored."""
    return _number(text, MONEY_DIGITS)


def _fine(text: str) -> int:
    return _number(text, FINE_DIGITS)


def stored_scaled(text: str) -> int:
    """Read what scopes are measured against, as it is stored."""
    return _number(text, 2 * MONEY_DIGITS)


def _highs(stored: list[tuple[int, str]] | None) -> list[tuple[int, int]] | None:
    return None if stored is None else [(until, stored_scaled(high)) for until, high in stored]


def _positions(stored: dict[str, StoredPosition]) -> dict[str, Position]:
    found: dict[str, Position] = {}
    for symbol, one in stored.items():
        position = Position.__new__(Position)  # as each agent has several
        position.amount, position.cost = _fine(one.amount), stored_money(one.cost)
        position.mark, position.unrealized_pnl = _fine(one.mark), stored_money(one.unrealized_pnl)
        position.written = None
        found[sys.intern(symbol)] = position
    return found


def _booked(stored: StoredBooked) -> Booked:
    return Booked(
        stored_money(stored.cost), stored_money(stored.realized_pnl), stored_money(stored.fees), stored.trades
    )


def _transfer_text(transfer: Transfer) -> dict[str, str]:
    return {"debit": transfer.debit, "credit": transfer.credit, "amount": money_text(transfer.amount)}


def _transfer(document: dict[str, str]) -> dict[str, Any]:
    return document | {"amount": stored_money(document["amount"])}


def _all(convert: _Convert) -> _Convert:
    return lambda values: [convert(value) for value in values]


def _each(convert: _Convert) -> _Convert:
    return lambda mapping: {_shared(name): convert(value) for name, value in mapping.items()}


def _optional(convert: _Convert) -> _Convert:
    return lambda value: None if value is None else convert(value)


_TEXT: Final[dict[str, tuple[_Convert, _Convert]]] = {
    "1e-8": (money_text, stored_money),
    "1e-12": (fine_text, _fine),
}
_SHARED: Final = ("wallet", "farm", "currency", "strategy", "type")


def _shared(value: Any) -> Any:  # noqa: ANN401  # checked with the rest
    """Keep in memory once what many entities have in common."""
    return sys.intern(value) if type(value) is str else value


def _as_it_is(value: Any) -> Any:  # noqa: ANN401  # JSON
    return value


_WHOLE: Final[dict[Any, tuple[_Convert, _Convert]]] = {
    Transfer: (_transfer_text, _transfer),
}


_AROUND: Final[dict[Any, Callable[[_Convert], _Convert]]] = {
    list: _all,
    dict: _each,
    Union: _optional,
    UnionType: _optional,
}


def _converters(annotation: Any) -> tuple[_Convert, _Convert] | None:  # noqa: ANN401  # any type hint
    """Writer and reader of a field that is not plain JSON; None for one that is."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _TEXT[arguments[1]]
    if annotation in _WHOLE:
        return _WHOLE[annotation]
    if annotation == dict[str, Position]:
        return _as_it_is, _positions  # written with what moves
    if annotation is Booked:
        return _writer_of(Booked), _booked
    if origin in _AROUND and (inner := _converters(arguments[origin is dict])):
        around = _AROUND[origin]
        return around(inner[0]), around(inner[1])
    return None


def members(kind: type) -> tuple[str, ...]:
    """Names of an entity's members: entities are structs, or dataclasses where every fill changes them."""
    if is_dataclass(kind):
        return tuple(member.name for member in dataclass_fields(kind))
    assert issubclass(kind, msgspec.Struct)  # noqa: S101  # a broken invariant
    return kind.__struct_fields__


for _kind in (Position, Standing, Scope, Agent, Farm, Wallet):
    restore_annotations(_kind)


def _fields(kind: type) -> dict[str, tuple[_Convert, _Convert]]:
    special: dict[str, tuple[_Convert, _Convert]] = {}
    if issubclass(kind, Scope):
        special |= dict.fromkeys(_STANDING_MONEY, (money_text, stored_money))
        special |= dict.fromkeys(_STANDING_SCALED, (scaled_text, stored_scaled))
        special["highs"] = _as_it_is, _highs  # written with what moves
    for name, annotation in get_type_hints(kind, include_extras=True).items():
        if found := _converters(annotation):
            special[name] = found
    return special


def _stored(kind: type) -> list[str]:
    """Names of the members that are stored; what says which entity it is comes first."""
    stored = (name for name in members(kind) if name not in NOT_STORED)
    return sorted(stored, key=lambda name: name not in _FIRST)


def _document_of(kind: type, names: Sequence[str]) -> Callable[[Sequence[Any]], dict[str, Any]]:
    """Make a document of the values of some members."""
    special = {name: writer for name, (writer, _) in _fields(kind).items()}
    writers = [(name, special[name]) for name in names if name in special]

    def document(values: Sequence[Any]) -> dict[str, Any]:
        written = dict(zip(names, values, strict=True))
        for name, write in writers:
            written[name] = write(written[name])
        return written

    return document


def _writer_of(kind: type) -> _Convert:
    names = _stored(kind)
    values, document = attrgetter(*names), _document_of(kind, names)
    return lambda entity: document(values(entity))


def _entity_of(kind: type[T]) -> Callable[[dict[str, Any]], T]:
    special: dict[str, _Convert] = {name: _shared for name in _SHARED if name in members(kind)}
    special |= {name: reader for name, (_, reader) in _fields(kind).items()}
    readers = list(special.items())

    def entity(document: dict[str, Any]) -> T:
        # What is none of its members is left out by `convert`.
        values = {**document, "written": None}
        for name, read in readers:
            if name in document:
                # Makes ints of text, which the entity's own types then accept.
                values[name] = read(document[name])
        return msgspec.convert(values, kind, strict=True)

    return entity


def _form(annotation: Any) -> Any:  # noqa: ANN401  # any type hint
    """Type of a member as it is stored."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return str
    if origin in (Union, UnionType):
        return Union[tuple(map(_form, arguments))]  # noqa: UP007  # of as many as there are
    if origin is dict:
        return GenericAlias(dict, (str, _form(arguments[1])))
    return _FORMS.get(annotation, annotation)


_FORMS: Final[dict[Any, Any]] = {Position: StoredPosition, Booked: StoredBooked}


def _stored_form(kind: type) -> type[msgspec.Struct]:
    """Make a struct of the members of a scope as they are stored, in that order."""
    forms = {name: _form(hint) for name, hint in get_type_hints(kind, include_extras=True).items()}
    forms |= dict.fromkeys((*_STANDING_MONEY, *_STANDING_SCALED), str)
    forms["highs"] = list[tuple[int, str]] | None
    writers = {name: writer for name, (writer, _) in _fields(kind).items()}
    begins: dict[str, dict[str, Any]] = {}
    for member in dataclass_fields(kind):
        name, default = member.name, member.default
        if member.default_factory is not MISSING:
            begins[name] = {"default_factory": _FORMS.get(forms[name], forms[name])}
        elif default is not MISSING:
            written = writers[name](default) if name in writers else default
            begins[name] = {"default": written}
    fields = [(name, forms[name], msgspec.field(**begins.get(name, {}))) for name in _stored(kind)]
    return msgspec.defstruct(f"Stored{kind.__name__}", fields, kw_only=True, gc=False)


class _Reader(Generic[T]):
    """Reads entities of one kind."""

    def __init__(self, kind: type[T]) -> None:
        self._entity = _entity_of(kind)

    def decode(self, stored: bytes) -> T:
        """
        Read an entity.

        Raises:
            msgspec.ValidationError: what is stored is not of this kind.

        """
        return self._entity(_decode(stored))


class Codec(_Reader[T]):
    """Writes and reads entities of one kind."""

    def __init__(self, kind: type[T]) -> None:
        super().__init__(kind)
        self._document = _writer_of(kind)

    def encode(self, entity: T) -> bytes:
        """Write an entity as JSON."""
        return _encode(self._document(entity))


def _identical(before: tuple[Any, ...], now: tuple[Any, ...]) -> bool:
    """Tell 500 from the 500.0 that took its place."""
    return all(map(operator.is_, before, now))


class _Settled(Generic[T]):
    """
    Writes what fills leave alone of an entity, and keeps it with what it was written from.

    It is used while every member is as it was: nobody who changes one has to say so.
    """

    def __init__(self, kind: type[T], moving: frozenset[str], unchanged: _Compare) -> None:
        names = [name for name in _stored(kind) if name not in moving]
        self._unchanged = unchanged
        self._values = attrgetter(*names)
        self._document = _document_of(kind, names)

    def text(self, entity: Scope | Goal) -> str:
        """Begin a document."""
        values = self._values(entity)
        written = entity.written
        if written is None or not self._unchanged(written[0], values):
            written = entity.written = values, _encode(self._document(values)).decode()[:-1] + ","
        return written[1]


class ScopeCodec(Generic[S]):
    """Writes and reads wallets, farms or agents."""

    def __init__(self, kind: type[S]) -> None:
        self._kind = kind
        self._settled = _Settled(kind, MOVING, operator.eq)
        readers: dict[str, _Convert] = dict.fromkeys(_SHARED, _shared)
        readers |= {name: reader for name, (_, reader) in _fields(kind).items()}
        self._members = [(name, readers.get(name)) for name in _stored(kind)]
        self._others = [(one.name, one.default) for one in dataclass_fields(kind) if one.name in NOT_STORED]
        self._decode = msgspec.json.Decoder(_stored_form(kind)).decode

    def decode(self, stored: bytes) -> S:
        """
        Read a scope.

        Raises:
            msgspec.ValidationError: what is stored is not of this kind.

        """
        # Member by member: `msgspec.convert` from a document takes twice as long.
        values = astuple(self._decode(stored))
        scope = self._kind.__new__(self._kind)
        for (name, read), value in zip(self._members, values, strict=True):
            setattr(scope, name, value if read is None else read(value))
        for name, value in self._others:
            setattr(scope, name, value)
        return scope

    def encode(self, scope: S) -> bytes:
        """Write a scope as JSON."""
        return (self._settled.text(scope) + moving_text(scope)).encode()


class GoalCodec(_Reader[Goal]):
    """Writes and reads goals, whose targets and assignments are replaced, never changed in themselves."""

    def __init__(self) -> None:
        super().__init__(Goal)
        self._settled = _Settled(Goal, MOVING_OF_GOAL, _identical)

    def encode(self, goal: Goal) -> bytes:
        """Write a goal as JSON."""
        share = goal.progress
        if goal.goal_type in _COUNTED:
            # Counted with every fill, measured only at whole percents: what is stored is as of now.
            target = read_target(goal.goal_type, goal.target)
            share = progress(target, goal.trades, goal.profit, _no_metric)
        return (self._settled.text(goal) + moving_text_of_goal(goal, share)).encode()


class CommandCodec(Codec[Command]):
    """Writes and reads answered commands, of which there may be more than of anything: all of it is JSON."""

    def encode(self, command: Command) -> bytes:
        """Write a command as JSON."""
        return _encode(command)

    def decode(self, stored: bytes) -> Command:
        """Read a command. Raises as others do."""
        command = _decode_command(stored)
        command.wallet = sys.intern(command.wallet)
        command.reply = command.reply.copy()  # or all that was stored would stay for it
        return command


AnyCodec = Codec[Any] | ScopeCodec[Any] | GoalCodec

_COUNTED: Final = (GoalType.TRADE_VOLUME, GoalType.PROFIT_TARGET)


def _no_metric(_name: str, _periods: int | None) -> None:
    """Look up nothing: targets that are counted need no metric."""


WALLETS: Final = ScopeCodec(Wallet)
FARMS: Final = ScopeCodec(Farm)
AGENTS: Final = ScopeCodec(Agent)
GOALS: Final = GoalCodec()
PENDING: Final = Codec(Pending)
COMMANDS: Final = CommandCodec(Command)
