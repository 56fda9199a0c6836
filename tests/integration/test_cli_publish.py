"""``sluicegate publish``."""

from pathlib import Path

import pytest

from stream.errors import TransportError
from stream.keys import partition_of
from stream.publisher import Publisher
from tests.integration.command_line import CommandLine


def _events(sluicegate: CommandLine, stream: str, partition: int = 0) -> list[str]:
    return [
        fields["event"] for _, fields in sluicegate.redis.xrange(sluicegate.keys(partition).input(stream))
    ]


def test_lines_become_entries_byte_for_byte(sluicegate: CommandLine, tmp_path: Path) -> None:
    """Each line is one entry as it stands: spaces, the digits of numbers and the order of members stay."""
    sluicegate.created()
    lines = ['{"wallet":"a","price":1.10, "amount":1e-7}', '{ "wallet" : "b" }']
    (tmp_path / "fills.jsonl").write_text("\n".join(lines) + "\n\n", encoding="utf-8")

    result = sluicegate("publish", "trade", tmp_path / "fills.jsonl")

    assert (result.exit_code, result.stdout) == (0, "2 published to in:trade\n")
    assert _events(sluicegate, "trade") == lines


def test_lines_from_stdin_go_to_the_partition_of_their_wallet(sluicegate: CommandLine) -> None:
    """A wallet's events all go where the wallet lives, in the order they came."""
    sluicegate.created(partitions=4)
    wallets = [f"w{i % 7}" for i in range(50)]
    lines = [f'{{"wallet":"{wallet}","n":{i}}}' for i, wallet in enumerate(wallets)]

    result = sluicegate("publish", "balance", "-", "--json", text="\n".join(lines))

    assert result.stdout == '{\n  "published": 50\n}\n'
    for partition in range(4):
        mine = [line for line, w in zip(lines, wallets, strict=True) if partition_of(w, 4) == partition]
        assert _events(sluicegate, "balance", partition) == mine


def test_a_tick_goes_to_every_partition(sluicegate: CommandLine) -> None:
    """Time concerns all wallets."""
    sluicegate.created(partitions=3)

    assert sluicegate("publish", "clock", "-", text='{"timestamp":1}').exit_code == 0
    assert [_events(sluicegate, "clock", partition) for partition in range(3)] == [['{"timestamp":1}']] * 3


def test_many_lines(sluicegate: CommandLine, tmp_path: Path) -> None:
    """Files larger than a read and a pipeline arrive whole and in order."""
    sluicegate.created()
    lines = [f'{{"wallet":"a","n":{i},"more":"{"x" * 200}"}}' for i in range(5_000)]
    (tmp_path / "fills.jsonl").write_text("\n".join(lines), encoding="utf-8")

    assert sluicegate.json("publish", "trade", tmp_path / "fills.jsonl") == {"published": 5_000}
    assert _events(sluicegate, "trade") == lines


def test_a_line_that_is_no_event_stops_it_there(sluicegate: CommandLine, tmp_path: Path) -> None:
    """What came before the line is published, the line is named, and nothing after it is sent."""
    sluicegate.created()
    path = tmp_path / "fills.jsonl"
    path.write_text('{"wallet":"a"}\n{"id":"no wallet"}\n{"wallet":"a"}\n', encoding="utf-8")

    said = sluicegate.refused("publish", "trade", path)

    assert said.startswith(f'{path}:2 is no event: it needs a member "wallet"')
    assert said.endswith("the 1 before it are published.")
    assert len(_events(sluicegate, "trade")) == 1


def test_a_file_that_is_not_there(sluicegate: CommandLine) -> None:
    """A file that cannot be read is named."""
    sluicegate.created()

    assert (
        sluicegate.refused("publish", "trade", "/nowhere")
        == "Cannot read /nowhere: No such file or directory."
    )


def test_a_key_that_is_no_stream(sluicegate: CommandLine) -> None:
    """A key of another type is named, on one line however long the event is."""
    sluicegate.created()
    sluicegate.redis.set(sluicegate.keys().input("trade"), "text")

    said = sluicegate.refused("publish", "trade", "-", text='{"wallet":"a","more":"' + "x" * 5000 + '"}')

    assert said.startswith("A key is in the way")
    assert len(said) < 1000


def test_a_server_that_goes_away(sluicegate: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told how many lines have arrived for certain, and that trying again is the thing to do."""

    async def publish(*_: object) -> int:
        raise TransportError("publishing failed") from OSError("the line went dead")

    sluicegate.created()
    monkeypatch.setattr(Publisher, "publish", publish)

    said = sluicegate.refused("publish", "trade", "-", text='{"wallet":"a"}')

    assert said.startswith("0 lines are published for certain, then the line went dead.")
    assert said.endswith("then try again.")


def test_a_stream_that_is_none(sluicegate: CommandLine) -> None:
    """A stream that there is not is bad usage, and those there are are named."""
    result = sluicegate("publish", "trades", "-")

    assert result.exit_code == 2
    assert "'trade', 'balance', 'goal', 'command', 'clock'" in result.stderr
