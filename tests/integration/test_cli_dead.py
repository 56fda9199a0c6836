"""``sluicegate dead``."""

import base64
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.integration.command_line import CommandLine, wait_until

EVENTS: dict[str, bytes | str] = {
    "unknown_agent": '{"id":"f","amount":1.10}',
    "not_decodable": b"\xff\x00",
    "no_event": "",
}


@pytest.fixture
def filled(sluicegate: CommandLine) -> CommandLine:
    """Give two partitions with three dead letters in the second, ids 1-0, 2-0 and 3-0."""
    sluicegate.created(partitions=2)
    for number, (reason, event) in enumerate(EVENTS.items(), 1):
        letter = {
            "stream": "in:trade",
            "id": f"{number}-9",
            "event": event,
            "reason": reason,
            "detail": f"[{reason}].",
        }
        sluicegate.redis.xadd(sluicegate.keys(1).dead, letter, id=f"{number}-0")
    return sluicegate


def _sent(sluicegate: CommandLine) -> list[str]:
    return [fields["event"] for _, fields in sluicegate.redis.xrange(sluicegate.keys(1).input("trade"))]


def _handled(sluicegate: CommandLine) -> dict[str, str]:
    listed = sluicegate.json("dead", "list", "--all")
    return {one["id"]: one["handled"]["done"] for one in listed if one["handled"]}


def test_they_are_listed_with_their_reasons(filled: CommandLine) -> None:
    """A letter is listed with the entry it was, why it is dead, and its bytes."""
    first, second, third = filled.json("dead", "list")

    assert first == {
        "id": "1/1-0",
        "at": 1,
        "stream": "in:trade",
        "entry": "1-9",
        "reason": "unknown_agent",
        "detail": "[unknown_agent].",
        "handled": None,
        "event": EVENTS["unknown_agent"],
    }
    assert base64.b64decode(second["event_base64"]) == EVENTS["not_decodable"]
    assert third["event"] == ""


def test_a_table_of_them(filled: CommandLine) -> None:
    """A person sees a line for each; a bracket in a sentence stays."""
    lines = filled("dead", "list", "--reason", "unknown_agent").stdout.splitlines()

    assert len(lines) == 2
    assert lines[1].split() == [
        "1/1-0",
        "1970-01-01T00:00:00.001Z",
        "in:trade",
        "1-9",
        "unknown_agent",
        "[unknown_agent].",
        "-",
    ]


def test_none(sluicegate: CommandLine) -> None:
    """That there are none is said."""
    sluicegate.created()

    assert sluicegate("dead", "list").stdout == "No dead letters.\n"


def test_a_letter_is_sent_again_as_it_was(filled: CommandLine) -> None:
    """Its bytes are appended to the stream it came from, and it is marked, and stays."""
    result = filled("dead", "retry", "1/1-0")

    assert (result.exit_code, result.stdout) == (0, "1 retried\n")
    assert _sent(filled) == [EVENTS["unknown_agent"]]
    assert _handled(filled) == {"1/1-0": "retried"}
    assert len(filled.json("dead", "list")) == 2
    assert filled.redis.xlen(filled.keys(1).dead) == 3


def test_a_letter_is_not_sent_twice(filled: CommandLine) -> None:
    """What was retried or dropped is left as it is, and that is said."""
    filled("dead", "retry", "1-0")
    filled("dead", "drop", "2-0")

    assert filled.refused("dead", "retry", "1-0") == "1/1-0 was retried before; nothing was done now."
    assert filled.refused("dead", "retry", "2-0") == "1/2-0 was dropped before; nothing was done now."
    assert len(_sent(filled)) == 1


def test_a_letter_is_not_sent_twice_at_once(filled: CommandLine) -> None:
    """Of two operators who retry at the same time one does."""
    words = ("-m", "app", "dead", "retry", "--all", "--reason", "unknown_agent")
    with ThreadPoolExecutor() as pool:

        def retry(_: int) -> str:
            with filled.process(*words[2:]) as process:
                return process.communicate(timeout=60)[0]

        said = list(pool.map(retry, range(3)))

    assert len(_sent(filled)) == 1
    assert sum("1 retried" in one for one in said) == 1


