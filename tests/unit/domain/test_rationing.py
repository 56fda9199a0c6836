"""Scaling amounts to a limit, by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.rationing import ration


@pytest.mark.parametrize(
    ("wants", "limit", "smallest", "given_out"),
    [
        ({}, 0, 1, {}),
        ({"a": 60, "b": 40}, 100, 10, {"a": 60, "b": 40}),
        ({"a": 60, "b": 40}, 50, 10, {"a": 30, "b": 20}),
        ({"a": 60, "b": 40}, 25, 10, {"a": 15, "b": 10}),
        ({"a": 60, "b": 40}, 0, 10, {}),
        # 4.44 and 5.56: the unit left goes to the larger remainder.
        ({"a": 40, "b": 50}, 10, 1, {"a": 4, "b": 6}),
        ({"c": 100, "a": 100, "b": 100}, 100, 10, {"a": 34, "b": 33, "c": 33}),
        # 30 : 12 of 20 would be 14 and 6; the smaller is left out.
        ({"a": 30, "b": 12}, 20, 10, {"a": 20}),
        # 100 : 90 of 105 would be 55 and 50; alone, the larger has more than enough.
        ({"a": 90, "b": 100}, 105, 60, {"b": 100}),
        # Ten each is too little for all five; four have 12 or 13 of 50.
        (dict.fromkeys("abcde", 20), 50, 11, {"a": 13, "b": 13, "c": 12, "d": 12}),
        ({"a": 30}, 9, 10, {}),
    ],
)
def test_a_limit_is_shared_in_proportion_to_the_wants(
    wants: dict[str, int], limit: int, smallest: int, given_out: dict[str, int]
) -> None:
    """In whole units, ties to the lower id, nothing below the smallest."""
    assert ration(wants, limit, smallest) == given_out


AMOUNTS = st.integers(1, 5) | st.integers(10**20 - 3, 10**20 + 3) | st.integers(1, 10**26)


@given(amounts=st.lists(AMOUNTS, max_size=8), limit=st.just(0) | AMOUNTS, smallest=st.integers(1, 5))
def test_nobody_gets_too_much_or_too_little(amounts: list[int], limit: int, smallest: int) -> None:
    """Between the smallest and the want; all of the limit, unless those not left out want less."""
    wants = {str(i): amount + smallest for i, amount in enumerate(amounts)}
    found = ration(wants, limit, smallest)
    total = sum(found.values())

    assert all(smallest <= amount <= wants[i] for i, amount in found.items())
    assert total == min(limit, sum(wants[i] for i in found))
    if len(found) < len(wants):
        assert min((wants[i] for i in found), default=10**30) >= max(
            wants[i] for i in wants if i not in found
        )
