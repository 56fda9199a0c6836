"""Two-phase, linked and correcting transfers: what is held, what moves, and what is refused."""

from typing import Any

import msgspec
import pytest

from state import book as book_module
from tests.support.driver import DAY, MINUTE, SECOND, Driver, Json, Said, Step, funded
from tests.support.laws import Books, Journal

MASTER = {"type": "wallet", "id": "w"}


def agent(name: str) -> Json:
    """Name an agent as a scope."""
    return {"type": "agent", "id": name}


def farm(name: str) -> Json:
    """Name a farm as a scope."""
    return {"type": "farm", "id": name}


def move(driver: Driver, source: Json, target: Json, amount: object, **members: Any) -> Step:
    """Transfer an amount."""
    return driver.command("transfer", source=source, target=target, amount=amount, **members)


def held(driver: Driver, amount: object = "60", **members: Any) -> Driver:
    """Return a wallet of which an amount for agent a is pending under the id ``p``."""
    assert move(driver, MASTER, agent("a"), amount, id="p", pending=True, **members).reply["status"] == "ok"
    return driver


def refusal(step: Step) -> str | None:
    """Return the refusal of a reply; one explains itself."""
    found: str | None = step.reply["refusal"]
    assert found is None or step.reply["detail"].endswith(".")
    return found


def audited(driver: Driver) -> None:
    """Read the whole journal again and hold it against what is stored."""
    journal = Journal()
    for stream, event in driver.outputs:
        said = Said(stream, msgspec.json.decode(event))
        if said.name == "wallet_transaction":
            journal.read(said)
    books = Books(driver.state, "w")
    books.check()
    journal.check(books)


# -- pending -----------------------------------------------------------------------------------------------


def test_a_pending_transfer_moves_nothing_and_holds_its_amount() -> None:
    """Balances, budget and equity stay; the amount is not there for anything else."""
    driver = funded(deposit="100", a="0")

    step = move(driver, MASTER, agent("a"), "60", id="p", pending=True, timeout="5m")

    assert step.reply["result"] == {
        "transfer": "p",
        "state": "pending",
        "amount": "60",
        "due": driver.now + 5 * MINUTE,
    }
    assert (driver.wallet["cash"], driver.wallet["held"], driver.agent_of("a")["cash"]) == ("100", "60", "0")
    told = step.one("wallet_transaction")
    assert (told["phase"], told["pending"], told["transfers"], told["balances"]) == ("pending", None, [], {})
    assert told["holds"] == [{"debit": "wallet", "credit": "agent/a", "amount": "60"}]
    assert told["held"] == {"wallet": "60"}
    allocation = step.one("fund_allocation")
    assert {name: allocation[name] for name in ("amount", "state", "transfer", "budget", "cash")} == {
        "amount": "60",
        "state": "pending",
        "transfer": "p",
        "budget": "0",
        "cash": "0",
    }
    assert refusal(driver.command("withdraw", amount="40.00000001")) == "exceeds_available"
    assert driver.command("withdraw", amount="40").reply["status"] == "ok"
    audited(driver)


def test_what_is_held_can_be_neither_swept_nor_collected_nor_taken() -> None:
    """Of 100 that an agent has 60 are promised to the master."""
    driver = funded(a="100", b="0")
    move(driver, agent("a"), MASTER, "60", id="p", pending=True)

    assert refusal(move(driver, agent("a"), agent("b"), "40.00000001")) == "exceeds_available"
    assert move(driver, agent("a"), agent("b"), "500", at_most=True).reply["result"]["amount"] == "40"
    assert refusal(driver.command("collect", scope=agent("a"), what="all")) == "nothing_to_collect"
    driver.command("emergency_stop", scope=agent("a"))
    assert driver.agent_of("a")["cash"] == "60"
    assert driver.command("post", transfer="p").reply["status"] == "ok"
    assert driver.agent_of("a")["cash"] == "0"
    audited(driver)


