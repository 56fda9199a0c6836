"""What the tests with real processes share: a server of the test's own, and a seed that is printed."""

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random, SystemRandom

import pytest

from tests.faults.cluster import ClusterOfServers, cluster_in
from tests.faults.server import Server
from tests.support.programs import EACH_AT_LENGTH


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Start a server with an append-only file for this test alone."""
    with Server(tmp_path / "valkey") as server:
        yield server


@pytest.fixture(params=EACH_AT_LENGTH)
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ClusterOfServers]:
    """Start a cluster of each program in turn for this test alone."""
    with cluster_in(tmp_path, request.param) as cluster:
        yield cluster


@pytest.fixture
def random() -> Random:
    """Draw from a seed that is printed; FAULTS_SEED repeats a run."""
    seed = int(os.environ.get("FAULTS_SEED") or SystemRandom().randrange(2**32))
    print(f"FAULTS_SEED={seed}")  # noqa: T201  # whoever sees it fail wants to know
    return Random(seed)
