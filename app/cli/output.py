"""How things are printed: JSON for programs, tables for people."""

import sys
from typing import Any, Final

import click
import msgspec
from rich.console import Console
from rich.table import Table

_PIPED_WIDTH: Final = 240  # a table in a pipe is not to be cut to the width of a terminal that is not there

COLOURS: Final = {"green": "green", "yellow": "yellow", "orange": "dark_orange", "red": "bold red"}


def print_json(document: Any) -> None:  # noqa: ANN401  # anything that is JSON
    """Print a document, indented."""
    click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2))


def console(*, wide: bool = False) -> Console:
    """
    Console on stdout, which prints what it is given: a bracket in a sentence is no markup.

    A wide one leaves it to a narrow terminal to break lines, because it would cut figures.
    """
    width = None if sys.stdout.isatty() and not wide else _PIPED_WIDTH
    return Console(highlight=False, markup=False, emoji=False, width=width)


def table(*columns: str, right: tuple[str, ...] = (), fold: tuple[str, ...] = ()) -> Table:
    """
    Make a table.

    Args:
        columns: their titles.
        right: columns of figures.
        fold: columns whose text may go on in the next line.

    """
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(
            column,
            justify="right" if column in right else "left",
            no_wrap=column not in fold,
            overflow="fold",
        )
    return made
