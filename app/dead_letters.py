"""
Dead letters: what could not be applied, and what an operator did about it.

Rules kept here:

1. A dead letter is never deleted: the engine needs it to know which inputs were not applied. What was done
   about it stands in a hash beside.
2. Sending again and noting it are one script, so nothing is sent twice by accident. Where the letter's wallet
   lives in another partition, as after the number of partitions was changed, it is sent there first: killed
   in between it is sent twice, and a repeat is recognised.
"""

from collections.abc import AsyncIterator
from typing import Final, Literal

import msgspec

from app.addressee import addressee
from app.deployment import Deployment
from stream.client import Argument, fields_of
from stream.errors import ConfigurationError, MalformedError
from stream.keys import FIELD, SIGNATURE, Keys

_CHUNK: Final = 200  # entries a reply; one may have megabytes
_HANDLE: Final = """
-- KEYS: handled, dead, input stream of the letter. ARGV: id of the letter, 'retried' or 'dropped', 1 where it
-- was sent elsewhere.
-- Returns {1}, or {0, what was done before}; {-1} where there is no such letter, {-2} where it has no event.
local before = redis.call('HGET', KEYS[1], ARGV[1])
if before then return {0, before} end
local found = redis.call('XRANGE', KEYS[2], ARGV[1], ARGV[1])
if #found == 0 then return {-1} end
local event, signature
for i = 1, #found[1][2], 2 do
  if found[1][2][i] == 'event' then event = found[1][2][i + 1] end
  if found[1][2][i] == 'signature' then signature = found[1][2][i + 1] end
end
if ARGV[2] == 'retried' and ARGV[3] == '0' then
  if not event or event == '' then return {-2} end
  if signature then
    redis.call('XADD', KEYS[3], '*', 'event', event, 'signature', signature)
  else
    redis.call('XADD', KEYS[3], '*', 'event', event)
  end
end
local now = redis.call('TIME')
local at = now[1] .. string.format('%03d', math.floor(now[2] / 1000))
redis.call('HSET', KEYS[1], ARGV[1], '{"done":"' .. ARGV[2] .. '","at":' .. at .. '}')
return {1}
"""


class Handled(msgspec.Struct, frozen=True):
    """What was done about a letter, and when."""

    done: Literal["retried", "dropped"]
    at: int


class Letter(msgspec.Struct, frozen=True):
    """One dead letter."""

    keys: Keys
    entry: str  # its own id in the stream of dead letters
    stream: str
    cause: str  # id of the entry that could not be applied
    event: bytes
    signature: bytes | None
    reason: str
    detail: str
    handled: Handled | None

    @property
    def id(self) -> str:
        """Name for the command line: the entry's id alone is not unique over partitions."""
        return f"{self.keys.partition}/{self.entry}"


async def letters(deployment: Deployment) -> AsyncIterator[Letter]:
    """All dead letters, partition by partition, oldest first. Raises `TransportError`."""
    for keys in deployment.all_keys:
        handled = await deployment.client.hash(keys.handled)
        after = b"-"
        while reply := await deployment.client.ask("XRANGE", keys.dead, after, "+", "COUNT", _CHUNK):
            for entry, flat in reply:
                fields = fields_of(flat)
                done = handled.get(entry)
                yield Letter(
                    keys=keys,
                    entry=entry.decode(),
                    stream=_text(fields.get(b"stream")),
                    cause=_text(fields.get(b"id")),
                    event=fields.get(b"event", b""),
                    signature=fields.get(b"signature"),
                    reason=_text(fields.get(b"reason")),
                    detail=_text(fields.get(b"detail")),
                    handled=None if done is None else msgspec.json.decode(done, type=Handled),
                )
            after = b"(" + reply[-1][0]


async def handle(deployment: Deployment, letter: Letter, done: Literal["retried", "dropped"]) -> str | None:
    """
    Retry or drop a letter.

    Returns:
        Why it was not done, in a sentence; None if it was.

    Raises:
        TransportError: the server went away; look at the list before trying again.
        ConfigurationError: a key is of another type.

    """
    if not letter.stream.startswith("in:"):
        return f"{letter.id} names no input stream it came from."
    sent = done == "retried" and letter.handled is None and await _sent_home(deployment, letter)
    keys = [letter.keys.handled, letter.keys.dead, letter.keys.input(letter.stream[3:])]
    reply = await deployment.client.run(_HANDLE, keys, [letter.entry, done, int(sent)])
    match reply[0]:
        case 1:
            return None
        case 0:
            before = msgspec.json.decode(reply[1], type=Handled)
            return f"{letter.id} was {before.done} before; nothing was done now."
        case -2:
            return f"{letter.id} has no event that could be sent again; drop it, and publish what was meant."
        case _:
            return f"There is no dead letter {letter.id} any more."


async def _sent_home(deployment: Deployment, letter: Letter) -> bool:
    """Send a letter to where its wallet lives, if that is elsewhere; whether it is."""
    try:
        wallet = addressee(letter.event)
    except MalformedError:
        return False
    if wallet is None or deployment.home(wallet) == letter.keys:
        return False
    stream = deployment.home(wallet).input(letter.stream[3:])
    fields: list[Argument] = [FIELD, letter.event]
    if letter.signature is not None:
        fields += (SIGNATURE, letter.signature)
    await deployment.client.ask("XADD", stream, "*", *fields)
    return True


async def named(deployment: Deployment, names: tuple[str, ...]) -> list[Letter]:
    """
    Return the letters with these names, which may leave out the partition where it is clear without.

    Raises:
        ConfigurationError: there is no such letter, or more than one.
        TransportError: the server went away.

    """
    wanted: dict[str, list[Letter]] = {name: [] for name in names}
    async for letter in letters(deployment):
        for name in (letter.id, letter.entry):
            if name in wanted:
                wanted[name].append(letter)
    for name, found in wanted.items():
        if not found:
            raise ConfigurationError(f"There is no dead letter {name}; sluicegate dead list --all names all.")
        if len(found) > 1:
            ids = ", ".join(letter.id for letter in found)
            raise ConfigurationError(f"{name} could be any of {ids}: name the partition too.")
    return [found[0] for found in wanted.values()]


def _text(value: bytes | None) -> str:
    return (value or b"").decode(errors="replace")
