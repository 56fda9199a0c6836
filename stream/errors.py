"""What can go wrong with a stream, sorted by what the engine does about it."""


class MalformedError(Exception):
    """
    An entry that cannot be applied: it becomes a dead letter and the stream goes on.

    ``reason`` is a stable snake_case word, ``detail`` a sentence for a person.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class TransportError(Exception):
    """The server is away or its reply was lost: everything in memory is dropped and loaded again."""


class UnconfirmedError(TransportError):
    """What was written is on the server, and no replica is known to have it: a failover may take it back."""


class FullError(TransportError):
    """The server is full, in memory or on its disk: it refused a write whole, which may be tried again."""


class FencedError(Exception):
    """Another worker owns the partition now: let go of it and commit nothing more."""


class ConfigurationError(Exception):
    """Something a person has to put right before the worker can run; the message says what."""


class BrokenInvariantError(Exception):
    """What must never be: the worker ended before it committed; the message says where, in a sentence."""
