"""
What fills change of wallets, farms, agents and goals, as JSON: a commit writes hundreds of them.

The formats are those of `state.codec`, which reads them and writes all that stays. Decimals have nothing to
escape.
"""

from typing import Final

import msgspec

from domain.money import MONEY_DIGITS, decimal_text, fine_text, money_text
from domain.positions import Position
from domain.standing import drawdown, trading_pnl
from state.entities import Agent, Scope, Wallet
from state.records import Goal

# Also what can change in itself, such as a list, so that who compares the others by value misses nothing.
MOVING: Final = frozenset(
    {
        *("equity", "peak_equity", "firm_peak", "peak_at", "highs", "doubt", "doubt_at", "reached"),
        *("realized_pnl", "unrealized_pnl", "fees", "trades", "closed", "wins", "losses", "streak"),
        *("gross_profit", "gross_loss", "squared_profit", "cash", "updated", "update_due"),
        *("cost", "positions", "booked"),  # of an agent
        *("time", "market", "fees_account", "booked_market", "booked_fees", "transactions", "hash", "rates"),
    }
)

MOVING_OF_GOAL: Final = frozenset({"trades", "profit", "progress", "percent", "told"})

_encode: Final = msgspec.json.Encoder().encode


def moving_text(scope: Scope) -> str:
    """Write members of a scope, and what a person wants to see beside them, for the end of a document."""
    text = (
        f'"equity":"{money_text(scope.equity)}","peak_equity":"{scaled_text(scope.peak_equity)}",'
        f'"firm_peak":"{scaled_text(scope.firm_peak)}","peak_at":{scope.peak_at},'
        f'"highs":{_highs_text(scope.highs)},"doubt":"{money_text(scope.doubt)}",'
        f'"doubt_at":{_or_null(scope.doubt_at)},"reached":{_or_null(scope.reached)},'
        f'"realized_pnl":"{money_text(scope.realized_pnl)}",'
        f'"unrealized_pnl":"{money_text(scope.unrealized_pnl)}","fees":"{money_text(scope.fees)}",'
        f'"trades":{scope.trades},"closed":{scope.closed},"wins":{scope.wins},"losses":{scope.losses},'
        f'"streak":{scope.streak},"gross_profit":"{money_text(scope.gross_profit)}",'
        f'"gross_loss":"{money_text(scope.gross_loss)}",'
        f'"squared_profit":"{scaled_text(scope.squared_profit)}","cash":"{money_text(scope.cash)}",'
        f'"updated":{scope.updated},"update_due":{_or_null(scope.update_due)},'
    )
    if isinstance(scope, Agent):
        text += _of_agent(scope)
    elif isinstance(scope, Wallet):
        text += _of_wallet(scope)
    return text + (
        f'"drawdown":{round(drawdown(scope), 8)!r},"trading_pnl":"{money_text(trading_pnl(scope))}"}}'
    )


def moving_text_of_goal(goal: Goal, share: float) -> str:
    """Write members of a goal of which so large a share is reached, for the end of a document."""
    return (
        f'"trades":{goal.trades!r},"profit":"{money_text(goal.profit)}","progress":{share!r},'
        f'"percent":{goal.percent},"told":{goal.told}}}'
    )


def _of_agent(agent: Agent) -> str:
    booked = agent.booked
    return (
        f'"cost":"{money_text(agent.cost)}","positions":{_positions_text(agent.positions)},'
        f'"booked":{{"cost":"{money_text(booked.cost)}","realized_pnl":"{money_text(booked.realized_pnl)}",'
        f'"fees":"{money_text(booked.fees)}","trades":{booked.trades}}},'
    )


def _of_wallet(wallet: Wallet) -> str:
    rates = {currency: fine_text(rate) for currency, rate in wallet.rates.items()}
    return (
        f'"time":{wallet.time},"market":"{money_text(wallet.market)}",'
        f'"fees_account":"{money_text(wallet.fees_account)}",'
        f'"booked_market":"{money_text(wallet.booked_market)}",'
        f'"booked_fees":"{money_text(wallet.booked_fees)}","transactions":{wallet.transactions},'
        f'"hash":"{wallet.hash}","rates":{_encode(rates).decode()},'
    )


def _positions_text(positions: dict[str, Position]) -> str:
    parts: list[str] = []
    for symbol, position in positions.items():
        written = position.written
        if written is None:
            # Of an agent's positions few change between two commits.
            written = position.written = (
                f'{_encode(symbol).decode()}:{{"amount":"{fine_text(position.amount)}",'
                f'"cost":"{money_text(position.cost)}","mark":"{fine_text(position.mark)}",'
                f'"unrealized_pnl":"{money_text(position.unrealized_pnl)}"}}'
            )
        parts.append(written)
    return "{" + ",".join(parts) + "}"


def _highs_text(highs: list[tuple[int, int]] | None) -> str:
    if highs is None:
        return "null"
    return "[" + ",".join([f'[{until},"{scaled_text(high)}"]' for until, high in highs]) + "]"


def scaled_text(number: int) -> str:
    """Write what scopes are measured against, 1e-16, as the shortest exact decimal text."""
    return decimal_text(number, 2 * MONEY_DIGITS)


def _or_null(number: int | None) -> str:
    return "null" if number is None else str(number)
