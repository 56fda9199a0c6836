"""The transactions of a partition's wallets, as its output stream has them, and the state they came to."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from app.outputs import END, said
from state.view import KINDS, View, load_view
from stream.client import Client, fields_of
from stream.keys import Keys
from stream.order import parse_id

_CHUNK: Final = 2_000
_NAMED: Final = ("wallets", "farms", "agents", "pending")

_READ: Final = """
-- KEYS: stream, then hashes. Returns what XINFO says of the stream, its last entry, and each hash whole; all
-- as of one moment.
local info, last = {}, {}
if redis.call('EXISTS', KEYS[1]) == 1 then
  info = redis.call('XINFO', 'STREAM', KEYS[1])
  last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
end
local all = {}
for i = 2, #KEYS do all[i - 1] = redis.call('HGETALL', KEYS[i]) end
return {info, last, all}
"""


class Ledgers(msgspec.Struct):
    """
    The ledgers of a partition as of one commit.

    ``end`` is the last entry of the stream then; None where it has none. ``trimmed`` says that the beginning
    of the stream is gone and nothing behind it was taken out.
    """

    view: View
    end: bytes | None
    trimmed: bool


class Told(msgspec.Struct):
    """An output event, as far as it matters here."""

    type: str
    source: str
    time: str
    data: msgspec.Raw

    @property
    def wallet(self) -> str:
        """Wallet it is of."""
        return self.source.removeprefix("/sluicegate/")

    @property
    def transaction(self) -> dict[str, Any]:
        """What it says."""
        document: dict[str, Any] = _document(self.data)
        return document


_told: Final = msgspec.json.Decoder(Told).decode
_document: Final = msgspec.json.Decoder(dict[str, Any]).decode


async def read_ledgers(client: Client, keys: Keys) -> Ledgers:
    """Read the state of a partition's ledgers. Raises `TransportError` and `ConfigurationError`."""
    names = [keys.output("wallet"), *(keys.state(kind) for kind in _NAMED)]
    info, last, hashes = await client.query(_READ, names)
    state: dict[str, Mapping[bytes, bytes]] = {kind: {} for kind in KINDS}
    state |= zip(_NAMED, map(fields_of, hashes), strict=True)
    return Ledgers(load_view(state), last[0][0] if last else None, trimmed=_trimmed(fields_of(info)))


def _trimmed(info: Mapping[bytes, Any]) -> bool:
    if not info or int(info[b"entries-added"]) == int(info[b"length"]):
        return False
    # What XTRIM takes is no deletion to the server, so this is what was taken out by hand.
    deleted = parse_id(info[b"max-deleted-entry-id"])
    first = info[b"first-entry"]
    return deleted < parse_id(first[0]) if first else deleted == (0, 0)


async def transactions(
    client: Client, keys: Keys, end: bytes | None, before: Sequence[Keys] = ()
) -> AsyncIterator[Told]:
    """
    Read the transactions of all wallets of a partition up to an entry.

    Args:
        client: any.
        keys: of the partition.
        end: id of that entry; None: there is none.
        before: of the partitions that its wallets lived in before; what others say there comes too.

    Raises:
        TransportError: the server is away.

    """
    ends = {one.output("wallet"): END for one in before if one != keys}
    if end is not None:
        ends[keys.output("wallet")] = end
    async for one in said(client, ends, _CHUNK):
        if b"wallet_transaction" not in one.event:
            continue
        told = _told(one.event)
        if told.type == "sluicegate.wallet_transaction.v1":
            yield told


async def are_trimmed(client: Client, before: Sequence[Keys]) -> bool:
    """Whether the beginning is gone of what wallets said where they lived before. Raises `TransportError`."""
    for keys in before:
        name = keys.output("wallet")
        if await client.ask("EXISTS", name) and _trimmed(
            fields_of(await client.ask("XINFO", "STREAM", name))
        ):
            return True
    return False
