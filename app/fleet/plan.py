"""
The difference between a fleet file and what is stored, as steps: wallets, deposits, farms, agents.

Only what the file mentions is compared; all else is left alone and noted.
"""

import msgspec

from app.fleet.goals import plan_goals
from app.fleet.known import Known, deposit_id
from app.fleet.rules import nested, paths, rule_changes
from app.fleet.step import Pairs, Phase, Plan, arrow, arrows, asked, differing, given
from app.fleet.tables import AgentTable, FarmTable, WalletTable
from domain.holding import bounded
from domain.money import money, money_text
from domain.rules import RebalanceRules, Rules, changed
from state.book import COMMANDS_KEPT
from state.entities import Agent, Wallet
from state.records import GoalState, State
from stream.errors import ConfigurationError


def plan_wallet(table: WalletTable, known: Known) -> Plan:
    """
    Plan what makes a wallet as the file has it.

    Raises:
        ConfigurationError: it cannot be made so, in a sentence.

    """
    wallet = known.wallet
    plan = Plan(table.id, wallet.commands if wallet else 0, known.goals_applied)
    if wallet is None:
        _create_wallet(plan, table)
    else:
        _configure_wallet(plan, table, wallet)
    rules = changed(wallet.rules if wallet else Rules(), table.rule_changes).rebalance
    _deposit(plan, table, known)
    for farm in table.farm:
        _plan_farm(plan, farm, known)
    for farm in table.farm:
        for agent in farm.agent:
            _plan_agent(plan, agent, farm.id, known.agents.get(agent.id), rules)
    plan_goals(plan, table, known)
    _note_others(plan, table, known)
    return plan


def _create_wallet(plan: Plan, table: WalletTable) -> None:
    changes = rule_changes(Rules(), changed(Rules(), table.rule_changes))
    rules = {change.name: change.spoken[1] for change in changes}
    body = {"kind": "wallet_create", "currency": table.currency, "rules": nested(changes) or None}
    plan.ask(Phase.WALLET, "create", f"wallet {table.id}", given(currency=table.currency, **rules), body)


def _configure_wallet(plan: Plan, table: WalletTable, wallet: Wallet) -> None:
    if wallet.state is State.CLOSED:
        raise ConfigurationError(f"Wallet {wallet.id} is closed and stays so: declare another id.")
    if wallet.currency != table.currency:
        raise ConfigurationError(
            f"Wallet {wallet.id} is kept in {wallet.currency}, which cannot become {table.currency}: "
            "declare another wallet."
        )
    try:
        rules = changed(wallet.rules, table.rule_changes)
    except ValueError as error:
        raise ConfigurationError(
            f"The rules of the file do not go with those of wallet {wallet.id}: {error}."
        ) from None
    changes = rule_changes(wallet.rules, rules)
    if changes:
        detail = ", ".join(arrow(change.name, *change.spoken) for change in changes)
        body = {"kind": "wallet_configure", "rules": nested(changes)}
        plan.ask(Phase.WALLET, "change", f"wallet {table.id}", detail, body)
    mentioned = paths(table.rules)
    for change in rule_changes(Rules(), wallet.rules):
        if change.path not in mentioned:
            rule = given(**{change.name: change.spoken[1]})
            plan.notes.append(f"left alone, not in the file: rule {rule} of wallet {wallet.id}")


def _deposit(plan: Plan, table: WalletTable, known: Known) -> None:
    if table.deposit is None:
        return
    amount = money_text(money(table.deposit))
    answers = [msgspec.json.decode(answer.reply) for answer in known.deposits]
    made = [one["result"] for one in answers if (one["kind"], one["status"]) == ("deposit", "ok")]
    if made:
        before = money_text(money(made[0]["amount"]))
        if before != amount:
            plan.notes.append(
                f"wallet {table.id} had its deposit of {before}, and that was once; "
                f"for the {amount} of the file publish a deposit or withdraw command"
            )
    elif known.wallet is not None and known.wallet.commands > COMMANDS_KEPT:
        plan.notes.append(
            f"after {known.wallet.commands} commands it is no longer known whether wallet {table.id} had its "
            "deposit; it is not made: publish a deposit command if it is due"
        )
    else:
        name = deposit_id(table.id, len(known.deposits))
        body = {"kind": "deposit", "amount": amount}
        plan.ask(Phase.DEPOSIT, "deposit", f"wallet {table.id}", f"{amount} {table.currency}", body, name)


