"""The roles: what each may do, and on which keys."""

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path

import pytest

from app.acl import ADMIN, OPERATOR, ROLES, WORKER, Grant, acl_file, below
from app.passwords import kept_passwords, read_password
from stream.errors import ConfigurationError

ROOT = Path(__file__).parents[3]
PASSWORDS = {role: f"secret of {role}" for role in (ADMIN, *ROLES)}
CONTAINERS = ("XGROUP", "XINFO")  # commands that are told apart by their second word
_quoted = re.compile(r"""['"]([A-Z]{2,}(?:_RO)?)['"](?=(?:,\s*['"]([A-Z]+)['"])?)""").findall


@pytest.mark.parametrize("count", [1, 2, 9, 10, 11, 16, 19, 20, 99, 100, 101, 110, 256, 1000, 1024, 16384])
def test_patterns_match_the_partitions_and_nothing_else(count: int) -> None:
    """Each number below the count by one pattern; none from the count on, and nothing that is no number."""
    patterns = below(count)

    def matches(text: str) -> int:
        return sum(fnmatchcase(text, pattern) for pattern in patterns)

    assert all(matches(str(number)) == 1 for number in range(count))
    assert not any(matches(str(number)) for number in range(count, count + 2000))
    assert not any(map(matches, ("", "00", "01", "0:1", "b:0", "a", "-1", "100000")))
    assert len(patterns) <= 9


def test_a_prefix_is_taken_to_the_letter() -> None:
    """What has a meaning in a pattern loses it."""
    text = acl_file("a*b?[c]\\d", 1, PASSWORDS)

    assert r"~{a\*b\?\[c\]\\d:0}:in:trade" in text.replace("[0-0]", "0")


def test_no_password_is_in_the_file() -> None:
    """Only its SHA-256, which is how the server has it."""
    text = acl_file("p", 4, PASSWORDS)

    for role, password in PASSWORDS.items():
        assert password not in text
        user = "default" if role == ADMIN else f"p-{role}"
        (line,) = (line for line in text.splitlines() if line.startswith(f"user {user} "))
        assert f" #{sha256(password.encode()).hexdigest()} " in line
        assert "nopass" not in line


def _commands_in(*patterns: str) -> set[str]:
    """Commands that are named in sources of ours."""
    found: set[str] = set()
    for path in (path for pattern in patterns for path in ROOT.glob(pattern)):
        for word, second in _quoted(path.read_text(encoding="utf-8")):
            if word in CONTAINERS and second:
                found.add(f"{word}|{second}".lower())
            elif word in COMMANDS:
                found.add(word.lower())
    return found


def _commands_of(grants: Iterable[Grant]) -> set[str]:
    return {command for grant in grants for command in grant.commands}


# Words in capitals that are commands of the server; others are their arguments.
COMMANDS = re.findall(
    r"\w+",
    """
    COPY DEL EVAL EVALSHA EVAL_RO EVALSHA_RO EXISTS EXPIRE GET HDEL HEXISTS HGET HGETALL HINCRBY HKEYS HLEN
    HMGET HSCAN HSET HSETNX HVALS INCR INFO CONFIG LRANGE PERSIST PEXPIRE PTTL PUBLISH RENAME SCAN SET TIME
    TTL TYPE UNLINK WAIT XACK XADD XAUTOCLAIM XCLAIM XDEL XLEN XPENDING XRANGE XREAD XREADGROUP XREVRANGE
    XSETID XTRIM ZADD
    ZRANGE ZRANGEBYSCORE ZREM ZREMRANGEBYSCORE
    """,
)
READ_ONLY = {"eval_ro", "evalsha_ro"}


def test_a_worker_may_do_what_its_code_does() -> None:
    """The commands that the engine and the worker process name are those of the role, none more."""
    # stream/server.py knows where commands name their keys, and sends none.
    own = (f"stream/{path.name}" for path in ROOT.glob("stream/*.py") if path.name != "server.py")
    named = _commands_in(*own, "app/worker.py", "app/meta.py", "app/connect.py")

    assert named - READ_ONLY == _commands_of(WORKER) | {"time", "wait"}


def test_an_operator_may_do_what_the_command_line_does() -> None:
    """The commands that the rest of `app`, and what it uses of the engine, names are those of the role."""
    others = {str(path.relative_to(ROOT)) for path in ROOT.glob("app/**/*.py")}
    # Before it serves a worker looks, and recovering is for whoever may do what a worker does.
    others -= {"app/preflight.py", "app/recover.py"}
    # Changing the number of partitions is for the server's admin.
    others -= {str(path.relative_to(ROOT)) for path in ROOT.glob("app/repartition/*.py")}
    named = _commands_in(*others - {"app/acl.py", "app/worker.py", "app/meta.py", "app/logging.py"})
    # By `Client` and `Publisher`, and by what `replay` loads a partition with.
    through = {"eval", "evalsha", *READ_ONLY, "hgetall", "lrange", "xadd"}

    assert named | through == _commands_of(OPERATOR) | {"time"}


def test_passwords_are_made_once(tmp_path: Path) -> None:
    """Each is its own and long, in a file that only its owner can read; the second time they are the same."""
    made = kept_passwords(tmp_path / "kept", ["a", "b"])

    assert made["a"] != made["b"]
    assert all(len(password) >= 43 for password in made.values())  # 32 bytes in base 64
    for name in made:
        assert (tmp_path / "kept" / f"{name}.password").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o700
    assert kept_passwords(tmp_path / "kept", ["a", "b"]) == made


@pytest.mark.parametrize(("text", "says"), [(b" \n", "no password in"), (b"\xff", "not UTF-8")])
def test_a_file_without_a_password(tmp_path: Path, text: bytes, says: str) -> None:
    """An empty one is no password, for the server might take it for none."""
    (tmp_path / "a.password").write_bytes(text)

    with pytest.raises(ConfigurationError, match=says):
        read_password(tmp_path / "a.password")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """It is named."""
    with pytest.raises(ConfigurationError, match=r"Cannot read the password in .*gone"):
        read_password(tmp_path / "gone")
