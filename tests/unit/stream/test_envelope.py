"""The envelope that every output wears."""

from datetime import datetime

import msgspec
import pytest

from stream.envelope import envelope, rfc3339
from stream.types import Emit


@pytest.mark.parametrize(
    ("time_ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1, "1970-01-01T00:00:00.001Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (1_763_716_322_000, "2025-11-21T09:12:02.000Z"),
        (1_763_716_322_099, "2025-11-21T09:12:02.099Z"),
        (1_763_716_322_999, "2025-11-21T09:12:02.999Z"),
        (4_102_444_799_999, "2099-12-31T23:59:59.999Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
    ],
)
def test_times_are_rfc_3339_in_utc_with_three_digits(time_ms: int, text: str) -> None:
    """Exact to the millisecond, leap days and all."""
    assert rfc3339(time_ms) == text
    assert datetime.fromisoformat(text).timestamp() * 1000 == pytest.approx(time_ms, abs=0.01)


def test_an_output_is_a_cloud_event() -> None:
    """The members of CloudEvents 1.0 with ours, in the order of the wire's example."""
    emit = Emit("count", "word_counted", "/words", "härz", 1_763_716_322_000, {"word": "härz", "count": 7})

    written = envelope(emit, "0/in:word/1763716322000-0/2", "w17")

    assert msgspec.json.decode(written) == {
        "specversion": "1.0",
        "id": "0/in:word/1763716322000-0/2",
        "source": "/words",
        "type": "sluicegate.word_counted.v1",
        "subject": "härz",
        "time": "2025-11-21T09:12:02.000Z",
        "causationid": "w17",
        "data": {"word": "härz", "count": 7},
    }
    assert written.startswith(b'{"specversion":"1.0","id":"0/in:word/')
    assert written.endswith('"data":{"word":"härz","count":7}}'.encode())


def test_the_same_output_is_written_in_the_same_bytes() -> None:
    """A replay gives what was there, to the byte."""
    emits = [Emit("count", "word_counted", "/words", "a", 5, {"z": 1, "a": [1, "2"]}) for _ in range(2)]

    assert envelope(emits[0], "i", "c") == envelope(emits[1], "i", "c")
