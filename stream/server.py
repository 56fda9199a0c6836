"""
Where a command goes: to the one server, or to the node of a cluster that has its key.

Rules kept here:

1. A command is sent once, whatever comes of it. redis-py's own cluster client follows redirections and may
   send again; here a redirection is an error like another, and the next command looks at the topology anew.
2. Keys of one partition share a slot, so that a command needs to name only one of them.
"""

from collections.abc import Sequence
from typing import Any, Final

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.exceptions import (
    AskError,
    ClusterError,
    ConnectionError,  # noqa: A004  # redis-py's
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    SlotNotCoveredError,
    TimeoutError,  # noqa: A004  # redis-py's
    TryAgainError,
)

from stream.errors import ConfigurationError
from stream.link import Command, Exchange, over

Key = str | None
"""Key that a command is about; None: any server may answer."""

FAILURES: Final = (RedisError, RedisClusterException, OSError)
_MOVED: Final = (
    *(AskError, ClusterError, ConnectionError, ReadOnlyError, RedisClusterException, TimeoutError),
    *(TryAgainError, OSError),
)
_PARTING: Final = (ConnectionError, ReadOnlyError)  # of a server that closes, or is no master any more
_A_NODE: Final = "The server is a node of a cluster: begin its address with redis+cluster, or rediss+cluster."
_OF_ANY: Final = ("PING", "TIME")
_OF_THE_THIRD: Final = ["XGROUP", "XINFO"]
_OF_STREAMS: Final = ["XREAD", "XREADGROUP"]


def key_of(command: Command) -> Key:
    """Return the first key that a command names."""
    name = command[0]
    if name in _OF_ANY:
        return None
    if name in _OF_STREAMS:
        return str(command[command.index("STREAMS") + 1])
    return str(command[2 if name in _OF_THE_THIRD else 1])


class OneServer:
    """A server, or the one that Sentinel says is the master; each new connection asks it again."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._pool = redis.connection_pool
        self._idle: list[Exchange] = []
        self._busy: list[Exchange] = []

    async def send(self, key: Key, command: Command) -> Any:  # noqa: ANN401, ARG002  # a reply's shape depends on the command
        """Send a command. Raises one of `FAILURES`, and `ConfigurationError` where it is no server alone."""
        reply = (await self._exchange([command]))[0]
        if isinstance(reply, RedisError):
            raise reply
        return reply

    async def send_all(self, commands: Sequence[tuple[Key, Command]]) -> list[Any]:
        """Send commands on one connection, and return reply or failure of each. Raises as `send` does."""
        return await self._exchange([command for _, command in commands])

    async def _exchange(self, commands: Sequence[Command]) -> list[Any]:
        link = await self._take()
        self._busy.append(link)
        try:
            replies = await link.exchange(commands)
        except BaseException:  # cancelled ones too: a reply may still come
            await self._give_up(link)
            raise
        finally:
            self._busy.remove(link)
        if any(isinstance(reply, _PARTING) for reply in replies):
            await self._give_up(link)
        else:
            self._idle.append(link)
        for reply in replies:
            if isinstance(reply, AskError):
                raise ConfigurationError(_A_NODE) from reply
        return replies

    async def sent(self) -> None:
        """Wait until every command that was sent has left."""
        for link in list(self._busy):
            await link.sent()

    async def _take(self) -> Exchange:
        """Take a link that is idle, or open one. redis-py's pool counts it as in use until it is given up."""
        while self._idle:
            link = self._idle.pop()
            if link.is_open:
                return link
            await self._give_up(link)
        connection = await self._pool.get_connection()
        try:
            return over(connection)
        except BaseException:
            await self._pool.release(connection)
            raise

    async def _give_up(self, link: Exchange) -> None:
        await link.close()
        await self._pool.release(link.connection)

    def together(self, keys: Sequence[str]) -> list[list[str]]:
        """Keys in groups, of which one command may name all."""
        return [list(keys)]

    async def drop(self) -> None:
        """Close the connections; the next command opens new ones."""
        await self._pool.disconnect(inuse_connections=True)

    async def close(self) -> None:
        """Close the client for good."""
        await self._redis.aclose()


class Cluster:
    """The nodes of a cluster, of which one has a slot at a time."""

    def __init__(self, redis: RedisCluster) -> None:
        # What the client itself asks for when it learns the topology has to keep its shape.
        for name in [name for name in redis.response_callbacks if not str(name).startswith("COMMAND")]:
            del redis.response_callbacks[name]
        self._redis = redis
        self._named = dict(redis.nodes_manager.startup_nodes)

    async def send(self, key: Key, command: Command) -> Any:  # noqa: ANN401  # as above
        """Send a command to the node that has a key. Raises one of `FAILURES`."""
        try:
            node = await self._node(key)
            return await node.execute_command(*command)
        except _MOVED:
            await self.drop()
            raise

    async def send_all(self, commands: Sequence[tuple[Key, Command]]) -> list[Any]:
        """
        Send commands, those for one node on one connection, and return reply or failure of each.

        Raises one of `FAILURES`.
        """
        try:
            await self._redis.initialize()
            pipeline = self._redis.pipeline()
            for key, command in commands:
                pipeline.execute_command(*command, target_nodes=await self._node(key))
            found: list[Any] = await pipeline.execute(raise_on_error=False, allow_redirections=False)
        except _MOVED:
            await self.drop()
            raise
        if any(isinstance(one, _MOVED) for one in found):
            await self.drop()
        return found

    async def sent(self) -> None:
        """Do nothing: how far a node's client got is not known."""

    def together(self, keys: Sequence[str]) -> list[list[str]]:
        """Keys in groups, of which one command may name all."""
        groups: dict[int, list[str]] = {}
        for key in keys:
            groups.setdefault(self._redis.keyslot(key), []).append(key)
        return list(groups.values())

    async def drop(self) -> None:
        """Close the connections; the next command learns the topology and opens new ones."""
        await self._redis.aclose()
        # Of nodes that were found only addresses are known, which may all have changed; names have not.
        for name, node in self._named.items():
            self._redis.nodes_manager.startup_nodes.setdefault(name, node)

    async def close(self) -> None:
        """Close the client for good."""
        await self.drop()
        await self._redis.nodes_manager.aclose("startup_nodes")

    async def _node(self, key: Key) -> ClusterNode:
        await self._redis.initialize()
        if key is None:
            return self._redis.get_default_node()
        nodes = self._redis.nodes_manager.slots_cache.get(self._redis.keyslot(key))
        if not nodes:
            raise SlotNotCoveredError(f"no node of the cluster has the slot of {key}")
        return nodes[0]
