"""Random commands, fills, snapshots, goals and ticks, and what holds after each of them."""

from hypothesis import HealthCheck, settings

from tests.property.bots import Bots
from tests.property.operators import Operators


class Machine(Operators, Bots):
    """All that may happen, in any order."""


TestFleets = Machine.TestCase
TestFleets.settings = settings(
    max_examples=30, stateful_step_count=40, suppress_health_check=list(HealthCheck)
)
