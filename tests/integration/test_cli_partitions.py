"""``partitions`` against real workers."""

from tests.integration.command_line import CommandLine, wait_until


def shares(sluicegate: CommandLine) -> dict[str, list[int]]:
    """Who has what, as the command says."""
    found: dict[str, list[int]] = sluicegate.json("partitions", "list")["workers"]
    return found


def test_workers_share_and_an_operator_moves(sluicegate: CommandLine) -> None:
    """Two workers have two partitions each; one that is moved changes places with another."""
    words = ("worker", "--partitions", "4", "--metrics-port", "0", "--name")
    with sluicegate.process(*words, "first") as first, sluicegate.process(*words, "second") as second:
        wait_until(lambda: sluicegate.redis.zcard(f"{sluicegate.prefix}:workers") == 2)
        wait_until(lambda: [len(mine) for mine in shares(sluicegate).values()] == [2, 2])
        partition = shares(sluicegate)["first"][0]

        said = sluicegate("partitions", "move", partition, "second")

        assert said.stdout == f"Partition {partition} goes to second.\n"
        wait_until(lambda: partition in shares(sluicegate)["second"])
        wait_until(lambda: [len(mine) for mine in shares(sluicegate).values()] == [2, 2])
        assert f"{partition}*" in sluicegate("partitions", "list").stdout
        assert sluicegate("partitions", "move", partition, "second").stdout == "Nothing to do.\n"
        assert sluicegate("partitions", "move", partition, "any").exit_code == 0
        assert sluicegate.json("partitions", "list")["moved"] == {}

        first.terminate()
        assert first.wait(20) == 0
        wait_until(lambda: shares(sluicegate) == {"second": [0, 1, 2, 3]})
        second.terminate()
        assert second.wait(20) == 0


def test_what_cannot_be_moved(sluicegate: CommandLine) -> None:
    """A partition or a worker that is not there: one line, and nothing is changed."""
    sluicegate.created(2)

    assert sluicegate.refused("partitions", "move", 2, "first") == (
        "There is no partition 2: they are numbered 0 to 1."
    )
    assert sluicegate.refused("partitions", "move", 1, "first") == (
        "No worker named first is at work; there is: none."
    )
    assert sluicegate.json("partitions", "list") == {"workers": {}, "moved": {}}
