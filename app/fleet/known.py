"""What is stored of the wallets that a fleet file names."""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Final, TypeVar

import msgspec

from app.deployment import Deployment
from app.fleet.tables import FleetTable
from app.snapshot import PartitionSnapshot, read_all, stored
from handlers import INPUTS
from state.codec import AGENTS, COMMANDS, FARMS, GOALS, WALLETS
from state.entities import Agent, Farm, Wallet
from state.records import Command, Goal

E = TypeVar("E", Farm, Agent, Goal)

_ID_MAX: Final = 64
_GOAL: Final = INPUTS.index("goal")


class Known(msgspec.Struct):
    """One wallet as stored, with all under it."""

    wallet: Wallet | None = None
    farms: dict[str, Farm] = {}
    agents: dict[str, Agent] = {}
    goals: dict[str, Goal] = {}
    deposits: list[Command] = []  # what its apply-deposit commands were answered, in order
    goals_applied: int = 0  # goal events that its partition has taken


class KnownFleet(msgspec.Struct):
    """The wallets of a file as stored, and the names of those it does not mention."""

    wallets: dict[str, Known]
    others: list[str]


def deposit_id(wallet: str, attempt: int) -> str:
    """Id of the command for a wallet's one deposit; another attempt only follows a refusal."""
    name = f"apply-deposit-{wallet}" + (f"-{attempt}" if attempt else "")
    return name if len(name) <= _ID_MAX else f"apply-deposit-{sha256(name.encode()).hexdigest()[:40]}"


async def read_known(deployment: Deployment, fleet: FleetTable) -> KnownFleet:
    """Read what a file's wallets look like now. Raises `TransportError` and `ConfigurationError`."""
    snapshots = await read_all(deployment)
    wallets = {wallet.id: wallet for wallet in map(WALLETS.decode, stored(snapshots, "wallets", None))}
    names = [table.id for table in fleet.wallet]
    known = {name: _known(snapshots, deployment, name, wallets.get(name)) for name in names}
    for name, one in known.items():
        one.deposits = await _deposits(deployment, name)
    return KnownFleet(known, sorted(wallets.keys() - known.keys()))


def _known(
    snapshots: Sequence[PartitionSnapshot], deployment: Deployment, name: str, wallet: Wallet | None
) -> Known:
    partition = deployment.home(name).partition
    return Known(
        wallet=wallet,
        farms=_by_id(FARMS.decode, stored(snapshots, "farms", name)),
        agents=_by_id(AGENTS.decode, stored(snapshots, "agents", name)),
        goals=_by_id(GOALS.decode, stored(snapshots, "goals", name)),
        goals_applied=snapshots[partition].checkpoint.applied[_GOAL],
    )


def _by_id(decode: Callable[[bytes], E], values: Iterable[bytes]) -> dict[str, E]:
    return {entity.id: entity for entity in map(decode, values)}


async def _deposits(deployment: Deployment, wallet: str) -> list[Command]:
    found: list[Command] = []
    while True:
        field = f"{wallet}/{deposit_id(wallet, len(found))}"
        value = await deployment.client.ask("HGET", deployment.home(wallet).state("commands"), field)
        if value is None:
            return found
        found.append(COMMANDS.decode(value))
