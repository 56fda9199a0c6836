"""Real servers on loopback that stand in for each other: a cluster, and a master that sentinels watch."""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from redis.backoff import ConstantBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import RedisClusterException, RedisError
from redis.retry import Retry

from stream.keys import Keys
from tests.faults.server import Server, free_port, wait_until
from tests.support.programs import PROGRAMS, Program

SHARDS: Final = 3
NODE_TIMEOUT_MS: Final = 1000
_SLOTS: Final = 16384
_ALL_TLS: Final = {"tls-cluster": "yes", "tls-replication": "yes"}


class ClusterOfServers:
    """Three primaries, each with one replica."""

    def __init__(self, program: Program, servers: list[Server], bus: Mapping[Server, int]) -> None:
        self.program = program
        self.servers = servers
        self._bus = bus

    @property
    def url(self) -> str:
        """Where some of its nodes are."""
        places = ",".join(f"127.0.0.1:{server.port}" for server in self.servers[:SHARDS])
        return f"redis+cluster://{places}"

    @property
    def encrypted_url(self) -> str:
        """Where they are for TLS."""
        places = []
        for server in self.servers[:SHARDS]:
            with server.client() as one:
                places.append(f"127.0.0.1:{one.config_get('tls-port')['tls-port']}")
        return f"rediss+cluster://{','.join(places)}"

    def client(self) -> Any:
        """Make a client that follows the slots, and waits out a failover."""
        nodes = [ClusterNode("127.0.0.1", server.port) for server in self.servers]
        retry = Retry(ConstantBackoff(0.2), 50)
        return RedisCluster(startup_nodes=nodes, protocol=2, retry=retry, socket_timeout=5)

    def server_of(self, key: str) -> Server:
        """Find the primary that has a key now, as a node that lives tells."""
        return self._holders(key)[0]

    def replica_of(self, key: str) -> Server:
        """Find a replica of that primary."""
        return self._holders(key)[1]

    def is_well(self) -> bool:
        """Whether every node says that all is well and knows a replica of every primary, which is in step."""
        try:
            for server in self.servers:
                with server.client() as one:
                    if one.execute_command("CLUSTER INFO").get("cluster_state") != "ok":
                        return False
                    role = one.execute_command("ROLE")
                    if role[0] == b"master" and not role[2]:
                        return False
                    if role[0] == b"slave" and role[3] != b"connected":
                        return False
                    if not all(len(nodes) == 2 for _, _, *nodes in _slots(one)):
                        return False
        except RedisError:
            return False
        return True

    def form(self) -> None:
        """Make a cluster of the servers."""
        first = self.servers[0]
        for place, server in enumerate(self.servers):
            with server.client() as one:
                if place < SHARDS:
                    start, stop = _SLOTS * place // SHARDS, _SLOTS * (place + 1) // SHARDS - 1
                    one.execute_command("CLUSTER ADDSLOTSRANGE", start, stop)
                one.execute_command("CLUSTER SET-CONFIG-EPOCH", place + 1)
                one.execute_command("CLUSTER MEET", "127.0.0.1", first.port, self._bus[first])
        for place, server in enumerate(self.servers[SHARDS:]):
            with self.servers[place].client() as primary, server.client() as one:
                name = primary.execute_command("CLUSTER MYID")
                wait_until(lambda: _follows(one, name), 20, "nodes know each other")
        wait_until(self.is_well, 30, "the cluster is well")

    def _holders(self, key: str) -> list[Server]:
        by_port = {server.port: server for server in self.servers}
        for server in self.servers:
            with suppress(RedisError), server.client() as one:
                slot = one.execute_command("CLUSTER KEYSLOT", key)
                for start, stop, *nodes in _slots(one):
                    if start <= slot <= stop:
                        return [by_port[node[1]] for node in nodes]
        raise AssertionError(f"no node tells where {key} is")


def _slots(client: Any) -> Any:
    """Ranges of slots as a node says them: first, last, and the nodes, of which the first is the primary."""
    client.response_callbacks.pop("CLUSTER SLOTS", None)
    return client.execute_command("CLUSTER SLOTS")


def _follows(client: Any, primary: bytes) -> bool:
    with suppress(RedisError):
        client.execute_command("CLUSTER REPLICATE", primary)
        return True
    return False


@contextmanager
def cluster_in(
    folder: Path, program: Program = PROGRAMS[0], tls: Mapping[str, str] | None = None
) -> Iterator[ClusterOfServers]:
    """
    Run a cluster with its data in a folder; its servers end with the block.

    ``tls`` are certificates for the servers to show; then each has a port for it, beside the plain one.
    """
    with ExitStack() as stack:
        bus: dict[Server, int] = {}
        for place in range(2 * SHARDS):
            data = folder / f"node-{place}"
            port = free_port()
            config = {
                "cluster-enabled": "yes",
                "cluster-node-timeout": str(NODE_TIMEOUT_MS),
                "cluster-port": str(port),
                "repl-diskless-sync-delay": "0",
                **({"tls-port": str(free_port()), **_ALL_TLS, **tls} if tls else {}),
            }
            bus[stack.enter_context(Server(data, config, program=program))] = port
        cluster = ClusterOfServers(program, list(bus), bus)
        cluster.form()
        yield cluster


def home_of(partition: int = 0) -> str:
    """Name a key of a partition."""
    return Keys("sluicegate", partition).checkpoint


def wait_until_replaced(cluster: ClusterOfServers, key: str, old: Server) -> float:
    """Wait until another server is the primary of a key; return how long that took."""
    start = time.monotonic()

    def replaced() -> bool:
        new = _alive_primary(cluster, key, old)
        return new is not None

    wait_until(replaced, 30, "a replica takes over")
    return time.monotonic() - start


def _alive_primary(cluster: ClusterOfServers, key: str, old: Server) -> Server | None:
    for server in cluster.servers:
        if server is old:
            continue
        with suppress(RedisError, RedisClusterException), server.client() as one:
            if one.execute_command("ROLE")[0] == b"master" and one.exists(key):
                return server
    return None