def test_posting_moves_all_of_it() -> None:
    """Once; the budget comes with the money."""
    driver = held(funded(deposit="100", a="0"))

    step = driver.command("post", id="q", transfer="p")

    assert step.reply["result"] == {
        "transfer": "p",
        "state": "posted",
        "amount": "60",
        "balances": {"wallet": "40", "agent/a": "60"},
    }
    told = step.one("wallet_transaction")
    assert (told["id"], told["phase"], told["pending"], told["held"]) == ("q", "posted", "p", {"wallet": "0"})
    assert told["transfers"] == told["holds"] == [{"debit": "wallet", "credit": "agent/a", "amount": "60"}]
    allocation = step.one("fund_allocation")
    assert (allocation["state"], allocation["budget"], allocation["transfer"]) == ("posted", "60", "p")
    assert (driver.wallet["held"], driver.agent_of("a")["equity"]) == ("0", "60")
    audited(driver)


def test_posting_a_part_releases_the_rest() -> None:
    """25 of 60."""
    driver = held(funded(deposit="100", a="0"))

    assert refusal(driver.command("post", transfer="p", amount="60.00000001")) == (
        "exceeds_pending_transfer_amount"
    )
    assert driver.command("post", transfer="p", amount="25").reply["status"] == "ok"
    assert (driver.wallet["cash"], driver.wallet["held"], driver.agent_of("a")["cash"]) == ("75", "0", "25")
    audited(driver)


def test_voiding_releases_all_of_it() -> None:
    """Nothing has moved."""
    driver = held(funded(deposit="100", a="0"))

    step = driver.command("void", id="v", transfer="p")

    assert step.reply["result"] == {"transfer": "p", "state": "voided"}
    told = step.one("wallet_transaction")
    assert (told["phase"], told["pending"], told["transfers"], told["held"]) == (
        "voided",
        "p",
        [],
        {"wallet": "0"},
    )
    assert step.one("fund_allocation")["state"] == "voided"
    assert (driver.wallet["cash"], driver.wallet["held"], driver.agent_of("a")["cash"]) == ("100", "0", "0")
    assert driver.command("withdraw", amount="100").reply["status"] == "ok"
    audited(driver)


def test_it_expires_by_the_stream_time_of_the_wallet() -> None:
    """At the millisecond it is due and not before, by a tick, after a restart too."""
    driver = held(funded(deposit="100", a="0"), timeout="5m").restarted()
    assert driver.after(5 * MINUTE - 1).tick().named("fund_allocation") == []

    step = driver.after(1).tick()

    told = step.one("wallet_transaction")
    assert (told["phase"], told["pending"], told["transfers"]) == ("expired", "p", [])
    assert step.one("fund_allocation")["state"] == "voided"
    assert driver.wallet["held"] == "0"
    assert refusal(driver.command("post", transfer="p")) == "pending_transfer_expired"
    audited(driver)


def test_without_a_timeout_it_waits() -> None:
    """For ever."""
    driver = held(funded(deposit="100", a="0"))

    driver.after(1000 * DAY).tick()

    assert driver.command("post", transfer="p").reply["status"] == "ok"


@pytest.mark.parametrize("end", ["post", "void"])
@pytest.mark.parametrize("again", ["post", "void"])
def test_it_ends_once(end: str, again: str) -> None:
    """Also after a restart; the second one is told how it ended."""
    driver = held(funded(deposit="100", a="0"))
    driver.command(end, transfer="p")
    fresh = driver.restarted()
    before = fresh.wallet["cash"], fresh.wallet["held"], fresh.agent_of("a")["cash"]

    step = fresh.command(again, transfer="p")

    assert refusal(step) == f"pending_transfer_already_{'posted' if end == 'post' else 'voided'}"
    assert step.named("wallet_transaction") == []
    assert (fresh.wallet["cash"], fresh.wallet["held"], fresh.agent_of("a")["cash"]) == before


