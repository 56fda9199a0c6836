"""What operators may ask of two wallets: any command, in any state, fitting or not."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.property.fleets import AGENTS, Fleets, agents, amounts, farms, near, wallets
from tests.support.driver import Json
from tests.support.laws import Books, text_of, units


class Operators(Fleets):
    """Commands."""

    @rule(wallet=wallets, agent=agents, farm=farms, mode=st.sampled_from(["safe", "aggressive"]))
    def register(self, wallet: str, agent: str, farm: str, mode: str) -> None:
        """An agent comes, if it is not there."""
        self.command(wallet, "agent_register", agent=agent, farm=farm, risk_mode=mode)

    @rule(wallet=wallets, amount=amounts, kind=st.sampled_from(["deposit", "withdraw"]))
    def deposit_or_withdraw(self, wallet: str, amount: int, kind: str) -> None:
        """Any amount; most are fine."""
        self.command(wallet, kind, amount=text_of(amount))

    @rule(wallet=wallets, more=near)
    def withdraw_all(self, wallet: str, more: int) -> None:
        """To the unit, and a few units more or less."""
        self.command(wallet, "withdraw", amount=text_of(self.cash(wallet, None) + more))

    @rule(wallet=wallets, agent=agents, amount=amounts)
    def allocate(self, wallet: str, agent: str, amount: int) -> None:
        """Dead letter where there is no such agent."""
        self.command(wallet, "allocate", agent=agent, amount=text_of(amount))

    @rule(wallet=wallets, source=agents, other=agents, more=near, at_most=st.booleans())
    def transfer(self, wallet: str, source: str, other: str, more: int, *, at_most: bool) -> None:
        """All that an agent has, and a few units more or less."""
        self.command(
            wallet,
            "transfer",
            source={"type": "agent", "id": source},
            target={"type": "agent", "id": other} if source != "a" else {"type": "farm", "id": "g"},
            amount=text_of(self.cash(wallet, source) + more),
            at_most=at_most,
        )

    @rule(
        wallet=wallets,
        source=st.sampled_from([None, *AGENTS]),
        other=agents,
        amount=amounts,
        more=st.one_of(st.none(), near),
        timeout=st.sampled_from([None, "1s", "1d"]),
        linked=st.booleans(),
    )
    def hold(
        self,
        wallet: str,
        source: str | None,
        other: str,
        amount: int,
        more: int | None,
        timeout: str | None,
        *,
        linked: bool,
    ) -> None:
        """Any amount, or all that is available and a few units more or less; in one part or two."""
        if more is not None:
            amount = self.available(wallet, source) + more
        giver = {"type": "agent", "id": source} if source else {"type": "wallet", "id": wallet}
        taker = {"type": "agent", "id": other}
        parts = [{"source": giver, "target": taker, "amount": text_of(amount)}]
        if linked:
            farm = {"type": "farm", "id": "g"}
            half = amount // 2
            parts = [
                {"source": giver, "target": farm, "amount": text_of(half)},
                {"source": giver, "target": taker, "amount": text_of(amount - half)},
            ]
        members: Json = {"linked": parts} if linked else parts[0]
        if timeout is not None:
            members = members | {"timeout": timeout}
        self.command(wallet, "transfer", pending=True, **members)

    @rule(
        wallet=wallets,
        which=st.integers(0, 5),
        kind=st.sampled_from(["post", "post", "void"]),
        less=st.one_of(st.none(), st.integers(-1, 3)),
    )
    def end(self, wallet: str, which: int, kind: str, less: int | None) -> None:
        """One that is pending or was, whole or a few units more or less."""
        found = sorted(Books(self.driver.state, wallet).pending.items())
        if not found:
            self.command(wallet, kind, transfer="none")
            return
        name, pending = found[which % len(found)]
        members: Json = {}
        if kind == "post" and less is not None:
            members["amount"] = text_of(units(pending["transfers"][0]["amount"]) - less)
        self.command(wallet, kind, transfer=name, **members)

    @rule(wallet=wallets, what=st.sampled_from(["profit", "all"]), agent=agents)
    def collect(self, wallet: str, what: str, agent: str) -> None:
        """From one agent."""
        self.command(wallet, "collect", scope={"type": "agent", "id": agent}, what=what)

    @rule(wallet=wallets, method=st.sampled_from([None, "equal", "magic", "magic"]))
    def rebalance(self, wallet: str, method: str | None) -> None:
        """By a method there is, or not."""
        self.command(wallet, "rebalance", method=method)

    @rule(
        wallet=wallets, agent=agents, low=st.sampled_from([0, 0.4, 0.7]), high=st.sampled_from([0.4, 0.7, 1])
    )
    def bound(self, wallet: str, agent: str, low: float, high: float) -> None:
        """Bounds that fit together, or not."""
        self.command(wallet, "agent_configure", agent=agent, min_weight=low, max_weight=high)

    @rule(wallet=wallets, agent=agents, farm=farms)
    def assign(self, wallet: str, agent: str, farm: str) -> None:
        """To another farm."""
        self.command(wallet, "agent_assign", agent=agent, farm=farm)

    @rule(wallet=wallets, agent=agents)
    def retire(self, wallet: str, agent: str) -> None:
        """For good."""
        self.command(wallet, "agent_retire", agent=agent)

    @rule(
        wallet=wallets,
        kind=st.sampled_from(["emergency_stop", "emergency_resume", "emergency_resume"]),
        scope=st.sampled_from(
            [("wallet", None), ("farm", "f"), ("farm", "g"), ("agent", "a"), ("agent", "b")]
        ),
    )
    def stop_or_resume(self, wallet: str, kind: str, scope: tuple[str, str | None]) -> None:
        """At any level."""
        self.command(wallet, kind, scope={"type": scope[0], "id": scope[1] or wallet})

    @rule(wallet=wallets, farm=farms)
    def close(self, wallet: str, farm: str) -> None:
        """A farm, and then the wallet, if they are empty."""
        self.command(wallet, "farm_close", farm=farm)
        self.command(wallet, "wallet_close")

    @rule(
        wallet=wallets,
        rules=st.sampled_from(
            [
                {"breakers": {"agent_drawdown": None, "agent_daily_loss": None, "farm_daily_loss": None}},
                {"breakers": {"agent_drawdown": 0.01, "cool_off": "1m"}},
                {"rebalance": {"interval": "10s", "turnover": 1, "reserve": 0.5}},
                {"rebalance": {"max_weight": 1, "reserve": 0}},
                {"rebalance": {"acknowledge": "1m"}},
                {"rebalance": {"acknowledge": 0}},
                {"performance": {"bin": "1h"}},
                {"performance": {"bin": "1d", "window": 2}},
                {"rates": {"EUR": "0.000000000001", "BNB": "1e18"}},
                {"collection": {"share": 1, "interval": "1h"}},
                {"tolerance": 0},
                {"no": 1},
            ]
        ),
    )
    def configure(self, wallet: str, rules: Json) -> None:
        """Rules that change what happens, and some that there are not."""
        self.command(wallet, "wallet_configure", rules=rules)
