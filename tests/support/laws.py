"""
What holds after every commit, computed from the stored JSON alone.

Nothing here uses the code it checks: amounts are integers read from their text, hashes are made by hand,
accounts are added up by the rule that docs/wire.md gives to operators.
"""

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from tests.support.driver import Driver, Json, Said

CHAIN_START = "0" * 64
OUTSIDE = ("world", "market", "fees", "suspense")


def units(text: str) -> int:
    """Read money as units of 1e-8."""
    whole, _, fraction = text.partition(".")
    return int(whole + fraction.ljust(8, "0"))


def text_of(amount: int) -> str:
    """Write units of 1e-8 as money is written."""
    whole, fraction = divmod(abs(amount), 10**8)
    return "-" * (amount < 0) + f"{whole}.{fraction:08d}".rstrip("0").removesuffix(".")


def _sum(documents: Iterable[Json], name: str) -> int:
    return sum(units(document[name]) for document in documents)


class Books:
    """One wallet's entities as they are stored."""

    def __init__(self, state: Mapping[str, Mapping[str, bytes]], wallet: str) -> None:
        self.wallet: Json = json.loads(state["wallets"][wallet])
        self.farms = _of(state["farms"], wallet)
        self.agents = _of(state["agents"], wallet)
        self.pending = _of(state["pending"], wallet)

    def balances(self) -> dict[str, int]:
        """Return the balances of all accounts, by their names on the wire."""
        wallet = self.wallet
        found = {
            "world": units(wallet["world"]),
            "market": units(wallet["market"]),
            "fees": units(wallet["fees_account"]),
            "suspense": units(wallet["suspense"]),
            "wallet": units(wallet["cash"]),
        }
        found |= {f"farm/{name}": units(farm["cash"]) for name, farm in self.farms.items()}
        for name, agent in self.agents.items():
            found[f"agent/{name}"] = units(agent["cash"])
            found[f"positions/{name}"] = units(agent["cost"])
        return found

    def held(self) -> dict[str, int]:
        """Return what is held of each account of which something is."""
        found = {"wallet": units(self.wallet["held"])}
        found |= {f"farm/{name}": units(farm["held"]) for name, farm in self.farms.items()}
        found |= {f"agent/{name}": units(agent["held"]) for name, agent in self.agents.items()}
        return {account: held for account, held in found.items() if held}

    def check(self) -> None:
        """Assert that accounts sum to zero and that every whole is the sum of its parts."""
        assert sum(self.balances().values()) == 0
        held: dict[str, int] = {}
        for pending in self.pending.values():
            for transfer in pending["transfers"]:
                if pending["state"] == "pending" and transfer["debit"] not in OUTSIDE:
                    held[transfer["debit"]] = held.get(transfer["debit"], 0) + units(transfer["amount"])
        assert self.held() == held
        for scope in (self.wallet, *self.farms.values()):
            assert units(scope["cash"]) >= units(scope["held"])
        for agent in self.agents.values():
            positions = agent["positions"]
            assert units(agent["unrealized_pnl"]) == _sum(positions.values(), "unrealized_pnl")
            spot = [position for symbol, position in positions.items() if ":" not in symbol]
            assert units(agent["cost"]) == _sum(spot, "cost")
            parts = [units(agent[name]) for name in ("cash", "cost", "unrealized_pnl")]
            assert units(agent["equity"]) == sum(parts)
            assert all(position["amount"] != "0" for position in positions.values())
        for name, farm in self.farms.items():
            agents = [agent for agent in self.agents.values() if agent["farm"] == name]
            assert units(farm["equity"]) == units(farm["cash"]) + _sum(agents, "equity")
            assert units(farm["unrealized_pnl"]) == _sum(agents, "unrealized_pnl")
        wallet, farms, agents = self.wallet, list(self.farms.values()), list(self.agents.values())
        assert units(wallet["equity"]) == units(wallet["cash"]) + _sum(farms, "equity")
        for name in ("realized_pnl", "unrealized_pnl", "fees"):
            assert units(wallet[name]) == _sum(agents, name), name
        assert wallet["trades"] == sum(agent["trades"] for agent in agents)
        assert units(wallet["realized_pnl"]) == -units(wallet["market"])
        assert units(wallet["fees"]) == units(wallet["fees_account"])


def _of(documents: Mapping[str, bytes], wallet: str) -> dict[str, Json]:
    found = {field.partition("/"): json.loads(document) for field, document in documents.items()}
    return {name: document for (owner, _, name), document in found.items() if owner == wallet}