def test_how_it_ended_is_known_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of so many, so that their number stays bounded; open ones stay."""
    monkeypatch.setattr(book_module, "ENDED_KEPT", 1)
    driver = funded(deposit="100", a="0")
    for name in ("x", "y", "z"):
        move(driver, MASTER, agent("a"), "1", id=name, pending=True)
    driver.command("void", transfer="y")
    driver.command("post", transfer="x")

    assert sorted(driver.state["pending"]) == ["w/x", "w/z"]
    assert refusal(driver.command("post", transfer="x")) == "pending_transfer_already_posted"
    assert refusal(driver.restarted().command("post", transfer="x")) == "pending_transfer_already_posted"


@pytest.mark.parametrize("kind", ["post", "void"])
def test_what_is_not_there_cannot_be_ended(kind: str) -> None:
    """Never made, or a transfer that needed no second phase."""
    driver = funded(deposit="100", a="0")
    move(driver, MASTER, agent("a"), "1", id="plain")

    assert refusal(driver.command(kind, transfer="x")) == "pending_transfer_not_found"
    assert refusal(driver.command(kind, transfer="plain")) == "pending_transfer_not_pending"


def test_a_bot_may_spend_what_is_held_and_then_it_cannot_be_posted() -> None:
    """What it reports has happened. What we initiate never overdraws, what else is held left out."""
    driver = funded(a="100")
    move(driver, agent("a"), MASTER, "60", id="p", pending=True)
    driver.fill("a", "buy", "1", "50")

    assert refusal(driver.command("post", transfer="p")) == "exceeds_available"
    assert (driver.agent_of("a")["held"], driver.agent_of("a")["cash"]) == ("60", "50")
    assert driver.command("post", transfer="p", amount="50").reply["status"] == "ok"
    assert (driver.agent_of("a")["held"], driver.agent_of("a")["cash"]) == ("0", "0")
    audited(driver)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"amount": "0"}, "amount_not_positive"),
        ({"amount": "-1"}, "amount_not_positive"),
        ({"amount": "0.000000001"}, "amount_too_fine"),
    ],
)
def test_a_part_is_an_amount(members: Json, expected: str) -> None:
    """As any other; and the transfer stays pending."""
    driver = held(funded(deposit="100", a="0"))

    assert refusal(driver.command("post", transfer="p", **members)) == expected
    assert driver.wallet["held"] == "60"


def test_only_a_pending_transfer_has_a_timeout() -> None:
    """TigerBeetle's rule; and a duration is one."""
    driver = funded(a="0")

    assert refusal(move(driver, MASTER, agent("a"), "1", timeout="5m")) == (
        "timeout_reserved_for_pending_transfer"
    )
    assert move(driver, MASTER, agent("a"), "1", pending=True, timeout="soon").reasons == ["invalid_member"]


def test_who_is_stopped_gets_nothing_of_what_is_pending() -> None:
    """It is voided with the stop; so it is under a stopped farm."""
    driver = held(funded(deposit="100", a="0"))

    step = driver.command("emergency_stop", scope=farm("f"))

    assert [data["state"] for data in step.named("fund_allocation")] == ["voided"]
    assert driver.wallet["held"] == "0"
    assert refusal(driver.command("post", transfer="p")) == "pending_transfer_already_voided"
    audited(driver)


def test_of_who_is_retired_nothing_stays_pending() -> None:
    """Neither to it nor from it; what it has goes to the master."""
    driver = held(funded(deposit="100", a="30"))
    move(driver, agent("a"), MASTER, "20", id="back", pending=True)

    driver.command("agent_retire", agent="a")

    assert (driver.wallet["cash"], driver.wallet["held"], driver.agent_of("a")["held"]) == ("100", "0", "0")
    assert refusal(driver.command("post", transfer="back")) == "pending_transfer_already_voided"
    audited(driver)


