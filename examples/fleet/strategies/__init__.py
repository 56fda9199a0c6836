"""The strategies, by the name that the fleet file calls them."""

from collections.abc import Callable
from typing import Final

from examples.fleet.strategies.alligator import Alligator
from examples.fleet.strategies.bar import Bar, Signal, Strategy
from examples.fleet.strategies.darvas import DarvasBox
from examples.fleet.strategies.donchian import Donchian

STRATEGIES: Final[dict[str, Callable[[], Strategy]]] = {
    "darvas_box": DarvasBox,
    "donchian": Donchian,
    "williams_alligator": Alligator,
}

__all__ = ["STRATEGIES", "Alligator", "Bar", "DarvasBox", "Donchian", "Signal", "Strategy"]
