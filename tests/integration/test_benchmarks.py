"""What the benchmarks compare with does its whole work."""

from benchmarks.fleet import Fleet, fills, fold
from benchmarks.peers.account import Job
from benchmarks.peers.redis_loop import work
from benchmarks.server import TAG, Prepared, connect, publish, serving
from benchmarks.throughput import whole_job


def test_a_loop_by_hand_comes_to_what_its_fills_come_to() -> None:
    """The first 500 of 600 fills, one MULTI each."""
    some = fills(Fleet(agents=20), 600, 1)
    with serving() as port:
        publish(connect(port), "trade", some)

        done = work(Job(port, f"{TAG}:in:trade", 500))

    assert done.count == 500
    assert done.books == fold(some[:500])


def test_a_worker_is_timed_and_checked_on_a_copy_of_a_fleet() -> None:
    """Twice, from the same folder: what one run did is not there in the next."""
    fleet = Fleet(farms=2, agents=20, goals=2, idle_goals=1)
    some = fills(fleet, 6000, 1)
    with Prepared() as prepared:
        for _ in range(2):
            stand = prepared.of(fleet, 300)
            with serving(stand) as port:
                publish(connect(port), "trade", some)

                assert whole_job(port, stand, some) > 0
