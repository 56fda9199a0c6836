"""Where the wallets of a deployment live, and have lived."""

from typing import Any
from unittest.mock import Mock

from app.deployment import Deployment

NOBODY: Any = Mock()

# CRC16/XMODEM of "123456789", as its catalogue has it: 0x31C3, which is 12739.
WALLET = "123456789"


def _numbers(found: list[Any]) -> list[int]:
    return [keys.partition for keys in found]


def test_homes_are_in_the_order_of_time() -> None:
    """12739 is 3 of 4, 1 of 3 and 4 of 5; each once, and the last is where the wallet lives."""
    assert _numbers(Deployment(NOBODY, "p", 3, (1, 4)).homes(WALLET)) == [0, 3, 1]
    assert _numbers(Deployment(NOBODY, "p", 1, (1, 4)).homes(WALLET)) == [3, 0]
    assert _numbers(Deployment(NOBODY, "p", 5).homes(WALLET)) == [4]
    assert Deployment(NOBODY, "p", 5).home(WALLET).partition == 4


def test_partitions_that_were_given_up() -> None:
    """Those that there were once and are no more."""
    assert _numbers(Deployment(NOBODY, "p", 2, (1, 4, 3)).given_up) == [2, 3]
    assert _numbers(Deployment(NOBODY, "p", 4, (1, 3)).given_up) == []
    assert _numbers(Deployment(NOBODY, "p", 4).given_up) == []
