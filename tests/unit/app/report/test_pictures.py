"""What the plots of a report are made of."""

from app.report.pictures import growth


def test_returns_are_compounded_from_one() -> None:
    """Up a tenth, down a tenth."""
    assert growth([0.1, -0.1]) == [1.0, 1.1, 1.1 * 0.9]


def test_what_is_lost_whole_stays_lost() -> None:
    """A bot that owes has lost it all, and nothing grows from there: a debt does not compound."""
    assert growth([-1.5, 0.5, -3.0]) == [1.0, 0.0, 0.0, 0.0]