def test_what_money_is_pending_for_is_not_closed() -> None:
    """A farm or wallet is closed when nothing is to come any more."""
    driver = funded(deposit="100")
    move(driver, MASTER, farm("f"), "100", id="p", pending=True)

    assert refusal(driver.command("farm_close", farm="f")) == "farm_not_empty"
    driver.command("void", transfer="p")
    assert driver.command("farm_close", farm="f").reply["status"] == "ok"
    driver.command("withdraw", amount="100")
    driver.command("deposit", id="d", amount="5", pending=True)
    assert refusal(driver.command("wallet_close")) == "wallet_not_empty"
    driver.command("void", transfer="d")
    assert driver.command("wallet_close").reply["status"] == "ok"


def test_deposits_withdrawals_and_allocations_may_be_pending() -> None:
    """Money that is announced is nowhere yet; money that is to leave does not work any more."""
    driver = funded(deposit="100", a="0")

    driver.command("deposit", id="d", amount="50", pending=True)
    driver.command("withdraw", id="x", amount="70", pending=True)
    driver.command("allocate", id="l", agent="a", amount="500", at_most=True, pending=True)

    assert (driver.wallet["cash"], driver.wallet["held"], driver.wallet["world"]) == ("100", "100", "-100")
    for name in ("d", "x", "l"):
        assert driver.command("post", transfer=name).reply["status"] == "ok"
    assert (driver.wallet["cash"], driver.wallet["held"], driver.wallet["world"]) == ("50", "0", "-80")
    assert (driver.agent_of("a")["cash"], driver.agent_of("a")["budget"]) == ("30", "30")
    audited(driver)


def test_a_rebalance_gives_out_neither_what_is_held_nor_what_is_on_its_way() -> None:
    """1000, of which 100 are to leave and 400 are pending for one of two that are alike."""
    rules = {"rebalance": {"interval": 0, "threshold": 0, "reserve": 0, "max_weight": 1, "settle": "1000d"}}
    driver = funded(rules, deposit="1000", a="0", b="0")
    driver.command("withdraw", amount="100", pending=True)
    driver.command("allocate", agent="a", amount="400", pending=True)

    plan = driver.command("rebalance", method="equal").one("farm_rebalance")

    assert plan["capital"] == "900"
    assert plan["transfers"] == [{"agent": "a", "amount": "50"}, {"agent": "b", "amount": "450"}]
    assert driver.command("rebalance", method="equal").one("farm_rebalance")["transfers"] == []
    audited(driver)


# -- linked ------------------------------------------------------------------------------------------------


def link(*parts: tuple[Json, Json, object]) -> list[Json]:
    """Write linked transfers."""
    return [{"source": source, "target": target, "amount": amount} for source, target, amount in parts]


def test_linked_transfers_are_one_transaction() -> None:
    """All of them under the command's id."""
    driver = funded(deposit="100", a="0", b="0")

    step = driver.command(
        "transfer", id="l", linked=link((MASTER, agent("a"), "60"), (MASTER, agent("b"), "40"))
    )

    told = step.one("wallet_transaction")
    assert told["id"] == "l"
    assert told["transfers"] == step.reply["result"]["transfers"]
    assert [transfer["amount"] for transfer in told["transfers"]] == ["60", "40"]
    assert step.reply["result"]["balances"] == {"wallet": "0", "agent/a": "60", "agent/b": "40"}
    assert [data["budget"] for data in step.named("fund_allocation")] == ["60", "40"]
    audited(driver)


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ((MASTER, agent("b"), "40.00000001"), "exceeds_available"),
        ((MASTER, agent("b"), "0"), "amount_not_positive"),
        ((MASTER, MASTER, "1"), "accounts_must_be_different"),
        ((MASTER, farm("g"), "1"), "account_closed"),
        ((agent("a"), agent("b"), "60"), "exceeds_available"),
    ],
)
def test_of_linked_transfers_all_happen_or_none(second: tuple[Json, Json, str], expected: str) -> None:
    """What comes in by one does not cover what goes out by the next."""
    driver = funded(deposit="100", a="0", b="0")
    driver.command("farm_create", farm="g")
    driver.command("farm_close", farm="g")

    step = driver.command("transfer", linked=link((MASTER, agent("a"), "60"), second))

    assert refusal(step) == expected
    assert step.named("wallet_transaction") == []
    assert (driver.wallet["cash"], driver.agent_of("a")["cash"]) == ("100", "0")


