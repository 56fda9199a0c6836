"""An agent that was not read yet is there like any other."""

from typing import Any

import msgspec
import pytest

from domain.breakers import Colour, Measure
from domain.rules import Action
from state.agents import Agents
from state.codec import AGENTS
from state.entities import Agent
from state.records import Trip
from state.sketch import sketch_of


def kept(*agents: Agent) -> Agents:
    """Agents as they are loaded."""
    found = Agents()
    for agent in agents:
        stored = AGENTS.encode(agent)
        found.keep(sketch_of(stored), stored)
    return found


def agent(name: str, **members: Any) -> Agent:
    """Make an agent."""
    return Agent(id=name, wallet="w", farm="f", **members)


def test_an_agent_is_read_when_somebody_looks_at_it() -> None:
    """And no other is; whoever looks again finds the same one."""
    agents = kept(agent("a", cash=5), agent("b"))
    assert agents.read() == []

    found = agents["a"]

    assert (found.id, found.cash) == ("a", 5)
    assert agents.get("a") is found
    assert agents.read() == [found]


def test_to_ask_who_is_there_reads_nobody() -> None:
    """How many, which, and whether one is among them."""
    agents = kept(agent("a"), agent("b"))

    assert (len(agents), sorted(agents), bool(agents), bool(Agents())) == (2, ["a", "b"], True, False)
    assert ("a" in agents, "c" in agents, agents.get("c")) == (True, False, None)
    with pytest.raises(KeyError):
        agents["c"]
    assert agents.read() == []


def test_all_of_them_are_read_where_all_are_asked_for() -> None:
    """Those that were read before stay who they are."""
    agents = kept(agent("a"), agent("b"))
    before = agents["b"]

    found = {one.id: one for one in agents.values()}

    assert sorted(found) == ["a", "b"]
    assert found["b"] is before
    assert len(agents) == 2


@pytest.mark.parametrize(
    "members",
    [
        {"trip": Trip("command", Action.STOP, 1)},
        {"measure": Measure.DRAWDOWN, "breaker": Colour.YELLOW},
        {"update_due": 0},
        {"public_key": ""},
    ],
    ids=lambda members: next(iter(members)),
)
def test_one_of_which_a_book_keeps_something_is_read_at_once(members: dict[str, Any]) -> None:
    """A stop, a colour, an update that waits, a key; also where that is nothing but not null."""
    agents = kept(agent("a", **members), agent("b"))

    assert [one.id for one in agents.read()] == ["a"]


def test_one_that_is_stored_without_a_member_is_plain() -> None:
    """As older versions stored it."""
    stored = b'{"id":"a","wallet":"w","farm":"f"}'
    agents = Agents()

    agents.keep(sketch_of(stored), stored)

    assert agents.read() == []
    assert agents["a"].farm == "f"


def test_one_that_comes_twice_is_one() -> None:
    """As a scan of a hash may give it, read at once or not."""
    agents = kept(agent("a"), agent("b", update_due=1), agent("a"), agent("b", update_due=1))

    assert len(agents) == 2
    assert sorted(one.id for one in agents.values()) == ["a", "b"]


def test_a_new_one_takes_its_place() -> None:
    """Whether or not there was one that nobody had looked at."""
    agents = kept(agent("a"))
    new, other = agent("a"), agent("b")

    agents["a"], agents["b"] = new, other

    assert agents["a"] is new
    assert len(agents) == 2
    assert agents.read() == [new, other]


def test_they_are_given_as_they_are() -> None:
    """Each once, read or as it is stored, and nobody is read for it."""
    agents = kept(agent("a"), agent("b"))
    found = agents["a"]

    assert agents.as_they_are() == ([found], [AGENTS.encode(agent("b"))])
    assert agents.read() == [found]


def test_a_copy_is_of_its_own() -> None:
    """Who was read is so in the copy, and another one; nobody is read for it."""
    agents = kept(agent("a"), agent("b"), agent("c"))
    mine = agents["a"]
    mine.cash = 7

    copy = agents.copied()
    copy["a"].cash = 8
    copy["b"].cash = 9

    assert (mine.cash, agents["b"].cash) == (7, 0)
    assert [one.id for one in copy.read()] == ["a", "b"]
    assert len(copy) == 3


@pytest.mark.parametrize("stored", [b"{", b"[]", b'{"id":"a"}', b'{"id":1,"wallet":"w"}'])
def test_what_is_no_agent_is_refused_as_it_is_loaded(stored: bytes) -> None:
    """Before anything is applied to it."""
    with pytest.raises(msgspec.DecodeError):
        sketch_of(stored)
