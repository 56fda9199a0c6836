"""Fleet files that what is stored cannot follow."""

from typing import Any

import pytest

from app.fleet.known import Known
from app.fleet.plan import plan_wallet
from domain.goals import GoalType
from domain.rules import changed
from state.records import State
from stream.errors import ConfigurationError
from tests.unit.app.fleet.tables import FILE, stored, table


def _closed_wallet(known: Known) -> None:
    assert known.wallet is not None
    known.wallet.state = State.CLOSED


def _other_currency(known: Known) -> None:
    assert known.wallet is not None
    known.wallet.currency = "EUR"


def _crossing_rules(known: Known) -> None:
    assert known.wallet is not None
    known.wallet.rules = changed(known.wallet.rules, {"rebalance": {"max_weight": 0.9, "min_weight": 0.5}})


def _closed_farm(known: Known) -> None:
    known.farms["trend"].state = State.CLOSED


def _retired_agent(known: Known) -> None:
    known.agents["one"].state = State.RETIRED


def _other_goal(known: Known) -> None:
    known.goals["g"].goal_type = GoalType.TRADE_VOLUME
    known.goals["g"].target = {"trades": 5}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_closed_wallet, "Wallet alpha is closed"),
        (_other_currency, "Wallet alpha is kept in EUR, which cannot become USDT"),
        (
            _crossing_rules,
            "The rules of the file do not go with those of wallet alpha: rebalance.min_weight is above",
        ),
        (_closed_farm, "Farm trend of wallet alpha is closed"),
        (_retired_agent, "Agent one of wallet alpha is retired"),
        (_other_goal, "Goal g of wallet alpha is one of trade_volume, which cannot become profit_target"),
    ],
)
def test_what_cannot_become_so_is_refused_before_anything_is_sent(change: Any, says: str) -> None:
    """A file that what is stored cannot follow is refused with the reason."""
    known = stored()
    change(known)
    declared = table(rules={"rebalance": {"max_weight": 0.4}})

    with pytest.raises(ConfigurationError, match=says):
        plan_wallet(declared, known)


def test_a_goal_for_nobody_is_refused() -> None:
    """A goal is assigned to what is in the file or in the wallet."""
    goal = FILE["goal"][0] | {"assigned": [{"type": "agent", "id": "nobody"}]}

    with pytest.raises(
        ConfigurationError, match="assigned to agent nobody, which is neither in the file nor"
    ):
        plan_wallet(table(goal=[goal]), stored())