def test_at_most_counts_what_the_links_before_it_take() -> None:
    """70 of 100 go to one, the rest to the other."""
    driver = funded(deposit="100", a="0", b="0")
    parts = link((MASTER, agent("a"), "70"), (MASTER, agent("b"), "70"))
    parts[1]["at_most"] = True

    assert driver.command("transfer", linked=parts).reply["status"] == "ok"
    assert [driver.agent_of(name)["cash"] for name in ("a", "b")] == ["70", "30"]


def test_linked_transfers_are_pending_and_posted_together() -> None:
    """Whole: no part of one says which."""
    driver = funded(deposit="100", a="0", b="0")
    parts = link((MASTER, agent("a"), "60"), (MASTER, agent("b"), "40"))
    driver.command("transfer", id="p", linked=parts, pending=True)

    assert driver.wallet["held"] == "100"
    assert refusal(driver.command("post", transfer="p", amount="50")) == (
        "pending_transfer_has_different_amount"
    )
    assert driver.command("post", transfer="p").reply["status"] == "ok"
    assert [driver.agent_of(name)["cash"] for name in ("a", "b")] == ["60", "40"]
    audited(driver)


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"linked": []},
        {"source": MASTER, "amount": "1"},
        {"source": MASTER, "target": agent("a")},
        {"linked": link((MASTER, agent("a"), "1")), "amount": "1"},
        {"linked": link((MASTER, agent("a"), "1")), "source": MASTER},
        {"linked": [{"source": MASTER, "target": agent("a")}]},
    ],
)
def test_a_transfer_is_one_or_several(members: Json) -> None:
    """Not none and not both."""
    assert funded(a="0").command("transfer", **members).reasons == ["invalid_member"]


# -- corrections -------------------------------------------------------------------------------------------


def test_a_correction_is_a_new_transfer_that_names_the_wrong_one() -> None:
    """Nothing that was told is ever changed."""
    driver = funded(deposit="100", a="0", b="0")
    move(driver, MASTER, agent("a"), "60", id="wrong")

    step = move(driver, agent("a"), agent("b"), "60", corrects="wrong")

    told = step.one("wallet_transaction")
    assert (told["reason"], told["corrects"]) == ("correction", "wrong")
    assert [data["reason"] for data in step.named("fund_allocation")] == ["correction", "correction"]
    assert move(driver, MASTER, agent("b"), "1", corrects="not an id").reasons == ["invalid_id"]
    audited(driver)


# -- refused -----------------------------------------------------------------------------------------------


def test_what_is_closed_or_retired_neither_gives_nor_gets() -> None:
    """A retired agent's money goes back by itself, as it comes free."""
    driver = funded(a="100", b="0")
    driver.fill("a", "buy", "1", "50")
    driver.command("agent_retire", agent="a")
    driver.command("farm_create", farm="g")
    driver.command("farm_close", farm="g")

    for closed in (agent("a"), farm("g")):
        assert refusal(move(driver, MASTER, closed, "1")) == "account_closed"
        assert refusal(move(driver, closed, MASTER, "1")) == "account_closed"
    assert refusal(driver.command("allocate", agent="a", amount="1")) == "agent_retired"


def test_what_is_in_another_wallet_is_out_of_reach() -> None:
    """Wallets share nothing: to this one the other's farms and agents do not exist."""
    driver = funded(deposit="100", a="0")
    driver.command("wallet_create", wallet="v", currency="USDT")
    driver.command("farm_create", wallet="v", farm="vf")
    driver.command("agent_register", wallet="v", agent="va", farm="vf")

    for scope, reason in ((agent("va"), "unknown_agent"), (farm("vf"), "unknown_farm")):
        for step in (move(driver, MASTER, scope, "1"), move(driver, scope, MASTER, "1")):
            assert (step.reasons, step.reply["status"]) == ([reason], "rejected")
    assert driver.command("allocate", agent="va", amount="1").reasons == ["unknown_agent"]
    assert driver.wallet["cash"] == "100"


