"""Who trades: the fleet file as the bots read it."""

import tomllib
from pathlib import Path
from typing import NamedTuple

from examples.fleet.bot import Bot
from examples.fleet.strategies import STRATEGIES


class Roster(NamedTuple):
    """The bots of one wallet."""

    wallet: str
    bots: list[Bot]


def roster(path: Path) -> Roster:
    """
    Read the bots from a fleet file: one for each agent, its symbol being the last part of the agent's id.

    Raises:
        ValueError: more than one wallet, or an agent whose strategy is none of ours, in a sentence.
        OSError, tomllib.TOMLDecodeError: not there, or not TOML.

    """
    wallets = tomllib.loads(path.read_text(encoding="utf-8")).get("wallet", [])
    if len(wallets) != 1:
        raise ValueError(f"{path} declares {len(wallets)} wallets; these bots trade exactly one")
    (wallet,) = wallets
    bots = []
    for farm in wallet.get("farm", []):
        for agent in farm.get("agent", []):
            strategy = STRATEGIES.get(agent.get("strategy", ""))
            if strategy is None:
                raise ValueError(f"agent {agent['id']}: its strategy is one of {', '.join(STRATEGIES)}")
            symbol = agent["id"].rpartition("-")[2].upper()
            bots.append(Bot(wallet["id"], agent["id"], f"{symbol}/{wallet['currency']}", strategy()))
    return Roster(wallet["id"], bots)
