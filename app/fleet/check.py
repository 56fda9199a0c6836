"""What a fleet file must hold beyond its shape: ids, amounts, rules, targets, and no id twice."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from app.fleet.problems import explain, no_choice
from app.fleet.tables import AgentTable, FleetTable, GoalTable, WalletTable
from app.fleet.toml_lines import Path
from domain.allocation import METHODS
from domain.goals import WEIGHT_MAX, WEIGHT_MIN, Target, read_target
from domain.minima import beyond, sum_of_minima
from domain.refusals import Refused
from domain.rules import Rules, changed
from domain.signing import read_key
from domain.targets import RAISE_MAX, can_be_raised, never_met
from handlers.commands.payment import read_amount
from handlers.reading import check_currency, check_id
from stream.errors import ConfigurationError, MalformedError

Problem = Callable[[Path, str], ConfigurationError]
"""Makes an error of a place in the file and a sentence about it."""


def check_fleet(fleet: FleetTable, problem: Problem) -> None:
    """Raise the first problem there is."""
    if not fleet.wallet:
        raise problem((), "no wallet is declared: write [[wallet]] with an id and a currency")
    _check_ids([(("wallet", i), "wallet", one.id) for i, one in enumerate(fleet.wallet)], problem)
    for i, wallet in enumerate(fleet.wallet):
        _check_wallet(wallet, ("wallet", i), problem)


def _check_wallet(wallet: WalletTable, here: Path, problem: Problem) -> None:
    _check(problem, [*here, "currency"], lambda: check_currency(wallet.currency))
    if wallet.deposit is not None:
        amount = _check(problem, [*here, "deposit"], lambda: read_amount(wallet.deposit))
        if isinstance(amount, Refused):
            raise problem([*here, "deposit"], f"deposit: {amount.detail}")
    rules = _check_rules(wallet, [*here, "rules"], problem).rebalance
    farms = [([*here, "farm", i], farm) for i, farm in enumerate(wallet.farm)]
    agents = [([*at, "agent", i], agent) for at, farm in farms for i, agent in enumerate(farm.agent)]
    goals = [([*here, "goal", i], goal) for i, goal in enumerate(wallet.goal)]
    _check_ids([(at, "farm", farm.id) for at, farm in farms], problem)
    _check_ids([(at, "agent", agent.id) for at, agent in agents], problem)
    _check_ids([(at, "goal", goal.id) for at, goal in goals], problem)
    for at, agent in agents:
        _check_bounds(agent, at, problem)
        _check_key(agent, at, problem)
    minima = sum_of_minima(((agent.min_weight, agent.max_weight) for _, agent in agents), rules)
    if beyond(minima):
        text = f"the agents would have at least {minima:.6g} of 1 between them: lower a min_weight"
        raise problem(here, text)
    for at, goal in goals:
        _check_goal(goal, at, problem)


def _check_ids(named: Sequence[tuple[Path, str, str]], problem: Problem) -> None:
    seen: set[str] = set()
    for path, kind, name in named:
        at = [*path, "id"]
        _check(problem, at, partial(check_id, name, kind))
        if name in seen:
            raise problem(at, f"{kind} {name} is declared twice in its wallet")
        seen.add(name)


def _check(problem: Problem, path: Path, check: Callable[[], Any]) -> Any:  # noqa: ANN401  # what it returns
    try:
        return check()
    except MalformedError as error:
        raise problem(path, error.detail.removesuffix(".")) from None


def _check_bounds(agent: AgentTable, here: Path, problem: Problem) -> None:
    low = 0.0 if agent.min_weight is None else agent.min_weight
    high = 1.0 if agent.max_weight is None else agent.max_weight
    if not 0 <= low <= high <= 1:
        name = "max_weight" if agent.min_weight is None else "min_weight"
        text = "weights are shares between 0 and 1, min_weight not above max_weight"
        raise problem([*here, name], f"agent {agent.id}: {text}")


def _check_key(agent: AgentTable, here: Path, problem: Problem) -> None:
    try:
        if agent.public_key is not None:
            read_key(agent.public_key)
    except ValueError as error:
        raise problem([*here, "public_key"], f"agent {agent.id}: {error}") from None


def _check_goal(goal: GoalTable, here: Path, problem: Problem) -> None:
    try:
        target = read_target(goal.goal_type, goal.target)
    except ValueError as error:
        raise problem([*here, "target"], f"goal {goal.id}: {str(error).removesuffix('.')}") from None
    why = never_met(target)
    if why is not None:
        raise problem([*here, "target"], f"goal {goal.id}: {why.removesuffix('.')}")
    _check_raise(goal, target, here, problem)
    if isinstance(goal.deadline, datetime) and goal.deadline.tzinfo is None:
        text = f"goal {goal.id}: a deadline has an offset from UTC, such as 2027-01-01T00:00:00Z"
        raise problem([*here, "deadline"], text)
    for i, one in enumerate(goal.assigned or ()):
        if not WEIGHT_MIN <= one.weight <= WEIGHT_MAX:
            text = f"a weight is at least {WEIGHT_MIN:g} and at most {WEIGHT_MAX:g}"
            raise problem([*here, "assigned", i, "weight"], text)


def _check_raise(goal: GoalTable, target: Target, here: Path, problem: Problem) -> None:
    if goal.reward is not None and not 0 <= goal.reward <= 1:
        raise problem([*here, "reward"], f"goal {goal.id}: a reward is a share between 0 and 1")
    if goal.raise_by is None:
        return
    if not 0 < goal.raise_by <= RAISE_MAX:
        text = f"goal {goal.id}: raise_by is a share above 0 and at most {RAISE_MAX:g}"
        raise problem([*here, "raise_by"], text)
    if not can_be_raised(target):
        text = f"goal {goal.id}: a target that only sets limits has nothing that raise_by could raise"
        raise problem([*here, "raise_by"], text)


def _check_rules(wallet: WalletTable, here: Path, problem: Problem) -> Rules:
    try:
        rules = changed(Rules(), wallet.rule_changes)
    except msgspec.ValidationError as error:
        raise problem(*explain(error, here)) from None
    except ValueError as error:
        at = [*here, *_culprit(wallet.rule_changes, str(error))]
        raise problem(at, str(error)) from None
    if rules.rebalance.method not in METHODS:
        text = no_choice("method", rules.rebalance.method, METHODS)
        raise problem([*here, "rebalance", "method"], text)
    return rules


def _culprit(changes: dict[str, Any], text: str) -> Path:
    """Path of the one rule that alone gives the same error; empty where it takes more than one."""
    for path in _leaves(changes, ()):
        value: Any = changes
        for name in path:
            value = value[name]
        for name in reversed(path):
            value = {name: value}
        try:
            changed(Rules(), value)
        except ValueError as error:
            if str(error) == text:
                return path
    return ()


def _leaves(changes: dict[str, Any], above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, value in changes.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*above, name))
        else:
            yield (*above, name)
