"""The wire as the bots see it."""

import ast
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

import examples.fleet
from examples.fleet.wire import Follower, Wire, partition_of

Emit = Callable[..., None]

_FOLDER = Path(examples.fleet.__file__).parent


def test_partition_is_redis_clusters_checksum() -> None:
    """CRC16/XMODEM: its published check value for 123456789 is 0x31C3."""
    assert partition_of("123456789", 65_536) == 0x31C3
    assert partition_of("alpha", 1) == 0


def test_published_events_are_json_in_the_field_event(wire: Wire) -> None:
    """An entry has one field, and the last id comes back to wait for."""
    last = wire.publish("in:trade", [{"id": "a"}, {"id": "b"}])
    entries = wire.client.xrange("{sluicegate:0}:in:trade")

    assert [msgspec.json.decode(fields[b"event"]) for _, fields in entries] == [{"id": "a"}, {"id": "b"}]
    assert last == entries[-1][0].decode()


def test_nothing_published_is_nothing_to_wait_for(wire: Wire) -> None:
    """A day without trades does not touch the stream."""
    assert wire.publish("in:trade", []) is None


@pytest.mark.parametrize(
    ("checkpoint", "entry", "applied"),
    [
        ("5-0", "5-0", True),
        ("5-1", "5-0", True),
        ("9-0", "10-0", False),
        ("10-0", "9-5", True),
        (None, "1-0", False),
    ],
)
def test_applied_compares_ids_as_numbers(
    wire: Wire, checkpoint: str | None, entry: str, applied: bool
) -> None:
    """The checkpoint's id covers all up to it; 10 comes after 9 though its text sorts before."""
    if checkpoint:
        wire.client.hset("{sluicegate:0}:checkpoint", "in:trade", checkpoint)

    assert wire.applied("in:trade", entry) is applied


def test_all_applied_looks_at_every_input(wire: Wire) -> None:
    """One entry beyond the checkpoint is enough to wait for."""
    last = wire.publish("in:balance", [{}])
    assert not wire.all_applied()

    wire.client.hset("{sluicegate:0}:checkpoint", "in:balance", last)
    assert wire.all_applied()


def test_follower_reads_each_event_once(wire: Wire, emit: Emit) -> None:
    """A second read brings only what is new, from the streams it follows."""
    follower = Follower(wire, ["allocation"])
    emit("allocation", "fund_allocation", {"agent": "a"})
    emit("wallet", "farm_created", {"farm": "f"})
    (event,) = follower.read()

    assert (event.name, event.wallet, event.cause) == ("fund_allocation", "alpha", "0/in:trade/1-0")
    assert follower.read() == []


def test_bots_know_only_redis() -> None:
    """Nothing in the example imports sluicegate's rooms: what it knows of them went over the wire."""
    rooms = {"app", "domain", "handlers", "metrics", "state", "stream", "api"}
    for path in _FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names.append(node.module or "")
            assert not rooms & {name.partition(".")[0] for name in names}, path.name
