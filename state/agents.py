"""
The agents of a wallet, each read from what is stored when somebody first looks at it.

Rules kept here:

1. Whoever looks for an agent finds it, and always the same one; whether it was read before shows in nothing.
2. One of which a book keeps something beside it (a stop, a colour, an update that waits, a key) is read at
   once: among those that were read are all of these.
3. The exporter asks from a thread of its own; it reads nobody, and there is no moment at which it misses one.

To read an agent takes fifteen times as long as to see who it is, and a partition may have a hundred thousand:
it is taken over without having read them.
"""

from collections.abc import Iterator

from state.codec import AGENTS
from state.entities import Agent
from state.sketch import Sketch


class Agents:
    """Agents by id, in no order."""

    def __init__(self) -> None:
        self._read: dict[str, Agent] = {}
        self._stored: dict[str, bytes] = {}  # those that nobody looked at

    def keep(self, sketch: Sketch, stored: bytes) -> None:
        """Take in an agent as it is stored. Raises `msgspec.ValidationError` at once, or when it is read."""
        self._stored[sketch.id] = stored
        self._read.pop(sketch.id, None)  # where it comes twice
        if not sketch.trip is sketch.measure is sketch.update_due is sketch.public_key is None:
            self.get(sketch.id)

    def get(self, name: str) -> Agent | None:
        """Look up an agent; None where there is none."""
        agent = self._read.get(name)
        if agent is None:
            stored = self._stored.get(name)
            if stored is not None:
                agent = self._read[name] = AGENTS.decode(stored)
                del self._stored[name]  # only now: one that is found twice is not missed
        return agent

    def __getitem__(self, name: str) -> Agent:
        agent = self.get(name)
        if agent is None:
            raise KeyError(name)
        return agent

    def __setitem__(self, name: str, agent: Agent) -> None:
        self._read[name] = agent
        self._stored.pop(name, None)

    def __contains__(self, name: str) -> bool:
        return name in self._stored or name in self._read

    def __len__(self) -> int:
        return len(self._read) + len(self._stored)

    def __iter__(self) -> Iterator[str]:
        return iter([*self._stored, *self._read])

    def values(self) -> list[Agent]:
        """Return all agents; those that were not are read."""
        for name in list(self._stored):
            self.get(name)
        return list(self._read.values())

    def read(self) -> list[Agent]:
        """Return those that were read."""
        return list(self._read.values())

    def as_they_are(self) -> tuple[list[Agent], list[bytes]]:
        """Return those that were read, and what is stored of the others. Another thread may ask."""
        stored = self._stored.copy()  # before those that were read
        read = self._read.copy()
        return list(read.values()), [one for name, one in stored.items() if name not in read]

    def copied(self) -> "Agents":
        """Return agents as they would be loaded, were they stored now."""
        copy = Agents()
        copy._stored = dict(self._stored)
        copy._read = {name: AGENTS.decode(AGENTS.encode(agent)) for name, agent in self._read.items()}
        return copy
