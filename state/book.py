"""
One wallet and all under it, in memory.

Rules kept here:

1. An entity that changes is marked, and only what is marked is written with the batch.
2. The accounts of the ledger are fields of the entities; there is no second copy of a balance.
3. What is done for several entities is done in the order of their ids: a book that was loaded and one that
   grew say the same.
"""

from collections.abc import Iterable

from domain.breakers import Limits, limits
from domain.breakers import Scope as ScopeKind
from domain.ledger import FEES, MARKET, MASTER, SUSPENSE, WORLD, Phase
from domain.money import PARTS, fine
from state.agents import Agents
from state.entities import Agent, Farm, Scope, Wallet
from state.pursuits import Pursuits
from state.records import Command, Goal, Pending, State

Entity = Scope | Goal | Pending | Command

# Not Final, so that tests may lower them.
COMMANDS_KEPT = 10_000  # answered commands of a wallet that a repeat still finds
ENDED_KEPT = 10_000  # two-phase transfers of a wallet of which it is known how they ended


class Book:
    """A wallet's hierarchy. Also the ledger's `Accounts`."""

    def __init__(self, wallet: Wallet) -> None:
        self.wallet = wallet
        self.farms: dict[str, Farm] = {}
        self.agents = Agents()
        self.goals: dict[str, Goal] = {}  # those that ended too
        self.pursuits = Pursuits(wallet.id)
        self.commands: dict[str, Command] = {}  # in the order they were answered
        self.pending: dict[str, Pending] = {}  # in the order they were made
        self._pending_from: dict[str, dict[str, Pending]] = {}  # the same by account that gives, and by id
        self._pending_to: dict[str, dict[str, Pending]] = {}  # by account that gets
        self.ended: dict[str, Pending] = {}  # in the order they ended
        self.returns: dict[str, list[float]] = {}  # by returns_key, oldest first
        self.updates: list[tuple[int, str]] = []  # heap of the balance updates that wait: due, scope_key
        self.tripped: dict[Scope, None] = {}  # scopes with a stop of their own
        self.near: dict[Scope, None] = {}  # scopes that a limit gives a colour, and no stop of their own
        self.next_due = 0  # stream time at which something is due: a timer or an update
        self.timer_due = 0  # stream time of the next timer; 0: not known
        self.changed: dict[Entity, None] = {}  # since the last commit
        self.changed_returns: dict[str, list[float]] = {}
        self.removed: dict[tuple[type[Entity], str], None] = {}  # by kind and field
        self.rules_changed()

    def rules_changed(self) -> None:
        """Take over what follows from the wallet's rules."""
        rules = self.wallet.rules
        self.limits: dict[ScopeKind, Limits] = limits(rules.breakers)
        # Whether a rule asks for more to be kept with each fill than every fill changes.
        self.follows = any(limit.window_loss or limit.losing_streak for limit in self.limits.values())
        self.smoothing = rules.breakers.smoothing
        self.fixed_rates = {currency: fine(rate) for currency, rate in rules.rates.items()}
        self.benchmark = rules.performance.benchmark
        self.senders_changed()
        self.drift_parts = round(rules.rebalance.threshold * PARTS)
        # A budget over this is within what it may drift; it is more than any budget where nothing is.
        self.drift_divisor = -(-PARTS // self.drift_parts) if self.drift_parts else 10**40
        for scope in (self.wallet, *self.farms.values(), *self.agents.read()):
            scope.calm_high = -1
        self.timers_changed()

    def senders_changed(self) -> None:
        """Note whether there is anything to check of who sends; most wallets have nothing."""
        rules = self.wallet.rules
        keys = any(agent.public_key is not None for agent in self.agents.read())
        self.guarded = rules.require_signature or bool(rules.rate_limit) or keys

    def timers_changed(self) -> None:
        """Note that something may be due at another time than was thought."""
        self.timer_due = 0

    def colour_changed(self, scope: Scope) -> None:
        """Note that a stop or a colour of a scope began or ended."""
        if scope.trip is not None:
            self.tripped[scope] = None
            self.near.pop(scope, None)
        else:
            self.tripped.pop(scope, None)
            if scope.measure is not None:
                self.near[scope] = None
            else:
                self.near.pop(scope, None)
        self.timers_changed()

    # -- what changed --------------------------------------------------------------------------------------

    def mark(self, entity: Entity) -> None:
        """Have an entity written with the batch."""
        self.changed[entity] = None

    def mark_returns(self, key: str) -> None:
        """Have the returns under a key written with the batch."""
        self.changed_returns[key] = self.returns[key]

    def keep(self, entity: Farm | Goal | Pending | Command) -> None:
        """Take in an entity as it was stored; `put_in_order` follows."""
        if isinstance(entity, Command):  # of which there are most
            self.commands[entity.id] = entity
        elif isinstance(entity, Farm):
            self.farms[entity.id] = entity
        elif isinstance(entity, Goal):
            self.goals[entity.id] = entity
        else:
            (self.pending if entity.state is Phase.PENDING else self.ended)[entity.id] = entity

    def put_in_order(self) -> None:
        """Order what was taken in as stored, and find what follows from it."""
        self.senders_changed()
        answered = sorted(self.commands.values(), key=lambda command: command.number)
        self.commands = {command.id: command for command in answered}
        for goal in self.goals.values():
            self.pursuits.take(goal)
        made = sorted(self.pending.values(), key=lambda pending: pending.number)
        self.pending = {pending.id: pending for pending in made}
        for pending in made:
            self._index_pending(pending)
        ended = sorted(self.ended.values(), key=lambda pending: (pending.ended, pending.number))
        self.ended = {pending.id: pending for pending in ended}
        scopes: list[Scope] = [self.wallet, *self.farms.values(), *self.agents.read()]
        for scope in scopes:
            if scope.trip is not None or scope.measure is not None:
                self.colour_changed(scope)
        self.updates = sorted(
            (scope.update_due, scope_key(scope)) for scope in scopes if scope.update_due is not None
        )

    def remember_command(self, command: Command) -> None:
        """Keep an answer for repeats; the oldest goes when there are too many."""
        self.commands[command.id] = command
        self.mark(command)
        # It may be one that was forgotten, and has come again within the batch.
        self.removed.pop((Command, field_of(command)), None)
        if len(self.commands) > COMMANDS_KEPT:
            self._remove(self.commands.pop(next(iter(self.commands))))

    def remember_pending(self, pending: Pending) -> None:
        """Keep a pending transfer until it ends."""
        self.pending[pending.id] = pending
        self._index_pending(pending)
        self.mark(pending)
        self.removed.pop((Pending, field_of(pending)), None)
        self.timers_changed()

    def end_pending(self, pending: Pending, state: Phase) -> None:
        """Note how a pending transfer ended; the oldest that did goes when there are too many."""
        pending.state = state
        pending.ended = self.wallet.transactions
        self.ended[pending.id] = self.pending.pop(pending.id)
        for transfer in pending.transfers:
            self._pending_from[transfer.debit].pop(pending.id, None)
            self._pending_to[transfer.credit].pop(pending.id, None)
        self.mark(pending)
        self.timers_changed()
        if len(self.ended) > ENDED_KEPT:
            self._remove(self.ended.pop(next(iter(self.ended))))

    def pending_to(self, account: str) -> list[Pending]:
        """Pending transfers that would bring an account money, in the order they were made."""
        return list(self._pending_to.get(account, _NOTHING_PENDING).values())

    def pending_with(self, account: str) -> list[Pending]:
        """Pending transfers that would bring an account money or take some, in the order they were made."""
        found = self._pending_from.get(account, _NOTHING_PENDING) | self._pending_to.get(
            account, _NOTHING_PENDING
        )
        return sorted(found.values(), key=lambda pending: pending.number)

    def _index_pending(self, pending: Pending) -> None:
        for transfer in pending.transfers:
            self._pending_from.setdefault(transfer.debit, {})[pending.id] = pending
            self._pending_to.setdefault(transfer.credit, {})[pending.id] = pending

    def _remove(self, entity: Entity) -> None:
        self.changed.pop(entity, None)
        self.removed[type(entity), field_of(entity)] = None

    # -- the hierarchy -------------------------------------------------------------------------------------

    def agents_of(self, farm: str) -> list[Agent]:
        """Agents of a farm that are not retired, in the order of their ids."""
        return [agent for agent in self._running() if agent.farm == farm]

    def _running(self) -> list[Agent]:
        agents = (agent for agent in self.agents.values() if agent.state is not State.RETIRED)
        return sorted(agents, key=lambda agent: agent.id)

    def scope(self, kind: str, name: str) -> Scope | None:
        """Look up a scope by kind and id; None where there is none."""
        if kind == "agent":
            return self.agents.get(name)
        if kind == "farm":
            return self.farms.get(name)
        return self.wallet if kind == "wallet" and name == self.wallet.id else None

    def agents_under(self, scope: Scope) -> list[Agent]:
        """Agents that a scope covers, retired ones left out, in the order of their ids."""
        if isinstance(scope, Agent):
            return [] if scope.state is State.RETIRED else [scope]
        if isinstance(scope, Farm):
            return self.agents_of(scope.id)
        return self._running()

    def goal_changed(self, goal: Goal) -> None:
        """Take in a goal as it is now: new, changed, ended, or in another round."""
        self.goals[goal.id] = goal
        self.mark(goal)
        before = self.pursuits.next_deadline
        self.pursuits.take(goal)
        if self.pursuits.next_deadline != before:
            self.timers_changed()

    def assignees(self, goal: Goal) -> dict[str, float]:
        """
        Agents that work towards a goal, with their weights; the nearest assignment counts.

        Whoever is under an assigned scope now: stopped agents too, and retired ones, for what they still
        report is profit or loss of their farm as well.
        """
        own = {a.id: a.weight for a in goal.assigned if a.type == "agent"}
        farms = {a.id: a.weight for a in goal.assigned if a.type == "farm"}
        whole = next((a.weight for a in goal.assigned if a.type == "wallet"), None)
        weights: dict[str, float] = {}
        # Many goals are of one agent each.
        for name in sorted(own if whole is None and not farms else self.agents):
            weight = own.get(name, farms.get(self.agents[name].farm, whole))
            if weight is not None:
                weights[name] = weight
        return weights

    # -- the accounts --------------------------------------------------------------------------------------

    def balance(self, account: str) -> int:
        """Balance of an account that exists."""
        entity, attribute = self._account(account)
        value: int = getattr(entity, attribute)
        return value

    def available(self, account: str) -> int:
        """Return what can leave an account now."""
        entity, attribute = self._account(account)
        if attribute == "cash":
            return free(entity) if isinstance(entity, Agent) else entity.cash - entity.held
        value: int = getattr(entity, attribute)
        return value

    def hold(self, account: str, amount: int) -> None:
        """Hold more of an account, or release it if the amount is negative."""
        entity, attribute = self._account(account)
        assert attribute == "cash", f"{account} holds no money"  # noqa: S101  # only cash is taken
        entity.held += amount
        assert entity.held >= 0, f"more of {account} is released than is held"  # noqa: S101  # each ends once
        self.mark(entity)

    def held(self, account: str) -> int:
        """Return what pending transfers hold of an account; those outside hold nothing."""
        entity, attribute = self._account(account)
        return entity.held if attribute == "cash" else 0

    def holder(self, account: str) -> Scope:
        """Scope that an account is of; the wallet for those outside."""
        return self._account(account)[0]

    def add(self, account: str, amount: int) -> None:
        """Change a balance."""
        entity, attribute = self._account(account)
        setattr(entity, attribute, getattr(entity, attribute) + amount)
        self.mark(entity)

    def accounts(self) -> Iterable[str]:
        """Names of all accounts."""
        yield from (WORLD, MARKET, FEES, SUSPENSE, MASTER)
        yield from (f"farm/{name}" for name in self.farms)
        for name in self.agents:
            yield f"agent/{name}"
            yield f"positions/{name}"

    def _account(self, account: str) -> tuple[Scope, str]:
        if account in _OUTER:
            return self.wallet, _OUTER[account]
        kind, _, name = account.partition("/")
        if kind == "farm":
            return self.farms[name], "cash"
        return self.agents[name], "cash" if kind == "agent" else "cost"


_NOTHING_PENDING: dict[str, Pending] = {}
_OUTER = {
    WORLD: "world",
    MARKET: "market",
    FEES: "fees_account",
    SUSPENSE: "suspense",
    MASTER: "cash",
}


def free(agent: Agent) -> int:
    """
    Return money of an agent that can move.

    What pending transfers hold, what its account reports as used, and what it received for short positions,
    is tied up.
    """
    if not agent.positions:
        return max(agent.cash - agent.held - agent.reported_used, 0)
    shorts = sum(p.cost for symbol, p in agent.positions.items() if p.amount < 0 and ":" not in symbol)
    return max(agent.cash - agent.held - agent.reported_used + shorts, 0)


def kind_of(scope: Scope) -> ScopeKind:
    """Whether a scope is an agent, a farm or a wallet."""
    if isinstance(scope, Agent):
        return "agent"
    return "farm" if isinstance(scope, Farm) else "wallet"


def field_of(entity: Entity) -> str:
    """Field of an entity in its hash."""
    return entity.id if isinstance(entity, Wallet) else f"{entity.wallet}/{entity.id}"


def wallet_of(kind: str, field: str) -> str:
    """Wallet of a field in the hash of a kind."""
    return field.split("/")[1 if kind == "returns" else 0]


def scope_key(scope: Scope) -> str:
    """Name of a scope within its wallet."""
    return f"{kind_of(scope)}/{scope.id}"


def returns_key(scope: Scope) -> str:
    """Field of a scope's returns in their hash."""
    return f"{kind_of(scope)}/{field_of(scope)}"


def benchmark_key(wallet: Wallet) -> str:
    """Field, beside them, of the returns of the symbol that a wallet's farms are compared with."""
    return f"benchmark/{wallet.id}"
