"""``sluicegate tail``."""

import json
import subprocess
import threading
from collections.abc import Iterator

import pytest

from app import follow
from tests.integration.command_line import CommandLine, wait_until

EVENT = (
    '{"specversion":"1.0","source":"/sluicegate/a","type":"sluicegate.x.v1","subject":"a","time":"T",'
    '"data":{"n":%d}}'
)


@pytest.fixture
def filled(sluicegate: CommandLine) -> CommandLine:
    """Give a deployment of two partitions with ten events, alternating, over three streams."""
    sluicegate.created(partitions=2)
    for i in range(10):
        name = sluicegate.keys(i % 2).output(("wallet", "reply", "emergency")[i % 3])
        sluicegate.redis.xadd(name, {"event": EVENT % i}, id=f"1000-{i}")
    return sluicegate


def _numbers(text: str) -> list[int]:
    return [json.loads(line)["data"]["n"] for line in text.splitlines()]


def test_all_outputs_of_all_partitions_in_order(filled: CommandLine) -> None:
    """Streams of all partitions are shown as one, in the order of their entries."""
    result = filled("tail", "--no-follow", "--json")

    assert result.exit_code == 0
    assert _numbers(result.stdout) == list(range(10))


def test_long_streams_in_order(filled: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Order holds across reads, however much is behind in each stream."""
    monkeypatch.setattr(follow, "_CHUNK", 1)

    assert _numbers(filled("tail", "--no-follow", "--json").stdout) == list(range(10))


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (("--count", "3"), [0, 1, 2]),
        (("--from", "1000-7"), [7, 8, 9]),
        (("--from", "1000"), list(range(10))),
        (("--from", "1001"), []),
        (("--from", "now"), []),
        (("reply",), [1, 4, 7]),
        (("wallet", "reply", "--count", "4"), [0, 1, 3, 4]),
    ],
)
def test_a_part_of_them(filled: CommandLine, words: tuple[str, ...], numbers: list[int]) -> None:
    """Streams, a start and a number can be named."""
    assert _numbers(filled("tail", "--no-follow", "--json", *words).stdout) == numbers


def test_a_person_reads_a_line_for_each(filled: CommandLine) -> None:
    """Without --json a line says when, where and what."""
    assert filled("tail", "--no-follow", "--count", "1").stdout == "T wallet a x n=0\n"


def test_inputs_and_dead_letters_can_be_named(filled: CommandLine) -> None:
    """What came in and what could not be applied can be followed too."""
    filled.redis.xadd(filled.keys().input("trade"), {"event": '{"id":"f"}'}, id="2000-0")
    letter = {"stream": "in:trade", "id": "2000-0", "event": "", "reason": "r", "detail": "d"}
    filled.redis.xadd(filled.keys().dead, letter, id="2000-1")

    lines = filled("tail", "dead", "in:trade", "--no-follow").stdout.splitlines()

    assert lines == [
        "1970-01-01T00:00:02.000Z in:trade id=f",
        "1970-01-01T00:00:02.000Z dead in:trade 2000-0 r: d",
    ]


def test_a_place_that_is_none(filled: CommandLine) -> None:
    """A start that cannot be read is bad usage."""
    result = filled("tail", "--from", "yesterday")

    assert result.exit_code == 2
    assert "neither start nor now nor an entry id" in result.stderr


def _lines(process: subprocess.Popen[str], into: list[str]) -> Iterator[None]:
    assert process.stdout is not None
    for line in process.stdout:
        into.append(line)
        yield


def test_it_follows_what_comes(filled: CommandLine) -> None:
    """It starts with what comes next, shows it at once, and ends after as many as were asked for."""
    with filled.process("tail", "--json", "--count", "2") as process:
        lines: list[str] = []
        thread = threading.Thread(target=lambda: list(_lines(process, lines)))
        thread.start()
        # It has begun once it waits in a read that blocks.
        wait_until(
            lambda: any(one["cmd"] == "xread" for one in filled.redis.client_list() if one["flags"] == "b")
        )
        filled.redis.xadd(filled.keys(1).output("wallet"), {"event": EVENT % 77})
        wait_until(lambda: lines)
        filled.redis.xadd(filled.keys(0).output("reply"), {"event": EVENT % 78})
        thread.join(timeout=30)

        assert _numbers("".join(lines)) == [77, 78]
        assert process.wait(timeout=30) == 0


def test_ending_it_is_no_failure(filled: CommandLine) -> None:
    """Ctrl-C ends it with exit code 0 and nothing said."""
    with filled.process("tail") as process:
        wait_until(
            lambda: any(one["cmd"] == "xread" for one in filled.redis.client_list() if one["flags"] == "b")
        )
        process.send_signal(2)

        assert process.communicate(timeout=30) == ("", "")
        assert process.returncode == 0
