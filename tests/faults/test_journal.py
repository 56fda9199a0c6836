"""What the journal of a wallet must hold, where the load of `test_kill` does not go."""

from pathlib import Path
from typing import Any

import msgspec

from tests.faults.checker import check_partition
from tests.faults.load import Load, rules
from tests.faults.process import WorkerProcess, wait_until_applied
from tests.faults.publishing import publish
from tests.faults.server import Server, now_ms


def test_fills_that_move_no_money_are_counted_in_a_transaction_too(server: Server, tmp_path: Path) -> None:
    """Two fills of a derivative without fees, of which only the second moves money, are two fills told."""
    client = server.client()
    start_ms = now_ms(client) - 3_600_000
    header: dict[str, Any] = {"wallet": "alpha", "timestamp": start_ms}
    commands: list[dict[str, Any]] = [
        {"kind": "wallet_create", "currency": "USDT", "rules": rules(clock="event")},
        {"kind": "deposit", "amount": "1000"},
        {"kind": "farm_create", "farm": "trend"},
        {"kind": "agent_register", "agent": "bot-1", "farm": "trend"},
        {"kind": "allocate", "agent": "bot-1", "amount": "500"},
    ]
    fills: list[dict[str, Any]] = [
        {"side": "buy", "price": "60000", "timestamp": start_ms},
        {"side": "sell", "price": "60100", "timestamp": start_ms + 600_000},
    ]
    fill = {"wallet": "alpha", "agent": "bot-1", "symbol": "BTC/USDT:USDT", "amount": "0.01"}
    load = Load(
        [msgspec.json.encode({"id": f"c{i}", **header, **body}) for i, body in enumerate(commands)],
        [(b"event", msgspec.json.encode({"id": f"f{i}", **fill, **body})) for i, body in enumerate(fills)],
    )
    with WorkerProcess(tmp_path / "log", redis=server.url) as worker:
        publish(client, load)
        wait_until_applied(client, worker)
        assert worker.terminate() == 0

    check_partition(client)
