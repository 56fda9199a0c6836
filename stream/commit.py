"""
Makes a batch's outcome visible, all of it or nothing.

Rules kept here:

1. A commit is compare-and-set: it names the epoch, its taking and the sequence number it builds on, and the
   last entries that were read: a failover takes back commits, takings and input alike.
2. It is sent once. Whoever does not hear the answer looks at the checkpoint: one higher and our epoch, and it
   has landed; another epoch, and we are fenced; the same, and everything is dropped and loaded again under a
   new epoch, which also refuses a commit that is still on its way.
3. Where replicas count, a commit is confirmed when one of them has it. One that is not, or of which that is
   not known, is loaded again like one that did not land: the taking that comes first waits for a replica too,
   and what a replica has of the taking it has of all before.
"""

from collections.abc import Sequence

from stream import scripts
from stream.checkpoint import Checkpoint, fields, read_checkpoint
from stream.client import Argument, Client
from stream.errors import FencedError, FullError, TransportError, UnconfirmedError
from stream.keys import Keys
from stream.types import Outcome


class Committer:
    """Commits the outcomes of one ownership, one after the other."""

    def __init__(self, client: Client, keys: Keys, inputs: Sequence[str], checkpoint: Checkpoint) -> None:
        """Build on a checkpoint. The client must not retry: a second try would be refused."""
        self._client = client
        self._keys = keys
        self._inputs = inputs
        self._epoch = checkpoint.epoch
        self._taking = checkpoint.taking
        self._seq = checkpoint.seq

    async def commit(self, outcome: Outcome) -> None:
        """
        Write an outcome.

        Raises:
            FencedError: the partition has another owner.
            FullError: the server has no room for it; nothing of it is visible, and it may be tried again.
            TransportError: it has not landed; nothing of it is visible.
            UnconfirmedError: it has landed, and may be taken back.
            ConfigurationError: a key to be written has another type.

        """
        names, arguments = self._pack(outcome)
        try:
            reply = await self._client.run_durably(scripts.COMMIT, names, arguments)
        except (FullError, UnconfirmedError):
            raise  # nothing of it is written, or all of it
        except TransportError as error:
            await self._look_whether_landed(error)
        else:
            if not reply[0]:
                raise self._refused(*reply[1:])
        self._seq += 1

    @property
    def seq(self) -> int:
        """Number of the last confirmed commit."""
        return self._seq

    async def _look_whether_landed(self, cause: Exception) -> None:
        checkpoint = await read_checkpoint(self._client, self._keys, self._inputs)
        if checkpoint.taking != self._taking or checkpoint.epoch != self._epoch:
            raise self._fenced(checkpoint.epoch)
        if checkpoint.seq == self._seq:
            raise TransportError(f"a commit did not land: {cause}") from cause
        if checkpoint.seq != self._seq + 1:
            raise self._rolled_back(checkpoint.seq)
        if self._client.replicated:
            raise UnconfirmedError(f"a commit landed, and whether a replica has it was not heard: {cause}")

    def _refused(self, *reply: bytes) -> Exception:
        if len(reply) == 1:
            return TransportError(f"an entry of {reply[0].decode()} that was read is not there any more")
        epoch, taking, seq = reply
        if int(epoch) != self._epoch or taking.decode() != self._taking:
            return self._fenced(int(epoch))
        return self._rolled_back(int(seq))

    def _fenced(self, epoch: int) -> FencedError:
        return FencedError(f"epoch {self._epoch} ended, the partition is at epoch {epoch}")

    def _rolled_back(self, seq: int) -> TransportError:
        # A failover took commits back, state and outputs with them.
        return TransportError(f"the partition is at commit {seq}, where {self._seq} was confirmed")

    def _pack(self, outcome: Outcome) -> tuple[list[str], list[Argument]]:
        names = [self._keys.checkpoint, self._keys.dead]
        position = fields(self._inputs, outcome.positions, outcome.applied)
        arguments: list[Argument] = [self._epoch, self._taking, self._seq, len(position), *position]
        for place, entry_id in outcome.read.items():
            names.append(self._keys.input(self._inputs[place]))
            arguments += ["I", len(names), 1, entry_id]
        for kind, changes in outcome.state.items():
            names.append(self._keys.state(kind))
            if changes.written:
                arguments += ["S", len(names), 2 * len(changes.written)]
                for field, value in changes.written.items():
                    arguments += (field, value)
            if changes.removed:
                arguments += ["R", len(names), len(changes.removed), *changes.removed]
        by_stream: dict[str, list[bytes]] = {}
        for stream, event in outcome.outputs:
            by_stream.setdefault(stream, []).append(event)
        for stream, events in by_stream.items():
            names.append(self._keys.output(stream))
            arguments += ["O", len(names), len(events), *events]
        if outcome.dead:
            arguments += ["D", 6 * len(outcome.dead)]
            for letter in outcome.dead:
                arguments += (letter.stream, letter.id, letter.event, letter.reason, letter.detail)
                arguments.append(letter.signature or b"")
        return names, arguments
