"""What bots may report to two wallets, and the goals that are set for them."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.property.fleets import SYMBOLS, UNIT, Fleets, agents, near, traders, wallets
from tests.support.driver import DAY, SECOND, Json
from tests.support.laws import Books, text_of, units


class Bots(Fleets):
    """Fills, snapshots, equities, goals."""

    @rule(
        wallet=wallets,
        agent=traders,
        symbol=st.sampled_from(SYMBOLS),
        side=st.sampled_from(["buy", "sell"]),
        amount=st.one_of(st.integers(1, 3), st.integers(1, 10 * UNIT), st.just(10**26)),
        price=st.one_of(
            st.integers(1, 3), st.integers(UNIT, 300 * UNIT), st.just(100 * UNIT), st.just(10**26)
        ),
        fee=st.sampled_from(
            [None, None, ("USDT", 3), ("BTC", 1), ("EUR", 5 * UNIT), ("BNB", 1), ("USDT", -7)]
        ),
        pnl=st.one_of(st.none(), st.none(), st.integers(-50 * UNIT, 50 * UNIT)),
        ago=st.sampled_from([0, 0, 0, SECOND, 2 * DAY]),
    )
    def fill(
        self,
        wallet: str,
        agent: str,
        symbol: str,
        side: str,
        amount: int,
        price: int,
        fee: tuple[str, int] | None,
        pnl: int | None,
        ago: int,
    ) -> None:
        """What a bot did, whatever it makes of its account; now and then late."""
        event: Json = {"agent": agent, "symbol": symbol, "side": side}
        event |= {"amount": text_of(amount), "price": text_of(price)}
        if fee is not None:
            event["fee"] = {"currency": fee[0], "cost": text_of(fee[1])}
        if pnl is not None:
            event["realized_pnl"] = text_of(pnl)
        self.send(
            "trade", self.driver.event({"wallet": wallet, **event}) | {"timestamp": self.driver.now - ago}
        )

    @rule(wallet=wallets, agent=traders, ratio=st.sampled_from([50, 80, 90, 95, 99, 101, 120]))
    def round_trip(self, wallet: str, agent: str, ratio: int) -> None:
        """Half of the cash is put in and comes back as more or less: what trips breakers and meets goals."""
        half = max(self.cash(wallet, agent) // 2, 1)
        trade = {"wallet": wallet, "agent": agent, "symbol": "BTC/USDT", "price": "1"}
        for side, worth in (("buy", half), ("sell", half * ratio // 100)):
            event = trade | {"side": side, "amount": text_of(half), "cost": text_of(worth)}
            self.send("trade", self.driver.event(event))

    @rule(
        wallet=wallets,
        agent=traders,
        prices=st.dictionaries(
            st.sampled_from([*SYMBOLS, "EUR/USDT", "BNB/USDT"]),
            st.one_of(st.integers(1, 3), st.integers(UNIT, 300 * UNIT)).map(text_of),
            max_size=3,
        ),
        more=st.one_of(st.none(), near, st.integers(-100 * UNIT, 100 * UNIT)),
        used=st.one_of(st.none(), st.integers(0, 100 * UNIT)),
    )
    def snapshot(
        self, wallet: str, agent: str, prices: dict[str, str], more: int | None, used: int | None
    ) -> None:
        """Marks, and an account that agrees with the ledger or not."""
        event: Json = {"wallet": wallet, "agent": agent, "prices": prices}
        if more is not None:
            event["total"] = {"USDT": text_of(self.cash(wallet, agent) + more)}
        if used is not None:
            event["used"] = {"USDT": text_of(used)}
        self.send("balance", self.driver.event(event))

    @rule(wallet=wallets, agent=agents, more=near, only_equity=st.booleans())
    def show(self, wallet: str, agent: str, more: int, *, only_equity: bool) -> None:
        """An account that has what is pending for it, to a few units."""
        coming = sum(
            units(transfer["amount"])
            for pending in Books(self.driver.state, wallet).pending.values()
            for transfer in pending["transfers"]
            if (pending["state"], transfer["credit"]) == ("pending", f"agent/{agent}")
        )
        amount = text_of(self.cash(wallet, agent) + coming + more)
        shown: Json = {"equity": amount} if only_equity else {"total": {"USDT": amount}}
        self.driver.after(1)
        self.send("balance", self.driver.event({"wallet": wallet, "agent": agent, **shown}))

    @rule(wallet=wallets, change=st.one_of(near, st.integers(-300 * UNIT, 300 * UNIT)))
    def report_equity(self, wallet: str, change: int) -> None:
        """Of the bot that knows no more."""
        event = {"wallet": wallet, "agent": "equity", "equity": text_of(self.cash(wallet, "equity") + change)}
        self.send("balance", self.driver.event(event))

    @rule(
        wallet=wallets,
        aim=st.sampled_from(
            [
                ("trade_volume", {"trades": 3}),
                ("trade_volume", {"trades": 1000}),
                ("profit_target", {"profit": "5"}),
                ("profit_target", {"profit": "100000"}),
                ("profit_target", {"profit_per_trade": "0.01", "trades": 2}),
                ("strategy_performance", {"metric": "total_return", "at_least": 0.001, "periods": 2}),
                (
                    "custom",
                    {"all": [{"metric": "equity", "at_least": 1}, {"metric": "win_rate", "at_most": 0.5}]},
                ),
            ]
        ),
        collect=st.sampled_from(["none", "profit", "all"]),
        agent=agents,
        deadline=st.sampled_from([None, 10 * SECOND, DAY]),
        raised=st.sampled_from([{}, {"raise_by": 0.5}, {"reward": 0.3}, {"reward": 1, "raise_by": 2}]),
    )
    def set_goal(
        self, wallet: str, aim: tuple[str, Json], collect: str, agent: str, deadline: int | None, raised: Json
    ) -> None:
        """For the wallet, and one agent more than the others."""
        self.goals += 1
        event: Json = {
            "wallet": wallet,
            "kind": "goal_created",
            "goal": f"g-{self.goals}",
            "goal_type": aim[0],
            "target": aim[1],
            "collect": collect,
            "assigned": [{"type": "wallet", "id": wallet, "weight": 0.5}, {"type": "agent", "id": agent}],
            "deadline": None if deadline is None else self.driver.now + deadline,
        } | raised
        self.send("goal", self.driver.event(event))

    @rule(wallet=wallets, kind=st.sampled_from(["goal_cancelled", "goal_updated"]))
    def change_goal(self, wallet: str, kind: str) -> None:
        """The last one, if it is this wallet's and has not ended."""
        event = {"wallet": wallet, "kind": kind, "goal": f"g-{self.goals}", "name": "other"}
        self.send("goal", self.driver.event(event))
