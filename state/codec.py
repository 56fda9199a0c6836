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
from types import UnionType
from typing import Annotated, Any, Final, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from domain.goals import GoalType, progress, read_target
from domain.ledger import Transfer
from domain.money import FINE_DIGITS, MONEY_DIGITS, fine_text, money_text
from domain.positions import Position
from domain.standing import DERIVED, Standing
from state.annotations import restore_annotations
from state.entities import Agent, Farm, Scope, Wallet
from state.moving import MOVING, MOVING_OF_GOAL, moving_text, moving_text_of_goal, scaled_text
from state.records import Booked, Command, Goal, Pending

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


def _reader(places: int) -> _Convert:
    """Read what is written here. A sum may be larger than any number that may be sent, so it has no bound."""
    unit = 10**places

    def read(text: str) -> int:
        whole, point, fraction = text.partition(".")
        return int(whole + fraction.ljust(places, "0")) if point else int(text) * unit

    return read


_money: Final = _reader(MONEY_DIGITS)
_fine: Final = _reader(FINE_DIGITS)
_scaled: Final = _reader(2 * MONEY_DIGITS)


def _highs(stored: list[list[Any]] | None) -> list[tuple[int, int]] | None:
    return None if stored is None else [(until, _scaled(high)) for until, high in stored]


def _position(document: dict[str, str]) -> dict[str, int | None]:
    return {
        "written": None,
        "amount": _fine(document["amount"]),
        "cost": _money(document["cost"]),
        "mark": _fine(document["mark"]),
        "unrealized_pnl": _money(document["unrealized_pnl"]),
    }


def _transfer_text(transfer: Transfer) -> dict[str, str]:
    return {"debit": transfer.debit, "credit": transfer.credit, "amount": money_text(transfer.amount)}


def _transfer(document: dict[str, str]) -> dict[str, Any]:
    return document | {"amount": _money(document["amount"])}


def _all(convert: _Convert) -> _Convert:
    return lambda values: [convert(value) for value in values]


def _each(convert: _Convert) -> _Convert:
    return lambda mapping: {_shared(name): convert(value) for name, value in mapping.items()}


def _optional(convert: _Convert) -> _Convert:
    return lambda value: None if value is None else convert(value)


_TEXT: Final[dict[str, tuple[_Convert, _Convert]]] = {
    "1e-8": (money_text, _money),
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
        return _as_it_is, _each(_position)  # written with what moves
    if annotation is Booked:
        return _writer_of(Booked), _entity_of(Booked)
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
        special |= dict.fromkeys(_STANDING_MONEY, (money_text, _money))
        special |= dict.fromkeys(_STANDING_SCALED, (scaled_text, _scaled))
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


def _defaults(kind: type) -> dict[str, Any]:
    """Return what a dataclass begins with: of a compiled one msgspec leaves at zero what is not given."""
    if not is_dataclass(kind):
        return {}
    fields = dataclass_fields(kind)
    return {one.name: msgspec.to_builtins(one.default) for one in fields if one.default is not MISSING}


def _entity_of(kind: type[T]) -> Callable[[dict[str, Any]], T]:
    special: dict[str, _Convert] = {name: _shared for name in _SHARED if name in members(kind)}
    special |= {name: reader for name, (_, reader) in _fields(kind).items()}
    readers = list(special.items())
    defaults = _defaults(kind)

    def entity(document: dict[str, Any]) -> T:
        # What is none of its members is left out by `convert`.
        values = {**defaults, **document, "written": None}
        for name, read in readers:
            if name in document:
                # Makes ints of text, which the entity's own types then accept.
                values[name] = read(document[name])
        return msgspec.convert(values, kind, strict=True)

    return entity


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


class ScopeCodec(_Reader[S]):
    """Writes and reads wallets, farms or agents."""

    def __init__(self, kind: type[S]) -> None:
        super().__init__(kind)
        self._settled = _Settled(kind, MOVING, operator.eq)

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
