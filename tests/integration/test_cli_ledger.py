"""``sluicegate ledger``: whoever changes the books is found out, and an account tells what happened in it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.command_line import CommandLine, wait_until
from tests.support.driver import MINUTE, Driver, Json, funded

MASTER = {"type": "wallet", "id": "w"}
A = {"type": "agent", "id": "a"}


def busy() -> Driver:
    """Return a wallet in whose ledger something of every kind happened; the last fill is not told yet."""
    driver = funded(deposit="1000", a="300", b="0")
    driver.command("farm_create", farm="g")
    driver.command("transfer", id="held", source=MASTER, target=A, amount="60", pending=True, timeout="5m")
    driver.fill("a", "buy", "1", "100", fee={"currency": "USDT", "cost": "1"})
    driver.after(MINUTE).tick()
    driver.command("post", id="post", transfer="held", amount="25")
    driver.command("transfer", id="gone", source=A, target=MASTER, amount="10", pending=True, timeout="1s")
    driver.after(MINUTE).tick()
    driver.command("transfer", id="open", source=MASTER, target=A, amount="7", pending=True)
    driver.balance("b", total={"USDT": "5"})
    driver.fill("a", "sell", "1", "110")
    driver.fill("a", "buy", "1", "100")
    return driver


@pytest.fixture
def filled(sluicegate: CommandLine) -> CommandLine:
    """Give the server what the worker would have written."""
    sluicegate.created()
    return _write(sluicegate, busy())


def _write(sluicegate: CommandLine, driver: Driver) -> CommandLine:
    keys = sluicegate.keys()
    for stream, event in driver.outputs:
        sluicegate.redis.xadd(keys.output(stream), {"event": event})
    for kind, fields in driver.state.items():
        if fields:
            sluicegate.redis.hset(keys.state(kind), mapping=fields)
    return sluicegate


def told(sluicegate: CommandLine) -> list[tuple[str, Json]]:
    """Return the transactions on the server, with their entry ids, in order."""
    entries = sluicegate.redis.xrange(sluicegate.keys().output("wallet"))
    found = [(entry, json.loads(fields["event"])) for entry, fields in entries]
    return [one for one in found if one[1]["type"] == "sluicegate.wallet_transaction.v1"]


def rewritten(sluicegate: CommandLine, change: Callable[[list[Json]], list[Json]]) -> CommandLine:
    """Write the transactions of the stream anew, as somebody who wants to hide something would."""
    stream = sluicegate.keys().output("wallet")
    events = change([event for _, event in told(sluicegate)])
    sluicegate.redis.delete(stream)
    for event in events:
        sluicegate.redis.xadd(stream, {"event": json.dumps(event)})
    return sluicegate


def problems(sluicegate: CommandLine) -> list[str]:
    """Verify, and return what is wrong."""
    result = sluicegate("ledger", "verify", "--json")
    (found,) = json.loads(result.stdout)
    assert result.exit_code == (1 if found["problems"] else 0), result.output
    problems: list[str] = found["problems"]
    return problems


# -- verify ------------------------------------------------------------------------------------------------


def test_books_nobody_changed_agree(filled: CommandLine) -> None:
    """Chain, balances and what is held; the fills that are not told yet are no difference."""
    count = len(told(filled))

    result = filled("ledger", "verify")

    assert result.exit_code == 0, result.output
    assert result.stdout == (f"w: {count} transactions; chain, balances and holds agree with the state.\n")
    assert count == 10
    assert problems(filled) == []


def test_a_wallet_can_be_named(filled: CommandLine) -> None:
    """And one that is not there is no wallet without a fault."""
    assert [one["wallet"] for one in filled.json("ledger", "verify", "w")] == ["w"]
    assert filled.refused("ledger", "verify", "v").startswith("There is no wallet v")


def test_a_wallet_without_transactions_has_nothing_to_verify(sluicegate: CommandLine) -> None:
    """Nor has a deployment without wallets."""
    sluicegate.created()
    assert sluicegate("ledger", "verify").stdout == "There are no wallets yet.\n"
    driver = Driver()
    driver.command("wallet_create", currency="USDT")

    assert _write(sluicegate, driver)("ledger", "verify").stdout == "w: no transactions there to verify.\n"


def test_it_may_run_beside_a_worker(sluicegate: CommandLine) -> None:
    """State and stream are looked at in one moment, whatever is committed meanwhile."""
    bodies: list[Json] = [
        {"kind": "wallet_create", "currency": "USDT", "rules": {"clock": "event"}},
        {"kind": "deposit", "amount": "1000"},
        {"kind": "farm_create", "farm": "f"},
        *({"kind": "withdraw", "amount": "1", "pending": True} for _ in range(200)),
    ]
    with sluicegate.worker():
        for n, body in enumerate(bodies):
            event = {"id": f"c{n}", "wallet": "w", "timestamp": 1_700_000_000_000, **body}
            sluicegate.redis.xadd(sluicegate.keys().input("command"), {"event": json.dumps(event)})
            if n % 20 == 3:
                wait_until(lambda: sluicegate.redis.exists(sluicegate.keys().state("wallets")))
                assert sluicegate("ledger", "verify").exit_code == 0
        applied = sluicegate.keys().checkpoint
        wait_until(lambda: sluicegate.redis.hget(applied, "in:command:applied") == str(len(bodies)))
        (found,) = sluicegate.json("ledger", "verify")

    assert (found["problems"], found["last"]) == ([], 201)


def _changed(path: list[Any], value: object, number: int = 4) -> Callable[[list[Json]], list[Json]]:
    def change(events: list[Json]) -> list[Json]:
        part: Any = events[number - 1]["data"]
        for step in path[:-1]:
            part = part[step]
        assert part[path[-1]] != value
        part[path[-1]] = value
        return events

    return change


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["id"], "other"),
        (["reason"], "other"),
        (["transfers", 0, "amount"], "100.00000001"),
        (["transfers", 0, "debit"], "market"),
        (["transfers"], []),
        (["hash"], "0" * 64),
    ],
)
def test_what_was_changed_is_named(filled: CommandLine, path: list[Any], value: object) -> None:
    """By its number: the fourth is the agent's first trading."""
    found = problems(rewritten(filled, _changed(path, value)))

    assert found[0] == "transaction 4 was changed: it is not what its hash says"


