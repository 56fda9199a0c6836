"""What is stored of a deployment, each partition as of one moment."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from app.deployment import Deployment
from handlers import INPUTS
from stream.checkpoint import Checkpoint, parse_checkpoint
from stream.client import Client, fields_of
from stream.keys import Keys

KINDS: Final = ("wallets", "farms", "agents", "goals", "pending")
_RETURNS: Final = ("wallet", 1, "benchmark", 1, "farm", 2)  # of agents they would be too many

_READ: Final = """
-- KEYS: checkpoint, lease, dead, handled, then as many state hashes as ARGV[1] says, the returns, then input
-- streams. ARGV: also, in pairs, what the names of wanted returns begin with, and the number of the hash
-- whose fields they go on with.
-- Returns the checkpoint, holder of the lease, ms left of it, dead letters, handled ones, values by hash,
-- entries ever added by stream, names and values of returns; all as of one moment.
local kinds = tonumber(ARGV[1])
local state, added, returns = {}, {}, {}
for i = 5, 4 + kinds do state[#state + 1] = redis.call('HVALS', KEYS[i]) end
for i = 2, #ARGV, 2 do
  for _, field in ipairs(redis.call('HKEYS', KEYS[4 + tonumber(ARGV[i + 1])])) do
    local name = ARGV[i] .. '/' .. field
    local window = redis.call('HGET', KEYS[5 + kinds], name)
    if window then
      returns[#returns + 1] = name
      returns[#returns + 1] = window
    end
  end
end
for i = 6 + kinds, #KEYS do
  local count = 0
  if redis.call('EXISTS', KEYS[i]) == 1 then
    local info = redis.call('XINFO', 'STREAM', KEYS[i])
    for j = 1, #info, 2 do
      if info[j] == 'entries-added' then count = info[j + 1] end
    end
  end
  added[#added + 1] = count
end
return {redis.call('HGETALL', KEYS[1]), redis.call('GET', KEYS[2]), redis.call('PTTL', KEYS[2]),
  redis.call('XLEN', KEYS[3]), redis.call('HLEN', KEYS[4]), state, added, returns}
"""


class PartitionSnapshot(msgspec.Struct):
    """One partition: how far it is, who works on it, and the stored entities, by kind, as they are."""

    keys: Keys
    checkpoint: Checkpoint
    lease_holder: str | None
    lease_left_ms: int
    dead: int  # dead letters that nobody has handled
    added: list[int]  # entries ever appended, by input stream
    state: dict[str, list[bytes]]
    returns: dict[bytes, bytes]  # of wallets and farms, and of benchmarks

    @property
    def lag(self) -> int:
        """How many entries wait."""
        return max(sum(self.added) - sum(self.checkpoint.applied), 0)


async def read_partition(client: Client, keys: Keys) -> PartitionSnapshot:
    """Read one partition. Raises `TransportError` and `ConfigurationError`."""
    hashes = [keys.state(kind) for kind in KINDS]
    streams = [keys.input(name) for name in INPUTS]
    names = [keys.checkpoint, keys.lease, keys.dead, keys.handled, *hashes, keys.state("returns"), *streams]
    found = await client.query(_READ, names, [len(KINDS), *_RETURNS])
    checkpoint, lease, left_ms, dead, handled, state, added, returns = found
    return PartitionSnapshot(
        keys=keys,
        checkpoint=parse_checkpoint(fields_of(checkpoint), INPUTS),
        lease_holder=lease.decode().rpartition(" ")[0] if lease else None,
        lease_left_ms=max(left_ms, 0),
        dead=max(dead - handled, 0),
        added=added,
        state=dict(zip(KINDS, state, strict=True)),
        returns=dict(fields_of(returns)),
    )


async def read_all(deployment: Deployment) -> list[PartitionSnapshot]:
    """Read every partition. Raises `TransportError` and `ConfigurationError`."""
    return [await read_partition(deployment.client, keys) for keys in deployment.all_keys]


class _Name(msgspec.Struct):
    id: str
    wallet: str


_name_of = msgspec.json.Decoder(_Name).decode


def stored(snapshots: Sequence[PartitionSnapshot], kind: str, wallet: str | None) -> list[bytes]:
    """Entities of a kind exactly as stored, of one wallet or of all, by wallet and id."""
    found: Iterable[bytes] = (value for one in snapshots for value in one.state[kind])
    named = [(_name_of(value), value) for value in found]
    chosen = [(name, value) for name, value in named if wallet in (None, name.wallet)]
    chosen.sort(key=_by_name)
    return [value for _, value in chosen]


def _by_name(pair: tuple[_Name, Any]) -> tuple[str, str]:
    return pair[0].wallet, pair[0].id
