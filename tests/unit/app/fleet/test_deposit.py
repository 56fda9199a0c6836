"""A deposit is made once."""

import msgspec

from app.fleet.known import deposit_id
from app.fleet.plan import plan_wallet
from state.book import COMMANDS_KEPT
from tests.unit.app.fleet.tables import DEPOSITED, stored, table


def test_a_deposit_is_made_once() -> None:
    """Whatever the file says later, the deposit is not made again; that it says otherwise is noted."""
    plan = plan_wallet(table(deposit="2000"), stored())

    assert plan.steps == []
    assert plan.notes[0].startswith("wallet alpha had its deposit of 1000, and that was once")


def test_a_deposit_that_was_refused_is_tried_again() -> None:
    """A refusal is remembered under its id, so the next try has another one."""
    known = stored()
    reply = msgspec.Raw(b'{"kind":"deposit","status":"refused","result":null}')
    known.deposits = [msgspec.structs.replace(DEPOSITED, reply=reply)]

    (step,) = plan_wallet(table(), known).steps

    assert step.id == "apply-deposit-alpha-1"


def test_a_deposit_whose_id_was_used_for_something_else() -> None:
    """A command of another kind under the deposit's id is no deposit."""
    known = stored()
    reply = msgspec.Raw(b'{"kind":"farm_create","status":"ok","result":{"farm":"x"}}')
    known.deposits = [msgspec.structs.replace(DEPOSITED, reply=reply)]

    (step,) = plan_wallet(table(), known).steps

    assert step.id == "apply-deposit-alpha-1"


def test_a_deposit_whose_answer_is_forgotten_is_not_made_again() -> None:
    """Past the number of commands that are remembered, none found does not mean none made."""
    known = stored()
    assert known.wallet is not None
    known.deposits, known.wallet.commands = [], COMMANDS_KEPT + 1

    plan = plan_wallet(table(), known)

    assert plan.steps == []
    assert "no longer known whether wallet alpha had its deposit" in plan.notes[0]


def test_a_deposit_for_the_longest_of_names() -> None:
    """The id of a deposit is an id whatever the wallet's is, and each wallet has its own."""
    ids = {deposit_id(letter * 64, attempt) for letter in "ab" for attempt in (0, 1)}

    assert len(ids) == 4
    assert all(len(one) <= 64 for one in ids)
