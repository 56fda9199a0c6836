"""The HTTP address that Prometheus scrapes."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, start_http_server


@contextmanager
def exporting(registry: CollectorRegistry, host: str, port: int) -> Iterator[int]:
    """
    Serve a registry while the block runs; gives the port, chosen by the system where 0 was asked for.

    Raises:
        OSError: the address is taken.

    """
    server, thread = start_http_server(port, addr=host, registry=registry)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
