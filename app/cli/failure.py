"""
Turns what can go wrong into one line and an exit code, in one place.

A bug is not caught: it shows itself. A worker logs it, so that what it leaves behind is lines of a log.
"""

from typing import Any

import click

from stream.errors import BrokenInvariantError, ConfigurationError, TransportError

_EXPECTED = (ConfigurationError, TransportError, BrokenInvariantError)


class FailingInOneLine(click.Group):
    """A group whose commands fail with exit code 1 and one line on stderr."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  # whatever a command returns
        """Run a command."""
        try:
            return super().invoke(ctx)
        except _EXPECTED as error:
            raise click.ClickException(sentence(error)) from None
        except BaseExceptionGroup as group:
            expected = group.subgroup(_EXPECTED)
            if expected is None or group.split(_EXPECTED)[1] is not None:
                raise
            raise click.ClickException(sentence(_first(expected))) from None


def sentence(error: BaseException) -> str:
    """Say what went wrong, and what to do about it, on one line."""
    text = " ".join(str(error).split())
    if isinstance(error, TransportError):
        return f"{text.removesuffix('.')}. See whether the server is well, then try again."
    return text


def _first(group: BaseExceptionGroup[Any]) -> BaseException:
    """One of the errors that ended a group of tasks; the others follow from it."""
    error: BaseException = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
