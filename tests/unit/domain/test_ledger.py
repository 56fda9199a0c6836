"""Double entry: what may be recorded, how it is recorded, and how it is chained."""

from hashlib import sha256
from typing import Any

import pytest

from domain.ledger import (
    CHAIN_START,
    FEES,
    MARKET,
    MASTER,
    SUSPENSE,
    WORLD,
    Phase,
    Transaction,
    Transfer,
    agent_account,
    between,
    chain,
    check,
    farm_account,
    positions_account,
    record,
    trading,
)
from domain.money import money
from domain.refusals import Refusal


class Accounts(dict[str, int]):
    """Balances by name, some of which may be tied up."""

    def __init__(self, balances: dict[str, int], tied_up: dict[str, int] | None = None) -> None:
        super().__init__(balances)
        self.tied_up = tied_up or {}

    def available(self, account: str) -> int:
        """Return what is not tied up."""
        return self[account] - self.tied_up.get(account, 0)

    def add(self, account: str, amount: int) -> None:
        """Change a balance."""
        self[account] = self.get(account, 0) + amount

    def hold(self, account: str, amount: int) -> None:
        """Tie up more, or less."""
        self.tied_up[account] = self.tied_up.get(account, 0) + amount


def refusal(accounts: Accounts, *transfers: Transfer) -> Refusal | None:
    """Check transfers; a refusal explains itself."""
    refused = check(accounts, transfers)
    if refused is None:
        return None
    assert refused.detail.endswith(".")
    return refused.refusal


def test_accounts_have_the_names_of_the_wire() -> None:
    """docs/wire.md, "The ledger in `wallet_transaction`"."""
    assert (WORLD, MARKET, FEES, SUSPENSE, MASTER) == ("world", "market", "fees", "suspense", "wallet")
    assert (farm_account("f"), agent_account("a"), positions_account("a")) == (
        "farm/f",
        "agent/a",
        "positions/a",
    )


def test_all_that_is_there_may_leave_and_not_a_unit_more() -> None:
    """The balance itself is available."""
    accounts = Accounts({"wallet": 100})

    assert refusal(accounts, Transfer("wallet", "agent/a", 100)) is None
    assert refusal(accounts, Transfer("wallet", "agent/a", 101)) is Refusal.EXCEEDS_AVAILABLE


def test_what_is_tied_up_cannot_leave() -> None:
    """An agent's money in orders, say."""
    accounts = Accounts({"agent/a": 100}, tied_up={"agent/a": 30})

    assert refusal(accounts, Transfer("agent/a", "wallet", 70)) is None
    assert refusal(accounts, Transfer("agent/a", "wallet", 71)) is Refusal.EXCEEDS_AVAILABLE


@pytest.mark.parametrize("account", [WORLD, MARKET, FEES, SUSPENSE])
def test_what_stands_for_the_outside_has_no_bound(account: str) -> None:
    """Its balance is the mirror of what came in."""
    assert refusal(Accounts({account: -5}), Transfer(account, "wallet", 10**30)) is None


@pytest.mark.parametrize("amount", [0, -1])
def test_an_amount_is_above_zero(amount: int) -> None:
    """A transfer the other way round has its accounts the other way round."""
    assert (
        refusal(Accounts({"wallet": 5}), Transfer("wallet", "farm/f", amount)) is Refusal.AMOUNT_NOT_POSITIVE
    )


def test_money_moves_between_two_accounts() -> None:
    """From one to itself is no move."""
    same = Transfer("wallet", "wallet", 1)

    assert refusal(Accounts({"wallet": 5}), same) is Refusal.ACCOUNTS_MUST_BE_DIFFERENT


def test_the_amount_is_looked_at_before_the_accounts_and_those_before_the_balance() -> None:
    """Of several rules that are broken the first one is named."""
    poor = Accounts({"wallet": 0})

    assert refusal(poor, Transfer("wallet", "wallet", 0)) is Refusal.AMOUNT_NOT_POSITIVE
    assert refusal(poor, Transfer("wallet", "wallet", 1)) is Refusal.ACCOUNTS_MUST_BE_DIFFERENT
    assert refusal(poor, Transfer("wallet", "farm/f", 1)) is Refusal.EXCEEDS_AVAILABLE
    over_and_odd = (Transfer("wallet", "farm/f", 1), Transfer("farm/f", "farm/f", 1))
    assert refusal(poor, *over_and_odd) is Refusal.ACCOUNTS_MUST_BE_DIFFERENT


def test_linked_transfers_are_checked_together() -> None:
    """60 and 50 of 100 do not both fit, though each would; what comes in does not cover what goes out."""
    accounts = Accounts({"wallet": 100, "farm/f": 0})

    both = (Transfer("wallet", "agent/a", 60), Transfer("wallet", "agent/b", 50))
    through = (Transfer("wallet", "farm/f", 10), Transfer("farm/f", "agent/a", 10))
    assert refusal(accounts, *both) is Refusal.EXCEEDS_AVAILABLE
    assert refusal(accounts, *through) is Refusal.EXCEEDS_AVAILABLE
    assert accounts == Accounts({"wallet": 100, "farm/f": 0})


