"""
One thing that ``apply`` asks for: a command or a goal event.

Rules kept here:

1. The id follows from what is asked and from how far the wallet was then: the same step of the same state
   has the same id, so it is carried out once however often it is sent, and asking for it again after it was
   undone is another step.
2. Every step can be carried out twice without harm, should the state move between the look and the step.
"""

from collections.abc import Mapping
from enum import IntEnum
from hashlib import sha256
from typing import Any, Final

import msgspec

BY: Final = "apply"  # who asks, in the ledger


class Phase(IntEnum):
    """What has to be there before what."""

    ROOM = 0  # lower bounds that come down, before anything asks for the room they leave
    WALLET = 1
    DEPOSIT = 2
    FARM = 3
    AGENT = 4
    GOAL = 5


class Step(msgspec.Struct, frozen=True):
    """One command or goal event to be sent."""

    phase: Phase
    action: str  # create, change, deposit or move
    wallet: str
    what: str  # such as "farm trend"
    detail: str
    id: str
    body: dict[str, Any]  # members but for id, wallet and timestamp

    @property
    def stream(self) -> str:
        """Input stream it goes to."""
        return "goal" if self.phase is Phase.GOAL else "command"

    def event(self, timestamp: int) -> bytes:
        """Encode it as an input event."""
        head = {"id": self.id, "wallet": self.wallet, "timestamp": timestamp}
        return msgspec.json.encode(head | self.body)


class Plan(msgspec.Struct):
    """What to do about one wallet, and what else there is to say."""

    wallet: str
    commands: int  # how many commands the wallet has answered
    goals: int  # how many goal events its partition has taken
    steps: list[Step] = []
    notes: list[str] = []

    def ask(
        self,
        phase: Phase,
        action: str,
        what: str,
        detail: str,
        body: Mapping[str, Any],
        name: str | None = None,
    ) -> None:
        """Add a step; ``name`` is its id where that is not to follow from what is asked."""
        members = {key: value for key, value in body.items() if value is not None}
        if phase is not Phase.GOAL:
            members["by"] = BY
        step_id = name or self._name(phase, members)
        self.steps.append(Step(phase, action, self.wallet, what, detail, step_id, members))

    def _name(self, phase: Phase, members: Mapping[str, Any]) -> str:
        so_far = self.goals if phase is Phase.GOAL else self.commands
        body = msgspec.json.encode([self.wallet, so_far, members], order="sorted")
        return f"apply-{members['kind']}-{sha256(body).hexdigest()[:24]}"


Pairs = Mapping[str, tuple[object, object]]
"""Members by name: as they are stored, and as the file has them; None where it does not say."""


def differing(pairs: Pairs) -> Pairs:
    """Return those members that the file has and the state has otherwise."""
    return {name: pair for name, pair in pairs.items() if pair[1] is not None and pair[0] != pair[1]}


def asked(pairs: Pairs) -> dict[str, object]:
    """Members as the file has them."""
    return {name: after for name, (_, after) in pairs.items()}


def arrows(pairs: Pairs) -> str:
    """Say how members change."""
    return ", ".join(arrow(name, before, after) for name, (before, after) in pairs.items())


def arrow(name: str, before: object, after: object) -> str:
    """Say how a member changes."""
    return f"{name} {_text(before)} → {_text(after)}"


def given(**members: object) -> str:
    """Say what a new thing has."""
    return ", ".join(f"{name} {_text(value)}" for name, value in members.items() if value is not None)


def _text(value: object) -> str:
    if value is None or value == "":
        return "none"
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
