"""A road to the server that can break on one side only, as a middlebox or a frozen host does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import anyio
from anyio.abc import ByteStream, SocketAttribute, SocketStream


class Proxy:
    """Passes bytes on between clients and one server."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._clients: set[SocketStream] = set()
        self.url = ""

    async def cut(self) -> None:
        """Close what leads to clients; the server sees its connections go on."""
        for client in list(self._clients):
            await anyio.aclose_forcefully(client)
        self._clients.clear()

    async def serve(self, client: SocketStream) -> None:
        """Pass one client's bytes on, and back, until the server closes."""
        self._clients.add(client)
        server = await anyio.connect_tcp(self._host, self._port)
        async with server, anyio.create_task_group() as tasks:
            tasks.start_soon(_pass_on, client, server)
            await _pass_on(server, client)
            tasks.cancel_scope.cancel()
        self._clients.discard(client)


async def _pass_on(source: ByteStream, target: ByteStream) -> None:
    try:
        while True:
            data = await source.receive()
            try:
                await target.send(data)
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                # The other end hears nothing of it: what comes for it is swallowed.
                continue
    except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
        return


@asynccontextmanager
async def proxy_of(url: str) -> AsyncIterator[Proxy]:
    """Open a proxy in front of the server at a URL."""
    address = urlsplit(url)
    assert address.hostname
    assert address.port
    proxy = Proxy(address.hostname, address.port)
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(SocketAttribute.local_port)  # noqa: S610  # it has nothing to do with Django
    proxy.url = f"redis://127.0.0.1:{port}"
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, proxy.serve)
        yield proxy
        tasks.cancel_scope.cancel()
