"""The comparison that every change goes through."""

from benchmarks.ratio import verdict


def test_a_fall_of_more_than_a_fifth_is_a_warning() -> None:
    """Of 0.5 it is what lies below 0.4."""
    assert verdict(0.399, 0.5).startswith("warning: ")
    assert "0.399" in verdict(0.399, 0.5)


def test_what_is_less_is_noise() -> None:
    """Just above, and faster than before."""
    assert not verdict(0.401, 0.5).startswith("warning")
    assert not verdict(0.7, 0.5).startswith("warning")


def test_without_a_record_there_is_nothing_to_warn_of() -> None:
    """The figure is told all the same."""
    assert verdict(0.1, None).startswith("ratio to the bare loop 0.100; none is recorded")
