"""What turns the stored state of an older version into that of this one."""

import json
from typing import Any

import pytest

from state.migrations import FIRST, MIGRATIONS, migrate, schema

STORED = {
    "wallets": {b"w": b'{"id":"w","cash":"1.50"}'},
    "agents": {b"w/a": b'{"id":"a","style":"x"}', b"w/b": b'{"id":"b"}'},
}


def _rename(documents: Any) -> None:
    for agent in documents["agents"].values():
        if "style" in agent:
            agent["strategy"] = agent.pop("style")


def _split(documents: Any) -> None:
    documents["styles"] = {
        name: {"of": agent.pop("strategy")}
        for name, agent in documents["agents"].items()
        if "strategy" in agent
    }
    del documents["agents"]["w/b"]


def test_the_table_has_no_gap() -> None:
    """Every schema from the second on has what leads to it."""
    assert sorted(MIGRATIONS) == list(range(FIRST + 1, schema() + 1))


def test_only_what_changes_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a migration leaves as it was stays as it is stored, to the byte."""
    monkeypatch.setattr("state.migrations.MIGRATIONS", {2: _rename})

    changes = migrate(1, STORED)

    assert changes == {"agents": ({"w/a": b'{"id":"a","strategy":"x"}'}, [])}
    assert schema() == 2


def test_versions_follow_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the first to the last in one go; entities may move to another kind."""
    monkeypatch.setattr("state.migrations.MIGRATIONS", {2: _rename, 3: _split})

    changes = migrate(1, STORED)

    assert changes["styles"] == ({"w/a": b'{"of":"x"}'}, [])
    assert changes["agents"] == ({"w/a": b'{"id":"a"}'}, ["w/b"])
    assert json.loads(migrate(2, STORED)["agents"][0].get("w/a", b"null")) is None
