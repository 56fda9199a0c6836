"""From batches to commits, which take as long as a test says; the application counts words."""

import anyio
import pytest

from stream.errors import TransportError
from stream.keys import Keys
from stream.pipeline import _FEW, Pipeline
from stream.processor import Processor
from stream.repeats import Repeats
from stream.types import Entry, Outcome
from tests.contract.words import WordCounter, word

pytestmark = pytest.mark.anyio


class Commits:
    """Commits that wait for a gate, and note what they were given and what is done."""

    def __init__(self) -> None:
        self.begun: list[list[bytes]] = []
        self.done: list[list[bytes]] = []
        self.at_once = self.most_at_once = 0
        self.gate = anyio.Event()
        self.error: Exception | None = None
        self.left = anyio.Event()
        self.left.set()

    async def sent(self) -> None:
        """Wait until a commit that began has left."""
        await self.left.wait()

    async def commit(self, outcome: Outcome) -> None:
        """Commit when the gate is open."""
        self.begun.append(outcome.positions)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.gate.wait()
        self.at_once -= 1
        if self.error is not None:
            raise self.error
        self.done.append(outcome.positions)


@pytest.fixture
def application() -> WordCounter:
    """Give a counter of words."""
    application = WordCounter()
    application.forget()
    return application


@pytest.fixture
def processor(application: WordCounter) -> Processor:
    """Give its processor."""
    return Processor(Keys("words", 0), application, Repeats(100), [b"0-0", b"0-0"], [0, 0])


def pipeline_of(processor: Processor, commits: Commits) -> Pipeline:
    """Make a pipeline that ends in these commits."""
    return Pipeline(processor, commits.commit, commits.sent)


def batch(start: int, count: int) -> list[Entry]:
    """Make so many entries, a millisecond apart."""
    return [Entry(0, f"{1000 + n}-0".encode(), word(f"w{n}", "a")) for n in range(start, start + count)]


async def test_a_few_entries_are_worked_on_and_committed_by_who_gives_them(
    application: WordCounter, processor: Processor
) -> None:
    """Nobody else has to run for it: the commit begins before `give` first waits."""
    commits = Commits()
    commits.gate.set()
    async with pipeline_of(processor, commits) as pipeline:
        await pipeline.give(batch(0, _FEW))

        assert commits.done == [processor.positions]
        assert len(application.order) == _FEW


async def test_a_batch_is_worked_on_while_the_one_before_is_committed(
    application: WordCounter, processor: Processor
) -> None:
    """One batch is worked on meanwhile and the next waits; commits come one at a time, in order."""
    commits, many = Commits(), _FEW + 1
    async with (
        pipeline_of(processor, commits) as pipeline,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(pipeline.run)
        for start in range(2):
            await pipeline.give(batch(start * many, many))
        tasks.start_soon(pipeline.give, batch(2 * many, many))
        await anyio.wait_all_tasks_blocked()
        assert len(commits.begun) == 1
        assert len(application.order) == 2 * many

        commits.gate.set()
        await anyio.wait_all_tasks_blocked()
        pipeline.end()

    assert commits.done == commits.begun == sorted(commits.begun)
    assert len(commits.done) == 3
    assert commits.most_at_once == 1


async def test_a_few_entries_do_not_overtake_what_is_under_way(processor: Processor) -> None:
    """They are worked on behind it, and committed behind it."""
    commits, many = Commits(), _FEW + 1
    async with (
        pipeline_of(processor, commits) as pipeline,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(pipeline.run)
        await pipeline.give(batch(0, many))
        tasks.start_soon(pipeline.give, batch(many, 1))
        await anyio.wait_all_tasks_blocked()
        assert len(commits.begun) == 1

        commits.gate.set()
        await anyio.wait_all_tasks_blocked()
        pipeline.end()

    assert [positions[0] for positions in commits.done] == [
        b"%d-0" % (1000 + many - 1),
        b"%d-0" % (1000 + many),
    ]
    assert commits.most_at_once == 1


async def test_a_commit_that_fails_ends_it(processor: Processor) -> None:
    """Nothing behind it is committed, and who gives hears of nothing but being stopped."""
    commits, many = Commits(), _FEW + 1
    commits.error = TransportError("gone")

    with pytest.raises(BaseExceptionGroup) as raised:  # noqa: PT012  # what is inside begins the failure
        async with (
            pipeline_of(processor, commits) as pipeline,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(pipeline.run)
            for start in range(2):
                await pipeline.give(batch(start * many, many))
            tasks.start_soon(pipeline.give, batch(2 * many, many))
            await anyio.wait_all_tasks_blocked()
            commits.gate.set()

    assert raised.group_contains(TransportError, match="gone")
    others = raised.value.split(TransportError)[1]
    assert others is None
    assert commits.done == []


async def test_nothing_is_worked_on_before_a_commit_has_left(
    application: WordCounter, processor: Processor
) -> None:
    """Work lets nothing else run: a commit that it caught half sent would land only when it is done."""
    commits, many = Commits(), _FEW + 1
    async with (
        pipeline_of(processor, commits) as pipeline,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(pipeline.run)
        await pipeline.give(batch(0, many))
        await anyio.wait_all_tasks_blocked()
        commits.left = anyio.Event()
        await pipeline.give(batch(many, 1))
        await anyio.wait_all_tasks_blocked()
        assert len(application.order) == many

        commits.left.set()
        await anyio.wait_all_tasks_blocked()
        assert len(application.order) == many + 1
        commits.gate.set()
        pipeline.end()
