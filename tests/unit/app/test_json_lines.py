"""Events as lines of JSON."""

from io import BytesIO

import pytest

from app.json_lines import Line, check_tick, lines_of, wallet_of
from stream.errors import ConfigurationError


class _Dripping(BytesIO):
    """A pipe that gives a few bytes at a time."""

    def read1(self, _size: int | None = -1, /) -> bytes:
        return self.read(3)


def test_lines_are_passed_on_as_they_are() -> None:
    """Bytes, spaces and numbers stay; line ends and empty lines go, and are counted."""
    text = b'{"wallet":"a", "price":1.10}\r\n\n  \n {"wallet":"b"} \n{"wallet":"c"}'

    lines = [line for batch in lines_of(BytesIO(text)) for line in batch]

    assert lines == [
        Line(1, b'{"wallet":"a", "price":1.10}'),
        Line(4, b' {"wallet":"b"} '),
        Line(5, b'{"wallet":"c"}'),
    ]


def test_lines_that_come_in_pieces() -> None:
    """A line may arrive over several reads, and a read may hold several lines."""
    text = b"one\ntwo\n\nthree"

    lines = [line for batch in lines_of(_Dripping(text)) for line in batch]

    assert lines == [Line(1, b"one"), Line(2, b"two"), Line(4, b"three")]


def test_the_wallet_of_an_event() -> None:
    """Only the wallet is read; what else stands there is the engine's business."""
    assert wallet_of(b'{"id":1,"wallet":"alpha","price":NaN}'.replace(b"NaN", b'"x"')) == "alpha"


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (b"nonsense", "is not JSON"),
        (b'{"wallet":"a"', "is not JSON"),
        (b'{"wallet":"a"} {}', "is not JSON"),
        (b'{"wallet":"\xff"}', "is not JSON"),
        (b"[1]", 'needs a member "wallet"'),
        (b'{"id":"x"}', 'needs a member "wallet"'),
        (b'{"wallet":7}', 'needs a member "wallet"'),
        (
            b'{"wallet":"a","more":"' + b"x" * (1 << 20) + b'"}',
            "has 1048600 bytes; an event has at most 1048576",
        ),
    ],
)
def test_what_is_no_event(event: bytes, says: str) -> None:
    """What could not be sent to a wallet's partition, or would not be taken there, is refused."""
    with pytest.raises(ConfigurationError, match=says):
        wallet_of(event)


def test_ticks_are_for_no_wallet() -> None:
    """A tick is any JSON object."""
    check_tick(b'{"timestamp":1}')

    with pytest.raises(ConfigurationError, match="is no JSON object"):
        check_tick(b"[]")
