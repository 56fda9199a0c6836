"""
``in:command``: what operators ask for. Each is answered once, by one reply.

Rules kept here:

1. A command's id is its idempotency key: the same id and body gets the first answer again and changes
   nothing; the same id with another body is refused.
2. A dry run runs the real thing on a copy of the wallet's book, and answers with what it would have said.
3. A command that cannot be read is a dead letter, and answered as rejected where its id is known.
"""

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final

import msgspec

from domain.refusals import Refusal, Refused
from handlers.commands import COMMANDS
from handlers.commands.types import Answer, Body
from handlers.commands.wallet import Create, new_wallet
from handlers.reading import LATEST_MS, check_by, check_id, check_time
from handlers.steps.timers import advance, finish
from handlers.turn import REPLY, Turn
from state.book import Book
from state.records import Command
from state.view import View, copy_of
from stream.decode import Decoder, time_of, to_builtins
from stream.errors import MalformedError
from stream.types import Emit, Entry


class Header(msgspec.Struct):
    """What an answer needs. Only the id has to be what it should be, so that a mistake can be answered."""

    id: str
    wallet: Any = None
    kind: Any = None
    by: Any = None
    dry_run: Any = False


class Members(msgspec.Struct):
    """Members that every command has; the rest is read by its kind."""

    id: str
    wallet: str
    timestamp: int
    kind: str
    by: str | None = None
    dry_run: bool = False


decode: Final[Callable[[bytes], Header]] = Decoder(Header).decode
_members = Decoder(Members).decode
_BODIES = {name: Decoder(kind.body).decode for name, kind in COMMANDS.items()}


def identity(_header: Header) -> None:
    """Repeats are recognised here, not by the engine: they are answered."""


def handle(view: View, entry: Entry, header: Header, emits: list[Emit]) -> bool:
    """Carry out a command. Raises `MalformedError`, having changed nothing but said so."""
    try:
        check_id(header.id, "id")
        assert entry.event is not None  # noqa: S101  # the header was decoded from it
        return _handle(view, entry, _members(entry.event), emits)
    except MalformedError as error:
        data = _reply(header, "rejected", error.reason, error.detail, None)
        source, time_ms = f"/sluicegate/{_text(header.wallet)}", min(time_of(entry), LATEST_MS)
        emits.append(Emit(REPLY, "command_reply", source, header.id[:64], time_ms, data))
        raise


def _handle(view: View, entry: Entry, header: Members, emits: list[Emit]) -> bool:
    check_id(header.wallet, "wallet")
    check_time(header.timestamp, entry)
    check_by(header.by)
    kind = COMMANDS.get(header.kind)
    if kind is None:
        text = f"{header.kind[:40]!r} is no kind of command: there are {', '.join(COMMANDS)}."
        raise MalformedError("unknown_kind", text)
    assert entry.event is not None  # noqa: S101  # the members were decoded from it
    body: Body = _BODIES[header.kind](entry.event)
    book = view.books.get(header.wallet)
    if book is None:
        book = _new_book(body)
    digest = _digest(entry.event)
    known = None if header.dry_run else book.commands.get(header.id)
    if known is not None:
        return _repeat(book, body, known, digest, emits)
    body.check(book)
    if header.dry_run:
        emits.append(_dry_run(copy_of(book), body, kind.run))
        return True
    if header.wallet not in view.books:
        view.add(book)
    view.touch(book)
    turn = _turn_of(book, body, emits)
    reply = msgspec.Raw(msgspec.json.encode(_answer(header, kind.run(turn, body))))
    book.wallet.commands += 1
    book.mark(book.wallet)
    number = book.wallet.commands
    record = Command(
        id=header.id,
        wallet=header.wallet,
        number=number,
        digest=digest,
        reply=reply,
        terms=body.terms(),
    )
    book.remember_command(record)
    turn.emit(REPLY, "command_reply", header.id, reply)
    finish(turn)
    return True


def _turn_of(book: Book, body: Body, emits: list[Emit]) -> Turn:
    """Begin a command's turn. What is due with the time that it brings is not its sender's doing."""
    turn = Turn(book, body.id, emits)
    advance(turn, body.timestamp)
    turn.by = body.by
    return turn


def _new_book(body: Body) -> Book:
    if not isinstance(body, Create):
        raise MalformedError("unknown_wallet", f"There is no wallet {body.wallet}; wallet_create makes one.")
    return Book(new_wallet(body))


def _repeat(book: Book, body: Body, known: Command, digest: str, emits: list[Emit]) -> bool:
    turn = Turn(book, body.id, emits)
    if known.digest == digest:
        turn.emit(REPLY, "command_reply", body.id, known.reply)
        return False
    text = f"Command {body.id} was another one; give this one an id of its own."
    refused = Refused(_difference(known.terms, body.terms()), text)
    turn.emit(REPLY, "command_reply", body.id, _answer(body, refused))
    return True


def _difference(known: dict[str, str] | None, asked: dict[str, str] | None) -> Refusal:
    """Tell in what a command differs from the one that has its id: the first of its terms that does."""
    if known is not None and asked is not None:
        for name, term in asked.items():
            if known.get(name) != term:
                return Refusal(f"exists_with_different_{name}")
    return Refusal.EXISTS_WITH_DIFFERENT_BODY


def _dry_run(book: Book, body: Body, run: Any) -> Emit:  # noqa: ANN401  # a command's function
    finish(Turn(book, body.id, []))  # nothing was touched; it finds out what is due next
    said: list[Emit] = []
    turn = _turn_of(book, body, said)
    answer = run(turn, body)
    finish(turn)
    reply = _answer(body, answer)
    events = [{"type": emit.name, "subject": emit.subject, "data": emit.data} for emit in said]
    reply["result"] = {"answer": reply["result"], "events": events}
    source = f"/sluicegate/{body.wallet}"
    return Emit(REPLY, "command_reply", source, body.id, book.wallet.time, reply)


def _answer(header: Members | Body, answer: Answer) -> dict[str, Any]:
    if isinstance(answer, Refused):
        return _reply(header, "refused", answer.refusal, answer.detail, None)
    return _reply(header, "ok" if answer.changed else "unchanged", None, None, answer.result)


def _reply(
    header: Header | Members | Body,
    status: str,
    refusal: str | None,
    detail: str | None,
    result: dict[str, Any] | None,
) -> dict[str, Any]:
    return {
        "command": header.id[:64],
        "kind": _text(header.kind),
        "by": _text(header.by) or None,
        "status": status,
        "refusal": refusal,
        "detail": detail,
        "dry_run": header.dry_run is True,
        "result": result,
    }


def _digest(event: bytes) -> str:
    """Digest of a command but for its timestamp, so that a retry need not keep the time of the first try."""
    body = to_builtins(event)
    body.pop("timestamp", None)
    try:
        # The standard library's, because it writes what MessagePack may hold and JSON has no word for.
        text = json.dumps(body, sort_keys=True, default=repr)
    except (TypeError, ValueError, RecursionError) as error:
        raise MalformedError("invalid_member", f"A member cannot be written down: {error}.") from None
    return sha256(text.encode()).hexdigest()


def _text(member: object) -> str:
    return member[:64] if isinstance(member, str) else ""