def test_a_held_amount_that_was_changed_is_named(filled: CommandLine) -> None:
    """Holds are in the hash too; the third transaction holds 60."""
    found = problems(rewritten(filled, _changed(["holds", 0, "amount"], "59", 3)))

    assert found[0] == "transaction 3 was changed: it is not what its hash says"


def test_a_balance_that_was_changed_is_named(filled: CommandLine) -> None:
    """It follows from those before."""
    found = problems(rewritten(filled, _changed(["balances", "wallet"], "1", 2)))

    assert found == [
        "transaction 2 tells a balance of wallet of 1, and 700 follows from those before",
    ]


def test_what_was_changed_with_its_hash_does_not_fit_the_next(filled: CommandLine) -> None:
    """Who makes a new hash breaks the chain behind it."""
    found = problems(rewritten(filled, _changed(["previous"], "0" * 64, 4)))

    assert "transaction 4 does not follow from 3: the hashes differ" in found


def test_what_is_missing_is_named(filled: CommandLine) -> None:
    """In the middle, deleted or never written."""
    entry, event = told(filled)[4]
    filled.redis.xdel(filled.keys().output("wallet"), entry)

    assert problems(filled) == [f"transaction {event['data']['n']} is missing"]


def test_several_that_are_missing_are_named_together(filled: CommandLine) -> None:
    """From number to number."""
    found = problems(rewritten(filled, lambda events: [*events[:3], *events[6:]]))

    assert found == ["transactions 4 to 6 are missing"]


def test_the_end_that_is_missing_is_named(filled: CommandLine) -> None:
    """The state knows how many there were."""
    count = len(told(filled))

    assert problems(rewritten(filled, lambda events: events[:-2])) == [
        f"transactions {count - 1} to {count} are missing"
    ]


def test_what_is_out_of_order_is_named(filled: CommandLine) -> None:
    """The sixth and the seventh have changed places."""
    found = problems(rewritten(filled, lambda e: [*e[:5], e[6], e[5], *e[7:]]))

    assert found == ["transaction 6 is out of order: it comes after 7"]


def test_what_is_there_twice_is_named(filled: CommandLine) -> None:
    """A repeat is no transaction of its own."""
    found = problems(rewritten(filled, lambda e: [*e[:5], e[4], *e[5:]]))

    assert found[0] == "transaction 5 is there again after 5"


def test_where_the_beginning_was_trimmed_the_rest_is_verified(filled: CommandLine) -> None:
    """From which number on is said; that is no error."""
    entry, event = told(filled)[4]
    filled.redis.xtrim(filled.keys().output("wallet"), minid=entry, approximate=False)
    count = len(told(filled))

    result = filled("ledger", "verify")

    assert result.exit_code == 0, result.output
    assert result.stdout == (
        f"w: {count} transactions, from {event['data']['n']} on because those before were trimmed; chain, "
        "balances and holds agree with the state.\n"
    )
    (document,) = filled.json("ledger", "verify")
    assert (document["first"], document["transactions"]) == (5, count)


