"""Being told to stop is no failure, at whatever moment."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stopped_by_signal() -> Iterator[None]:
    """
    Have SIGTERM and Ctrl-C unwind what runs inside, and end it well.

    A worker listens for both itself once it runs; this is for before and after.
    """
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        return
    finally:
        signal.signal(signal.SIGTERM, before)
