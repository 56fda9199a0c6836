"""Lower bounds move between agents without a step that asks for more than there is."""

from typing import Any

import msgspec
import pytest

from app.fleet.known import Known
from app.fleet.plan import plan_wallet
from app.fleet.step import Phase
from app.fleet.tables import WalletTable
from state.codec import AGENTS, FARMS, WALLETS
from tests.support.driver import Driver

Minima = dict[str, float | None]


def declared(rule: float, minima: Minima) -> WalletTable:
    """Give a wallet of agents in one farm, in this order, with the rule's lower bound and their own."""
    agents: list[dict[str, Any]] = [
        {"id": name} if low is None else {"id": name, "min_weight": low} for name, low in minima.items()
    ]
    rebalance = {"min_weight": rule, "max_weight": 1.0, "settle": "1d"}
    wallet = {"id": "w", "currency": "USDT", "rules": {"rebalance": rebalance}}
    return msgspec.convert(wallet | {"farm": [{"id": "f", "agent": agents}]}, WalletTable)


def known(driver: Driver) -> Known:
    """Return what is stored."""
    if not driver.state["wallets"]:
        return Known()
    farms = [FARMS.decode(value) for value in driver.state["farms"].values()]
    agents = [AGENTS.decode(value) for value in driver.state["agents"].values()]
    wallet = WALLETS.decode(driver.state["wallets"]["w"])
    return Known(wallet=wallet, farms={one.id: one for one in farms}, agents={one.id: one for one in agents})


def apply(driver: Driver, table: WalletTable) -> list[str | None]:
    """Carry out what a file asks for, phase by phase; return the refusals."""
    steps = sorted(plan_wallet(table, known(driver)).steps, key=lambda step: step.phase)
    assert Phase.GOAL not in {step.phase for step in steps}
    return [driver.send("command", step.event(driver.now)).refusal for step in steps]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((0.0, {"a": 0.3, "b": 0.6}), (0.0, {"a": 0.6, "b": 0.3})),  # from the second to the first
        ((0.0, {"a": 0.6, "b": 0.3}), (0.0, {"a": 0.3, "b": 0.6})),
        ((0.0, {"a": 0.8, "b": None}), (0.3, {"a": 0.5, "b": None})),  # from an agent to the rule
        ((0.3, {"a": 0.5, "b": None}), (0.0, {"a": 0.8, "b": None})),  # and back
        ((0.2, {"b": 0.9}), (0.2, {"a": None, "b": 0.5})),  # to one that comes, by the rule
        ((0.0, {"a": None, "b": 0.92}), (0.1, {"a": 0.05, "b": 0.92})),  # out of reach of a rule that rises
        ((0.2, {"a": None, "b": 0.8}), (0.0, {"a": 0.1, "b": 0.9})),
    ],
)
def test_no_step_is_refused_on_the_way_from_one_file_to_another(
    before: tuple[float, Minima], after: tuple[float, Minima]
) -> None:
    """In both the lower bounds sum to 1 at most, and so they do after each step between them."""
    driver = Driver()
    assert set(apply(driver, declared(*before))) == {None}

    assert set(apply(driver, declared(*after))) == {None}

    stored = known(driver)
    assert {name: agent.min_weight for name, agent in stored.agents.items()} == after[1]
    assert plan_wallet(declared(*after), stored).steps == []
