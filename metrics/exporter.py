"""The HTTP address of a worker: what Prometheus scrapes, and what tells whether it is alive and ready."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from socket import AF_INET6
from socketserver import ThreadingMixIn
from threading import Thread
from typing import TYPE_CHECKING, Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app

from metrics.health import Health

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PATIENCE_S: Final = 10.0  # with a client that sends nothing


@contextmanager
def exporting(registry: CollectorRegistry, health: Health, host: str, port: int) -> Iterator[int]:
    """
    Serve a registry and the state of health while the block runs, in threads of its own.

    Gives the port, chosen by the system where 0 was asked for.

    Raises:
        OSError: the address is taken.

    """
    server_class = _Server6 if ":" in host else _Server
    with make_server(host, port, pages(registry, health), server_class, _Handler) as server:
        thread = Thread(target=server.serve_forever, name="exporter", daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def pages(registry: CollectorRegistry, health: Health) -> "WSGIApplication":
    """Return the WSGI application: ``/metrics``, ``/healthz`` and ``/readyz``."""
    metrics: WSGIApplication = make_wsgi_app(registry)

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        match environ["PATH_INFO"]:
            case "/metrics":
                return metrics(environ, start_response)
            case "/healthz":
                return _verdict(start_response, "alive", health.stalls())
            case "/readyz":
                return _verdict(start_response, "ready", health.troubles())
        problem = "There is nothing here: ask for /metrics, /healthz or /readyz."
        return _json(start_response, HTTPStatus.NOT_FOUND, {"problems": [problem]})

    return answer


def _verdict(start_response: "StartResponse", what: str, problems: list[str]) -> Iterable[bytes]:
    status = HTTPStatus.SERVICE_UNAVAILABLE if problems else HTTPStatus.OK
    return _json(start_response, status, {what: not problems, "problems": problems})


def _json(start_response: "StartResponse", status: HTTPStatus, body: dict[str, Any]) -> Iterable[bytes]:
    text = json.dumps(body).encode() + b"\n"
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(text))),
        ("Cache-Control", "no-store"),
    ]
    start_response(f"{status.value} {status.phrase}", headers)
    return [text]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True  # a slow client does not hold up the end of the process


class _Server6(_Server):
    address_family = AF_INET6


class _Handler(WSGIRequestHandler):
    timeout = _PATIENCE_S

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
        """Say nothing: a scrape or a probe is no news."""
