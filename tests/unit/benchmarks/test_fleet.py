"""What is measured with: fills, and what they come to."""

import json
from decimal import Decimal

from benchmarks.fleet import Fleet, books, checksum, fills, fold, together


def event(name: str, side: str, price: str, amount: str) -> bytes:
    """Make a fill of one agent, with a fee of 0.01."""
    body = {"id": name, "wallet": "w0", "agent": "a1", "symbol": "C1/USDT", "side": side}
    fee = {"currency": "USDT", "cost": "0.01"}
    return json.dumps(body | {"price": price, "amount": amount, "fee": fee, "timestamp": 5}).encode()


def test_fills_come_to_cash_and_positions() -> None:
    """3 bought at 10.5 and 1 sold at 12, each for 0.01: cash -31.5 + 12 - 0.02, and 2 are left."""
    some = [event("1", "buy", "10.50", "3"), event("2", "sell", "12", "1")]

    assert fold(some) == {"w0/a1": (Decimal("-19.52"), {"C1/USDT": Decimal(2)})}


def test_a_closed_position_is_none() -> None:
    """As a worker stores it."""
    some = [event("1", "buy", "10", "1.5"), event("2", "sell", "10", "1.5")]

    assert fold(some) == {"w0/a1": (Decimal("-0.02"), {})}


def test_what_a_worker_stored_is_compared_without_what_it_was_given() -> None:
    """Each agent begins with 400,000; one that did not trade is left out."""
    base = {"wallet": "w0", "positions": {"C1/USDT": {"amount": "2"}}}
    stored = [
        json.dumps(base | {"id": "a1", "cash": "399980.48", "trades": 2}).encode(),
        json.dumps(base | {"id": "a2", "cash": "400000", "trades": 0}).encode(),
    ]

    assert books(stored) == {"w0/a1": (Decimal("-19.52"), {"C1/USDT": Decimal(2)})}


def test_no_two_fills_have_one_id_and_a_seed_gives_the_same_again() -> None:
    """A repeat would not be applied, and comparisons need the same fills."""
    some = fills(Fleet(wallets=3, agents=5), 1000, 1)

    assert len({json.loads(fill)["id"] for fill in some}) == 1000
    assert some == fills(Fleet(wallets=3, agents=5), 1000, 1)
    assert checksum(some)[0] == 1000


def test_fills_stay_within_their_fleet() -> None:
    """Of two wallets of three agents."""
    some = [json.loads(fill) for fill in fills(Fleet(wallets=2, agents=3), 200, 1)]

    assert {(fill["wallet"], fill["agent"]) for fill in some} == {
        (wallet, agent) for wallet in ("w0", "w1") for agent in ("a0", "a1", "a2")
    }


def test_fills_in_two_parts_come_to_the_same() -> None:
    """However they are cut, also where an agent trades in one part only, or closes what it had."""
    some = fills(Fleet(wallets=2, agents=30), 300, 1)
    some += [event("1", "buy", "10", "1"), event("2", "sell", "10", "1")]

    assert together(fold(some[:120]), fold(some[120:])) == fold(some)
    assert together(fold(some[:301]), fold(some[301:])) == fold(some)