def test_all_of_a_reason(filled: CommandLine) -> None:
    """--all takes those that are not handled, of one reason if one is named."""
    assert filled.json("dead", "drop", "--all", "--reason", "not_decodable") == {"dropped": 1, "refused": []}

    assert _handled(filled) == {"1/2-0": "dropped"}
    assert _sent(filled) == []


def test_a_letter_without_an_event_cannot_be_sent_again(filled: CommandLine) -> None:
    """There is nothing to send: named, that is a failure; among all, it is told and the others are sent."""
    assert "has no event that could be sent again" in filled.refused("dead", "retry", "1/3-0")
    result = filled("dead", "retry", "--all")

    assert (result.exit_code, result.stdout) == (0, "2 retried\n")
    assert "1/3-0 has no event" in result.stderr
    assert len(_sent(filled)) == 2
    assert filled("dead", "drop", "1/3-0").exit_code == 0


def test_a_letter_that_is_not_there(filled: CommandLine) -> None:
    """A name that is none is told, and nothing is done with the others."""
    assert filled.refused("dead", "retry", "1/1-0", "7-7").startswith("There is no dead letter 7-7")
    assert _sent(filled) == []


def test_an_id_in_two_partitions(filled: CommandLine) -> None:
    """An entry id may occur in several partitions; then the partition is needed."""
    letter = {"stream": "in:goal", "id": "1-9", "event": "{}", "reason": "r", "detail": "d"}
    filled.redis.xadd(filled.keys(0).dead, letter, id="1-0")

    assert (
        filled.refused("dead", "retry", "1-0") == "1-0 could be any of 0/1-0, 1/1-0: name the partition too."
    )
    assert filled("dead", "retry", "0/1-0").exit_code == 0
    assert filled.redis.xlen(filled.keys(0).input("goal")) == 1


@pytest.mark.parametrize("words", [(), ("--all", "1-0"), ("1-0", "--reason", "x")])
def test_which_ones_is_to_be_said_clearly(filled: CommandLine, words: tuple[str, ...]) -> None:
    """Neither ids nor --all, or both, is bad usage."""
    assert filled("dead", "retry", *words).exit_code == 2


def test_a_stream_that_is_in_the_way(filled: CommandLine) -> None:
    """A key of another type is named, and the letter is not marked."""
    filled.redis.set(filled.keys(1).input("trade"), "text")

    assert "A key is in the way" in filled.refused("dead", "retry", "1/1-0")
    assert _handled(filled) == {}


def test_a_fill_is_applied_once_its_agent_is_there(sluicegate: CommandLine, tmp_path: Path) -> None:
    """What was wrong is put right, the letter is sent again, and this time it counts, once."""
    fleet = tmp_path / "fleet.toml"
    farm = '[[wallet]]\nid = "a"\ncurrency = "USDT"\n[[wallet.farm]]\nid = "f"\n'
    fill = (
        '{"id":"t","wallet":"a","agent":"one","timestamp":1795000000000,"symbol":"X/USDT","side":"buy",'
        '"price":"1","amount":"1"}'
    )

    with sluicegate.worker():
        fleet.write_text(farm, encoding="utf-8")
        sluicegate.json("apply", fleet)
        sluicegate("publish", "trade", "-", text=fill)
        wait_until(lambda: sluicegate.json("dead", "list"))
        (letter,) = sluicegate.json("dead", "list", "--reason", "unknown_agent")
        fleet.write_text(farm + '[[wallet.farm.agent]]\nid = "one"\n', encoding="utf-8")
        sluicegate.json("apply", fleet)
        sluicegate("dead", "retry", letter["id"])
        sluicegate("publish", "trade", "-", text=fill)
        wait_until(lambda: sluicegate.json("status")["partitions"][0]["lag"] == 0)

        assert sluicegate.json("status")["agents"][0]["trades"] == 1
        assert sluicegate.json("dead", "list") == []
        assert sluicegate.json("replay")["differences"] == []
