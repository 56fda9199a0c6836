"""How much is measured: the whole, in a quarter of an hour, or a glance of two minutes."""

from typing import Final, NamedTuple

from benchmarks.fleet import Fleet


class Sizes(NamedTuple):
    """Sizes of every measurement; fills unless something else is said."""

    runs: int  # of which a row is the median
    fills: int  # of the worker and the bare loop
    fast: int  # of the peers that take tens of thousands a second
    loop: int  # of the one that takes some thousands
    slow: int  # and of the one that takes fewer
    scattered: int  # over many agents or wallets
    many: Fleet
    wallets: Fleet
    window: int  # already done where a worker starts with a full window of repeats
    loads: tuple[float, ...]  # shares of the maximum under which stops are timed
    stops: int  # at each load
    memory: tuple[int, int]  # after how many the memory is looked at
    idle_s: float
    growth: int
    growth_runs: int
    growth_steps: tuple[float, ...]  # shares of the range that something grows over
    growth_stream: int  # longest stream
    published: int


FULL: Final = Sizes(
    runs=5,
    fills=150_000,
    fast=100_000,
    loop=10_000,
    slow=3_000,
    scattered=30_000,
    many=Fleet(wallets=100, agents=1000),
    wallets=Fleet(wallets=1000, farms=10, agents=10, goals=10),
    window=200_000,
    loads=(0.4, 0.6, 0.8),
    stops=200,
    memory=(300_000, 1_500_000),
    idle_s=4.0,
    growth=40_000,
    growth_runs=3,
    growth_steps=(0.0, 0.5, 1.0),
    growth_stream=300_000,
    published=300_000,
)

QUICK: Final = FULL._replace(
    runs=1,
    fills=40_000,
    fast=40_000,
    loop=4_000,
    slow=1_000,
    scattered=15_000,
    many=Fleet(wallets=10, agents=1000),
    wallets=Fleet(wallets=100, farms=10, agents=10, goals=10),
    window=20_000,
    loads=(0.8,),
    stops=50,
    memory=(50_000, 150_000),
    idle_s=2.0,
    growth=15_000,
    growth_runs=1,
    growth_stream=50_000,
    published=100_000,
)