def test_behind_what_was_trimmed_a_change_is_found_all_the_same(filled: CommandLine) -> None:
    """The sixth is missing behind a beginning that is gone."""
    found = told(filled)
    filled.redis.xtrim(filled.keys().output("wallet"), minid=found[3][0], approximate=False)
    filled.redis.xdel(filled.keys().output("wallet"), found[5][0])

    assert "transaction 6 is missing" in problems(filled)


def test_a_beginning_that_was_deleted_was_not_trimmed(filled: CommandLine) -> None:
    """The server knows whether entries were taken out by hand."""
    filled.redis.xdel(filled.keys().output("wallet"), told(filled)[0][0])

    assert problems(filled) == ["transaction 1 is missing"]


@pytest.mark.parametrize(
    ("kind", "field", "change", "expected"),
    [
        ("agents", "w/a", {"cash": "1"}, "the balance of agent/a is"),
        ("agents", "w/a", {"cost": "1"}, "the balances in the state do not sum to zero"),
        ("wallets", "w", {"world": "-999"}, "the balance of world is -999 in the state and -1000 by"),
        ("wallets", "w", {"held": "0"}, "the held amount of wallet is 0 in the state and 7 by"),
        ("pending", "w/open", {"state": "voided"}, "the held amount of wallet is 0 in the state and 7 by"),
        ("wallets", "w", {"hash": "0" * 64}, "the state's hash is not that of the last transaction"),
        ("wallets", "w", {"transactions": 3}, "the state ends with transaction 3, the stream with"),
    ],
)
def test_a_state_that_was_changed_does_not_agree(
    filled: CommandLine, kind: str, field: str, change: Json, expected: str
) -> None:
    """What is stored is what the transactions come to, to the unit."""
    key = filled.keys().state(kind)
    stored = json.loads(filled.redis.hget(key, field))
    filled.redis.hset(key, field, json.dumps(stored | change))

    assert any(problem.startswith(expected) for problem in problems(filled))


# -- show --------------------------------------------------------------------------------------------------


def test_an_account_tells_its_transactions_with_running_balances(filled: CommandLine) -> None:
    """As the hand adds them up: 1000 in, 300 to a, 60 held, 25 of them posted, 10 announced and expired."""
    lines = filled.json("ledger", "show", "w/wallet")

    assert [(line["id"], line["phase"], line["change"], line["balance"], line["held"]) for line in lines][
        :4
    ] == [
        (lines[0]["id"], None, "1000", "1000", "0"),
        (lines[1]["id"], None, "-300", "700", "0"),
        ("held", "pending", "0", "700", "60"),
        ("post", "posted", "-25", "675", "0"),
    ]
    assert (lines[-1]["id"], lines[-1]["held"], lines[-1]["others"]) == ("open", "7", ["agent/a"])
    assert [line["reason"] for line in lines][:3] == ["deposit", "allocate", "transfer"]


def test_trading_is_in_an_agents_account(filled: CommandLine) -> None:
    """Bought for 100 with a fee of 1: 199 of 300 are left, and the number of fills is told."""
    lines = filled.json("ledger", "show", "w/agent/a")

    bought = next(line for line in lines if line["reason"] == "trading")
    assert (bought["change"], bought["balance"], bought["fills"]) == ("-101", "199", 1)
    assert bought["others"] == ["positions/a", "fees"]


def test_a_person_reads_a_table(filled: CommandLine) -> None:
    """A line for each transaction."""
    lines = [" ".join(line.split()) for line in filled("ledger", "show", "w/world").stdout.splitlines()]

    assert lines[0] == "n time reason id with change balance held"
    assert lines[1].endswith("deposit e2 wallet -1000 -1000 0")


def test_what_was_before_a_trimmed_beginning_is_not_guessed(filled: CommandLine) -> None:
    """A balance is known from the first transaction that tells it."""
    found = told(filled)
    filled.redis.xtrim(filled.keys().output("wallet"), minid=found[2][0], approximate=False)

    first, second = filled.json("ledger", "show", "w/wallet")[:2]

    assert (first["phase"], first["balance"], first["held"]) == ("pending", None, "60")
    assert (second["phase"], second["balance"]) == ("posted", "675")
    assert " ? " in filled("ledger", "show", "w/wallet").stdout


def test_an_account_without_transactions(filled: CommandLine) -> None:
    """A farm that never had money."""
    assert filled("ledger", "show", "w/farm/g").stdout == "No transactions.\n"


@pytest.mark.parametrize("account", ["w", "w/agent/nobody", "w/bank"])
def test_an_account_there_is_not(filled: CommandLine, account: str) -> None:
    """It is said in one line, with the accounts there are."""
    assert filled.refused("ledger", "show", account).startswith("Wallet w has no account ")


def test_an_account_of_no_wallet(filled: CommandLine) -> None:
    """The wallet comes first."""
    assert filled.refused("ledger", "show", "agent/a").startswith("There is no wallet agent")
