"""
Six invariants of a ledger, on the domain's functions and on the commands that use them.

They are those that Blnk runs: conservation; non-negative components; derived balances equal stored ones; no
overdraft, holds included; holds account for every pending transfer; a rejected transfer changes nothing.
Amounts are drawn around what is available, because a uniform one never finds a fault of one unit. That this
finds one is shown by planting it.
"""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from domain import ledger
from domain.ledger import Accounts, Transfer
from handlers.steps import pending as pending_steps
from handlers.steps import posting
from tests.support.driver import QUIET, Driver, Json, Step
from tests.support.laws import Books, text_of

UNIT: Final = 10**8
OUTER: Final = ("world",)
INNER: Final = ("wallet", "farm/f", "agent/a", "agent/b")
ACCOUNTS: Final = (*OUTER, *INNER)


class Amount(NamedTuple):
    """An amount: so many units beside what is available, or just so many."""

    units: int
    near: bool

    def beside(self, available: int) -> int:
        """Return the units."""
        return available + self.units if self.near else self.units


amounts = st.one_of(
    st.integers(-3, 3).map(lambda n: Amount(n, near=True)),
    st.integers(-3, 3).map(lambda n: Amount(n, near=False)),
    st.integers(1, 10**12).map(lambda n: Amount(n, near=False)),
)
accounts = st.sampled_from(ACCOUNTS)
inner = st.sampled_from(INNER)


class Model:
    """What all that was accepted comes to, added up from nothing."""

    def __init__(self) -> None:
        self.moved: list[Transfer] = []
        self.pending: dict[str, list[Transfer]] = {}

    def balance(self, account: str) -> int:
        """Credits less debits."""
        credits_ = sum(t.amount for t in self.moved if t.credit == account)
        return credits_ - sum(t.amount for t in self.moved if t.debit == account)

    def held(self, account: str) -> int:
        """Debits that are pending."""
        if account in OUTER:
            return 0
        return sum(t.amount for part in self.pending.values() for t in part if t.debit == account)

    def available(self, account: str) -> int:
        """Balance that is not held."""
        return self.balance(account) - self.held(account)

    def refuses(self, transfers: Sequence[Transfer]) -> str | None:
        """Tell the first rule that linked transfers break."""
        for transfer in transfers:
            if transfer.amount <= 0:
                return "amount_not_positive"
            if transfer.debit == transfer.credit:
                return "accounts_must_be_different"
        for account in {transfer.debit for transfer in transfers} - set(OUTER):
            if sum(t.amount for t in transfers if t.debit == account) > self.available(account):
                return "exceeds_available"
        return None


