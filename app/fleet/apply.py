"""
Sends the steps of a plan, phase by phase, and waits until each is answered.

Commands are answered on ``out:reply``. A goal event has no answer: it is done when the checkpoint has passed
it and no dead letter names it.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import anyio
import msgspec

from app.deployment import Deployment
from app.fleet.known import Known
from app.fleet.step import Phase, Step
from app.follow import ends_of
from domain.refusals import Refusal
from handlers.reading import YEAR_2000_MS
from stream.client import Argument, fields_of
from stream.errors import ConfigurationError
from stream.keys import FIELD, Keys
from stream.order import parse_id

_POLL_S: Final = 0.05
_REPLY_POLL_MS: Final = 250
_CHUNK: Final = 1000


class Answer(msgspec.Struct, frozen=True):
    """What became of a step."""

    step: Step
    status: str  # ok, unchanged, refused or rejected
    detail: str | None = None

    @property
    def done(self) -> bool:
        """Whether things are as the step wanted them."""
        return self.status in ("ok", "unchanged")


class _Reply(msgspec.Struct):
    command: str
    status: str
    refusal: str | None = None
    detail: str | None = None
    dry_run: bool = False


class _ReplyEvent(msgspec.Struct):
    source: str
    data: _Reply


_decode_reply = msgspec.json.Decoder(_ReplyEvent).decode


class Applying:
    """Carries out the steps of a file."""

    def __init__(
        self,
        deployment: Deployment,
        known: Mapping[str, Known],
        timeout_s: float,
        told: Callable[[int, int], None],
    ) -> None:
        """``told`` hears how many steps are answered, and of how many."""
        self._deployment = deployment
        self._client = deployment.client
        self._known = known
        self._new_clocks: dict[str, str] = {}
        self._timeout_s = timeout_s
        self._told = told
        self._total = 0
        self.answers: list[Answer] = []

    async def carry_out(self, steps: Sequence[Step]) -> None:
        """
        Carry out steps; after a phase in which one failed, no further phase is begun.

        Raises:
            ConfigurationError: nothing answered in time.
            TransportError: the server went away; applying again goes on where this stopped.

        """
        self._total = len(steps)
        for step in steps:
            if step.body["kind"] == "wallet_create":
                self._new_clocks[step.wallet] = step.body.get("rules", {}).get("clock", "tick")
        for phase in Phase:
            those = [step for step in steps if step.phase is phase]
            if not those:
                continue
            if phase is Phase.GOAL:
                await self._apply_goals(those)
            else:
                await self._apply_commands(those)
            if any(not answer.done for answer in self.answers):
                return

    async def _apply_commands(self, steps: Sequence[Step]) -> None:
        keys = {self._deployment.home(step.wallet) for step in steps}
        positions = await ends_of(self._client, [one.output("reply") for one in sorted(keys, key=_partition)])
        for step in steps:
            await self._send(step)
        waiting = {(step.wallet, step.id): step for step in steps}
        end = time.monotonic() + self._timeout_s
        while waiting:
            self._check_time(end, waiting.values())
            command: list[Argument] = ["XREAD", "COUNT", _CHUNK, "BLOCK", _REPLY_POLL_MS, "STREAMS"]
            for name, entries in await self._client.ask(*command, *positions, *positions.values()) or ():
                positions[name.decode()] = entries[-1][0]
                for _, flat in entries:
                    self._hear(_decode_reply(fields_of(flat)[FIELD]), waiting)
            self._told(len(self.answers), self._total)

    def _hear(self, event: _ReplyEvent, waiting: dict[tuple[str, str], Step]) -> None:
        reply = event.data
        wallet = event.source.rpartition("/")[2]
        if reply.dry_run or (wallet, reply.command) not in waiting:
            return
        # Somebody else made just that meanwhile.
        status = "unchanged" if reply.refusal == Refusal.EXISTS else reply.status
        self.answers.append(Answer(waiting.pop((wallet, reply.command)), status, reply.detail))

    async def _apply_goals(self, steps: Sequence[Step]) -> None:
        waiting = [(step, await self._send(step)) for step in steps]
        end = time.monotonic() + self._timeout_s
        while waiting:
            self._check_time(end, [step for step, _ in waiting])
            still: list[tuple[Step, bytes]] = []
            for step, entry in waiting:
                keys = self._deployment.home(step.wallet)
                position = await self._client.ask("HGET", keys.checkpoint, "in:goal")
                if position is None or parse_id(position) < parse_id(entry):
                    still.append((step, entry))
                else:
                    self.answers.append(await self._goal_answer(step, keys, entry))
            waiting = still
            self._told(len(self.answers), self._total)
            if waiting:
                await anyio.sleep(_POLL_S)

    async def _goal_answer(self, step: Step, keys: Keys, entry: bytes) -> Answer:
        """Look for the event among the dead letters, newest first; those before it were there before it."""
        end = b"+"
        while reply := await self._client.ask("XREVRANGE", keys.dead, end, "-", "COUNT", _CHUNK):
            for dead, flat in reply:
                if parse_id(dead)[0] < parse_id(entry)[0]:
                    return Answer(step, "ok")
                fields = fields_of(flat)
                if (fields.get(b"stream"), fields.get(b"id")) == (b"in:goal", entry):
                    return Answer(step, "rejected", fields[b"detail"].decode())
            end = b"(" + reply[-1][0]
        return Answer(step, "ok")

    async def _send(self, step: Step) -> bytes:
        event = step.event(await self._time_of(step.wallet))
        key = self._deployment.home(step.wallet).input(step.stream)
        entry: bytes = await self._client.ask("XADD", key, "*", FIELD, event)
        return entry

    async def _time_of(self, wallet: str) -> int:
        """
        Timestamp for a step.

        Where a wallet's time is that of its events, a timestamp of now would move it past its history.
        """
        stored = self._known[wallet].wallet
        if stored is not None and stored.rules.clock == "event":
            return stored.time
        if stored is None and self._new_clocks.get(wallet) == "event":
            return YEAR_2000_MS
        return await self._deployment.now_ms()

    def _check_time(self, end: float, waiting: Iterable[Step]) -> None:
        if time.monotonic() > end:
            first = next(iter(waiting))
            raise ConfigurationError(
                f"Nothing answered {first.action} {first.what} within {self._timeout_s:g} s: is a worker "
                "running? What was sent stays in the stream and will be carried out; apply again to see what "
                "is left."
            )


def _partition(keys: Keys) -> int:
    return keys.partition
