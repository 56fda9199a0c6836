"""The simulated server answers as a real one does, command by command and script by script."""

from random import Random
from typing import Any

import pytest
import redis
from redis.exceptions import ResponseError

from stream import scripts
from stream.keys import Keys
from tests.simulation.server import Server
from tests.simulation.store import RefusedError
from tests.simulation.virtual_time import run

Words = list[Any]


class Both:
    """A real server and the simulated one, asked the same."""

    def __init__(self, url: str) -> None:
        self.real: Any = redis.Redis.from_url(url, protocol=2)
        self.real.response_callbacks.clear()
        self.simulated = Server(Random(0), before_7_2=False)

    def ask(self, *words: Any) -> tuple[Any, Any]:
        """Replies of both, in one form."""
        try:
            real: Any = self.real.execute_command(*words)
        except ResponseError as error:
            real = str(error).split()[0]
        try:
            simulated = self._simulated(words)
        except RefusedError as error:
            simulated = str(error).removeprefix("ERR ").split()[0]
        return _form(words[0], real), _form(words[0], simulated)

    def run(self, script: str, keys: Words, arguments: Words) -> tuple[Any, Any]:
        """Replies of both to a script."""
        try:
            real: Any = self.real.eval(script, len(keys), *keys, *arguments)
        except ResponseError as error:
            real = str(error).split()[0]
        try:
            simulated = self.simulated.run(script, keys, arguments)
        except RefusedError as error:
            simulated = str(error).split()[0]
        return real, simulated

    def _simulated(self, words: tuple[Any, ...]) -> Any:
        if words[0] != "XREADGROUP":
            return self.simulated.do(*words)
        names = words[8:]
        keys = [name.encode() for name in names[: len(names) // 2]]
        reply = self.simulated.read(words[2].encode(), words[5], None, keys).reply
        if (error := reply.exception()) is not None:
            raise error
        return reply.result()


def _form(command: str, reply: Any) -> Any:
    if command in ("HGETALL", "XINFO") and isinstance(reply, list):
        found = dict(zip(reply[::2], reply[1::2], strict=True))
        names = (b"length", b"last-generated-id", b"entries-added", b"groups")
        return found if command == "HGETALL" else {name: found[name] for name in names}
    return reply


@pytest.mark.parametrize("seed", range(4))
def test_commands_have_the_replies_of_a_real_server(server_url: str, prefix: str, seed: int) -> None:
    """Also those that fail, for a key of another type or without a group."""
    random = Random(seed)

    async def compare() -> None:
        both = Both(server_url)
        for _ in range(400):
            words = _command(random, prefix)
            real, simulated = both.ask(*words)
            assert real == simulated, words

    run(compare)


def _command(random: Random, prefix: str) -> Words:
    stream, other = (f"{prefix}:s{random.randrange(2)}" for _ in range(2))
    hash_, text, ranks = f"{prefix}:h", f"{prefix}:t", f"{prefix}:z"
    key = random.choice([stream, stream, hash_, text, ranks])
    entry = f"{random.randrange(1, 40)}-{random.randrange(3)}"
    group, field, member = random.choice("gh"), random.choice("abc"), random.choice("xyz")
    bounds = random.choice([("-", "+"), ("-", entry), (entry, "+"), (f"({entry}", "+"), ("-", f"({entry}")])
    commands: list[Words] = [
        ["XADD", stream, entry, "event", random.choice("abc")],
        ["XADD", key, entry, "event", "b", "more", "c"],
        ["XLEN", stream],
        ["XRANGE", stream, *bounds, "COUNT", random.randrange(1, 5)],
        ["XREVRANGE", stream, bounds[1], bounds[0], "COUNT", random.randrange(1, 5)],
        ["XRANGE", key, *bounds],
        ["XINFO", "STREAM", stream],
        ["XGROUP", "CREATE", stream, group, entry],
        ["XGROUP", "CREATE", other, group, "0-0", "MKSTREAM"],
        ["XGROUP", "DESTROY", stream, group],
        ["XGROUP", "SETID", stream, group, entry],
        ["XREADGROUP", "GROUP", group, "w", "COUNT", random.randrange(1, 4), "NOACK", "STREAMS", stream, ">"],
        ["HSET", hash_, field, "1", member, "2"],
        ["HSET", key, field, "1"],
        ["HGET", hash_, field],
        ["HMGET", hash_, field, "d"],
        ["HDEL", hash_, field, member],
        ["HGETALL", hash_],
        ["SET", text, "v", "PX", 100_000],
        ["GET", key],
        ["EXISTS", key],
        ["TYPE", key],
        ["ZADD", ranks, random.randrange(5), member],
        ["ZREM", ranks, member],
        ["ZRANGE", ranks, 0, -1],
        ["ZREMRANGEBYSCORE", ranks, "-inf", random.randrange(2)],
        ["ZREMRANGEBYSCORE", ranks, f"({random.randrange(3, 6)}", "+inf"],
    ]
    return random.choice([*commands, ["DEL", key]]) if random.random() < 0.1 else random.choice(commands)


@pytest.mark.parametrize("seed", range(4))
def test_scripts_have_the_replies_of_a_real_server(server_url: str, prefix: str, seed: int) -> None:
    """Takings, rewinds, renewals and commits by two workers, right and wrong; then all that is there."""
    random, keys = Random(seed), Keys(prefix, 0)
    stream, at = keys.input("word"), "0-0"

    async def compare() -> None:
        nonlocal at
        both = Both(server_url)
        for n in range(200):
            epoch, seq = (int(value or 0) for value in both.real.hmget(keys.checkpoint, "epoch", "seq"))
            taking = (both.real.hget(keys.checkpoint, "taking") or b"").decode()
            owner, wrong = random.choice(["ada", "bob"]), random.random() < 0.2
            seq += random.choice([-1, 1]) if wrong else 0
            group = keys.group(epoch, taking)
            at = f"{n + 1}-0" if random.random() < 0.5 else at
            calls: list[tuple[str, Words, Words]] = [
                (
                    scripts.TAKE,
                    [keys.checkpoint, keys.lease, stream],
                    [owner, "t", 100_000, random.randrange(2), f"{prefix}.", n, 1, 600_000, "word"],
                ),
                (scripts.RENEW, [keys.lease, keys.checkpoint], [f"{owner} t", 100_000, taking, seq]),
                (scripts.RELEASE, [keys.lease], [f"{owner} t"]),
                (
                    scripts.REWIND,
                    [keys.checkpoint, stream],
                    [random.choice([taking, "x"]), group, f"{group}.{n}", at],
                ),
                (
                    scripts.COMMIT,
                    [keys.checkpoint, keys.dead, stream, keys.state("counts"), keys.output("count")],
                    [
                        epoch,
                        taking,
                        seq,
                        2,
                        "in:word",
                        at,
                        "I",
                        3,
                        1,
                        at,
                        "S",
                        4,
                        2,
                        owner,
                        n,
                        "R",
                        4,
                        1,
                        "x",
                        "O",
                        5,
                        1,
                        n,
                    ],
                ),
            ]
            both.ask("XADD", stream, f"{n + 1}-0", "event", n) if at == f"{n + 1}-0" else None
            script, names, arguments = random.choice(calls)
            real, simulated = both.run(script, names, arguments)
            if script == scripts.TAKE and real[0] == 0:
                real, simulated = real[:2], simulated[:2]  # how long a lease lasts yet is the clock's matter
            assert real == simulated, (script, arguments)
        for key in (keys.checkpoint, keys.state("counts")):
            real, simulated = both.ask("HGETALL", key)
            assert real == simulated
        real, simulated = both.ask("XRANGE", keys.output("count"), "-", "+")
        assert [fields for _, fields in real] == [fields for _, fields in simulated]
        assert len(real) > 5

    run(compare)