def _plan_farm(plan: Plan, table: FarmTable, known: Known) -> None:
    farm = known.farms.get(table.id)
    what = f"farm {table.id}"
    if farm is None:
        body = {"kind": "farm_create", "farm": table.id, "type": table.type, "name": table.name}
        plan.ask(Phase.FARM, "create", what, given(type=table.type, name=table.name), body)
        return
    if farm.state is State.CLOSED:
        raise ConfigurationError(f"Farm {farm.id} of wallet {farm.wallet} is closed: declare another id.")
    pairs = {"type": (farm.type, table.type), "name": (farm.name, table.name)}
    _ask_changes(plan, Phase.FARM, what, {"kind": "farm_configure", "farm": farm.id}, pairs)


def _plan_agent(plan: Plan, table: AgentTable, farm: str, agent: Agent | None, rules: RebalanceRules) -> None:
    what = f"agent {table.id}"
    members = {"strategy": table.strategy, "risk_mode": table.risk_mode, "public_key": table.public_key}
    bounds = {"min_weight": table.min_weight, "max_weight": table.max_weight}
    phase = Phase.AGENT
    if agent is None:
        body = {"kind": "agent_register", "agent": table.id, "farm": farm, **members}
        plan.ask(Phase.AGENT, "create", what, given(farm=farm, **members), body)
        pairs: Pairs = {name: (None, value) for name, value in bounds.items()}
    else:
        if agent.state is State.RETIRED:
            raise ConfigurationError(
                f"Agent {agent.id} of wallet {agent.wallet} is retired: declare another id."
            )
        if agent.farm != farm:
            body = {"kind": "agent_assign", "agent": agent.id, "farm": farm}
            plan.ask(Phase.AGENT, "move", what, arrow("farm", agent.farm, farm), body)
        pairs = {name: (getattr(agent, name), value) for name, value in (members | bounds).items()}
        if _comes_down(agent, table, rules):
            phase = Phase.ROOM
    _ask_changes(plan, phase, what, {"kind": "agent_configure", "agent": table.id}, pairs)


def _comes_down(agent: Agent, table: AgentTable, rules: RebalanceRules) -> bool:
    """Whether an agent's lower bound, by the file's rules, is below the one that it would have had."""
    low = agent.min_weight if table.min_weight is None else table.min_weight
    high = agent.max_weight if table.max_weight is None else table.max_weight
    return bounded(low, high, rules).lower < bounded(agent.min_weight, agent.max_weight, rules).lower


def _ask_changes(plan: Plan, phase: Phase, what: str, body: dict[str, object], pairs: Pairs) -> None:
    """Ask for those members that the file has and the state has otherwise."""
    changes = differing(pairs)
    if changes:
        plan.ask(phase, "change", what, arrows(changes), body | asked(changes))


def _note_others(plan: Plan, table: WalletTable, known: Known) -> None:
    farms = {farm.id for farm in table.farm}
    agents = {agent.id for farm in table.farm for agent in farm.agent}
    goals = {goal.id for goal in table.goal}
    others = [
        f"farm {one.id}"
        for one in known.farms.values()
        if one.id not in farms and one.state is not State.CLOSED
    ]
    others += [
        f"agent {one.id}"
        for one in known.agents.values()
        if one.id not in agents and one.state is not State.RETIRED
    ]
    others += [
        f"goal {one.id}"
        for one in known.goals.values()
        if one.id not in goals and one.state is GoalState.ACTIVE
    ]
    if others:
        plan.notes.append(f"left alone, not in the file: {', '.join(others)} of wallet {table.id}")