class Journal:
    """Folds the `wallet_transaction`s of one wallet, as an auditor would."""

    def __init__(self) -> None:
        self.balances: dict[str, int] = {}
        self.held: dict[str, int] = {}
        self.hash = CHAIN_START
        self.number = 0

    def read(self, said: Said) -> None:
        """Take in a transaction: its number, its hash, its amounts and the balances it claims."""
        data = said.data
        self.number += 1
        assert (data["n"], data["previous"]) == (self.number, self.hash)
        lines = [data["previous"], str(data["n"]), data["id"], data["reason"]]
        if "phase" in data:
            lines.append(f"{data['phase']} {data['pending']}" if data["pending"] else data["phase"])
        if "corrects" in data:
            lines.append(f"corrects {data['corrects']}")
        holds = data.get("holds", [])
        lines += [f"hold {t['debit']} {t['credit']} {t['amount']}" for t in holds]
        lines += [f"{t['debit']} {t['credit']} {t['amount']}" for t in data["transfers"]]
        self.hash = sha256("\n".join(lines).encode()).hexdigest()
        assert data["hash"] == self.hash
        sign = 1 if data.get("phase") == "pending" else -1
        for transfer in holds:
            if transfer["debit"] not in OUTSIDE:
                self.held[transfer["debit"]] = self.held.get(transfer["debit"], 0) + sign * units(
                    transfer["amount"]
                )
        assert data.get("held", {}) == {
            transfer["debit"]: text_of(self.held.get(transfer["debit"], 0)) for transfer in holds
        }
        touched: dict[str, None] = {}
        for transfer in data["transfers"]:
            amount = units(transfer["amount"])
            assert amount > 0
            for account, change in ((transfer["debit"], -amount), (transfer["credit"], amount)):
                self.balances[account] = self.balances.get(account, 0) + change
                touched[account] = None
        assert {account: units(text) for account, text in data["balances"].items()} == {
            account: self.balances[account] for account in touched
        }
        if data["reason"] not in ("trading", "balance_mismatch"):
            for transfer in data["transfers"]:
                debit = transfer["debit"]
                left = self.balances[debit] - self.held.get(debit, 0)
                assert debit in OUTSIDE or left >= 0, f"{data['reason']} overdrew {debit}"

    def check(self, books: Books) -> None:
        """Assert that the transactions told so far, and the fills that wait, give the balances."""
        expected = books.balances()
        assert {account: held for account, held in self.held.items() if held} == books.held()
        assert (books.wallet["transactions"], books.wallet["hash"]) == (self.number, self.hash)
        for name, agent in books.agents.items():
            booked = agent["booked"]
            cost, realized, fees = (
                units(agent[figure]) - units(booked[figure]) for figure in ("cost", "realized_pnl", "fees")
            )
            expected[f"agent/{name}"] += cost - realized + fees
            expected[f"positions/{name}"] -= cost
            expected["market"] += realized
            expected["fees"] -= fees
        assert {a: b for a, b in self.balances.items() if b} == {a: b for a, b in expected.items() if b}


class Updates:
    """Watches the balance updates of one wallet: how often they come, and that the last is not lost."""

    def __init__(self, conflation: int) -> None:
        self.conflation = conflation
        self.last: dict[str, tuple[int, Json]] = {}

    def read(self, said: Said, time_ms: int) -> None:
        """Take in an update told at a stream time."""
        scope = f"{said.data['scope']}/{said.data['id']}"
        if scope in self.last:
            assert time_ms - self.last[scope][0] >= self.conflation, f"{scope} was told too soon"
        self.last[scope] = (time_ms, said.data)

    def check_latest(self, books: Books) -> None:
        """Assert that the last update of every scope tells its figures as they are."""
        scopes = {f"wallet/{books.wallet['id']}": books.wallet}
        scopes |= {f"farm/{name}": farm for name, farm in books.farms.items()}
        scopes |= {f"agent/{name}": agent for name, agent in books.agents.items()}
        names = ("cash", "equity", "realized_pnl", "unrealized_pnl", "fees", "trades")
        for key, scope in scopes.items():
            if key in self.last:
                data = self.last[key][1]
                told = {name: data[name] for name in names}
                assert told == {name: scope[name] for name in names}, f"{key} at {self.last[key][0]}: {told}"
            else:
                assert (scope["equity"], scope["trades"]) == ("0", 0), f"{key} was never told"


def check_books(driver: Driver, wallets: Iterable[str]) -> None:
    """Assert what holds for the stored state of each wallet."""
    for wallet in wallets:
        Books(driver.state, wallet).check()


def audited(driver: Driver) -> None:
    """Read the whole journal of wallet w again and hold it against what is stored."""
    journal = Journal()
    for stream, event in driver.outputs:
        said = Said(stream, json.loads(event))
        if said.name == "wallet_transaction":
            journal.read(said)
    books = Books(driver.state, "w")
    books.check()
    journal.check(books)


def money_of(state: Mapping[str, Mapping[str, bytes]]) -> Any:
    """Return all that a refusal must not change: everything but time, what rolls with it, and the answers."""
    volatile = {"time", "commands", "day", "bin", "day_open_equity", "bin_open_equity"}
    return {
        kind: {
            field: {name: value for name, value in json.loads(document).items() if name not in volatile}
            for field, document in state[kind].items()
        }
        for kind in ("wallets", "farms", "agents", "goals")
    }
