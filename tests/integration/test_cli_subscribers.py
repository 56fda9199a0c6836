"""``subscribers`` against a real server."""

from tests.integration.command_line import CommandLine


def test_register_report_list_and_remove(sluicegate: CommandLine) -> None:
    """From registration on a subscriber is behind with what it has not reported as read."""
    sluicegate.created(2)
    redis, keys = sluicegate.redis, sluicegate.keys(1)
    before = redis.xadd(keys.output("emergency"), {"event": "{}"})
    said = sluicegate("subscribers", "add", "desk", "emergency", "allocation", "--expires", "2d")
    assert said.stdout == "What desk has not read of emergency, allocation is kept for 2d.\n"
    assert redis.hgetall(keys.cursors) == {"desk/emergency": before, "desk/allocation": "0-0"}

    first = redis.xadd(keys.output("emergency"), {"event": "{}"})
    found = sluicegate.json("subscribers", "list")
    assert [(one["stream"], one["partition"]) for one in found] == [
        ("allocation", 0),
        ("allocation", 1),
        ("emergency", 0),
        ("emergency", 1),
    ]
    assert [one["behind_ms"] > 0 for one in found] == [False, False, False, True]
    assert not any(one["overdue"] for one in found)
    assert {one["expires_ms"] for one in found} == {172_800_000}
    redis.hset(keys.cursors, "desk/emergency", first)
    assert not any(one["behind_ms"] for one in sluicegate.json("subscribers", "list"))
    assert "desk" in sluicegate("subscribers", "list").stdout

    assert sluicegate("subscribers", "remove", "desk").exit_code == 0
    assert not redis.exists(keys.cursors)
    assert sluicegate("subscribers", "list").stdout == "No subscribers.\n"


def test_registering_again_keeps_what_was_read(sluicegate: CommandLine) -> None:
    """A stream more begins at what comes next, one less is forgotten, and the others go on."""
    sluicegate.created()
    redis, keys = sluicegate.redis, sluicegate.keys()
    sluicegate("subscribers", "add", "desk", "emergency", "wallet")
    redis.hset(keys.cursors, "desk/emergency", "5-5")
    redis.xadd(keys.output("reply"), {"event": "{}"}, id="7-7")

    sluicegate("subscribers", "add", "desk", "emergency", "reply")

    assert redis.hgetall(keys.cursors) == {"desk/emergency": "5-5", "desk/reply": "7-7"}


def test_an_entry_that_waits_for_longer_than_it_is_kept(sluicegate: CommandLine) -> None:
    """The subscriber is shown as overdue."""
    sluicegate.created()
    sluicegate("subscribers", "add", "desk", "emergency", "--expires", "1h")
    sluicegate.redis.xadd(sluicegate.keys().output("emergency"), {"event": "{}"}, id="1000-0")

    (found,) = sluicegate.json("subscribers", "list")
    assert found["overdue"]
    assert "overdue" in sluicegate("subscribers", "list").stdout


def test_what_cannot_be_registered(sluicegate: CommandLine) -> None:
    """One line, and nothing is stored."""
    sluicegate.created()

    assert "is no id" in sluicegate.refused("subscribers", "add", "a/b", "wallet")
    assert "is no duration" in sluicegate.refused("subscribers", "add", "a", "wallet", "--expires", "soon")
    assert sluicegate("subscribers", "add", "a", "elsewhere").exit_code == 2
    assert sluicegate.refused("subscribers", "remove", "a") == (
        "No subscriber is registered as a; there is: none."
    )
    assert not sluicegate.redis.keys(f"*{sluicegate.prefix}*cursors")
