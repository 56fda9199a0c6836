"""The worker's HTTP address: what it answers, also while the event loop is blocked."""

import json
import socket
import time
import urllib.error
import urllib.request
from threading import Thread
from typing import Any

import anyio
import anyio.to_thread
import pytest
from prometheus_client import CollectorRegistry

from metrics import health as health_module
from metrics.exporter import exporting
from metrics.health import Health
from metrics.observe import EngineObserver


def get(port: int, path: str, host: str = "127.0.0.1") -> tuple[int, str]:
    """Status and body of a page."""
    try:
        with urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_the_exporter_answers_over_http_and_frees_its_port() -> None:
    """While the block runs the registry can be scraped; afterwards the address is free again."""
    registry = CollectorRegistry()
    EngineObserver(registry).owned(0, 1)

    with exporting(registry, Health(1), "127.0.0.1", 0) as port:
        status, text = get(port, "/metrics")
    with exporting(registry, Health(1), "127.0.0.1", port) as again:
        assert again == port

    assert status == 200
    assert 'sluicegate_partition_owned{partition="0"} 1.0' in text


def test_readiness_is_a_status_and_sentences() -> None:
    """503 with what is wrong, 200 with nothing; liveness is another matter."""
    health = Health(1)
    with exporting(CollectorRegistry(), health, "127.0.0.1", 0) as port:
        status, text = get(port, "/readyz")
        assert status == 503
        assert json.loads(text) == {
            "ready": False,
            "problems": ["Partition 0 has not been asked for yet."],
        }
        assert get(port, "/healthz") == (200, '{"alive": true, "problems": []}\n')

        health.owned(0, 1)
        assert get(port, "/readyz") == (200, '{"ready": true, "problems": []}\n')


def test_another_path_says_what_there_is() -> None:
    """404, in a sentence."""
    with exporting(CollectorRegistry(), Health(1), "127.0.0.1", 0) as port:
        status, text = get(port, "/")

    assert status == 404
    assert "/healthz" in json.loads(text)["problems"][0]


@pytest.mark.skipif(not socket.has_ipv6, reason="there is no IPv6 here")
def test_it_listens_on_ipv6() -> None:
    """As Kubernetes' dual stack may ask for."""
    try:
        with exporting(CollectorRegistry(), Health(0), "::1", 0) as port:
            assert get(port, "/readyz", "[::1]")[0] == 200
    except OSError:
        pytest.skip("there is no IPv6 loopback here")


def test_a_client_that_says_nothing_holds_up_nobody() -> None:
    """A probe is answered beside it, and the end does not wait for it."""
    with socket.socket() as silent:
        with exporting(CollectorRegistry(), Health(0), "127.0.0.1", 0) as port:
            silent.connect(("127.0.0.1", port))
            assert get(port, "/healthz")[0] == 200
            start = time.monotonic()
        assert time.monotonic() - start < 2


def test_a_blocked_event_loop_is_seen_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exporter's threads answer 503 while the loop is held, and 200 once it turns again."""
    monkeypatch.setattr(health_module, "_STALLED_S", 0.2)
    health = Health(0)
    answers: list[tuple[int, Any]] = []

    def ask_while_it_is_blocked(port: int) -> None:
        time.sleep(0.5)
        for page in ("/healthz", "/readyz"):
            status, text = get(port, page)
            answers.append((status, json.loads(text)["problems"]))

    async def beat() -> None:
        while True:
            health.beat()
            await anyio.sleep(0.02)

    async def hold(port: int) -> tuple[int, str]:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(beat)
            await anyio.sleep(0.1)
            asking = Thread(target=ask_while_it_is_blocked, args=(port,))
            asking.start()
            asking.join()  # the loop is held, on purpose
            await anyio.sleep(0.1)
            answer = await anyio.to_thread.run_sync(get, port, "/healthz")
            tasks.cancel_scope.cancel()
        return answer

    with exporting(CollectorRegistry(), health, "127.0.0.1", 0) as port:
        status, _ = anyio.run(hold, port)

    assert status == 200
    assert [status for status, _ in answers] == [503, 503]
    for _, (problem,) in answers:
        assert problem.startswith("The event loop has not turned for ")