def test_no_more_is_withdrawn_than_there_is_unless_what_is_there_is_enough() -> None:
    """And of nothing not even that."""
    driver = funded(deposit="100")

    assert refusal(driver.command("withdraw", amount="101")) == "exceeds_available"
    assert driver.command("withdraw", amount="101", at_most=True).reply["result"]["amount"] == "100"
    assert refusal(driver.command("withdraw", amount="101", at_most=True)) == "exceeds_available"


# -- the id ------------------------------------------------------------------------------------------------

BODY: Json = {
    "kind": "transfer",
    "source": MASTER,
    "target": agent("a"),
    "amount": "5",
    "pending": True,
    "timeout": "5m",
}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"kind": "withdraw"}, "exists_with_different_kind"),
        ({"source": farm("f")}, "exists_with_different_debit"),
        ({"target": agent("b")}, "exists_with_different_credit"),
        ({"amount": "6"}, "exists_with_different_amount"),
        ({"pending": False}, "exists_with_different_flags"),
        ({"at_most": True}, "exists_with_different_flags"),
        ({"timeout": "6m"}, "exists_with_different_timeout"),
        ({"by": "ann"}, "exists_with_different_body"),
        ({"amount": "6", "target": agent("b")}, "exists_with_different_credit"),
    ],
)
def test_the_same_id_with_another_body_is_told_in_what_it_differs(change: Json, expected: str) -> None:
    """The first member that does, in the order of the table."""
    driver = funded(a="0", b="0")
    driver.send("command", driver.event({"id": "c", **BODY}))

    step = driver.restarted().send("command", driver.event({"id": "c", **BODY, **change}))

    assert refusal(step) == expected


def test_the_same_id_for_another_pending_transfer_is_told_so() -> None:
    """Of a post or a void it is the transfer it ends that may differ."""
    driver = funded(a="0")
    for name in ("x", "y"):
        move(driver, MASTER, agent("a"), "1", id=name, pending=True)
    driver.command("post", id="c", transfer="x")

    assert refusal(driver.command("post", id="c", transfer="y")) == "exists_with_different_pending_id"
    assert refusal(driver.command("void", id="c", transfer="x")) == "exists_with_different_kind"
    assert refusal(driver.command("post", id="c", transfer="x", amount="1")) == (
        "exists_with_different_amount"
    )


def test_a_transfer_is_known_by_its_id_when_its_command_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is not made twice."""
    monkeypatch.setattr(book_module, "COMMANDS_KEPT", 1)
    driver = held(funded(deposit="100", a="0", b="0"))
    driver.command("farm_configure", farm="f", type="x")

    assert refusal(move(driver, MASTER, agent("a"), "60", id="p", pending=True)) == "exists"
    for target, amount, expected in (("b", "60", "credit"), ("a", "59", "amount")):
        driver.command("farm_configure", farm="f", type=target)
        step = move(driver, MASTER, agent(target), amount, id="p", pending=True)
        assert refusal(step) == f"exists_with_different_{expected}"
    assert driver.wallet["held"] == "60"


def test_a_dry_run_of_a_pending_transfer_holds_nothing() -> None:
    """It only says what would be."""
    driver = funded(deposit="100", a="0")
    before = driver.bytes_of_state()

    step = move(driver, MASTER, agent("a"), "60", id="p", pending=True, dry_run=True)

    assert step.reply["result"]["answer"]["state"] == "pending"
    assert driver.state == before
    driver.after(SECOND)
    assert refusal(driver.command("post", transfer="p")) == "pending_transfer_not_found"
