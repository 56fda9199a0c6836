"""
What farms are compared with: the wallet they are in, or the price of a symbol.

A symbol's returns are kept as a scope's are: per bin, from the last price seen in one to the last seen in the
next, in the symbol's own quote currency.
"""

from domain.rules import WALLET_BENCHMARK
from domain.standing import closed_bins
from handlers.steps.valuation import drop_returns, keep_returns, returns_of
from handlers.turn import Turn
from state.book import benchmark_key


def note_price(turn: Turn, price: int) -> None:
    """Take a price of the benchmark's symbol, from a fill or from an account snapshot."""
    wallet = turn.wallet
    wallet.benchmark_mark = price
    if not wallet.benchmark_open:
        wallet.benchmark_open = price
    turn.book.mark(wallet)


def close_bins(turn: Turn, passed: int) -> None:
    """Close the benchmark's bins with the wallet's."""
    wallet = turn.wallet
    if not passed or not wallet.benchmark_open:
        return
    first = wallet.benchmark_mark / wallet.benchmark_open - 1
    closed = closed_bins(first, passed, wallet.rules.performance.window)
    keep_returns(turn, benchmark_key(wallet), closed)
    wallet.benchmark_open = wallet.benchmark_mark


def forget_prices(turn: Turn) -> None:
    """Begin anew: another symbol is the benchmark."""
    turn.wallet.benchmark_mark = turn.wallet.benchmark_open = 0
    drop_returns(turn, benchmark_key(turn.wallet))


def benchmark_returns(turn: Turn) -> list[float]:
    """Return the benchmark's returns up to the last closed bin, oldest first; none where there is none."""
    if turn.book.benchmark == WALLET_BENCHMARK:
        return returns_of(turn, turn.wallet)
    return turn.book.returns.get(benchmark_key(turn.wallet), [])
