"""Signed fills from end to end, and the example of the documentation as it stands there."""

import json
import os
import re
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from nacl.signing import SigningKey

from tests.integration.command_line import ROOT, CommandLine, wait_until

EXAMPLE: Final = re.search(
    r"```python\n(.*?)```", (ROOT / "docs" / "security.md").read_text(encoding="utf-8"), re.DOTALL
)
KEY: Final = SigningKey(bytes(32))
PUBLIC: Final = b64encode(bytes(KEY.verify_key)).decode()
FLEET: Final = f"""
[[wallet]]
id = "alpha"
currency = "USD"
deposit = "10000"
[[wallet.farm]]
id = "trend"
[[wallet.farm.agent]]
id = "darvas-aapl"
public_key = "{PUBLIC}"
"""


@pytest.fixture
def signing(sluicegate: CommandLine, tmp_path: Path) -> Iterator[CommandLine]:
    """Give a deployment with a worker and an agent whose key is known."""
    (tmp_path / "fleet.toml").write_text(FLEET, encoding="utf-8")
    with sluicegate.worker():
        assert sluicegate("apply", tmp_path / "fleet.toml").exit_code == 0
        assert "Nothing to do" in sluicegate("apply", tmp_path / "fleet.toml").stdout
        yield sluicegate


def _applied(signing: CommandLine, count: int) -> None:
    key = signing.keys().checkpoint
    wait_until(lambda: signing.redis.hget(key, "in:trade:applied") == str(count))


def _agent(signing: CommandLine) -> Any:
    stored = signing.redis.hget(signing.keys().state("agents"), "alpha/darvas-aapl")
    return json.loads(stored)


def test_the_example_of_the_documentation(signing: CommandLine, tmp_path: Path) -> None:
    """Run as it stands, but for the prefix, it makes a key, prints its public half and signs a fill."""
    assert EXAMPLE is not None
    script = EXAMPLE[1].replace("{sluicegate:0}", f"{{{signing.prefix}:0}}")
    (tmp_path / "darvas-aapl.key").write_bytes(bytes(KEY))

    environment = os.environ | signing.variables
    ran = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert ran.stdout.strip() == PUBLIC
    _applied(signing, 1)
    assert _agent(signing)["trades"] == 1


def test_a_dead_letter_is_sent_again_with_its_signature(signing: CommandLine) -> None:
    """Fills of before their agent is known; the fold of the input then sees what the worker saw."""
    now = int(signing.redis.time()[0]) * 1000
    for number in range(3):
        event = {"id": f"{number}", "wallet": "alpha", "agent": "later", "timestamp": now, "price": "2"}
        text = json.dumps(event | {"symbol": "AAPL/USD", "side": "buy", "amount": "1"})
        signature = b64encode(KEY.sign(b"in:trade" + text.encode()).signature)
        fields = {"event": text} if number == 2 else {"event": text, "signature": signature}
        signing.redis.xadd(signing.keys().input("trade"), fields)
    _applied(signing, 3)
    register = {"id": "r", "wallet": "alpha", "timestamp": now, "kind": "agent_register", "agent": "later"}
    text = json.dumps(register | {"farm": "trend", "public_key": PUBLIC})
    assert signing("publish", "command", "-", text=text).exit_code == 0
    wait_until(lambda: signing.redis.hexists(signing.keys().state("agents"), "alpha/later"))

    assert signing("dead", "retry", "--all").stdout == "3 retried\n"

    _applied(signing, 6)
    (letter,) = signing.json("dead", "list")
    assert letter["reason"] == "unsigned"
    later = json.loads(signing.redis.hget(signing.keys().state("agents"), "alpha/later"))
    assert later["trades"] == 2
    assert "agree" in signing("replay").stdout
