"""
Who may do what on the server: the roles of a deployment, as lines of an ACL file.

Rules kept here:

1. A role may do what its part of the code does, and nothing else. A test reads the commands from the code.
2. A command is allowed together with the keys it is for, and for no others: each `Grant` is a selector.
3. Numbers of partitions are matched exactly, so that no role reaches into a deployment of a longer prefix.

Selectors and the marks for reading and writing need Redis 7 or Valkey.
"""

import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Final, NamedTuple

from stream.keys import Keys, meta_key, moved_key, subscribers_key, workers_key

READ: Final = "%R~"
WRITE: Final = "%W~"
BOTH: Final = "~"
META, WORKERS, MOVED, SUBSCRIBERS = "meta", "workers", "moved", "subscribers"
_OF_ALL: Final[dict[str, Callable[[str], str]]] = {
    META: meta_key,
    WORKERS: workers_key,
    MOVED: moved_key,
    SUBSCRIBERS: subscribers_key,
}
"""Keys that are of no partition."""

# What a connection needs itself. AUTH and HELLO are allowed to everybody; CLIENT SETINFO, by which clients
# tell their version, is not known to Redis 7.0, and they go on without.
# The last two are how a cluster's clients learn where a key is.
CONNECTION: Final = ("ping", "select", "cluster|slots", "command")


class Grant(NamedTuple):
    """Commands, how they may use keys, and which: the ends of names behind a partition's tag."""

    commands: tuple[str, ...]
    use: str
    keys: tuple[str, ...]


BOT: Final = (Grant(("xadd",), WRITE, ("in:trade", "in:balance")),)

SUBSCRIBER: Final = (
    Grant(("xread", "xrange", "xrevrange", "xlen", "xinfo|stream"), READ, ("out:*",)),
    Grant(("hget", "hset"), BOTH, ("cursors",)),
)

WORKER: Final = (
    Grant(
        (
            *("exists", "get", "hget", "hgetall", "hmget", "hscan", "lrange", "pttl", "type"),
            *("xinfo|groups", "xinfo|stream", "xrange", "xrevrange"),
        ),
        READ,
        ("*", META, MOVED, SUBSCRIBERS),
    ),
    Grant(("zadd", "zrange", "zrem", "zremrangebyscore", "eval", "evalsha"), BOTH, (WORKERS,)),
    Grant(("xreadgroup", "xgroup|create", "xgroup|destroy"), BOTH, ("in:*",)),
    Grant(("xadd",), WRITE, ("in:clock", "out:*", "dead")),
    Grant(("hset", "hsetnx", "hdel"), WRITE, ("checkpoint", "state:*", META)),
    # What it trims, a script decides that looks at the checkpoint first.
    Grant(("xtrim",), WRITE, ("in:*", "out:*")),
    Grant(("xdel", "hdel"), WRITE, ("dead", "dead:handled")),
    Grant(("set", "pexpire", "del"), BOTH, ("lease",)),
    Grant(("set", "del"), WRITE, ("window",)),
    # What a newer version makes of the state it finds, and the backup of that.
    Grant(("copy",), BOTH, ("checkpoint", "state:*", "backup:*")),
    Grant(("rename", "del"), BOTH, ("state:*", "next:*", "backup:*")),
    Grant(("hset",), WRITE, ("next:*",)),
    # A script needs the right to all of its keys; what it does with each is compared with the lines above.
    Grant(("eval", "evalsha"), BOTH, ("*", META)),
)

OPERATOR: Final = (
    Grant(
        (
            *("eval_ro", "evalsha_ro", "exists", "get", "hget", "hgetall", "hkeys", "hlen", "hvals"),
            *("lrange", "pttl", "xinfo|stream", "xlen", "xrange", "xread", "xrevrange"),
        ),
        READ,
        ("*", META, MOVED, SUBSCRIBERS),
    ),
    Grant(("zrangebyscore",), READ, (WORKERS,)),
    Grant(("hset", "hdel"), WRITE, (MOVED, SUBSCRIBERS, "cursors")),
    # Commands and goals; and fills and balances too, for that is what sending a dead letter again does.
    Grant(("xadd",), WRITE, ("in:*",)),
    Grant(("hset",), WRITE, ("dead:handled",)),
    Grant(("eval", "evalsha"), BOTH, ("in:*", "dead", "dead:handled")),
)

ADMIN: Final = "admin"  # the server's own default user

ROLES: Final[dict[str, tuple[Grant, ...]]] = {
    "bot": BOT,
    "subscriber": SUBSCRIBER,
    "worker": WORKER,
    "operator": OPERATOR,
}

_ANYWHERE: Final[dict[str, tuple[str, ...]]] = {
    "worker": ("time", "wait"),
    "operator": ("time",),
}  # commands without keys


def user_name(prefix: str, role: str) -> str:
    """Name of the user that has a role in a deployment."""
    return f"{prefix}-{role}"


def acl_file(prefix: str, partitions: int, passwords: Mapping[str, str]) -> str:
    """
    Return an ACL file: a user for each role, and the default one, which may do everything.

    Args:
        prefix: of the deployment's keys.
        partitions: how many it has.
        passwords: by role, `ADMIN` among them; only their hashes are in the file.

    """
    lines = [f"user default on {_hashed(passwords[ADMIN])} ~* &* +@all"]
    for role, grants in ROLES.items():
        allowed = " ".join(f"+{command}" for command in (*CONNECTION, *_ANYWHERE.get(role, ())))
        selectors = " ".join(_selector(prefix, partitions, grant) for grant in grants)
        who = f"user {user_name(prefix, role)} on {_hashed(passwords[role])}"
        lines.append(f"{who} resetchannels -@all {allowed} {selectors}")
    return "\n".join(lines) + "\n"


def _selector(prefix: str, partitions: int, grant: Grant) -> str:
    keys: list[str] = []
    for key in grant.keys:
        if key in _OF_ALL:
            keys.append(_literal(_OF_ALL[key](prefix)))
        else:
            keys += [f"{_tag(prefix, numbers)}:{key}" for numbers in below(partitions)]
    words = [*(f"+{command}" for command in grant.commands), *(f"{grant.use}{key}" for key in keys)]
    return f"(-@all {' '.join(words)})"


def _tag(prefix: str, numbers: str) -> str:
    """Pattern of the tags of partitions."""
    start, end = Keys(prefix, 0).tag.rsplit("0", 1)
    return f"{_literal(start)}{numbers}{end}"


def _literal(text: str) -> str:
    return re.sub(r"([\\*?\[\]])", r"\\\1", text)


def _hashed(password: str) -> str:
    return f"#{sha256(password.encode()).hexdigest()}"


def below(count: int) -> list[str]:
    """Glob patterns that together match the numbers from 0 to below ``count``, and nothing else."""
    last = str(count - 1)
    shorter = ["[0-9]", *("[1-9]" + "[0-9]" * more for more in range(1, len(last)))][: len(last) - 1]
    patterns = shorter
    for place, digit in enumerate(last):
        behind = len(last) - place - 1
        lowest = int(place == 0 and behind > 0)
        highest = int(digit) - (behind > 0)
        if lowest <= highest:
            digits = str(lowest) if lowest == highest else f"[{lowest}-{highest}]"
            patterns.append(last[:place] + digits + "[0-9]" * behind)
    return patterns
