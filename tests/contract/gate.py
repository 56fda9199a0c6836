"""A gate before a real server: lets commands through, or answers them as a server in trouble does."""

import socket
import struct
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

import anyio
import hiredis
from anyio.abc import Listener, SocketAttribute, SocketStream, TaskGroup

Which = Callable[[list[bytes]], bool]

_ABRUPTLY: Final = struct.pack("ii", 1, 0)
_BROKEN: Final = (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError)


def every(command: list[bytes]) -> bool:  # noqa: ARG001  # whatever it is
    """All commands."""
    return True


def writes(command: list[bytes]) -> bool:
    """Commands that a server takes for writing."""
    return command[0] in {b"EVALSHA", b"EVAL", b"XADD", b"XREADGROUP", b"XTRIM"}


def reads(command: list[bytes]) -> bool:
    """Reads of a group."""
    return command[0] == b"XREADGROUP"


def digests(command: list[bytes]) -> bool:
    """Scripts by their digest."""
    return command[0] == b"EVALSHA"


def commits(command: list[bytes]) -> bool:
    """Commits: scripts whose second key is that of the dead letters."""
    return command[0] in {b"EVALSHA", b"EVAL"} and command[4:5] != [] and command[4].endswith(b":dead")


class Gate:
    """
    Stands between clients and one server, and passes one command of a connection on at a time.

    While there is trouble, an ``answer`` that begins with ``-`` is what the commands that are ``hit`` get;
    ``silence`` is no answer at all, ``half`` the first half of one and then the end of the connection,
    ``reset`` its end at once. ``shut`` is a port at which nobody listens, ``crowded`` a server that takes no
    more clients.
    """

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._server = (str(address.hostname), address.port or 0)
        self._answer = ""
        self._hit: Which = every
        self._connections: set[SocketStream] = set()
        self._listener: Listener[SocketStream] | None = None
        self._port = 0
        self.asked: Counter[str] = Counter()  # commands that were hit, and connections that got no further
        self.url = ""

    async def open(self, tasks: TaskGroup) -> None:
        """Listen, at the same port as before."""
        self._answer = ""
        if self._listener is None:
            listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=self._port)
            self._port = listener.extra(SocketAttribute.local_port)  # noqa: S610  # not Django
            self.url = f"redis://127.0.0.1:{self._port}"
            self._listener = listener
            tasks.start_soon(self._listen, listener)

    async def _listen(self, listener: Listener[SocketStream]) -> None:
        try:
            await listener.serve(self._serve)
        except* anyio.ClosedResourceError:
            pass  # nobody listens any more

    async def trouble(self, answer: str, hit: Which) -> None:
        """Begin to answer so."""
        self._answer, self._hit = answer, hit
        if answer == "shut" and self._listener is not None:
            await self._listener.aclose()
            self._listener = None
        if answer in {"crowded", "reset", "shut"}:
            for one in list(self._connections):
                await anyio.aclose_forcefully(one)

    async def _serve(self, client: SocketStream) -> None:
        if self._answer == "crowded":
            self.asked["connection"] += 1
            with suppress(*_BROKEN):
                await client.receive()
                await client.send(b"-ERR max number of clients reached\r\n")
                await client.aclose()
            return
        self._connections.add(client)
        with suppress(*_BROKEN):
            async with client, await anyio.connect_tcp(*self._server) as server:
                await self._pass_on(client, server)
        self._connections.discard(client)

    async def _pass_on(self, client: SocketStream, server: SocketStream) -> None:
        asked = hiredis.Reader()
        while True:
            asked.feed(await client.receive())
            while (command := asked.gets()) is not False:
                if self._answer and self._hit(command):
                    self.asked[command[0].decode()] += 1
                    await self._refuse(client)
                else:
                    await server.send(_encoded(command))
                    await client.send(await _reply(server))

    async def _refuse(self, client: SocketStream) -> None:
        match self._answer:
            case "silence":
                await anyio.sleep_forever()
            case "half":
                await client.send(b"*2\r\n$100\r\nhalf of")
                raise anyio.EndOfStream
            case "reset":
                _reset(client)
                raise anyio.EndOfStream
            case _:
                await client.send(self._answer.encode() + b"\r\n")


def _reset(client: SocketStream) -> None:
    """Have the connection end with a reset rather than in order."""
    raw: socket.socket = client.extra(SocketAttribute.raw_socket)  # noqa: S610  # not Django
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABRUPTLY)


def _encoded(command: list[bytes]) -> bytes:
    return b"*%d\r\n" % len(command) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in command)


async def _reply(server: SocketStream) -> bytes:
    """One whole reply, as it came."""
    reader, raw = hiredis.Reader(), b""
    while True:
        data = await server.receive()
        raw += data
        reader.feed(data)
        if reader.gets() is not False:
            return raw