def test_a_record_moves_the_amounts_and_creates_none() -> None:
    """Debits give, credits get; it asks nobody, for what is recorded has happened."""
    accounts = Accounts({"wallet": 10, "world": -10})

    record(accounts, [Transfer("wallet", "agent/a", 60), Transfer("agent/a", "fees", 5)])

    assert accounts == {"wallet": -50, "world": -10, "agent/a": 55, "fees": 5}
    assert sum(accounts.values()) == 0


def test_a_signed_amount_is_one_transfer_in_its_direction() -> None:
    """And nothing is no transfer."""
    assert between("a", "b", 5) == [Transfer("a", "b", 5)]
    assert between("a", "b", -5) == [Transfer("b", "a", 5)]
    assert between("a", "b", 0) == []


def test_trading_moves_cash_to_positions_profit_from_the_market_and_fees_away() -> None:
    """Bought for 90 after selling at a profit of 20, with a fee of 1."""
    assert trading("x", 90, 20, 1) == [
        Transfer("agent/x", "positions/x", 90),
        Transfer("market", "agent/x", 20),
        Transfer("agent/x", "fees", 1),
    ]


def test_trading_the_other_way_moves_the_other_way() -> None:
    """Sold, at a loss, with a rebate; and what is nothing is left out."""
    assert trading("x", -90, -20, -1) == [
        Transfer("positions/x", "agent/x", 90),
        Transfer("agent/x", "market", 20),
        Transfer("fees", "agent/x", 1),
    ]
    assert trading("x", 0, 0, 0) == []


def test_a_hash_is_that_of_the_lines_anyone_can_write_down() -> None:
    """SHA-256 of the previous hash, number, id, reason and transfers, a line each."""
    transfers = [Transfer("world", "wallet", money("1000")), Transfer("wallet", "agent/a", money("0.5"))]
    text = "0" * 64 + "\n1\ndeposit-1\ndeposit\nworld wallet 1000\nwallet agent/a 0.5"

    deposit = Transaction(id="deposit-1", reason="deposit", transfers=transfers)
    assert chain(CHAIN_START, 1, deposit) == sha256(text.encode()).hexdigest()


def test_the_hash_of_a_phase_has_a_line_for_it_and_one_for_each_hold() -> None:
    """And one for what is corrected; all of them before the transfers."""
    held = [Transfer("wallet", "agent/a", money("60"))]
    moved = [Transfer("wallet", "agent/a", money("25"))]
    first = Transaction(id="p", reason="transfer", phase=Phase.PENDING, holds=held)
    posted = Transaction(
        id="q", reason="transfer", transfers=moved, phase=Phase.POSTED, pending="p", holds=held, corrects="d"
    )
    before = "0" * 64
    texts = (
        f"{before}\n1\np\ntransfer\npending\nhold wallet agent/a 60",
        f"{before}\n2\nq\ntransfer\nposted p\ncorrects d\nhold wallet agent/a 60\nwallet agent/a 25",
    )

    hashes = (chain(before, 1, first), chain(before, 2, posted))

    assert hashes == tuple(sha256(text.encode()).hexdigest() for text in texts)


def test_whatever_changes_changes_the_hash() -> None:
    """What came before, the number, the id, the reason, an account, an amount, the order."""
    one, two = Transfer("world", "wallet", 1), Transfer("wallet", "farm/f", 1)

    def of(*transfers: Transfer, name: str = "t", reason: str = "deposit", **members: Any) -> Transaction:
        return Transaction(id=name, reason=reason, transfers=transfers, **members)

    hashes = {
        chain(CHAIN_START, 1, of(one, two)),
        chain("1" * 64, 1, of(one, two)),
        chain(CHAIN_START, 2, of(one, two)),
        chain(CHAIN_START, 1, of(one, two, name="u")),
        chain(CHAIN_START, 1, of(one, two, reason="withdraw")),
        chain(CHAIN_START, 1, of(two, one)),
        chain(CHAIN_START, 1, of(one)),
        chain(CHAIN_START, 1, of(one, Transfer("wallet", "farm/f", 2))),
        chain(CHAIN_START, 1, of(one, Transfer("wallet", "farm/g", 1))),
        chain(CHAIN_START, 1, of(one, holds=[two])),
        chain(CHAIN_START, 1, of(one, two, phase=Phase.PENDING)),
        chain(CHAIN_START, 1, of(one, two, phase=Phase.VOIDED, pending="x")),
        chain(CHAIN_START, 1, of(one, two, phase=Phase.EXPIRED, pending="x")),
        chain(CHAIN_START, 1, of(one, two, phase=Phase.VOIDED, pending="y")),
        chain(CHAIN_START, 1, of(one, two, corrects="x")),
    }

    assert len(hashes) == 15