class Invariants(RuleBasedStateMachine):
    """What holds after every step, whatever keeps the balances."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.ids = 0

    @abstractmethod
    def stored(self) -> dict[str, int]:
        """Return the balances as they are kept."""

    @abstractmethod
    def holds(self) -> dict[str, int]:
        """Return what is held of each account, as it is kept."""

    def new_id(self) -> str:
        """Return an id that was not used."""
        self.ids += 1
        return f"t{self.ids}"

    @invariant()
    def balances_are_conserved(self) -> None:
        """They sum to zero."""
        assert sum(self.stored().values()) == 0

    @invariant()
    def no_component_is_negative(self) -> None:
        """No balance within the wallet, no hold, and nothing that is pending."""
        assert all(self.stored().get(account, 0) >= 0 for account in INNER)
        assert all(held >= 0 for held in self.holds().values())
        assert all(t.amount > 0 for part in self.model.pending.values() for t in part)

    @invariant()
    def derived_balances_equal_stored_ones(self) -> None:
        """What was accepted, added up, is what is kept."""
        stored = self.stored()
        assert {a: self.model.balance(a) for a in ACCOUNTS} == {a: stored.get(a, 0) for a in ACCOUNTS}

    @invariant()
    def nothing_is_overdrawn_with_what_is_held(self) -> None:
        """A hold is as good as gone."""
        stored, holds = self.stored(), self.holds()
        assert all(stored.get(account, 0) >= holds.get(account, 0) for account in INNER)

    @invariant()
    def holds_account_for_every_pending_transfer(self) -> None:
        """No more and no less."""
        holds = self.holds()
        assert {a: self.model.held(a) for a in ACCOUNTS} == {a: holds.get(a, 0) for a in ACCOUNTS}


class Kept(dict[str, int]):
    """The `Accounts` of the domain: balances in this dict, holds in another."""

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[str, int] = {}

    def available(self, account: str) -> int:
        """Return what is there and not held."""
        return self.get(account, 0) - self.held.get(account, 0)

    def add(self, account: str, amount: int) -> None:
        """Change a balance."""
        self[account] = self.get(account, 0) + amount

    def hold(self, account: str, amount: int) -> None:
        """Hold more, or less."""
        self.held[account] = self.held.get(account, 0) + amount


class DomainLedger(Invariants):
    """`domain.ledger` by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = Kept()

    def stored(self) -> dict[str, int]:
        """Return the balances."""
        return self.kept

    def holds(self) -> dict[str, int]:
        """Return what is held."""
        return self.kept.held

    def accepted(self, transfers: Sequence[Transfer], wanted: str | None) -> bool:
        """Check transfers, which changes nothing, and says what the model says."""
        before = dict(self.kept), dict(self.kept.held)
        refused = ledger.check(self.kept, transfers)
        assert (dict(self.kept), dict(self.kept.held)) == before, "a check changed something"
        assert (refused.refusal if refused else None) == wanted
        return refused is None

    def parts(self, debit: str, credit: str, amount: Amount, rest: Sequence[str]) -> list[Transfer]:
        """Return an amount in one transfer, or in several to more accounts."""
        whole = amount.beside(self.model.available(debit))
        each = whole // (len(rest) + 1)
        first = Transfer(debit, credit, whole - each * len(rest))
        return [first, *(Transfer(debit, other, each) for other in rest)]

    @initialize(amount=st.integers(1, 1000 * UNIT))
    def begin(self, amount: int) -> None:
        """Money comes in."""
        deposit = [Transfer("world", "wallet", amount)]
        ledger.record(self.kept, deposit)
        self.model.moved += deposit

    @rule(debit=accounts, credit=accounts, amount=amounts, rest=st.lists(inner, max_size=2))
    def move(self, debit: str, credit: str, amount: Amount, rest: list[str]) -> None:
        """One transfer or linked ones."""
        transfers = self.parts(debit, credit, amount, rest)
        if self.accepted(transfers, self.model.refuses(transfers)):
            ledger.record(self.kept, transfers)
            self.model.moved += transfers

    @rule(debit=accounts, credit=accounts, amount=amounts, rest=st.lists(inner, max_size=2))
    def hold(self, debit: str, credit: str, amount: Amount, rest: list[str]) -> None:
        """The same, for later."""
        transfers = self.parts(debit, credit, amount, rest)
        if self.accepted(transfers, self.model.refuses(transfers)):
            ledger.hold(self.kept, transfers)
            self.model.pending[self.new_id()] = transfers

    @precondition(lambda self: self.model.pending)
    @rule(which=st.integers(0, 9), less=st.one_of(st.just(0), st.integers(-2, 3), st.integers(1, 10**12)))
    def post(self, which: int, less: int) -> None:
        """All of it, a part, or more than there is."""
        name = sorted(self.model.pending)[which % len(self.model.pending)]
        held = self.model.pending[name]
        transfers = [Transfer(t.debit, t.credit, t.amount - less) for t in held]
        before = dict(self.kept), dict(self.kept.held)
        refused = ledger.check_post(self.kept, held, transfers)
        assert (dict(self.kept), dict(self.kept.held)) == before, "a check changed something"
        assert (refused is None) == all(
            0 < t.amount <= h.amount for t, h in zip(transfers, held, strict=True)
        )
        if refused is None:
            ledger.release(self.kept, held)
            ledger.record(self.kept, transfers)
            del self.model.pending[name]
            self.model.moved += transfers

    @precondition(lambda self: self.model.pending)
    @rule(which=st.integers(0, 9))
    def void(self, which: int) -> None:
        """None of it."""
        name = sorted(self.model.pending)[which % len(self.model.pending)]
        ledger.release(self.kept, self.model.pending.pop(name))


