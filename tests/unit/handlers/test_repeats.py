"""What makes an input a repeat goes from worker to worker, and from one version to the next."""

import msgspec

from handlers import INPUTS
from handlers.fleet import Fleet
from stream.handover import FORMAT
from stream.types import Entry

WALLET_EVENT = {"id": "7", "wallet": "alpha", "timestamp": 1_763_716_322_000}
AGENT_EVENT = {**WALLET_EVENT, "agent": "a1"}
FILL = {**AGENT_EVENT, "symbol": "BTC/USD", "side": "buy", "price": "1", "amount": "1"}
GOAL = {**WALLET_EVENT, "kind": "goal_cancelled", "goal": "g"}
COMMAND = {**WALLET_EVENT, "kind": "wallet_close"}


def test_what_is_handed_over_of_each_input_is_that_of_the_format() -> None:
    """A worker that leaves may be of another version: whoever changes one of these raises `FORMAT`."""
    fleet = Fleet()
    found = {}
    for name, event in zip(INPUTS, [FILL, AGENT_EVENT, GOAL, COMMAND, WALLET_EVENT], strict=True):
        entry = Entry(INPUTS.index(name), b"1763716322000-0", msgspec.json.encode(event))
        found[name] = fleet.identity(entry, fleet.decode(entry))

    assert FORMAT == 1
    assert found == {
        "trade": "trade/alpha/a1/7",
        "balance": "balance/alpha/a1/7",
        "goal": "goal/alpha/7",
        "command": None,
        "clock": None,
    }
