"""
What operators can ask for, one file for each thing it concerns.

`COMMANDS` is the whole table: kind → the body it takes and what it does. A new command is a body, a function
and a line here.
"""

from typing import Final

from handlers.commands import agent, emergency, farm, funds, transfer, wallet
from handlers.commands.types import Kind

COMMANDS: Final[dict[str, Kind]] = {
    "wallet_create": Kind(wallet.Create, wallet.create),
    "wallet_configure": Kind(wallet.Configure, wallet.configure),
    "wallet_close": Kind(wallet.Close, wallet.close),
    "farm_create": Kind(farm.Create, farm.create),
    "farm_configure": Kind(farm.Configure, farm.configure),
    "farm_close": Kind(farm.Close, farm.close),
    "agent_register": Kind(agent.Register, agent.register),
    "agent_configure": Kind(agent.Configure, agent.configure),
    "agent_assign": Kind(agent.Assign, agent.assign),
    "agent_retire": Kind(agent.Retire, agent.retire),
    "deposit": Kind(funds.Deposit, funds.deposit),
    "withdraw": Kind(funds.Withdraw, funds.withdraw),
    "transfer": Kind(transfer.Move, transfer.transfer),
    "post": Kind(transfer.Post, transfer.post),
    "void": Kind(transfer.Void, transfer.void),
    "allocate": Kind(funds.Allocate, funds.allocate),
    "collect": Kind(funds.Collect, funds.collect),
    "rebalance": Kind(funds.Rebalance, funds.rebalance),
    "emergency_stop": Kind(emergency.Stop, emergency.stop),
    "emergency_resume": Kind(emergency.Resume, emergency.resume),
}