class CommandLedger(Invariants):
    """The commands that move money, over a wallet as it is stored."""

    def __init__(self) -> None:
        super().__init__()
        self.driver = Driver()

    @initialize(amount=st.integers(1, 1000 * UNIT))
    def begin(self, amount: int) -> None:
        """A wallet with a farm and two agents; nothing moves by itself."""
        self.driver.command("wallet_create", currency="USDT", rules=QUIET)
        self.driver.command("farm_create", farm="f")
        for agent in ("a", "b"):
            self.driver.command("agent_register", agent=agent, farm="f")
        self.pay("deposit", [Transfer("world", "wallet", amount)], None, amount=text_of(amount))

    def stored(self) -> dict[str, int]:
        """Return the balances as the state has them."""
        return Books(self.driver.state, "w").balances() if self.driver.state["wallets"] else {}

    def holds(self) -> dict[str, int]:
        """Return what the state holds."""
        return Books(self.driver.state, "w").held() if self.driver.state["wallets"] else {}

    def send(self, kind: str, wanted: str | None, **members: Any) -> Step:
        """Send a command that is to be refused for a reason, or accepted; refused it moves no money."""
        before = self.stored(), self.holds()
        step = self.driver.command(kind, **members)
        assert step.reply["refusal"] == wanted
        if wanted is not None:
            assert (self.stored(), self.holds()) == before
            assert step.named("wallet_transaction") == []
        return step

    def pay(self, kind: str, transfers: list[Transfer], timeout: str | None, **members: Any) -> None:
        """Send a command that moves money, or holds it if there is a time-out."""
        wanted = self.model.refuses(transfers)
        name = self.new_id()
        later: Json = {"pending": True, "timeout": timeout} if timeout else {}
        self.send(kind, wanted, id=name, **members, **later)
        if wanted is None and timeout:
            self.model.pending[name] = transfers
        elif wanted is None:
            self.model.moved += transfers

    @rule(
        kind=st.sampled_from(["deposit", "withdraw"]),
        amount=amounts,
        timeout=st.sampled_from([None, None, "0ms", "1s"]),
    )
    def in_or_out(self, kind: str, amount: Amount, timeout: str | None) -> None:
        """Money comes and goes."""
        sides = ("world", "wallet") if kind == "deposit" else ("wallet", "world")
        whole = amount.beside(self.model.available("wallet"))
        self.pay(kind, [Transfer(*sides, whole)], timeout, amount=text_of(whole))

    @rule(
        debit=inner,
        credit=inner,
        amount=amounts,
        rest=st.lists(inner, max_size=2),
        timeout=st.sampled_from([None, None, "0ms", "1s"]),
    )
    def transfer(self, debit: str, credit: str, amount: Amount, rest: list[str], timeout: str | None) -> None:
        """One or several that are linked."""
        whole = amount.beside(self.model.available(debit))
        each = whole // (len(rest) + 1)
        first = Transfer(debit, credit, whole - each * len(rest))
        transfers = [first, *(Transfer(debit, other, each) for other in rest)]
        linked = [
            {"source": scope(t.debit), "target": scope(t.credit), "amount": text_of(t.amount)}
            for t in transfers
        ]
        # By the command every amount is read before any accounts are looked at.
        if any(t.amount <= 0 for t in transfers):
            self.send("transfer", "amount_not_positive", linked=linked)
        elif rest:
            self.pay("transfer", transfers, timeout, linked=linked)
        else:
            self.pay("transfer", transfers, timeout, **linked[0])

    @rule(debit=inner, credit=inner, amount=amounts)
    def at_most(self, debit: str, credit: str, amount: Amount) -> None:
        """What is there of an amount."""
        available = self.model.available(debit)
        asked = max(amount.beside(available), 1)
        moved = [Transfer(debit, credit, min(asked, available))]
        wanted = "exceeds_available" if available <= 0 else self.model.refuses(moved)
        members = {"source": scope(debit), "target": scope(credit), "amount": text_of(asked)}
        self.send("transfer", wanted, at_most=True, **members)
        if wanted is None:
            self.model.moved += moved

    @precondition(lambda self: self.model.pending)
    @rule(which=st.integers(0, 9), kind=st.sampled_from(["post", "post", "void"]), less=st.integers(-2, 3))
    def end(self, which: int, kind: str, less: int) -> None:
        """All of it, a few units less or more, or none."""
        name = sorted(self.model.pending)[which % len(self.model.pending)]
        held = self.model.pending[name]
        members: Json = {}
        moved, wanted = held, None
        if kind == "post" and len(held) == 1 and less:
            whole = held[0].amount - less
            moved = [Transfer(held[0].debit, held[0].credit, whole)]
            members["amount"] = text_of(whole)
            if whole <= 0:
                wanted = "amount_not_positive"
            elif less < 0:
                wanted = "exceeds_pending_transfer_amount"
        self.send(kind, wanted, transfer=name, **members)
        if wanted is None:
            del self.model.pending[name]
            self.model.moved += moved if kind == "post" else []
            again = f"pending_transfer_already_{'posted' if kind == 'post' else 'voided'}"
            self.send(kind, again, transfer=name)

    @rule(ms=st.sampled_from([1, 999, 1000]))
    def time_passes(self, ms: int) -> None:
        """What is due in a second has expired after it."""
        step = self.driver.after(ms).tick()
        for told in step.named("wallet_transaction"):
            assert told["phase"] == "expired"
            assert self.driver.now >= self.due(told["pending"])
            del self.model.pending[told["pending"]]

    @rule()
    def restart(self) -> None:
        """What is pending is not forgotten."""
        self.driver = self.driver.restarted()

    @invariant()
    def what_is_pending_is_stored(self) -> None:
        """By its id, and until it is due."""
        if self.driver.state["wallets"]:
            stored = Books(self.driver.state, "w").pending
            assert {n for n, one in stored.items() if one["state"] == "pending"} == self.model.pending.keys()
            assert all(self.due(name) > self.driver.now for name in self.model.pending)

    def due(self, name: str) -> int:
        """Return when a pending transfer expires; one without a time-out never does."""
        due: int | None = Books(self.driver.state, "w").pending[name]["due"]
        return 2**63 if due is None else due


