"""Reads a fleet file, and says on which line of it something cannot be."""

import tomllib
from pathlib import Path as File

import msgspec

from app.fleet.check import check_fleet
from app.fleet.problems import explain
from app.fleet.tables import FleetTable
from app.fleet.toml_lines import Path, line_of
from stream.errors import ConfigurationError


def read_fleet(file: File) -> FleetTable:
    """
    Read a fleet file.

    Raises:
        ConfigurationError: it is not there, is not TOML, or something in it cannot be; with the line.

    """
    try:
        text = file.read_bytes().decode()
        document = tomllib.loads(text)
    except OSError as error:
        raise ConfigurationError(f"Cannot read {file}: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} is not TOML: {error}.") from None

    def problem(path: Path, sentence: str) -> ConfigurationError:
        return ConfigurationError(f"{file}:{line_of(text, path)}: {sentence}")

    try:
        fleet = msgspec.convert(document, FleetTable)
    except msgspec.ValidationError as error:
        raise problem(*explain(error)) from None
    check_fleet(fleet, problem)
    return fleet
