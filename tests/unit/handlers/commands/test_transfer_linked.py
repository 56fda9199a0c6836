"""Linked transfers: all of them happen, or none."""

import pytest

from tests.support.driver import (
    MASTER,
    Json,
    agent,
    farm,
    funded,
)
from tests.support.laws import audited


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

    assert step.refusal == expected
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
    assert driver.command("post", transfer="p", amount="50").refusal == (
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