def scope(account: str) -> Json:
    """Name the scope of an account."""
    kind, _, name = account.partition("/")
    return {"type": kind, "id": name or "w"}


# Enough to find a fault of one unit; see below.
RUNS: Final = settings(
    max_examples=60,
    stateful_step_count=25,
    database=None,
    suppress_health_check=list(HealthCheck),
)
MACHINES: Final = [DomainLedger, CommandLedger]

TestDomainLedger = DomainLedger.TestCase
TestDomainLedger.settings = RUNS
TestCommandLedger = CommandLedger.TestCase
TestCommandLedger.settings = RUNS


class OneMore:
    """Accounts that have a unit more available than they have."""

    def __init__(self, accounts: Accounts, more: int) -> None:
        self._accounts, self._more = accounts, more

    def available(self, account: str) -> int:
        """Return a unit too many, or too few."""
        return self._accounts.available(account) + self._more

    def add(self, account: str, amount: int) -> None:
        """Change a balance."""
        self._accounts.add(account, amount)

    def hold(self, account: str, amount: int) -> None:
        """Hold more, or less."""
        self._accounts.hold(account, amount)


@contextmanager
def planted(more: int) -> Iterator[None]:
    """Have every check be wrong by a unit."""
    right = ledger.check

    def wrong(accounts: Accounts, transfers: Sequence[Transfer]) -> Any:
        return right(OneMore(accounts, more), transfers)

    with pytest.MonkeyPatch.context() as patch:
        for module in (ledger, posting, pending_steps):
            patch.setattr(module, "check", wrong)
        yield


@pytest.mark.parametrize("more", [1, -1])
@pytest.mark.parametrize("machine", MACHINES)
def test_a_fault_of_one_unit_is_found(machine: type[Invariants], more: int) -> None:
    """A check that lets one unit too many or too few leave fails within the runs above."""
    found = settings(RUNS, phases=[Phase.generate], derandomize=True)

    with planted(more), pytest.raises(AssertionError):
        run_state_machine_as_test(machine, settings=found)
