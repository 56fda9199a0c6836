"""The id of a transfer: what happens when it comes again, with the same body or another."""

import pytest

from state import book as book_module
from tests.support.driver import MASTER, Json, agent, farm, funded, move

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

    assert step.refusal == expected


def test_the_same_id_for_another_pending_transfer_is_told_so() -> None:
    """Of a post or a void it is the transfer it ends that may differ."""
    driver = funded(a="0")
    for name in ("x", "y"):
        move(driver, MASTER, agent("a"), "1", id=name, pending=True)
    driver.command("post", id="c", transfer="x")

    assert driver.command("post", id="c", transfer="y").refusal == "exists_with_different_pending_id"
    assert driver.command("void", id="c", transfer="x").refusal == "exists_with_different_kind"
    assert driver.command("post", id="c", transfer="x", amount="1").refusal == (
        "exists_with_different_amount"
    )


def test_a_transfer_is_known_by_its_id_when_its_command_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is not made twice."""
    monkeypatch.setattr(book_module, "COMMANDS_KEPT", 1)
    driver = funded(deposit="100", a="0", b="0")
    move(driver, MASTER, agent("a"), "60", id="p", pending=True)
    driver.command("farm_configure", farm="f", type="x")

    assert move(driver, MASTER, agent("a"), "60", id="p", pending=True).refusal == "exists"
    for target, amount, expected in (("b", "60", "credit"), ("a", "59", "amount")):
        driver.command("farm_configure", farm="f", type=target)
        step = move(driver, MASTER, agent(target), amount, id="p", pending=True)
        assert step.refusal == f"exists_with_different_{expected}"
    assert driver.wallet["held"] == "60"
