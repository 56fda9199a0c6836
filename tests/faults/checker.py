"""
Looks at a partition on the server from outside and holds it against the fold.

Knows the wire (docs/wire.md) and nothing of our packages. What it asserts is in the docstring of each check;
`check_partition` makes them all.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Self

from tests.faults.reference import INPUTS, Agent, Entry, Expected, Wallet, Zero, entry, fold

OUTPUTS: Final = ("out:allocation", "out:rebalance", "out:emergency", "out:wallet", "out:reply")
_CHUNK: Final = 5_000

Fields = dict[bytes, bytes]


@dataclass(frozen=True)
class Found:
    """A partition as read from the server."""

    partition: int
    inputs: list[Entry]  # up to the checkpoint
    waiting: list[Entry]  # beyond it
    outputs: dict[str, list[dict[str, Any]]]  # decoded, by stream, in the order of the stream
    dead: list[Fields]
    state: dict[str, dict[str, Any]]  # decoded, by kind
    checkpoint: dict[str, str]


@dataclass(frozen=True)
class Report:
    """What a check found, for those who look."""

    expected: Expected
    found: Found

    def __str__(self) -> str:
        outputs = sum(map(len, self.found.outputs.values()))
        return (
            f"partition {self.found.partition}: {len(self.expected.applied)} applied, "
            f"{len(self.expected.repeats)} repeats, {len(self.expected.dead)} dead letters, "
            f"{outputs} outputs, epoch {self.found.checkpoint.get('epoch')}, "
            f"seq {self.found.checkpoint.get('seq')}"
        )


def read_partition(client: Any, partition: int, prefix: str = "sluicegate") -> Found:
    """Read everything there is of a partition at rest."""
    tag = f"{{{prefix}:{partition}}}:"
    checkpoint = {k.decode(): v.decode() for k, v in client.hgetall(f"{tag}checkpoint").items()}
    inputs: list[Entry] = []
    waiting: list[Entry] = []
    for name in INPUTS:
        last = entry(name, checkpoint.get(name, "0-0").encode(), {})
        for entry_id, fields in stream(client, tag + name):
            one = entry(name, entry_id, fields)
            (inputs if one <= last else waiting).append(one)
    return Found(
        partition=partition,
        inputs=inputs,
        waiting=waiting,
        outputs={
            name: [json.loads(fields[b"event"]) for _, fields in stream(client, tag + name)]
            for name in OUTPUTS
        },
        dead=[fields for _, fields in stream(client, f"{tag}dead")],
        state={
            kind: {
                name.decode(): json.loads(value)
                for name, value in client.hgetall(f"{tag}state:{kind}").items()
            }
            for kind in ("wallets", "farms", "agents", "goals", "pending", "commands")
        },
        checkpoint=checkpoint,
    )


def stream(client: Any, key: str) -> Iterator[tuple[bytes, Fields]]:
    """Every entry of a stream."""
    start = b"-"
    while entries := client.xrange(key, start, b"+", _CHUNK):
        yield from entries
        start = b"(" + entries[-1][0]


def check_partition(client: Any, partition: int = 0, prefix: str = "sluicegate") -> Report:
    """Make every check of a partition at rest."""
    found = read_partition(client, partition, prefix)
    expected = fold(found.inputs)
    check_inputs_accounted_for(found, expected)
    check_state(found, expected)
    check_outputs_once(found)
    check_outputs_in_order(found)
    check_replies(found)
    check_journal(found)
    check_fills_journalled(found, expected)
    check_ledgers_balance(found)
    return Report(expected, found)


def check_inputs_accounted_for(found: Found, expected: Expected) -> None:
    """Every input up to the checkpoint is applied, a repeat, or one dead letter with the right reason."""
    counted = Counter(one.stream for one in found.inputs)
    for name in INPUTS:
        assert int(found.checkpoint.get(f"{name}:applied", "0")) == counted[name], name

    dead = [
        ((letter[b"stream"].decode(), letter[b"id"].decode()), letter[b"reason"].decode())
        for letter in found.dead
    ]
    assert len(dict(dead)) == len(dead), "an input became a dead letter twice"
    assert not set(dead) ^ set(expected.dead.items()), _differences(found, dict(dead), expected)
    came = {(one.stream, one.id): one.fields.get(b"event", b"") for one in found.inputs}
    for letter in found.dead:
        assert letter[b"event"] == came[letter[b"stream"].decode(), letter[b"id"].decode()]
        assert letter[b"detail"]


def _differences(found: Found, dead: dict[tuple[str, str], str], expected: Expected) -> str:
    events = {(one.stream, one.id): one.fields for one in found.inputs}
    differing = sorted(dict(set(dead.items()) ^ set(expected.dead.items())))
    return "\n".join(
        f"{name} is dead for {dead.get(name)}, in the fold for {expected.dead.get(name)}: "
        f"{events[name]!r:.400}"
        for name in differing[:20]
    )


def check_state(found: Found, expected: Expected) -> None:
    """State equals the fold to the last digit."""
    assert found.state["wallets"].keys() == expected.wallets.keys()
    agents = {f"{name}/{agent}" for name, wallet in expected.wallets.items() for agent in wallet.agents}
    assert found.state["agents"].keys() == agents
    differences: list[str] = []

    def compare(scope: str, stored: dict[str, Any], figures: dict[str, Decimal | int]) -> None:
        for name, value in figures.items():
            there = stored[name]
            if (Decimal(there) if isinstance(value, Decimal) else there) != value:
                differences.append(f"{scope}: {name} is {there}, not {value}")

    for name, wallet in expected.wallets.items():
        compare(f"wallet {name}", found.state["wallets"][name], _wallet_figures(wallet))
        for farm in wallet.farms:
            figures = _farm_figures(agent for agent in wallet.agents.values() if agent.farm == farm)
            compare(f"farm {name}/{farm}", found.state["farms"][f"{name}/{farm}"], figures)
        for agent_name, agent in wallet.agents.items():
            stored = found.state["agents"][f"{name}/{agent_name}"]
            compare(f"agent {name}/{agent_name}", stored, _agent_figures(agent))
            positions = {
                symbol: (holding.amount, holding.cost, holding.unrealized_pnl)
                for symbol, holding in agent.positions.items()
            }
            there = {
                symbol: tuple(Decimal(position[k]) for k in ("amount", "cost", "unrealized_pnl"))
                for symbol, position in stored["positions"].items()
            }
            if there != positions:
                differences.append(f"agent {name}/{agent_name}: positions {there}, not {positions}")
    assert not differences, "\n".join(differences[:20])


def _wallet_figures(wallet: Wallet) -> dict[str, Decimal | int]:
    agents = wallet.agents.values()
    figures: dict[str, Decimal | int] = {
        "cash": wallet.cash,
        "world": wallet.world,
        "market": wallet.market,
        "fees_account": wallet.fees_account,
        "suspense": wallet.suspense,
        "equity": wallet.cash + sum((agent.equity for agent in agents), Zero),
        "peak_equity": wallet.peak_equity,
        **_sums(agents),
    }
    if not wallet.ticks:
        figures["time"] = wallet.time
    return figures


def _farm_figures(agents: Any) -> dict[str, Decimal | int]:
    under = list(agents)
    return {"cash": Zero, "equity": sum((agent.equity for agent in under), Zero), **_sums(under)}


def _sums(agents: Any) -> dict[str, Decimal | int]:
    under = list(agents)
    return {
        "realized_pnl": sum((agent.realized_pnl for agent in under), Zero),
        "unrealized_pnl": sum((agent.unrealized_pnl for agent in under), Zero),
        "fees": sum((agent.fees for agent in under), Zero),
        "trades": sum(agent.fills for agent in under),
    }


def _agent_figures(agent: Agent) -> dict[str, Decimal | int]:
    return {
        "cash": agent.cash,
        "cost": agent.cost,
        "equity": agent.equity,
        "peak_equity": agent.peak_equity,
        "realized_pnl": agent.realized_pnl,
        "unrealized_pnl": agent.unrealized_pnl,
        "fees": agent.fees,
        "trades": agent.fills,
    }


def check_outputs_once(found: Found) -> None:
    """No output id occurs twice; the outputs of each input are numbered 0..k without a gap, in order."""
    causes = {(one.stream, one.id) for one in found.inputs}
    seen: dict[str, dict[str, Any]] = {}
    numbers: defaultdict[str, set[int]] = defaultdict(set)
    for name, events in found.outputs.items():
        last: dict[str, int] = {}
        for event in events:
            assert event["id"] not in seen, (
                f"{name}: {event['id']} is there twice: {seen[event['id']]}, {event}"
            )
            seen[event["id"]] = event
            cause, _, n = event["id"].rpartition("/")
            partition, input_stream, entry_id = cause.split("/")
            assert int(partition) == found.partition
            assert (input_stream, entry_id) in causes, f"{event['id']} has no cause up to the checkpoint"
            assert int(n) > last.get(cause, -1), f"{name}: {event['id']} is out of order"
            last[cause] = int(n)
            numbers[cause].add(int(n))
    for cause, there in numbers.items():
        assert there == set(range(len(there))), f"of the outputs of {cause} only {sorted(there)} are there"


def check_outputs_in_order(found: Found) -> None:
    """In every stream, what comes out comes in the order of its causes."""
    for name, events in found.outputs.items():
        last = (0, 0, 0)
        for event in events:
            _, input_stream, entry_id, _ = event["id"].split("/")
            ms, sequence = map(int, entry_id.split("-"))
            cause = ms, sequence, INPUTS.index(input_stream)
            assert cause >= last, f"{name}: {event['id']} comes after what {last} caused"
            last = cause


def check_replies(found: Found) -> None:
    """Each command is answered once."""
    answered = [event["id"].split("/")[2] for event in found.outputs["out:reply"]]
    assert sorted(answered) == sorted(one.id for one in found.inputs if one.stream == "in:command")


def check_journal(found: Found) -> None:
    """
    Every transaction of a wallet follows from the one before.

    They are numbered from 1 without a gap, their hashes form one chain that ends where the state says, and
    each tells the balances that follow from it and all before. What is held follows likewise, and is what is
    stored.
    """
    held: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    last: dict[str, tuple[int, str]] = {}
    balances: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for event in _of_type(found, "wallet_transaction"):
        wallet, data = event["source"].removeprefix("/sluicegate/"), event["data"]
        number, previous = last.get(wallet, (0, "0" * 64))
        assert data["n"] == number + 1, f"after transaction {number} of {wallet} comes {data['n']}"
        assert data["previous"] == previous, f"transaction {data['n']} of {wallet} breaks the chain"
        assert data["hash"] == _hash(data), f"transaction {data['n']} of {wallet} is not what its hash says"
        last[wallet] = data["n"], data["hash"]
        for transfer in data["transfers"]:
            amount = Decimal(transfer["amount"])
            assert amount > 0
            balances[wallet, transfer["debit"]] -= amount
            balances[wallet, transfer["credit"]] += amount
        sign = 1 if data.get("phase") == "pending" else -1
        assert data["transfers"] == [] or sign < 0, f"transaction {data['n']} of {wallet} only holds"
        for hold in data.get("holds", ()):
            held[wallet, hold["debit"]] += sign * Decimal(hold["amount"]) * (hold["debit"] != "world")
        for account, amount_held in data.get("held", {}).items():
            assert Decimal(amount_held) == held[wallet, account] >= 0, f"{wallet} {account} at {data['n']}"
        touched = {transfer[side] for transfer in data["transfers"] for side in ("debit", "credit")}
        assert data["balances"].keys() == touched
        for account, balance in data["balances"].items():
            assert Decimal(balance) == balances[wallet, account], f"{wallet} {account} at {data['n']}"
    for name, stored in found.state["wallets"].items():
        assert last.get(name, (0, "0" * 64)) == (stored["transactions"], stored["hash"])
    assert sum(balances.values()) == 0
    check_held(found, held)


def check_held(found: Found, held: Mapping[tuple[str, str], Decimal]) -> None:
    """What is held of each scope is what the journal says, and the sum of its pending transfers."""
    stored = {(name, "wallet"): wallet["held"] for name, wallet in found.state["wallets"].items()}
    for kind in ("farm", "agent"):
        for scope in found.state[f"{kind}s"].values():
            stored[scope["wallet"], f"{kind}/{scope['id']}"] = scope["held"]
    pending: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for transfer in found.state["pending"].values():
        for part in transfer["transfers"]:
            if transfer["state"] == "pending" and part["debit"] != "world":
                pending[transfer["wallet"], part["debit"]] += Decimal(part["amount"])
    for account, amount in stored.items():
        there = held.get(account, Zero), pending.get(account, Zero)
        assert there == (Decimal(amount), Decimal(amount)), f"{account}: {amount} is held, not {there}"


def _hash(data: dict[str, Any]) -> str:
    lines = [data["previous"], str(data["n"]), data["id"], data["reason"]]
    if data.get("phase") == "pending":
        lines.append("pending")
    elif "phase" in data:
        lines.append(f"{data['phase']} {data['pending']}")
    if "corrects" in data:
        lines.append(f"corrects {data['corrects']}")
    lines += [f"hold {t['debit']} {t['credit']} {t['amount']}" for t in data.get("holds", ())]
    lines += [f"{t['debit']} {t['credit']} {t['amount']}" for t in data["transfers"]]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def check_fills_journalled(found: Found, expected: Expected) -> None:
    """Of every agent, the fills told in transactions and those not told yet are the fills applied."""
    told: Counter[str] = Counter()
    for event in _of_type(found, "wallet_transaction"):
        data = event["data"]
        if data["reason"] == "trading":
            wallet, agent = event["source"].removeprefix("/sluicegate/"), data["id"].rpartition("/")[0]
            assert data["fills"] > 0
            told[f"{wallet}/{agent}"] += data["fills"]
    for name, wallet in expected.wallets.items():
        for agent_name, agent in wallet.agents.items():
            stored = found.state["agents"][f"{name}/{agent_name}"]
            rest = stored["trades"] - stored["booked"]["trades"]
            there = told[f"{name}/{agent_name}"]
            assert there + rest == agent.fills, f"{name}/{agent_name}: {there} told, {rest} to tell"


def check_ledgers_balance(found: Found) -> None:
    """Accounts of each wallet sum to zero."""
    for name, wallet in found.state["wallets"].items():
        outer = sum(Decimal(wallet[k]) for k in ("world", "market", "fees_account", "suspense", "cash"))
        farms = sum(Decimal(farm["cash"]) for farm in found.state["farms"].values() if farm["wallet"] == name)
        agents = sum(
            Decimal(agent["cash"]) + Decimal(agent["cost"])
            for agent in found.state["agents"].values()
            if agent["wallet"] == name
        )
        assert outer + farms + agents == 0, f"the accounts of {name} sum to {outer + farms + agents}"


def _of_type(found: Found, name: str) -> Iterator[dict[str, Any]]:
    wanted = f"sluicegate.{name}.v1"
    return (event for event in found.outputs["out:wallet"] if event["type"] == wanted)


class EpochWatch:
    """Sees to it that neither epoch nor sequence of a partition ever goes back."""

    def __init__(self, client: Any, partition: int = 0, prefix: str = "sluicegate") -> None:
        self._read: Callable[[], Any] = lambda: client.hmget(
            f"{{{prefix}:{partition}}}:checkpoint", "epoch", "seq", "owner"
        )
        self.epoch = self.seq = 0
        self.owner = ""

    def look(self) -> Self:
        """Look once."""
        epoch, seq, owner = self._read()
        assert int(epoch or 0) >= self.epoch, f"epoch went back from {self.epoch} to {epoch!r}"
        assert int(seq or 0) >= self.seq, f"seq went back from {self.seq} to {seq!r}"
        self.epoch, self.seq, self.owner = int(epoch or 0), int(seq or 0), (owner or b"").decode()
        return self
