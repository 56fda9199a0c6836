"""Each role does its work end to end on a server with the ACL file, and nothing else."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from redis.exceptions import ResponseError

from app.acl import ROLES, user_name
from stream.client import translated
from stream.errors import ConfigurationError
from stream.keys import Keys
from tests.integration.command_line import CommandLine, wait_until
from tests.integration.secured import PARTITIONS, Secured, secured
from tests.support.programs import EACH

NOW: Final = 1_700_000_000_000
FLEET: Final = """
[[wallet]]
id = "alpha"
currency = "USDT"
deposit = "1000"
[wallet.rules]
clock = "event"
[[wallet.farm]]
id = "f"
[[wallet.farm.agent]]
id = "a1"
[[wallet.goal]]
id = "g"
goal_type = "trade_volume"
target = { trades = 2 }
assigned = [{ type = "farm", id = "f" }]
"""


@pytest.fixture(params=EACH)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """Give each server in turn, with users of its own."""
    # A prefix with every character that means something in a pattern.
    with secured(request.param, tmp_path_factory.mktemp("server"), r"a*b?[c]\d") as found:
        yield found


def _home(server: Secured) -> Keys:
    found = [Keys(server.prefix, p) for p in range(PARTITIONS)]
    return next(keys for keys in found if server.admin.hexists(keys.state("wallets"), "alpha"))


def _fill(number: int, **members: Any) -> dict[str, str]:
    event = {"id": f"f{number}", "wallet": "alpha", "agent": "a1", "timestamp": NOW + number}
    event |= {"symbol": "BTC/USDT", "side": "buy", "price": "100", "amount": "0.1"}
    return {"event": json.dumps(event | members)}


def test_each_role_does_its_work(server: Secured, tmp_path: Any) -> None:
    """A worker works, an operator declares and looks, a bot publishes, a subscriber reads."""
    (tmp_path / "fleet.toml").write_text(FLEET, encoding="utf-8")
    operator, bot = server.command_line("operator"), server.as_role("bot")
    with server.command_line("worker").worker("--partitions", str(PARTITIONS)):
        assert operator("apply", tmp_path / "fleet.toml").exit_code == 0
        home = _home(server)
        balance = {"id": "b", "wallet": "alpha", "agent": "a1", "timestamp": NOW, "prices": {"BTC/USDT": "1"}}
        bot.xadd(home.input("balance"), {"event": json.dumps(balance)})
        for fields in (_fill(1), _fill(2), _fill(3, agent="unknown"), _fill(4, price="none")):
            bot.xadd(home.input("trade"), fields)
        wait_until(lambda: server.admin.hget(home.checkpoint, "in:trade:applied") == "4")

        assert operator("subscribers", "add", "desk", "wallet").exit_code == 0
        subscriber = server.as_role("subscriber")
        told = subscriber.xread({home.output("wallet"): "0"})
        assert "goal_completed" in json.dumps(told)
        subscriber.hset(home.cursors, "desk/wallet", told[0][1][-1][0])
        assert any(one["cursor"] == told[0][1][-1][0] for one in operator.json("subscribers", "list"))
        rebalance = {"id": "c", "wallet": "alpha", "timestamp": NOW, "kind": "rebalance"}
        assert operator("publish", "command", "-", text=json.dumps(rebalance)).exit_code == 0
        wait_until(lambda: server.admin.xlen(home.output("rebalance")))
        assert operator.json("status")["wallets"][0]["id"] == "alpha"
        assert operator("plan", "alpha", "--method", "equal").exit_code == 0
        assert operator("ledger", "verify").exit_code == 0
        assert operator("report", "alpha").exit_code == 0
        assert operator("partitions", "list").exit_code == 0
        assert operator("partitions", "move", "0", "any").exit_code == 0
        assert "goal_completed" in operator("tail", "--no-follow").stdout
        unknown, nonsense = (letter["id"] for letter in operator.json("dead", "list"))
        assert operator("dead", "retry", unknown).stdout == "1 retried\n"
        assert operator("dead", "drop", nonsense).stdout == "1 dropped\n"
        wait_until(lambda: server.admin.hget(home.checkpoint, "in:trade:applied") == "5")
        assert operator("subscribers", "remove", "desk").exit_code == 0
    assert "state and outputs agree" in operator("replay").stdout


P0: Final = "{prefix:0}"
FORBIDDEN: Final[dict[str, list[tuple[Any, ...]]]] = {
    "bot": [
        ("XADD", P0 + ":in:command", "*", "event", "{}"),
        ("XADD", P0 + ":in:goal", "*", "event", "{}"),
        ("XADD", P0 + ":in:clock", "*", "event", "{}"),
        ("XADD", P0 + ":out:wallet", "*", "event", "{}"),
        ("XADD", "{prefix:2}:in:trade", "*", "event", "{}"),  # there are partitions 0 and 1
        ("XADD", "{prefix:x:0}:in:trade", "*", "event", "{}"),  # of a deployment with a longer prefix
        ("XRANGE", P0 + ":in:trade", "-", "+"),
        ("XTRIM", P0 + ":in:trade", "MAXLEN", 0),
        ("XDEL", P0 + ":in:trade", "1-1"),
        ("DEL", P0 + ":in:trade"),
        ("XRANGE", P0 + ":out:allocation", "-", "+"),
        ("HGETALL", P0 + ":state:wallets"),
        ("EVAL", "return redis.call('XRANGE', KEYS[1], '-', '+')", 1, P0 + ":in:trade"),
    ],
    "subscriber": [
        ("XADD", P0 + ":out:wallet", "*", "event", "{}"),
        ("XADD", P0 + ":in:trade", "*", "event", "{}"),
        ("XRANGE", P0 + ":in:trade", "-", "+"),
        ("XREAD", "STREAMS", P0 + ":dead", "0"),
        ("XREAD", "STREAMS", P0 + ":out:wallet", P0 + ":in:trade", "0", "0"),
        ("XGROUP", "CREATE", P0 + ":out:wallet", "g", "0", "MKSTREAM"),
        ("XREADGROUP", "GROUP", "g", "c", "STREAMS", P0 + ":out:wallet", ">"),
        ("XACK", P0 + ":out:wallet", "g", "1-1"),
        ("XTRIM", P0 + ":out:wallet", "MAXLEN", 0),
        ("HGETALL", P0 + ":state:wallets"),
        ("HDEL", P0 + ":cursors", "desk/wallet"),
        ("HSET", "prefix:subscribers", "desk", "{}"),
        ("GET", P0 + ":lease"),
    ],
    "worker": [
        ("XADD", "{prefix:2}:in:clock", "*", "event", "{}"),
        ("SET", "{prefix:x:0}:lease", "me"),
        ("XTRIM", P0 + ":dead", "MAXLEN", 0),
        ("XDEL", P0 + ":in:trade", "1-1"),
        ("HSET", P0 + ":cursors", "desk/wallet", "1-1"),
        ("HSET", "prefix:subscribers", "desk", "{}"),
        ("XSETID", P0 + ":in:trade", "9-9"),
        ("RENAME", P0 + ":in:trade", P0 + ":in:goal"),
        ("XGROUP", "SETID", P0 + ":in:trade", "g", "0"),
        ("UNLINK", P0 + ":lease"),
        ("DEL", P0 + ":in:trade"),
        ("XADD", P0 + ":in:trade", "*", "event", "{}"),
        ("XADD", P0 + ":in:command", "*", "event", "{}"),
        ("EVAL", "return redis.call('XADD', KEYS[1], '*', 'event', '{}')", 1, P0 + ":in:trade"),
        ("EVAL", "return redis.call('XTRIM', KEYS[1], 'MAXLEN', 0)", 1, P0 + ":dead"),
    ],
    "operator": [
        ("HSET", P0 + ":state:wallets", "alpha", "{}"),
        ("HSET", P0 + ":checkpoint", "epoch", 9),
        ("HSET", "prefix:meta", "partitions", 9),
        ("SET", P0 + ":lease", "me"),
        ("DEL", P0 + ":lease"),
        ("XADD", P0 + ":out:wallet", "*", "event", "{}"),
        ("XADD", P0 + ":dead", "*", "event", "{}"),
        ("HDEL", P0 + ":dead:handled", "1-1"),
        ("XTRIM", P0 + ":in:trade", "MAXLEN", 0),
        ("XGROUP", "CREATE", P0 + ":in:trade", "g", "0", "MKSTREAM"),
        ("HGETALL", "{prefix:2}:state:wallets"),
        ("EVAL", "return redis.call('XADD', KEYS[1], '*', 'event', '{}')", 1, P0 + ":dead"),
        ("EVAL", "return redis.call('HSET', KEYS[1], 'alpha', '{}')", 1, P0 + ":state:wallets"),
    ],
}
TO_NOBODY: Final[list[tuple[Any, ...]]] = [
    ("GET", "elsewhere"),
    ("SET", "elsewhere", "1"),
    ("KEYS", "*"),
    ("SCAN", "0"),
    ("FLUSHALL",),
    ("CONFIG", "GET", "*"),
    ("ACL", "LIST"),
    ("ACL", "SETUSER", "me"),
    ("MONITOR",),
    ("CLIENT", "LIST"),
    ("PUBLISH", "channel", "text"),
    ("SUBSCRIBE", "channel"),
    ("SHUTDOWN",),
    ("INFO",),
    ("SCRIPT", "FLUSH"),
    ("FUNCTION", "LIST"),
]


def test_no_role_does_anything_else(server: Secured) -> None:
    """Every command beyond a role is refused by the server, in a script too."""
    for role in ROLES:
        client = server.as_role(role)
        assert client.ping()
        for command in [*FORBIDDEN[role], *TO_NOBODY]:
            words = [w.replace("prefix", server.prefix) if isinstance(w, str) else w for w in command]
            with pytest.raises(ResponseError) as caught:
                client.execute_command(*words)
            error = translated(caught.value, words[0])
            assert isinstance(error, ConfigurationError), (role, command, str(error))
    assert not server.admin.keys("*")


def test_a_consumer_group_may_be_allowed(server: Secured) -> None:
    """The words that the documentation adds to a subscriber are enough for a group, and for no more."""
    home = Keys(server.prefix, 0)
    pattern = r"a\*b\?\[c\]\\d"
    added = f"(+xreadgroup +xack +xgroup|create ~{{{pattern}:0}}:out:*)"
    server.admin.execute_command("ACL", "SETUSER", user_name(server.prefix, "subscriber"), added)
    server.admin.xadd(home.output("wallet"), {"event": "{}"})
    subscriber = server.as_role("subscriber")

    subscriber.xgroup_create(home.output("wallet"), "g", "0")
    ((_, ((entry, _),)),) = subscriber.xreadgroup("g", "me", {home.output("wallet"): ">"})

    assert subscriber.xack(home.output("wallet"), "g", entry) == 1
    with pytest.raises(ResponseError):
        subscriber.xgroup_create(home.input("trade"), "g", "0")


@pytest.mark.parametrize("server", EACH[:1], indirect=True)
@pytest.mark.parametrize(
    ("role", "words"),
    [
        ("bot", ("worker", "--partitions", "2", "--metrics-port", "0")),
        ("operator", ("worker", "--partitions", "2", "--metrics-port", "0")),
        ("subscriber", ("status",)),
        ("bot", ("tail",)),
        ("worker", ("publish", "trade", "-")),
    ],
)
def test_the_wrong_role_is_told_so(server: Secured, role: str, words: tuple[str, ...]) -> None:
    """Whoever starts something that its user may not do is told in one sentence."""
    server.admin.hset(f"{server.prefix}:meta", mapping={"schema": 1, "partitions": PARTITIONS})
    if role == "worker":
        server.admin.acl_setuser("x", enabled=True)
        server.admin.execute_command("ACL", "SETUSER", user_name(server.prefix, role), "clearselectors")

    said = server.command_line(role).refused(*words, text='{"wallet":"alpha"}')

    assert said.startswith("The server's user may not do this (")
    assert "sluicegate acl makes them" in said


def test_where_passwords_cannot_be_kept(sluicegate: CommandLine, tmp_path: Path) -> None:
    """The folder is named, and nothing is printed that could be taken for an ACL file."""
    (tmp_path / "taken").write_text("", encoding="utf-8")

    result = sluicegate("acl", "--passwords", tmp_path / "taken")

    assert (result.exit_code, result.stdout) == (1, "")
    assert f"Cannot keep passwords in {tmp_path / 'taken'}" in result.stderr


@pytest.mark.parametrize("server", EACH[:1], indirect=True)
def test_a_user_that_may_do_nothing(server: Secured) -> None:
    """Not even say that it is there: it is told so, and not that there is no server."""
    server.admin.execute_command("ACL", "SETUSER", user_name(server.prefix, "bot"), "-ping")

    said = server.command_line("bot").refused("status")

    assert f"The server at redis://{server.address} allows this user nothing: " in said


@pytest.mark.parametrize("server", EACH[:1], indirect=True)
def test_a_right_that_is_taken_away_while_a_worker_runs(server: Secured) -> None:
    """The worker ends, and says in one sentence why: no trying again would help."""
    line = server.command_line("worker")
    line.variables |= {"SLUICEGATE_LEASE_MS": "300", "SLUICEGATE_BATCH": "400"}
    with line.process("worker", "--partitions", "2", "--metrics-port", "0") as process:
        wait_until(lambda: server.admin.exists(Keys(server.prefix, 1).lease) or process.poll() is not None)
        server.admin.execute_command("ACL", "SETUSER", user_name(server.prefix, "worker"), "clearselectors")

        _, log = process.communicate(timeout=30)

    assert process.returncode == 1
    (said,) = (line for line in log.splitlines() if line.startswith("Error: "))
    assert said.startswith("Error: The server's user may not do this (")


@pytest.mark.parametrize("server", EACH[:1], indirect=True)
def test_a_password_may_change_while_a_worker_runs(server: Secured) -> None:
    """The file is read at each connection: whoever writes the new one there loses nothing."""
    user = user_name(server.prefix, "worker")
    with server.command_line("worker").worker("--partitions", "2") as process:
        (server.passwords / "worker.password").write_text("the new one\n", encoding="utf-8")
        server.admin.execute_command("ACL", "SETUSER", user, "resetpass", ">the new one")
        server.admin.execute_command("CLIENT", "KILL", "USER", user)
        home = Keys(server.prefix, 0)
        server.as_role("bot").xadd(home.input("trade"), {"event": "{}"})
        wait_until(lambda: server.admin.xlen(home.dead) == 1)
        assert process.poll() is None


@pytest.mark.parametrize("server", EACH[:1], indirect=True)
def test_no_password_is_told_or_stored(server: Secured) -> None:
    """Neither logs nor errors nor any value at the server have it, whether it came by a file or a URL."""
    secret = server.password_of("worker")
    by_file, by_url = server.command_line("worker"), server.command_line("worker")
    del by_url.variables["SLUICEGATE_REDIS_USER"], by_url.variables["SLUICEGATE_REDIS_PASSWORD_FILE"]
    user = user_name(server.prefix, "worker").replace("?", "%3F").replace("[", "%5B").replace("]", "%5D")
    by_url.variables["SLUICEGATE_REDIS"] = f"redis://{user}:{secret}@{server.address}"
    home = Keys(server.prefix, 0)
    for number, line in enumerate((by_file, by_url), 1):
        with line.process("worker", "--partitions", "2", "--metrics-port", "0") as process:
            server.as_role("bot").xadd(home.input("trade"), {"event": "{}"})
            wait_until(lambda count=number: server.admin.xlen(home.dead) == count)
            server.admin.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            process.terminate()
            out, log = process.communicate(timeout=30)
        assert process.returncode == 0, log
        assert "partition owned" in log
        assert secret not in out + log
        assert secret not in line("worker", "--partitions", "3").output
    for key in server.admin.keys("*"):
        assert secret.encode() not in server.client("default", "admin").dump(key)
